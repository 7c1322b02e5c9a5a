"""FailureBeside: why a run failed, in a pane beside its output."""

from __future__ import annotations

from orchestrator_tui.ui.widgets.failure_card import FailureCard
from orchestrator_tui.ui.widgets.lines import entitle


class FailureBeside(FailureCard, can_focus=False, inherit_bindings=False):
    """Why the selected run failed, beside its output; to be read, not gone through."""

    def _tell(self) -> None:
        entitle(self, "Why it failed", "")
