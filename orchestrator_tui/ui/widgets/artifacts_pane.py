"""ArtifactsPane: the files of a run, to open or to take their paths."""

from __future__ import annotations

from collections.abc import Sequence

from textual.reactive import reactive

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.state.formatting import byte_count, counted
from orchestrator_tui.state.observations import Artifacts
from orchestrator_tui.ui.asked import PathCopyAsked
from orchestrator_tui.ui.keys import ARTIFACT_KEYS
from orchestrator_tui.ui.widgets.cells import fit_name, fit_right
from orchestrator_tui.ui.widgets.lines import Line, Span, entitle
from orchestrator_tui.ui.widgets.picking_pane import PickingPane

SIZE_CELLS, TIME_CELLS = 11, 17


class ArtifactsPane(PickingPane):
    """A line a file, below the folder it lies in: name, size, when it was written."""

    BINDINGS = ARTIFACT_KEYS

    view: reactive[Artifacts] = reactive(Artifacts(), init=False, repaint=False)

    def watch_view(self, _old: Artifacts, new: Artifacts) -> None:
        """Show what changed."""
        more = ", more are not shown" if new.is_cut else ""
        title = f"Artifacts   {counted(len(new.files), 'file')}{more}"
        entitle(self, title, "enter opens in the pager   y copies the path")
        if self.is_on_screen:
            self.rebuild()

    def on_show(self) -> None:
        """Take in what changed while it was hidden."""
        self.rebuild()

    def action_copy_path(self) -> None:
        """Copy the path of the file that the cursor is on."""
        pick = self.pick
        if pick is not None:
            self.post_message(PathCopyAsked(pick))

    def build(self, width: int) -> Sequence[Line]:
        """Return the files, each folder named once."""
        lines: list[Line] = []
        self.picks = {}
        before: str | None = None
        for file in self.view.files:
            folder, _, name = file.path.rpartition("/")
            if folder != before:
                room = max(8, width - 1)
                lines += [*([()] if lines else []), (Span(f" {_fitted(folder, room)}", "muted"),)]
            before = folder
            self.picks[len(lines)] = file.path
            room = max(8, width - SIZE_CELLS - TIME_CELLS - 3)
            moment = f"{file.at.astimezone():%b %d %H:%M:%S} "
            lines.append(
                (
                    Span(f"   {fit_name(safe_text(name), room)}"),
                    Span(fit_right(byte_count(file.size), SIZE_CELLS)),
                    Span(fit_right(moment, TIME_CELLS), "muted"),
                )
            )
        return lines


def _fitted(folder: str, room: int) -> str:
    return fit_name(safe_text(f"{folder}/"), room).rstrip()
