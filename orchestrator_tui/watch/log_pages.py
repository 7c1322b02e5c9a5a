"""Pages of one log file by byte offset, in bounded memory whatever the file's size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from orchestrator_tui.dataclass import dataclass
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
_PAGE_BYTES: Final = 16 * 1024 * 1024  # most that one page goes through to find lines
LINES_BEFORE: Final = 100  # on a page for a place in the middle of a log
_BLOCK_BYTES: Final = 256 * 1024
_WINDOW_BYTES: Final = 128 * 1024  # enough for a screen in most logs; else four times as much
_WINDOW_LIMIT_BYTES: Final = 4 * 1024 * 1024  # most that one page reads and keeps
_SCAN_BYTES: Final = 1024 * 1024

RecordReader: TypeAlias = Callable[[bytes, int], list[LogRecord]]


class PagedLog(Protocol):
    """What pages are made of: bytes by offset, and how they become records."""

    @property
    def records(self) -> RecordReader:
        """Makes records of bytes."""
        ...

    @property
    def attempt_at(self) -> Callable[[int], int]:
        """Tells in which attempt the record at an offset lies, 0 before the first."""
        ...

    @property
    def first(self) -> int:
        """Where the first record begins."""
        ...

    def read(self, offset: int, limit_bytes: int) -> tuple[FileSignature, bytes]:
        """Return the signature, its size where the log ends, and bytes of it."""
        ...


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log file below a root, or a part of one, and how its bytes become records.

    The part goes from the record at `first` to the one at `stop`; offsets are those of the file.
    `attempt_at` tells in which attempt the record at an offset lies, 0 before the first.
    """

    path: Path
    root: Path
    records: RecordReader = records_in
    attempt_at: Callable[[int], int] = lambda offset: 1 if offset else 0
    first: int = 0
    stop: int | None = None

    def read(self, offset: int, limit_bytes: int) -> tuple[FileSignature, bytes]:
        """Return the file's signature and bytes of it; errors as for `files.read_range`.

        The size in the signature is where the part ends.
        """
        if self.stop is None:
            return files.read_range(self.path, offset, limit_bytes, root=self.root)
        limit = max(0, min(limit_bytes, self.stop - offset))
        signature, content = files.read_range(self.path, offset, limit, root=self.root)
        return signature._replace(size=min(signature.size, self.stop)), content


def page_after(log: PagedLog, offset: int, max_lines: int) -> LogPage:
    """Return the page that begins at `offset`, where a record begins; ends after `max_lines`.

    A page may have more lines than asked for by those of its last record, never less than there
    are.

    Raises:
        FileNotFoundError: There is no such file.
        OSError: As for `files.read_range`.
    """
    offset = max(log.first, offset)
    back = records_before(log, offset)
    if back is None:
        return LogPage((), 0, 0, log.read(0, 0)[0].size, replaced=True)
    signature, block = block_at(log, offset)
    first = log.records(block, offset)
    attempt = log.attempt_at(back[0].start if back else offset)
    rendering = LogRendering(attempt, begins_with_chunks([*back, *first]))
    for record in back:
        rendering.feed(record)
    lines: list[LogLine] = []
    position = offset
    while len(lines) < max_lines and block and position - offset < _PAGE_BYTES:
        if b"\n" in block:
            position = _feed(
                rendering,
                log.records(block, position),
                lines,
                max_lines,
                (position + block.rfind(b"\n") + 1),
            )
        elif (end := past_long_record(log, position + len(block))) is not None:
            lines.append(skipped_note(position, end))
            position = end
        else:
            break
        signature, block = block_at(log, position)
    at_end = b"\n" not in block
    return LogPage(
        lines=tuple(lines),
        start=offset,
        end=position,
        size=signature.size,
        partial=rendering.partial() if at_end else (),
        at_start=offset == log.first,
        at_end=at_end,
    )


def records_before(log: PagedLog, offset: int) -> list[LogRecord] | None:
    """Return the records shortly before an offset, None if no record ends there."""
    look = max(log.first, offset - LOOK_BACK_BYTES)
    _, before = log.read(look, offset - look)
    if offset > log.first and (len(before) < offset - look or not before.endswith(b"\n")):
        return None
    skip = before.find(b"\n") + 1 if look > log.first else 0
    return log.records(before[skip:], look + skip)


def page_at(log: PagedLog, offset: int, max_lines: int) -> LogPage:
    """Return a page that has the record with the byte at `offset`, and some lines before it.

    It has more lines than asked for where those before come whole with a large record.

    Raises:
        FileNotFoundError: There is no such file.
        OSError: As for `files.read_range`.
    """
    start = record_start(log, offset)
    before = page_before(log, start, min(LINES_BEFORE, max_lines))
    if before.replaced:
        return page_after(log, start, max_lines)
    # One line more than lies before the record, or the page would end where the record begins.
    return page_after(log, before.start, max(max_lines, len(before.lines) + 1))


def page_before(log: PagedLog, offset: int | None, max_lines: int) -> LogPage:
    """Return the page of at most `max_lines` lines that ends at `offset`, None for the file's end.

    A single record of more lines is given whole.

    Raises:
        FileNotFoundError: There is no such file.
        OSError: As for `files.read_range`.
    """
    signature, _ = log.read(0, 0)
    size = signature.size
    if offset is not None and (not log.first <= offset <= size or not _ends_record(log, offset)):
        return LogPage((), 0, 0, size, replaced=True)
    end = size if offset is None else offset
    window_bytes = _WINDOW_BYTES
    while True:
        window = _window(log, end, window_bytes)
        chosen = window.last_records(max_lines)
        done = sum(len(lines) for _, lines in window.candidates) >= max_lines
        if done or window.start == log.first or window_bytes >= _WINDOW_LIMIT_BYTES:
            break
        window_bytes *= 4
    last = window.end
    if not chosen and window.start > log.first:
        return _long_record_before(log, end, size)
    start = chosen[0][0].start if chosen else log.first
    # Records without lines before the first one belong to this page: nothing is left before it.
    if window.start == log.first and len(chosen) == len(window.candidates):
        start = log.first
    return LogPage(
        lines=tuple(line for _, lines in chosen for line in lines),
        start=start,
        end=last,
        size=size,
        partial=window.partial if offset is None else (),
        at_start=start == log.first,
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


def _window(log: PagedLog, end: int, window_bytes: int) -> _Window:
    start = max(log.first, end - window_bytes)
    _, content = log.read(start, end - start)
    skip = content.find(b"\n") + 1 if start > log.first else 0
    records = log.records(content[skip:], start + skip)
    rendering = LogRendering(log.attempt_at(start + skip), begins_with_chunks(records))
    rendered = tuple((record, tuple(rendering.feed(record))) for record in records)
    sure = start + LOOK_BACK_BYTES if start > log.first else start
    candidates = tuple(each for each in rendered if each[0].start >= sure)
    last = start + content.rfind(b"\n") + 1 if b"\n" in content else start
    return _Window(start, last, candidates or rendered, rendering.partial())


def block_at(log: PagedLog, position: int) -> tuple[FileSignature, bytes]:
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


def past_long_record(log: PagedLog, at: int) -> int | None:
    """Return where the record that goes on at `at` ends, None if it has not ended."""
    while block := log.read(at, _SCAN_BYTES)[1]:
        newline = block.find(b"\n")
        if newline >= 0:
            return at + newline + 1
        at += len(block)
    return None


def _long_record_before(log: PagedLog, end: int, size: int) -> LogPage:
    """Return a page with a note for the one record before `end` that is too long for a window."""
    start = record_start(log, end - 1)
    note = skipped_note(start, end)
    return LogPage((note,), start, end, size, at_start=start == log.first, at_end=False)


def record_start(log: PagedLog, at: int) -> int:
    """Return where the record begins that has the byte at an offset."""
    while at > log.first:
        from_ = max(log.first, at - _SCAN_BYTES)
        _, block = log.read(from_, at - from_)
        newline = block.rfind(b"\n")
        if newline >= 0:
            return from_ + newline + 1
        at = from_
    return log.first


def _ends_record(log: PagedLog, offset: int) -> bool:
    return offset == log.first or log.read(offset - 1, 1)[1] == b"\n"


def _is_last(log: PagedLog, offset: int, size: int) -> bool:
    return size - offset <= _WINDOW_LIMIT_BYTES and b"\n" not in log.read(offset, size - offset)[1]
