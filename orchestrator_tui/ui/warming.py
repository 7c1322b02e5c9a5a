"""What is not on the first frame, loaded in the quiet after it, so that no first key waits."""

from __future__ import annotations

import importlib
from typing import Final

from orchestrator_tui.primitives.garbage import look_among_the_new

WARM_AFTER_S: Final = 0.5  # the runs and the frame come first
LATER: Final = (
    "orchestrator_tui.ui.screens.run",
    "orchestrator_tui.ui.screens.log",
    "orchestrator_tui.ui.asking",
    "orchestrator_tui.ui.commands",
    "orchestrator_tui.ui.screens.activity",
    "orchestrator_tui.ui.screens.cancelling",
    "orchestrator_tui.ui.screens.copying",
    "orchestrator_tui.ui.screens.help",
    "orchestrator_tui.ui.screens.picking",
    "orchestrator_tui.ui.screens.plan",
    "orchestrator_tui.ui.screens.quitting",
)


def load_the_rest() -> None:
    """Load what the other screens and the dialogs are made of; for a thread of its own.

    From then on garbage is looked for, though not among what was loaded: that stays to the end.
    """
    for name in LATER:
        importlib.import_module(name)
    look_among_the_new()
