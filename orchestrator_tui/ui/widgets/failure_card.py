"""FailureCard: why a run failed, on one page, and how to go on."""

from __future__ import annotations

from collections.abc import Sequence

from textual.reactive import reactive

from orchestrator_tui.primitives.safe_text import safe_text, strip_sequences
from orchestrator_tui.state.formatting import counted
from orchestrator_tui.state.observations import EarlierRun
from orchestrator_tui.state.run_view import ErrorCard, RunView
from orchestrator_tui.state.same_failure import EarlierFailure, failure_words
from orchestrator_tui.ui.failure_text import first_error, named_place
from orchestrator_tui.ui.look import stage_look, symbol_of
from orchestrator_tui.ui.widgets.lines import Line, Span, entitle
from orchestrator_tui.ui.widgets.reading_pane import ReadingPane, folded_lines

LABEL_CELLS = 10
INDENT = 3
HEAD_LINES = 10  # of an error output that is longer than both together
TAIL_LINES = 30


def shown_stderr(lines: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    """Return the lines to show, and after how many of them others are left out; 0 for none."""
    if len(lines) <= HEAD_LINES + TAIL_LINES:
        return lines, 0
    return lines[:HEAD_LINES] + lines[-TAIL_LINES:], HEAD_LINES


def ways_to_go_on(view: RunView) -> str:
    """Return the keys that run a failed run again, or why it cannot go on."""
    if view.resume_refusal is not None:
        return f"r n new run   (no resume: {safe_text(view.resume_refusal)})"
    return "r run again: f resume, s from a stage, n new"


def _failures(earlier: Sequence[EarlierRun]) -> tuple[EarlierFailure, ...]:
    """Return the error line of each stage that failed in earlier runs."""
    return tuple(
        EarlierFailure(
            run.key.short,
            run.has_failed,
            {
                error.stage_id: first_error(map(strip_sequences, error.stderr.split("\n"))) or ""
                for error in run.errors
            },
        )
        for run in earlier
    )


class FailureCard(ReadingPane):
    """The failures of a run, what stands in the way first."""

    view: reactive[RunView | None] = reactive(None, init=False, repaint=False)

    def watch_view(self, old: RunView | None, new: RunView | None) -> None:
        """Show other failures; time alone changes nothing here."""
        if new is None:
            return
        if old is None or (old.errors, old.earlier) != (new.errors, new.earlier):
            self.rebuild()
        entitle(self, "Why it failed", ways_to_go_on(new))

    def build(self, width: int) -> Sequence[Line]:
        """Return the cards one after the other, then the ways to run again."""
        view = self.view
        if view is None:
            return ()
        of = len(view.errors)
        return [
            line
            for number, card in enumerate(view.errors, 1)
            for line in self._card(card, number, of, width)
        ]

    def _card(self, card: ErrorCard, number: int, of: int, width: int) -> list[Line]:
        look = stage_look("failed")
        symbol = symbol_of(look, ascii_only=self.ascii_only)
        style = "muted" if card.is_past else f"state--{look.style}"
        past = "   before the present attempt" if card.is_past else ""
        head = f" {symbol} stage {card.index} {safe_text(card.title)}   {safe_text(card.words)}"
        count = Span(f"   {number} of {of}{past}" if of > 1 else past, "muted")
        lines: list[Line] = [(Span(head, style), count), ()]
        for label, text, emphasis in self._told(card, self.view.earlier if self.view else ()):
            lines += _labelled(label, text, width, emphasis)
        lines.append(())
        if card.stderr:
            lines += self._stderr(card, width)
            lines.append(())
        return lines

    @staticmethod
    def _told(card: ErrorCard, earlier: tuple[EarlierRun, ...]) -> list[tuple[str, str, str]]:
        plain = [strip_sequences(line) for line in card.stderr]
        line = first_error(plain) or ""
        past = "" if card.is_past else failure_words(card.stage_id, line, _failures(earlier))
        moment = f"{card.at.astimezone():%b %d %H:%M:%S}" if card.at else ""
        told = [
            ("error", line, "strong"),
            ("at", named_place(plain) or "", "key"),
            ("before", past, ""),
            ("command", card.command or "", ""),
            ("reason", card.reason, ""),
            ("ended", moment, ""),
            ("file", card.path or "", ""),
        ]
        return [(label, text, style) for label, text, style in told if text]

    @staticmethod
    def _stderr(card: ErrorCard, width: int) -> list[Line]:
        shown, gap_after = shown_stderr(card.stderr)
        cut = f"   {card.cut}" if card.cut else ""
        lines: list[Line] = [(Span(" stderr", "muted"), Span(cut, "muted"))]
        for number, text in enumerate(shown):
            if gap_after and number == gap_after:
                left_out = counted(len(card.stderr) - len(shown), "line")
                lines.append((Span(f"{' ' * INDENT}.. {left_out} left out here ..", "muted"),))
            lines += folded_lines(safe_text(text), width, indent=INDENT, style="stderr")
        return lines


def _labelled(label: str, text: str, width: int, style: str) -> list[Line]:
    first, *others = folded_lines(safe_text(text), width, indent=LABEL_CELLS + 1, style=style)
    head = (Span(f" {label:<{LABEL_CELLS}}", "muted"), *first[1:])
    return [head, *others]
