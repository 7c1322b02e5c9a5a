"""Programs on a terminal of their own: when they show something, and how much they write."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from bench.spending import Failed, environment

COLUMNS, LINES = 140, 40
_CHUNK_BYTES = 256 * 1024
_WHERE = b"\x1b[6n"  # the question where the cursor is
_END_S = 10.0  # a program has this long to end when it is told to


class Terminal:
    """A program with a terminal of its own, ended with the block that it is used in."""

    def __init__(
        self, command: Sequence[str | Path], cwd: Path, columns: int = COLUMNS, lines: int = LINES
    ) -> None:
        words = [str(word) for word in command]
        environ = environment() | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environ.pop("NO_COLOR", None)
        self.begun = time.perf_counter()
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
                os.chdir(cwd)
                os.execvpe(words[0], words, environ)
            finally:
                os._exit(127)
        self._tail = b""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the program, if need be the hard way."""
        os.kill(self.pid, signal.SIGTERM)
        until = time.monotonic() + _END_S
        while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
            self.read(0.02)
        os.close(self._descriptor)

    def press(self, keys: str) -> None:
        """Send keys as a terminal does."""
        os.write(self._descriptor, keys.encode())

    def read(self, timeout_s: float) -> bytes:
        """Return what the program writes next, nothing if it writes nothing in time."""
        if not select.select([self._descriptor], [], [], timeout_s)[0]:
            return b""
        try:
            written = os.read(self._descriptor, _CHUNK_BYTES)
        except OSError:  # the program has ended
            time.sleep(min(timeout_s, 0.01))
            return b""
        if _WHERE in written:  # a program that asks paints less often until it is answered
            os.write(self._descriptor, b"\x1b[1;1R")
        return written

    def wait_for(self, texts: Sequence[str], timeout_s: float = 60.0) -> float:
        """Return the time at which one of the texts was written.

        Raises:
            Failed: None was in time.
        """
        wanted = [text.encode() for text in texts]
        keep = max(map(len, wanted))
        until = time.perf_counter() + timeout_s
        while time.perf_counter() < until:
            self._tail = self._tail[-keep:] + self.read(0.1)
            if any(text in self._tail for text in wanted):
                self._tail = b""
                return time.perf_counter()
        raise Failed(f"none of {', '.join(texts)} was shown within {timeout_s:g} s")

    def written_within(self, seconds: float) -> int:
        """Return how many bytes the program writes in that time."""
        until, count = time.perf_counter() + seconds, 0
        while (left := until - time.perf_counter()) > 0:
            count += len(self.read(left))
        return count

    def cpu_s(self) -> float:
        """Return how many seconds of a core the program and its threads have used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> int:
        """Return how much memory of its own the program holds."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise Failed("the program has ended")
