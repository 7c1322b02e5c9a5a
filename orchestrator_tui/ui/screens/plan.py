"""PlanDialog: what would run, to read."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.ui.asked import CommandCopyAsked
from orchestrator_tui.ui.frames import PaintsSoon
from orchestrator_tui.ui.keys import PLAN_KEYS
from orchestrator_tui.ui.planning import PlanView
from orchestrator_tui.ui.screens.dialogs import framed
from orchestrator_tui.ui.widgets.plan_preview import PlanPreview


class PlanDialog(PaintsSoon, ModalScreen[None]):
    """Shows the stages with their usual times and commands; changes nothing."""

    BINDINGS = PLAN_KEYS

    def __init__(self, view: PlanView, *, ascii_only: bool = False) -> None:
        super().__init__()
        self._view = view
        self._ascii_only = ascii_only

    def compose(self) -> ComposeResult:
        """Yield the plan and the command that prints it."""
        view = self._view
        box = Vertical(id="plan-dialog", classes="dialog")
        with framed(box, f"Plan   {safe_text(view.title)}", "y copy command   esc close"):
            yield PlanPreview(id="plan", ascii_only=self._ascii_only)
            yield Static(Content(f"$ {safe_text(view.command)}"), classes="command")

    def on_mount(self) -> None:
        """Show the plan and give it the keys."""
        pane = self.query_one(PlanPreview)
        pane.view = self._view
        pane.focus()

    def action_copy(self) -> None:
        """Copy the command line."""
        self.post_message(CommandCopyAsked(self._view.command))

    def action_close(self) -> None:
        """Go back to where it was opened."""
        self.dismiss(None)
