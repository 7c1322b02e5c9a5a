"""CopyMenu: what of a run or its log is to be copied."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.ui.copying import CopySource, Piece, copy_choices
from orchestrator_tui.ui.frames import PaintsSoon
from orchestrator_tui.ui.keys import COPY_KEYS, PIECE_KEYS
from orchestrator_tui.ui.widgets.cells import fit_name
from orchestrator_tui.ui.widgets.choice_list import ChoiceList

NAME_CELLS = 62


class PieceList(ChoiceList, inherit_bindings=False):
    """The pieces; letters choose one, so `j` and `k` do not move."""

    BINDINGS = PIECE_KEYS


class CopyMenu(PaintsSoon, ModalScreen[Piece | None]):
    """Offers what can be copied; gives the piece, or None when it was left."""

    BINDINGS = COPY_KEYS

    def __init__(self, source: CopySource) -> None:
        super().__init__()
        self._source = source

    def compose(self) -> ComposeResult:
        """Yield the run and the pieces."""
        source = self._source
        with Vertical(id="copy", classes="dialog") as box:
            box.border_title = "Copy"
            box.border_subtitle = "enter or its key copies   esc close"
            stage = f" / {source.stage_id}" if source.stage_id else ""
            name = safe_text(f"{source.key.task_id} / {source.pipeline}{stage}")
            yield Static(fit_name(name, NAME_CELLS), markup=False, classes="strong line")
            yield PieceList(copy_choices(source), id="pieces")
            yield Static("", markup=False, id="copy-refusal", classes="command")

    def on_mount(self) -> None:
        """Put the keys into the list."""
        self.query_one(ChoiceList).focus()

    def action_piece(self, key: str) -> None:
        """Choose a piece by its key."""
        self.query_one(ChoiceList).choose(key)

    @on(ChoiceList.Chosen)
    def _chosen(self) -> None:
        chosen = self.query_one(ChoiceList).chosen
        if chosen is not None and chosen.refusal is None:
            self.dismiss(Piece(chosen.key))

    @on(ChoiceList.Highlighted)
    def _highlighted(self) -> None:
        chosen = self.query_one(ChoiceList).chosen
        refusal = chosen.refusal if chosen else None
        self.query_one("#copy-refusal", Static).update(f"! {safe_text(refusal)}" if refusal else "")

    def action_close(self) -> None:
        """Copy nothing."""
        self.dismiss(None)
