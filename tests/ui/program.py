"""The screens over a scripted feed, as a program: for tests in a real terminal."""

from __future__ import annotations

import os
import sys

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.ui.app import OrchTui
from orchestrator_tui.ui.clipboard import between
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.terminal import reset_at_exit, trust_the_terminal
from tests.fakes import ScriptedFeed, ScriptedLauncher, ScriptedLogs
from tests.ui.fleets import BUSY, RUNNING, fleet

if __name__ == "__main__":
    samples = BUSY if "busy" in sys.argv else (RUNNING,)
    trust_the_terminal()
    undo = reset_at_exit()
    app = OrchTui(
        feed=ScriptedFeed(fleet(*samples)),
        logs=ScriptedLogs(),
        launcher=ScriptedLauncher(),
        clock=SYSTEM_CLOCK,
        options=ScreenOptions(place="~/src/app", watch_terminal=True, between=between(os.environ)),
    )
    app.run()
    undo()
    sys.exit(app.return_code)
