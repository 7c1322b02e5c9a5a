"""StartIndex: where the attempts of a stage begin in its one log."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.watch.log_pages import LogFile

_SCAN_BYTES: Final = 1024 * 1024
_NAME: Final = b'"command:start"'  # inside of a text its quotes would be escaped
_BEGINNINGS: Final = (b'{"type":', b'{"type": ')
_BEFORE_NAME_BYTES: Final = 10  # the longest beginning, and the newline before it
_OVERLAP_BYTES: Final = 32  # longer than all that is looked for


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a stage: which of how many, and from where to where it lies in the log.

    `stop` is None for the newest, which may grow.
    """

    number: int = 1
    count: int = 1
    first: int = 0
    stop: int | None = None


class StartIndex:
    """Remembers where the attempts of a log begin; reads each byte of the file once."""

    def __init__(self) -> None:
        self._identity = (0, 0)
        self._scanned = 0
        self._starts: list[int] = []

    def attempt(self, log: LogFile, number: int, size: int) -> Attempt:
        """Return an attempt of a log of `size` bytes, the newest where there is none so numbered.

        What stands before the first start belongs to the first attempt.
        """
        self._scan_to(log, size)
        count = max(1, len(self._starts))
        number = number if 1 <= number <= count else count
        bounds = [0, *self._starts[1:], None]
        return Attempt(number, count, bounds[number - 1] or 0, bounds[number])

    def attempt_at(self, log: LogFile, offset: int) -> int:
        """Return in which attempt the record that begins at `offset` lies, 0 before the first."""
        self._scan_to(log, offset)
        return sum(start < offset for start in self._starts)

    def _scan_to(self, log: LogFile, offset: int) -> None:
        while self._scanned < offset:
            back = min(self._scanned, _OVERLAP_BYTES)
            signature, block = log.read(self._scanned - back, _SCAN_BYTES + back)
            identity = (signature.device, signature.inode)
            if identity != self._identity or signature.size < self._scanned:
                self._identity, self._scanned, self._starts = identity, 0, []
                signature, block = log.read(0, _SCAN_BYTES)
                back = 0
            if len(block) <= back:
                break
            self._note(block, self._scanned - back)
            self._scanned += len(block) - back

    def _note(self, block: bytes, offset: int) -> None:
        at = block.find(_NAME)
        while at >= 0:
            newline = block.rfind(b"\n", max(0, at - _BEFORE_NAME_BYTES), at)
            begins_file = offset == 0 and at < _BEFORE_NAME_BYTES
            begin = newline + 1 if newline >= 0 else 0 if begins_file else None
            if begin is not None and block[begin:at] in _BEGINNINGS:
                start = offset + begin
                if not self._starts or start > self._starts[-1]:
                    self._starts.append(start)
            at = block.find(_NAME, at + len(_NAME))


def part_of(log: LogFile, attempt: Attempt) -> LogFile:
    """Return the part of a log that an attempt is."""
    before = attempt.number - 1

    def attempt_at(offset: int) -> int:
        return attempt.number if offset > attempt.first else before

    return replace(log, first=attempt.first, stop=attempt.stop, attempt_at=attempt_at)
