"""Pages of one log file by byte offset, in bounded memory whatever the file's size."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import FileSignature
from orchestrator_tui.records.logs import LogLine, LogPage
from orchestrator_tui.watch.log_records import (
    LogRecord,
    LogRendering,
    begins_with_chunks,
    records_in,
    skipped_note,
)

LOOK_BACK_BYTES: Final = 64 * 1024  # how far before a page the beginning of a line is looked for
_BLOCK_BYTES: Final = 256 * 1024
_WINDOW_BYTES: Final = 128 * 1024  # enough for a screen in most logs; else four times as much
_WINDOW_LIMIT_BYTES: Final = 4 * 1024 * 1024  # most that one page reads and keeps
_SCAN_BYTES: Final = 1024 * 1024
_START: Final = re.compile(rb'(?:^|\n)\{"type": ?"command:start"')
_OVERLAP_BYTES: Final = 32  # longer than what `_START` matches

RecordReader: TypeAlias = Callable[[bytes, int], list[LogRecord]]


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log file below a root, and how its bytes become records."""

    path: Path
    root: Path
    records: RecordReader = records_in
    attempt_at: Callable[[int], int] = lambda offset: 1 if offset else 0

    def read(self, offset: int, limit_bytes: int) -> tuple[FileSignature, bytes]:
        """Return the file's signature and bytes of it; errors as for `files.read_range`."""
        return files.read_range(self.path, offset, limit_bytes, root=self.root)


class StartIndex:
    """Remembers where the attempts of a log begin; reads each byte of the file once."""

    def __init__(self) -> None:
        self._identity = (0, 0)
        self._scanned = 0
        self._starts: list[int] = []

    def attempt_at(self, log: LogFile, offset: int) -> int:
        """Return in which attempt the record that begins at `offset` lies, 0 before the first."""
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
        return sum(start < offset for start in self._starts)

    def _note(self, block: bytes, offset: int) -> None:
        for match in _START.finditer(block):
            if match.start() == 0 and block[:1] == b"{" and offset > 0:
                continue  # the block begins inside of a record
            start = offset + match.end() - len(match[0].lstrip(b"\n"))
            if not self._starts or start > self._starts[-1]:
                self._starts.append(start)


def page_after(log: LogFile, offset: int, max_lines: int) -> LogPage:
    """Return the page that begins at `offset`, where a record begins; ends after `max_lines`.

    A page may have more lines than asked for by those of its last record, never less than there
    are.

    Raises:
        FileNotFoundError: There is no such file.
        OSError: As for `files.read_range`.
    """
    look = max(0, offset - LOOK_BACK_BYTES)
    signature, before = log.read(look, offset - look)
    if offset and (len(before) < offset - look or not before.endswith(b"\n")):
        return LogPage((), 0, 0, signature.size, replaced=True)
    skip = before.find(b"\n") + 1 if look else 0
    back = log.records(before[skip:], look + skip)
    signature, block = _block(log, offset)
    first = log.records(block, offset)
    rendering = LogRendering(log.attempt_at(look + skip), begins_with_chunks([*back, *first]))
    for record in back:
        rendering.feed(record)
    lines: list[LogLine] = []
    position = offset
    while len(lines) < max_lines and block:
        if b"\n" in block:
            position = _feed(
                rendering,
                log.records(block, position),
                lines,
                max_lines,
                (position + block.rfind(b"\n") + 1),
            )
        elif (end := _past_long_record(log, position + len(block))) is not None:
            lines.append(skipped_note(position, end))
            position = end
        else:
            break
        signature, block = _block(log, position)
    at_end = b"\n" not in block
    return LogPage(
        lines=tuple(lines),
        start=offset,
        end=position,
        size=signature.size,
        partial=rendering.partial() if at_end else (),
        at_start=offset == 0,
        at_end=at_end,
    )


def page_before(log: LogFile, offset: int | None, max_lines: int) -> LogPage:
    """Return the page of at most `max_lines` lines that ends at `offset`, None for the file's end.

    A single record of more lines is given whole.

    Raises:
        FileNotFoundError: There is no such file.
        OSError: As for `files.read_range`.
    """
    signature, _ = log.read(0, 0)
    size = signature.size
    if offset is not None and (offset > size or not _ends_record(log, offset)):
        return LogPage((), 0, 0, size, replaced=True)
    end = size if offset is None else offset
    window_bytes = _WINDOW_BYTES
    while True:
        window = _window(log, end, window_bytes)
        chosen = window.last_records(max_lines)
        done = sum(len(lines) for _, lines in window.candidates) >= max_lines
        if done or window.start == 0 or window_bytes >= _WINDOW_LIMIT_BYTES:
            break
        window_bytes *= 4
    last = window.end
    if not chosen and window.start > 0:
        return _long_record_before(log, end, size)
    start = chosen[0][0].start if chosen else 0
    # Records without lines before the first one belong to this page: nothing is left before it.
    start = 0 if window.start == 0 and len(chosen) == len(window.candidates) else start
    return LogPage(
        lines=tuple(line for _, lines in chosen for line in lines),
        start=start,
        end=last,
        size=size,
        partial=window.partial if offset is None else (),
        at_start=start == 0,
        at_end=offset is None or _is_last(log, last, size),
    )


@dataclass(frozen=True, slots=True)
class _Window:
    """Rendered records before an offset; the candidates have enough before them to be whole."""

    start: int
    end: int
    candidates: tuple[tuple[LogRecord, tuple[LogLine, ...]], ...]
    partial: tuple[LogLine, ...]

    def last_records(self, max_lines: int) -> tuple[tuple[LogRecord, tuple[LogLine, ...]], ...]:
        """Return the last candidates that together have at most `max_lines` lines, or the last."""
        total = 0
        first = len(self.candidates)
        while first > 0:
            total += len(self.candidates[first - 1][1])
            if total > max_lines and first < len(self.candidates):
                break
            first -= 1
        return self.candidates[first:]


def _window(log: LogFile, end: int, window_bytes: int) -> _Window:
    start = max(0, end - window_bytes)
    _, content = log.read(start, end - start)
    skip = content.find(b"\n") + 1 if start else 0
    records = log.records(content[skip:], start + skip)
    rendering = LogRendering(log.attempt_at(start + skip), begins_with_chunks(records))
    rendered = tuple((record, tuple(rendering.feed(record))) for record in records)
    sure = start + LOOK_BACK_BYTES if start else 0
    candidates = tuple(each for each in rendered if each[0].start >= sure)
    last = start + content.rfind(b"\n") + 1 if b"\n" in content else start
    return _Window(start, last, candidates or rendered, rendering.partial())


def _block(log: LogFile, position: int) -> tuple[FileSignature, bytes]:
    """Return a block that has a whole record, unless there is none or it is too long."""
    signature, block = log.read(position, _BLOCK_BYTES)
    if len(block) == _BLOCK_BYTES and b"\n" not in block:
        return log.read(position, _WINDOW_LIMIT_BYTES)
    return signature, block


def _feed(
    rendering: LogRendering,
    records: list[LogRecord],
    lines: list[LogLine],
    max_lines: int,
    end: int,
) -> int:
    """Add the lines of records until there are enough; return where the next record begins."""
    for position, record in enumerate(records, 1):
        lines += rendering.feed(record)
        if len(lines) >= max_lines and position < len(records):
            return record.end
    return end


def _past_long_record(log: LogFile, at: int) -> int | None:
    """Return where the record that goes on at `at` ends, None if it has not ended."""
    while block := log.read(at, _SCAN_BYTES)[1]:
        newline = block.find(b"\n")
        if newline >= 0:
            return at + newline + 1
        at += len(block)
    return None


def _long_record_before(log: LogFile, end: int, size: int) -> LogPage:
    """Return a page with a note for the one record before `end` that is too long for a window."""
    at = end - 1
    start = 0
    while at > 0:
        from_ = max(0, at - _SCAN_BYTES)
        _, block = log.read(from_, at - from_)
        newline = block.rfind(b"\n")
        if newline >= 0:
            start = from_ + newline + 1
            break
        at = from_
    return LogPage((skipped_note(start, end),), start, end, size, at_start=start == 0, at_end=False)


def _ends_record(log: LogFile, offset: int) -> bool:
    return offset == 0 or log.read(offset - 1, 1)[1] == b"\n"


def _is_last(log: LogFile, offset: int, size: int) -> bool:
    return size - offset <= _WINDOW_LIMIT_BYTES and b"\n" not in log.read(offset, size - offset)[1]
