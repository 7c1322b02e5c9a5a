"""RelativesPane: the run that started this one, and the runs that it started."""

from __future__ import annotations

from collections.abc import Sequence

from textual.reactive import reactive

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.state.relatives import Relative
from orchestrator_tui.ui.look import run_look, symbol_of
from orchestrator_tui.ui.widgets.cells import fit, fit_name, fit_right
from orchestrator_tui.ui.widgets.lines import Line, Span, entitle
from orchestrator_tui.ui.widgets.picking_pane import PickingPane

WORD_CELLS, TIME_CELLS, STAGE_CELLS, ID_CELLS = 11, 8, 16, 10


class RelativesPane(PickingPane):
    """A line a run with its state; enter opens it."""

    view: reactive[tuple[Relative, ...]] = reactive((), init=False, repaint=False)

    def watch_view(self, _old: tuple[Relative, ...], _new: tuple[Relative, ...]) -> None:
        """Show what changed."""
        if self.is_on_screen:
            self.rebuild()

    def on_mount(self) -> None:
        """Say what it is."""
        entitle(self, "Parent and children", "enter opens the run")

    def on_show(self) -> None:
        """Take in what changed while it was hidden."""
        self.rebuild()

    def chosen(self, pick: str) -> Relative | None:
        """Return the run of a pick."""
        return next((each for each in self.view if each.key.run_id == pick), None)

    def build(self, width: int) -> Sequence[Line]:
        """Return the parent, then the children."""
        lines: list[Line] = []
        self.picks = {}
        for is_parent, title in ((True, " started by"), (False, " started")):
            found = [each for each in self.view if each.is_parent is is_parent]
            if not found:
                continue
            lines += [*([()] if lines else []), (Span(title, "muted"),)]
            for each in found:
                self.picks[len(lines)] = each.key.run_id
                lines.append(self._line(each, width))
        return lines

    def _line(self, relative: Relative, width: int) -> Line:
        row = relative.row
        if row is None:
            told = safe_text(f"   {relative.told or relative.key.run_id}   no manifest was seen")
            return (Span(fit(told, width), "muted"),)
        look = run_look(row.state)
        symbol = symbol_of(look, ascii_only=self.ascii_only)
        rest = width - 3 - WORD_CELLS - TIME_CELLS - ID_CELLS - STAGE_CELLS - 1
        name_cells = max(8, rest // 2)
        reason = "" if row.state == "succeeded" else row.reason
        return (
            Span("  "),
            Span(f"{symbol} {fit(safe_text(row.word.long), WORD_CELLS)}", f"state--{look.style}"),
            Span(fit_right(f"{row.elapsed}  ", TIME_CELLS)),
            Span(fit_name(safe_text(row.pipeline), name_cells) + " "),
            Span(fit(safe_text(row.run), ID_CELLS), "muted"),
            Span(fit(safe_text(row.stage), STAGE_CELLS)),
            Span(fit(safe_text(reason), max(0, rest - name_cells - 1)), "muted"),
        )
