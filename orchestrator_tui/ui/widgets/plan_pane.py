"""PlanPane: what a run was to do, stage by stage, and what a resume would do again."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.reactive import reactive

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.state.plan_view import PlanRow, PlanView
from orchestrator_tui.ui.keymap import Named, edge_words, hint
from orchestrator_tui.ui.look import stage_look, symbol_of
from orchestrator_tui.ui.widgets.cells import fit, fit_name, fit_right
from orchestrator_tui.ui.widgets.lines import Line, Span, entitle
from orchestrator_tui.ui.widgets.reading_pane import ReadingPane, folded_lines

USUAL_CELLS, AGAIN_CELLS = 8, 16
MOST_COMMAND_LINES = 6
_AGAIN_STYLES = {"again": "key", "kept": "state--kept"}


class PlanPane(ReadingPane):
    """Each stage with its usual time, whether a resume keeps it, and its command."""

    view: reactive[PlanView | None] = reactive(None, init=False, repaint=False)

    def watch_view(self, old: PlanView | None, new: PlanView | None) -> None:
        """Show another plan."""
        if old != new and self.is_on_screen:
            self.rebuild()

    def __init__(
        self, named: Named, *, id: str | None = None, classes: str = "", ascii_only: bool = False
    ) -> None:
        super().__init__(id=id, classes=classes, ascii_only=ascii_only)
        self._key_names = named

    def on_mount(self) -> None:
        """Say what it is."""
        entitle(self, "Plan", edge_words((hint("run again", "run.again"),), self._key_names))

    def on_show(self) -> None:
        """Take in what changed while it was hidden."""
        self.rebuild()

    def build(self, width: int) -> Sequence[Line]:
        """Return what holds for all, then two lines or more a stage."""
        view = self.view
        if view is None:
            return ()
        lines: list[Line] = [*folded_lines(safe_text(view.head), width, indent=1, style="strong")]
        for note in view.notes:
            lines += folded_lines(f"! {safe_text(note)}", width, indent=1, style="state--stalled")
        for row in view.rows:
            lines += [(), *self._row(row, view.rows, width)]
        return lines

    def _row(self, row: PlanRow, rows: Sequence[PlanRow], width: int) -> list[Line]:
        look = stage_look(row.state or "pending")
        number = f" {row.index:>{len(str(len(rows)))}} "
        longest = max(cell_len(safe_text(each.title)) for each in rows)
        room = max(8, min(longest, width - 2 - len(number) - USUAL_CELLS - AGAIN_CELLS - 1))
        again = fit(safe_text(row.again), AGAIN_CELLS)
        head = (
            Span(f" {symbol_of(look, ascii_only=self.ascii_only)}", f"state--{look.style}"),
            Span(number, "muted"),
            Span(fit_name(safe_text(row.title), room), "strong"),
            Span(fit_right(f"{row.usual}  ", USUAL_CELLS), "muted"),
            Span(again, _AGAIN_STYLES.get(row.again, "muted")),
        )
        indent = 2 + len(number)
        command = safe_text(row.command.replace("\n", " ; "))
        lines = [head, *folded_lines(f"$ {command}", width, indent=indent)[:MOST_COMMAND_LINES]]
        if row.remarks:
            remarks = safe_text("   ".join(row.remarks))
            lines += folded_lines(remarks, width, indent=indent, style="muted")
        return lines
