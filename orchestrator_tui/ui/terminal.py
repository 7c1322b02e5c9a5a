"""The terminal itself: what may reach it, how it is left, and how its loss is noticed."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import errno
import os
import select
import signal
from collections.abc import Callable

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from orchestrator_tui.primitives.safe_text import BACKSTOP

# Leaves the alternate screen, shows the cursor, ends mouse, paste and focus reports and styles.
RESET_SEQUENCE = (
    "\x1b[?1049l\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l"
    "\x1b[?2004l\x1b[?1004l\x1b[<u\x1b[0m"
)
EXIT_HANGUP = 128 + signal.SIGHUP
EXIT_TERMINATED = 128 + signal.SIGTERM
EXIT_INTERRUPTED = 128 + signal.SIGINT
MIN_COLUMNS, MIN_ROWS = 60, 15


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


def trust_the_terminal() -> None:
    """Take the size from the terminal alone; exported COLUMNS and LINES would freeze it."""
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)


_PLAIN_GLYPHS = str.maketrans(
    {
        **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼", "+"),
        **dict.fromkeys("─━═╌", "-"),
        **dict.fromkeys("│┃║▌▐▎▊", "|"),
        **dict.fromkeys("▁▂▃▄▅▆▇", " "),
        "›": ">",
        "‹": "<",
        "…": ".",
        "“": '"',
        "”": '"',
        "█": "#",
        "•": "*",
        "↑": "^",
        "↓": "v",
        "←": "<",
        "→": ">",
    }
)


class PlainGlyphs(LineFilter):
    """Draws frames, bars and marks in ASCII; every one stays one cell wide."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments of a line with plain characters for drawn ones."""
        return [
            s
            if s.control or s.text.isascii()
            else Segment(s.text.translate(_PLAIN_GLYPHS), s.style, s.control)
            for s in segments
        ]


def is_lost(descriptor: int = 1) -> bool:
    """Tell whether the terminal behind a descriptor has gone away."""
    poll = select.poll()
    poll.register(descriptor, 0)
    if any(
        event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0)
    ):
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


def on_end_signals(loop: asyncio.AbstractEventLoop, end: Callable[[int], None]) -> None:
    """Call `end` with the exit status when the process is told to stop, SIGHUP even if ignored.

    A screen that was started with SIGHUP ignored (nohup) would otherwise spin on a dead terminal.
    """
    for signum in (signal.SIGHUP, signal.SIGTERM):
        loop.add_signal_handler(signum, end, 128 + signum)
