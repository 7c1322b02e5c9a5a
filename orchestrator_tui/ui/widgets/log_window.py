"""LogWindow: the part of a stage's log that is in memory, and where it lies in the file."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestrator_tui.primitives.safe_text import strip_sequences
from orchestrator_tui.records.logs import LogLine, LogPage, Stream

MAX_LINES = 20_000  # more are dropped at the far side, a chunk at a time
CHUNK_LINES = 1_000  # how finely the far side is dropped


class Streams(StrEnum):
    """Which lines are shown; notes always are."""

    BOTH = "both"
    OUT = "out"
    ERR = "err"


_KEPT = {
    Streams.OUT: frozenset([Stream.STDOUT, Stream.NOTE]),
    Streams.ERR: frozenset([Stream.STDERR, Stream.NOTE]),
}


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Lines that have a pattern are kept, or with `hides` left out; `label` is what was typed."""

    label: str
    pattern: re.Pattern[str]
    hides: bool = False

    def passes(self, text: str) -> bool:
        """Tell whether a line is shown."""
        return (self.pattern.search(strip_sequences(text)) is None) is self.hides


@dataclass(slots=True)
class _Chunk:
    """Lines whose records lie between two offsets of the file."""

    count: int
    start: int
    end: int


class LogWindow:
    """Whole lines between two offsets of a log; grows at either end and forgets at the other.

    A line keeps its ordinal for as long as it is in the window: 0 for the first line of the first
    page, counting down before it. A last line without its newline has the ordinal that it will
    keep once it is whole.
    """

    def __init__(self) -> None:
        self._lines: list[LogLine] = []
        self._partial: tuple[LogLine, ...] = ()
        self._chunks: deque[_Chunk] = deque()
        self._first = 0
        self._shown: Sequence[int] = range(0)
        self._streams = Streams.BOTH
        self._filter: LineFilter | None = None
        self._passed: dict[int, bool] = {}
        self._line_one: int | None = None
        self.size = 0
        self.at_start = True
        self.at_end = True

    @property
    def shown(self) -> Sequence[int]:
        """The ordinals of the lines to show, ascending."""
        return self._shown

    @property
    def whole(self) -> range:
        """The ordinals of all whole lines."""
        return range(self._first, self._first + len(self._lines))

    @property
    def start(self) -> int:
        """The offset of the first record."""
        return self._chunks[0].start if self._chunks else 0

    @property
    def end(self) -> int:
        """The offset after the last record."""
        return self._chunks[-1].end if self._chunks else 0

    @property
    def streams(self) -> Streams:
        """Which streams are shown."""
        return self._streams

    @property
    def kept(self) -> LineFilter | None:
        """Which lines are shown by their words, None for all."""
        return self._filter

    @property
    def is_full(self) -> bool:
        """Whether growing at one end means forgetting at the other."""
        return len(self._lines) >= MAX_LINES

    def line(self, ordinal: int) -> LogLine:
        """Return the line of an ordinal that is in the window."""
        position = ordinal - self._first
        if position < len(self._lines):
            return self._lines[position]
        return self._partial[position - len(self._lines)]

    def is_whole(self, ordinal: int) -> bool:
        """Tell whether a line will not change any more."""
        return ordinal - self._first < len(self._lines)

    def neighbour(self, ordinal: int, step: int) -> int | None:
        """Return the shown ordinal `step` lines after (or before) another, or None."""
        place = bisect_left(self._shown, ordinal) + step
        if step > 0 and (bisect_right(self._shown, ordinal) == bisect_left(self._shown, ordinal)):
            place -= 1
        return self._shown[place] if 0 <= place < len(self._shown) else None

    def nearest(self, ordinal: int) -> int | None:
        """Return the first shown ordinal that is not before another, else the last, or None."""
        if not self._shown:
            return None
        return self._shown[min(bisect_left(self._shown, ordinal), len(self._shown) - 1)]

    def shown_after(self, ordinal: int) -> int:
        """Return how many lines are shown after an ordinal."""
        return len(self._shown) - bisect_right(self._shown, ordinal)

    def shown_before(self, ordinal: int) -> int:
        """Return how many lines are shown before an ordinal."""
        return bisect_left(self._shown, ordinal)

    def offset_of(self, ordinal: int) -> int:
        """Return about where in the file a line lies, in bytes."""
        left = ordinal - self._first
        for chunk in self._chunks:
            if left < chunk.count:
                return chunk.start + (chunk.end - chunk.start) * left // chunk.count
            left -= chunk.count
        return self.end

    def number_of(self, ordinal: int) -> int | None:
        """Return the number of a line in its log, from 1; None while its start was not seen."""
        return None if self._line_one is None else ordinal - self._line_one + 1

    def choose(self, streams: Streams) -> None:
        """Show other streams."""
        self._streams = streams
        self._select()

    def keep(self, kept: LineFilter | None) -> None:
        """Show only the lines that a filter lets through."""
        self._filter = kept
        self._passed.clear()
        self._select()

    def reset(self, page: LogPage, number: int | None = None) -> None:
        """Begin anew with a page; `number` is that of its first line, where it is known."""
        self._lines = list(page.lines)
        self._first = 0
        self._passed.clear()
        self._line_one = 0 if page.at_start else None if number is None else 1 - number
        self._chunks = deque([_Chunk(len(page.lines), page.start, page.end)])
        self.at_start = page.at_start
        self._take_end(page)

    def append(self, page: LogPage) -> None:
        """Add the page after the last; forgets at the start what is too much."""
        self._lines.extend(page.lines)
        last = self._chunks[-1] if self._chunks else None
        if last is not None and last.count + len(page.lines) <= CHUNK_LINES:
            last.count += len(page.lines)
            last.end = page.end
        else:
            self._chunks.append(_Chunk(len(page.lines), page.start, page.end))
        while len(self._lines) > MAX_LINES and len(self._chunks) > 1:
            gone = self._chunks.popleft().count
            del self._lines[:gone]
            self._first += gone
            self.at_start = False
        self._take_end(page)

    def prepend(self, page: LogPage) -> None:
        """Add the page before the first; forgets at the end what is too much."""
        self._lines[:0] = page.lines
        self._first -= len(page.lines)
        self._chunks.appendleft(_Chunk(len(page.lines), page.start, page.end))
        self.at_start = page.at_start
        if page.at_start:
            self._line_one = self._first
        self.size = page.size
        while len(self._lines) > MAX_LINES and len(self._chunks) > 1:
            gone = self._chunks.pop().count
            if gone:
                del self._lines[-gone:]
            self._partial = ()
            self.at_end = False
        self._select()

    def _take_end(self, page: LogPage) -> None:
        self._partial = page.partial
        self.at_end = page.at_end
        self.size = page.size
        self._select()

    def _select(self) -> None:
        everything = range(self._first, self._first + len(self._lines) + len(self._partial))
        streams = _KEPT.get(self._streams)
        if streams is None and self._filter is None:
            self._shown = everything
            return
        if len(self._passed) > 2 * MAX_LINES:
            self._passed = {o: passed for o, passed in self._passed.items() if o in everything}
        self._shown = [
            o
            for o in everything
            if (streams is None or self.line(o).stream in streams) and self._passes(o)
        ]

    def lets_through(self, line: LogLine) -> bool:
        """Tell whether a line would be shown."""
        streams = _KEPT.get(self._streams)
        is_of_streams = streams is None or line.stream in streams
        return is_of_streams and (self._filter is None or self._filter.passes(line.text))

    def _passes(self, ordinal: int) -> bool:
        if self._filter is None:
            return True
        passed = self._passed.get(ordinal)
        if passed is None:
            passed = self._filter.passes(self.line(ordinal).text)
            if self.is_whole(ordinal):
                self._passed[ordinal] = passed
        return passed
