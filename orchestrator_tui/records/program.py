"""The program's own names, in a module that loads nothing."""

from __future__ import annotations

PROGRAM = "orch-tui"
COMPLETE_VARIABLE = "_ORCH_TUI_COMPLETE"  # set by a shell that wants words to complete
