"""RealTerminal: a program in a pseudo-terminal, and the screen that a person would see."""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import pyte

KEYS = {
    "enter": "\r",
    "esc": "\x1b",
    "tab": "\t",
    "space": " ",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "pagedown": "\x1b[6~",
    "pageup": "\x1b[5~",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "ctrl+c": "\x03",
    "ctrl+r": "\x12",
}
# What pyte does not know and would print: kitty keys, private modes, mode questions, DCS, OSC.
UNKNOWN = re.compile(
    rb"\x1b\[\?[0-9;]*\$p|\x1b\[[<>=?][0-9;]*[uqmcnp$]|\x1bP.*?\x1b\\|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)",
    re.DOTALL,
)


WHERE = b"\x1b[6n"  # where is the cursor?


class RealTerminal:
    """Runs a command in a terminal of its own; use it as a context, which ends the command.

    With `answers` it tells where its cursor is when it is asked, as terminals do; `asked` counts.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = (80, 24),
        environ: Mapping[str, str] | None = None,
        ignored: tuple[signal.Signals, ...] = (),
        answers: bool = True,
    ) -> None:
        self.raw = bytearray()
        self.asked = 0
        self._answers = answers
        self._pending = b""
        self._at_end = False
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._status: int | None = None
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            for signum in ignored:
                signal.signal(signum, signal.SIG_IGN)
            told = dict(os.environ if environ is None else environ)
            told |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
            for name in ("COLUMNS", "LINES", "NO_COLOR"):
                told.pop(name, None)
            try:
                os.execvpe(command[0], list(command), told)
            finally:
                os._exit(127)
        self.resize(*size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.wait(5)
        self.hang_up()

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        self._screen.resize(rows, columns)
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, size)

    def type(self, *keys: str) -> None:
        """Press keys, by name or as they stand."""
        for key in keys:
            os.write(self._fd, KEYS.get(key, key).encode())
            self.pump(0.05)

    def hang_up(self) -> None:
        """Take the terminal away, as a lost connection does."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def pump(self, seconds: float, stop: Callable[[], bool] = lambda: False) -> None:
        """Read what the program writes, for a time or until something holds."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not stop():
            if self._is_silent:
                time.sleep(min(left, 0.02))
            elif select.select([self._fd], [], [], min(left, 0.05))[0]:
                self._read()

    @property
    def _is_silent(self) -> bool:
        return self._fd < 0 or self._at_end

    def _read(self) -> None:
        most = self._most()
        if not most:
            time.sleep(0.01)
            return
        try:
            chunk = os.read(self._fd, most)
        except OSError:
            chunk = b""
        if chunk:
            self.raw += chunk
            self._feed(chunk)
            self._answer()
        else:
            # Nobody has the terminal open any more; the program may still be ending.
            self._at_end = True

    def _most(self) -> int:
        """Return how many bytes may be read now."""
        return 65536

    def _answer(self) -> None:
        """Tell where the cursor is as often as that was asked."""
        for _ in range(self.raw.count(WHERE) - self.asked):
            self.asked += 1
            if self._answers:
                with contextlib.suppress(OSError):
                    os.write(self._fd, b"\x1b[1;1R")

    def _feed(self, chunk: bytes) -> None:
        chunk = self._pending + chunk
        cut = chunk.rfind(b"\x1b")
        # A sequence may be cut by the end of the chunk; it is kept for the next one.
        if cut >= 0 and len(chunk) - cut < 64 and not re.search(rb"[@-~]", chunk[cut + 2 :]):
            chunk, self._pending = chunk[:cut], chunk[cut:]
        else:
            self._pending = b""
        self._stream.feed(UNKNOWN.sub(b"", chunk))

    def until(self, text: str, seconds: float = 30) -> None:
        """Wait until a text is on the screen; fail with the screen if it does not come."""
        self.pump(seconds, lambda: text in self.text)
        assert text in self.text, f"{text!r} did not come within {seconds} s:\n{self.text}"

    def until_gone(self, text: str, seconds: float = 30) -> None:
        """Wait until a text is not on the screen any more."""
        self.pump(seconds, lambda: text not in self.text)
        assert text not in self.text, f"{text!r} stayed for {seconds} s:\n{self.text}"

    @property
    def text(self) -> str:
        """The screen as it is now."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    @property
    def screen(self) -> pyte.Screen:
        """The cells of the screen, with their colours."""
        return self._screen

    def wait(self, seconds: float = 10) -> int | None:
        """Return the exit status of the program, or None if it does not end in time."""
        self.pump(seconds, self._has_ended)
        if self._status is not None:
            self._read_the_rest()
        return self._status

    def _read_the_rest(self) -> None:
        """Read what the program wrote last; nobody writes any more."""
        while not self._is_silent and select.select([self._fd], [], [], 0)[0]:
            self._read()

    def has_ended(self, status: int) -> None:
        """Take the status of a program that somebody else has waited for."""
        self._status = os.waitstatus_to_exitcode(status)

    def _has_ended(self) -> bool:
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.has_ended(status)
        return self._status is not None


class SlowTerminal(RealTerminal):
    """A terminal at the end of a slow line: it takes `rate` bytes a second."""

    def __init__(self, command: Sequence[str], *, rate: float = math.inf, **named: Any) -> None:
        self.rate = rate
        self._credit, self._credited_at = 0.0, time.monotonic()
        super().__init__(command, **named)

    def _most(self) -> int:
        if self.rate == math.inf:
            return super()._most()
        now = time.monotonic()
        self._credit = min(self.rate / 10, self._credit + (now - self._credited_at) * self.rate)
        self._credited_at = now
        most = int(self._credit)
        self._credit -= most
        return most
