"""A terminal as the system has it: what is written to it, its modes, its size.

Loads nothing of Textual.
"""

from __future__ import annotations

import os
import signal
import termios
from typing import Any, Final, TypeAlias

ENTER_SEQUENCE: Final = "\x1b[?1049h"  # the alternate screen
HIDE_CURSOR: Final = "\x1b[?25l"
# Leaves the alternate screen, shows the cursor, ends mouse, paste and focus reports and styles,
# gives the window its title back.
RESET_SEQUENCE = (
    "\x1b[?1049l\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l"
    "\x1b[?2004l\x1b[?1004l\x1b[<u\x1b[0m\x1b[23;2t"
)
# What has the terminal report the mouse: buttons, moves, and both in the way that has no limit.
MOUSE_ON = "\x1b[?1000h\x1b[?1003h\x1b[?1015h\x1b[?1006h"
MOUSE_OFF = "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l"
CLEAR_SEQUENCE = "\x1b[0m\x1b[H\x1b[2J"
MIN_COLUMNS, MIN_ROWS = 60, 15

TerminalModes: TypeAlias = list[Any]  # what termios.tcgetattr gives


def present_modes() -> TerminalModes | None:
    """Return the modes of the terminal as they are now, to be set back if all else fails."""
    try:
        return termios.tcgetattr(1)
    except termios.error:
        return None


def trust_the_terminal() -> None:
    """Take the size from the terminal alone; exported COLUMNS and LINES would freeze it."""
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)


def stop_for_shell() -> None:
    """Stop this process and those that it was started with, until the shell has them go on.

    Where there is no shell that could, the system lets all of them go on at once.
    """
    ours = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    try:
        # All of the job: a script around this one would else go on to wait, and the shell with it.
        os.killpg(os.getpgrp(), signal.SIGTSTP)
    finally:
        signal.signal(signal.SIGTSTP, ours)
