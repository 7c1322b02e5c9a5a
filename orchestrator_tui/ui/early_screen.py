"""EarlyScreen: the terminal taken for the screen before Textual is loaded, and given on to it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import termios
from types import FrameType
from typing import Any, Final

from orchestrator_tui.ui.screen_copy import ScreenCopy
from orchestrator_tui.ui.tty import (
    ENTER_SEQUENCE,
    HIDE_CURSOR,
    TerminalModes,
    present_modes,
)

LEAVE_SEQUENCE: Final = "\x1b[0m\x1b[?1049l\x1b[?25h"
LOCAL_MODES: Final = 3  # where termios keeps them
PIECE_BYTES: Final = 1024  # written at once, so that a full buffer is noticed before it blocks
HOME: Final = "\x1b[H"  # not at the end of the last line, where one more character would scroll
_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


class EarlyScreen:
    """The alternate screen with a frame on it; keys that are typed meanwhile are kept, not shown.

    However the program ends before Textual takes over, the terminal is left as it was found.
    """

    def __init__(self, frame: str, ground: str) -> None:
        self._copy = ScreenCopy()
        self._size = os.get_terminal_size(1)
        self._modes: TerminalModes | None = present_modes()
        self._handlers: dict[signal.Signals, Any] = {}
        self._is_open = True
        for signum in _ENDING:
            if signal.getsignal(signum) is signal.SIG_DFL:
                self._handlers[signum] = signal.signal(signum, self._told_to_end)
        # To be stopped now would leave the terminal taken.
        self._handlers[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        self._type_unseen()
        begin = f"{ENTER_SEQUENCE}{HIDE_CURSOR}{ground}\x1b[2J\x1b[0m"
        self._is_whole = _written(begin + self._copy.shorten(frame) + HOME)

    def _type_unseen(self) -> None:
        if self._modes is None:
            return
        modes = list(self._modes)
        modes[LOCAL_MODES] &= ~(termios.ECHO | termios.ICANON)
        with contextlib.suppress(termios.error):
            termios.tcsetattr(1, termios.TCSANOW, modes)

    def hand_over(self) -> ScreenCopy:
        """Give the terminal on, in its own modes, and what is known of what it shows."""
        self._let_go()
        if not self._is_whole or os.get_terminal_size(1) != self._size:
            self._copy.forget()
        return self._copy

    def leave(self) -> None:
        """Leave the terminal as it was found; nothing happens if it was given on."""
        if self._is_open:
            self._let_go()
            with contextlib.suppress(OSError):
                os.write(1, LEAVE_SEQUENCE.encode())

    def _let_go(self) -> None:
        self._is_open = False
        if self._modes is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(1, termios.TCSANOW, self._modes)
        for signum, handler in self._handlers.items():
            signal.signal(signum, handler)
        self._handlers.clear()

    def _told_to_end(self, signum: int, _frame: FrameType | None) -> None:
        self.leave()
        os._exit(128 + signum)


def _written(text: str) -> bool:
    """Write as much as the terminal takes without waiting; tell whether that was all."""
    content = memoryview(text.encode("utf-8", "replace"))
    poll = select.poll()
    poll.register(1, select.POLLOUT)
    try:
        while content and poll.poll(0):
            content = content[os.write(1, content[:PIECE_BYTES]) :]
    except OSError:  # the terminal is gone; whoever takes over finds out
        return False
    return not content
