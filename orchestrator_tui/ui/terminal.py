"""The terminal itself: what may reach it, how it is left, and how its loss is noticed."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import errno
import os
import select
import signal
import termios
import threading
import time
from collections.abc import Callable
from types import FrameType

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from orchestrator_tui.primitives.safe_text import BACKSTOP
from orchestrator_tui.ui.look import PLAIN_GLYPHS
from orchestrator_tui.ui.tty import RESET_SEQUENCE, TerminalModes

EXIT_HANGUP = 128 + signal.SIGHUP
EXIT_TERMINATED = 128 + signal.SIGTERM
EXIT_INTERRUPTED = 128 + signal.SIGINT
LOOK_EVERY_S = 0.5  # at the terminal itself, where no notice of its loss came
GIVE_UP_S = 1.5  # for the screens to end by themselves; two seconds are promised


class Backstop(LineFilter):
    """The last look at what is painted: deletes code points that may never reach a terminal.

    Every widget shows safe text already; this holds when one forgets. Widths stay, since each
    deleted code point is one that terminals do not draw.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments of a line without code points of `BACKSTOP`."""
        if not any(BACKSTOP.search(s.text) for s in segments if not s.control):
            return segments
        return [
            s if s.control else Segment(BACKSTOP.sub("", s.text), s.style, s.control)
            for s in segments
        ]


class PlainGlyphs(LineFilter):
    """Draws frames, bars and marks in ASCII; every one stays one cell wide."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments of a line with plain characters for drawn ones."""
        return [
            s
            if s.control or s.text.isascii()
            else Segment(s.text.translate(PLAIN_GLYPHS), s.style, s.control)
            for s in segments
        ]


def is_lost(descriptor: int = 1, patience_s: float = 0.0) -> bool:
    """Tell whether the terminal behind a descriptor has gone away, or does so within a time."""
    poll = select.poll()
    poll.register(descriptor, 0)  # the kernel tells of these three whatever is asked
    gone = select.POLLHUP | select.POLLERR | select.POLLNVAL
    if any(event & gone for _, event in poll.poll(1000 * patience_s)):
        return True
    try:
        os.tcgetpgrp(descriptor)
    except OSError as error:
        return error.errno in (errno.EIO, errno.ENXIO, errno.EBADF)
    return False


def reset_at_exit() -> Callable[[], None]:
    """Have the terminal set back when the process ends in an unforeseen way; return the undo.

    Not for a screen that has ended by itself: leaving the alternate screen twice moves the cursor.
    """

    def reset() -> None:
        with contextlib.suppress(OSError):
            if os.isatty(1):
                os.write(1, RESET_SEQUENCE.encode())

    atexit.register(reset)
    return lambda: atexit.unregister(reset)


class TerminalGuard:
    """Ends the screens when they are told to, or when their terminal has gone, whatever blocks.

    A terminal that is gone, or that nobody reads, may block the painting and with it the event
    loop for good. So this looks from a thread of its own, and ends the process itself when the
    screens have not ended `GIVE_UP_S` after they were asked to. Runs live in other processes.
    """

    def __init__(
        self,
        end: Callable[[int], None],
        loop: asyncio.AbstractEventLoop,
        modes: TerminalModes | None,
    ) -> None:
        self._end = end
        self._loop = loop
        self._modes = modes
        self._closed = threading.Event()
        self._asked = threading.Event()

    def start(self) -> None:
        """Begin to watch, and hear SIGTERM and SIGHUP, the latter even if it was ignored.

        A screen that was started with SIGHUP ignored (nohup) would otherwise outlive its terminal.
        """
        for signum in (signal.SIGHUP, signal.SIGTERM):
            # Not the loop's own handler: that one waits for a loop that may be blocked.
            signal.signal(signum, self._told)
        threading.Thread(target=self._watch, name="watch the terminal", daemon=True).start()

    def close(self) -> None:
        """Stop watching: the screens have ended."""
        self._closed.set()

    def _told(self, signum: int, _frame: FrameType | None) -> None:
        self._ask_to_end(128 + signum)

    def _watch(self) -> None:
        while not self._closed.is_set():
            if is_lost(patience_s=LOOK_EVERY_S):
                self._ask_to_end(EXIT_HANGUP)
                return

    def _ask_to_end(self, status: int) -> None:
        if self._asked.is_set():
            return
        self._asked.set()
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end, status)
        threading.Thread(target=self._give_up, args=(status,), daemon=True).start()

    def _give_up(self, status: int) -> None:
        # Not cut short by `close`: the way out writes to the terminal, too, and may block there.
        time.sleep(GIVE_UP_S)
        if self._modes is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(1, termios.TCSANOW, self._modes)
        with contextlib.suppress(OSError):
            os.set_blocking(1, False)
            os.write(1, RESET_SEQUENCE.encode())
        os._exit(status)
