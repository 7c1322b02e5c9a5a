"""FailureCard: why a run failed, on one page, and how to go on."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.reactive import reactive

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.state.formatting import counted
from orchestrator_tui.state.run_view import ErrorCard, RunView
from orchestrator_tui.ui.asked import EditAsked
from orchestrator_tui.ui.card_text import (
    Told,
    error_at,
    headline,
    output_words,
    place_in,
    shown_output,
    told_of,
    ways_to_go_on,
)
from orchestrator_tui.ui.keymap import Named, edge_words, hint
from orchestrator_tui.ui.keys import CARD_KEYS
from orchestrator_tui.ui.look import stage_look, symbol_of
from orchestrator_tui.ui.widgets.cells import broken_at_spaces, fit
from orchestrator_tui.ui.widgets.lines import Line, Span, entitle
from orchestrator_tui.ui.widgets.reading_pane import ReadingPane, folded_lines

LABEL_CELLS = 9
INDENT = 3
WAY_CELLS = 5
TWO_COLUMNS_FROM_CELLS = 74


class FailureCard(ReadingPane):
    """The failures of a run, what stands in the way first; keys speak of the one marked `>`."""

    BINDINGS = CARD_KEYS

    view: reactive[RunView | None] = reactive(None, init=False, repaint=False)

    def __init__(
        self,
        named: Named,
        *,
        id: str | None = None,
        classes: str | None = None,
        ascii_only: bool = False,
    ) -> None:
        super().__init__(id=id, classes=classes, ascii_only=ascii_only)
        self._key_names = named
        self._at = 0
        self._heads: list[int] = []

    @property
    def chosen(self) -> ErrorCard | None:
        """The failure that keys speak of."""
        errors = self.view.errors if self.view else ()
        return errors[min(self._at, len(errors) - 1)] if errors else None

    @property
    def place(self) -> str | None:
        """The place in the source that the chosen failure names."""
        card = self.chosen
        return place_in(card) if card else None

    def watch_view(self, old: RunView | None, new: RunView | None) -> None:
        """Show other failures; time alone changes nothing here."""
        if new is None:
            return
        self._at = min(self._at, max(0, len(new.errors) - 1))
        if old is None or _shown(old) != _shown(new):
            self.rebuild()
            self._tell()

    def _tell(self) -> None:
        count = len(self.view.errors) if self.view else 0
        which = f"   {self._at + 1} of {count}   . , next, previous" if count > 1 else ""
        place = self.place
        opens = [hint(f"opens {place}", "log.editor")] if place else []
        hints = (*opens, hint("full log", "app.full_log"), hint("run again", "run.again"))
        entitle(self, f"Why it failed{which}", edge_words(hints, self._key_names))

    def action_problem(self, direction: int) -> None:
        """Go to the next (1) or the previous (-1) failure."""
        count = len(self.view.errors) if self.view else 0
        self._at = (self._at + direction) % max(1, count)
        self.rebuild()
        self._tell()
        if self._at < len(self._heads):
            self.scroll_to(y=self._heads[self._at], animate=False)

    def action_edit(self) -> None:
        """Open the place in the source that the failure names."""
        card, place = self.chosen, self.place
        if card is not None and place is not None:
            self.post_message(EditAsked(place, card.cwd or ""))
        else:
            self.app.notify("This failure names no place in a file.", markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave out the keys that go to another failure where there is none."""
        if action == "problem":
            return self.view is not None and len(self.view.errors) > 1
        return super().check_action(action, parameters)

    def build(self, width: int) -> Sequence[Line]:
        """Return the cards one after the other, below the chosen one how to go on."""
        view = self.view
        self._heads = []
        if view is None:
            return ()
        lines: list[Line] = []
        for number, card in enumerate(view.errors):
            self._heads.append(len(lines))
            lines += self._card(view, card, number, width)
        return lines

    def _card(self, view: RunView, card: ErrorCard, number: int, width: int) -> list[Line]:
        look, of = stage_look("failed"), len(view.errors)
        is_chosen = number == self._at
        mark = ">" if is_chosen and of > 1 else " "
        style = "muted" if card.is_past else f"state--{look.style}"
        lead = f"{mark}{symbol_of(look, ascii_only=self.ascii_only)} "
        count = f"   {number + 1} of {of}" if of > 1 else ""
        room = width - len(lead) - len(count)
        first, *more = broken_at_spaces(safe_text(headline(card)), room)
        lines: list[Line] = [(Span(lead + first, style), Span(count, "muted"))]
        lines += [(Span(f"{' ' * len(lead)}{text.lstrip()}", style),) for text in more]
        lines.append(())
        for told in _in_few_lines(told_of(card, view), width):
            lines += _labelled(told, width)
        lines.append(())
        if number == 0 and not card.is_past:
            lines += [*_ways(self._with_keys(ways_to_go_on(view, card)), width), ()]
        if card.output:
            lines += [*_output(card, width), ()]
        return lines

    def _with_keys(self, ways: Sequence[tuple[tuple[str, ...], str]]) -> list[tuple[str, str]]:
        """Name the keys of each way; one whose bindings have none is no way now."""
        return [
            (" ".join(self._key_names[each] for each in ids), words)
            for ids, words in ways
            if all(each in self._key_names for each in ids)
        ]


def _shown(view: RunView) -> tuple[object, ...]:
    done = tuple(stage.state for stage in view.stages)
    return (view.errors, view.earlier, view.since_green, view.resume_refusal, done)


def _in_few_lines(told: Sequence[Told], width: int) -> list[Told]:
    """Put the reason and its file on one line where both fit."""
    lines: list[Told] = []
    for each in told:
        joined = f"{lines[-1].text}   {each.text}" if lines and each.label == "file" else ""
        if joined and cell_len(safe_text(joined)) + LABEL_CELLS + 1 <= width:
            lines[-1] = Told(lines[-1].label, joined)
        else:
            lines.append(each)
    return lines


def _labelled(told: Told, width: int) -> list[Line]:
    room = width - LABEL_CELLS - 1
    lines: list[Line] = []
    for text in broken_at_spaces(safe_text(told.text), room):
        lines += folded_lines(text, width, indent=LABEL_CELLS + 1, style=told.style)
    head = (Span(f" {told.label:<{LABEL_CELLS}}", "muted"), *lines[0][1:])
    return [head, *lines[1:]]


def _ways(ways: Sequence[tuple[str, str]], width: int) -> list[Line]:
    columns = 2 if width >= TWO_COLUMNS_FROM_CELLS else 1
    cells = (width - 1) // columns
    key_cells = max([WAY_CELLS, *(len(keys) + 2 for keys, _ in ways)])
    rows = -(-len(ways) // columns)
    lines: list[Line] = []
    for row in range(rows):
        spans = [Span(" ")]
        for keys, words in ways[row * columns : (row + 1) * columns]:
            spans.append(Span(f"{keys:<{key_cells}}", "key"))
            spans.append(Span(fit(safe_text(words), cells - key_cells)))
        lines.append(tuple(spans))
    return lines


def _output(card: ErrorCard, width: int) -> list[Line]:
    error, place = error_at(card), place_in(card)
    head = (Span(f" {card.output_name}", "muted"), Span(f"   {output_words(card)}", "muted"))
    lines: list[Line] = [head]
    number = 0
    for part in shown_output(card):
        if part.left_out:
            left_out = f"{' ' * INDENT}.. {counted(part.left_out, 'line')} left out here .."
            lines.append((Span(left_out, "muted"),))
            number += part.left_out
        for text in part.lines:
            style = "key" if place and place in text else "stderr"
            style = "strong" if number == error else style
            lines += folded_lines(safe_text(text), width, indent=INDENT, style=style)
            number += 1
    return lines
