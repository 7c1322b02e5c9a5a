"""PlanPreview: the stages that would run, what they usually take, and their commands."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from rich.cells import cell_len
from textual.reactive import reactive

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.ui.planning import PlanStage, PlanView
from orchestrator_tui.ui.widgets.cells import fit, fit_right
from orchestrator_tui.ui.widgets.lines import Line, Span
from orchestrator_tui.ui.widgets.reading_pane import ReadingPane, folded_lines

USUAL_CELLS = 6
ROOM_FOR_EXTRAS = 56  # of the pane; a narrower one shows the stages alone


class PlanPreview(ReadingPane):
    """A plan to read; nothing where there is none."""

    view: reactive[PlanView | None] = reactive(None, init=False, repaint=False)

    def watch_view(self) -> None:
        """Show the other plan from its start."""
        self.scroll_to(y=0, animate=False)
        self.rebuild()

    def build(self, width: int) -> Sequence[Line]:
        """Return what it is for, how long it takes, and its stages."""
        view = self.view
        if view is None:
            return ()
        lines: list[Line] = []
        if view.problem:
            lines += _told(f"! {view.problem}", "state--stalled", width)
        if view.about:
            lines += _told(view.about, "", width)
        told = ((view.length, "muted"), (view.record, "muted"))
        lines += [line for text, style in told if text for line in _told(text, style, width)]
        if view.stages:
            lines.append(())
            lines += self._stages(view.stages, width)
        return lines

    def _stages(self, stages: Sequence[PlanStage], width: int) -> list[Line]:
        names = [safe_text(stage.id) for stage in stages]
        longest = max(cell_len(name) for name in names)
        name_cells = max(5, min(longest, width // 3))
        room = width - 5 - name_cells - USUAL_CELLS - 2
        head = f"   # {fit('STAGE', name_cells)}{fit_right('USUAL', USUAL_CELLS)}  "
        lines: list[Line] = [(Span(fit(head + "COMMAND", width), "muted"),)]
        for stage, name in zip(stages, names, strict=True):
            mark, style = ("=", "muted") if stage.stays else (" ", "")
            lead = f" {mark} {stage.number:>1} {fit(name, name_cells)}"
            usual = f"{fit_right(stage.usual, USUAL_CELLS)}  "
            lines.append(
                (Span(lead, style), Span(usual, "muted"), Span(fit(safe_text(stage.does), room)))
                if not stage.stays
                else (Span(lead + usual + fit(safe_text(stage.does), room), "muted"),)
            )
            if stage.extras and width >= ROOM_FOR_EXTRAS:
                lines.append((Span(fit(f"     {safe_text(stage.extras)}", width), "muted"),))
        return lines


def _told(text: str, style: str, width: int) -> list[Line]:
    """Return a text in lines that break between words, and within one that is too long."""
    pieces = [piece for part in text.split("\n") for piece in wrap(part, max(8, width))]
    return [line for p in pieces for line in folded_lines(safe_text(p), width, style=style)]
