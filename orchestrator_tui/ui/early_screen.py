"""EarlyScreen: the terminal taken for the screen before Textual is loaded, and given on to it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import termios
import time
from types import FrameType
from typing import Final

from orchestrator_tui.ui.screen_copy import ScreenCopy
from orchestrator_tui.ui.tty import (
    ENTER_SEQUENCE,
    HIDE_CURSOR,
    RESET_SEQUENCE,
    TerminalModes,
    present_modes,
)

LEAVE_SEQUENCE: Final = "\x1b[0m\x1b[?1049l\x1b[?25h"
LOCAL_MODES: Final = 3  # where termios keeps them
PATIENCE_S: Final = 0.2  # with a terminal that is slow; it will be as slow with the screens
PIECE_BYTES: Final = 1024  # written at once, so that a full buffer is noticed before it blocks
HOME: Final = "\x1b[H"  # not at the end of the last line, where one more character would scroll
_ENDING: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class EarlyScreen:
    """The alternate screen with a frame on it; keys that are typed meanwhile are kept, not shown.

    However the program ends before others see to the terminal, it is left as it was found. `modes`
    are those that it was found in.
    """

    def __init__(self, frame: str) -> None:
        self._copy = ScreenCopy()
        self._size = _size()
        self.modes: TerminalModes | None = present_modes()
        self._is_open = True
        for signum in _ENDING:
            if signal.getsignal(signum) is signal.SIG_DFL:
                # Stays until a `TerminalGuard` hears them.
                signal.signal(signum, self._told_to_end)
        # An error could come before there is a screen that anybody could leave.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._told_to_end)
        # To be stopped now would leave the terminal taken.
        self._stopped = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        self._type_unseen()
        shown = self._copy.shorten(frame)
        self._is_whole = _written(f"{ENTER_SEQUENCE}{HIDE_CURSOR}{shown}{HOME}")

    def _type_unseen(self) -> None:
        if self.modes is None:
            return
        modes = list(self.modes)
        modes[LOCAL_MODES] &= ~(termios.ECHO | termios.ICANON)
        with contextlib.suppress(termios.error):
            termios.tcsetattr(1, termios.TCSANOW, modes)

    def hand_over(self) -> ScreenCopy:
        """Give the terminal on, in its own modes, and what is known of what it shows."""
        self._let_go()
        if not self._is_whole or _size() != self._size:
            self._copy.forget()
        return self._copy

    def leave(self) -> None:
        """Leave the terminal as it was found; nothing happens if it was given on."""
        if self._is_open:
            self._let_go()
            _written(LEAVE_SEQUENCE)

    def _let_go(self) -> None:
        self._is_open = False
        self._set_back()
        if signal.getsignal(signal.SIGINT) == self._told_to_end:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if signal.getsignal(signal.SIGTSTP) is signal.SIG_IGN:  # nobody else hears it already
            signal.signal(signal.SIGTSTP, self._stopped)

    def _set_back(self) -> None:
        if self.modes is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(1, termios.TCSANOW, self.modes)

    def _told_to_end(self, signum: int, _frame: FrameType | None) -> None:
        self._set_back()
        _written(LEAVE_SEQUENCE if self._is_open else RESET_SEQUENCE)
        os._exit(128 + signum)


def _size() -> os.terminal_size | None:
    try:
        return os.get_terminal_size(1)
    except OSError:  # the terminal is gone; whoever takes over finds out
        return None


def _written(text: str) -> bool:
    """Write what the terminal takes in a short time; tell whether that was all."""
    content = memoryview(text.encode("utf-8", "replace"))
    poll = select.poll()
    poll.register(1, select.POLLOUT)
    end_s = time.monotonic() + PATIENCE_S
    try:
        while content and poll.poll(1000 * max(0.0, end_s - time.monotonic())):
            content = content[os.write(1, content[:PIECE_BYTES]) :]
    except OSError:
        return False
    return not content
