"""LogWindow: the part of a stage's log that is in memory, and where it lies in the file."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.safe_text import strip_sequences
from orchestrator_tui.records.line_looks import ALL_STREAMS, LineChoice, LineFilter
from orchestrator_tui.records.logs import LogLine, LogPage, Stream

MAX_LINES = 20_000  # more are dropped at the far side, a chunk at a time
MAX_CHARS = 8_000_000  # of all lines together, for logs of long ones
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


@dataclass(slots=True)
class _Chunk:
    """Lines whose records lie between two offsets of the file."""

    count: int
    start: int
    end: int
    chars: int


def _chunk(page: LogPage) -> _Chunk:
    return _Chunk(len(page.lines), page.start, page.end, sum(len(line.text) for line in page.lines))


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
        self._cleared: int | None = None
        self._chars = 0
        self.first = 0
        self.attempt = 1
        self.attempts = 1
        self.begun_at: datetime | None = None
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
    def choice(self) -> LineChoice:
        """Which lines are shown."""
        return LineChoice(_KEPT.get(self._streams, ALL_STREAMS), self._filter)

    @property
    def is_whole_log(self) -> bool:
        """Whether all lines of the log are in memory."""
        return self.at_start and self.at_end

    @property
    def is_cleared(self) -> bool:
        """Whether lines before some line are not shown."""
        return self._cleared is not None

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
        return len(self._lines) >= MAX_LINES or self._chars >= MAX_CHARS

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

    def ordinal_at(self, place: int) -> int | None:
        """Return the ordinal of the line at a place, None if it is not in memory."""
        position = bisect_left(self._lines, place, key=lambda line: line.place)
        is_found = position < len(self._lines) and self._lines[position].place == place
        return self._first + position if is_found else None

    def ordinal_from(self, place: int) -> int | None:
        """Return the ordinal of the first line at or after a place, the last one's if none is."""
        position = bisect_left(self._lines, place, key=lambda line: line.place)
        return self._first + min(position, len(self._lines) - 1) if self._lines else None

    def place_near(self, ordinal: int) -> int:
        """Return the place of a line, or one before or after all lines if it is not in memory."""
        if not self._lines or ordinal < self._first:
            return self.start - 1
        whole = self.whole
        return self.line(ordinal).place if ordinal < whole.stop else self.end

    def learn_number(self, place: int, number: int) -> bool:
        """Take over what number the line at a place has; tell whether that is news."""
        ordinal = None if self._line_one is not None else self.ordinal_at(place)
        if ordinal is None:
            return False
        self._line_one = ordinal - number + 1
        return True

    def last_written(self) -> datetime | None:
        """Return when the newest line was written, None while the end is not in memory."""
        newest = self._partial or self._lines[-1:]
        return newest[-1].at if newest and self.at_end else None

    def portion(self, place: int) -> float:
        """Return how far in the log a place lies, from 0 to 1."""
        return min(1.0, max(0.0, (place - self.first) / max(1, self.size - self.first)))

    def clear_before(self, ordinal: int | None) -> None:
        """Show no lines before one, None shows all again."""
        self._cleared = None if ordinal is None else self.line(ordinal).place
        self._select()

    def numbered(self, number: int) -> int | None:
        """Return the ordinal of the line of a number, None if it is not known to be in memory."""
        ordinal = None if self._line_one is None else self._line_one + number - 1
        return ordinal if ordinal is not None and ordinal in self.whole else None

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
        self._chunks = deque([_chunk(page)])
        self._chars = self._chunks[0].chars
        self.first, self.begun_at = page.first, page.begun_at
        self.attempt, self.attempts = page.attempt, page.attempts
        self.at_start = page.at_start
        self._take_end(page)

    def append(self, page: LogPage) -> None:
        """Add the page after the last; forgets at the start what is too much."""
        self._lines.extend(page.lines)
        last, new = self._chunks[-1] if self._chunks else None, _chunk(page)
        self._chars += new.chars
        self.attempts, self.begun_at = page.attempts, self.begun_at or page.begun_at
        if last is not None and last.count + new.count <= CHUNK_LINES:
            last.count += new.count
            last.chars += new.chars
            last.end = page.end
        else:
            self._chunks.append(new)
        while self._is_over_full:
            gone = self._chunks.popleft()
            del self._lines[: gone.count]
            self._first += gone.count
            self._chars -= gone.chars
            self.at_start = False
        self._take_end(page)

    def prepend(self, page: LogPage) -> None:
        """Add the page before the first; forgets at the end what is too much."""
        self._lines[:0] = page.lines
        self._first -= len(page.lines)
        self._chunks.appendleft(_chunk(page))
        self._chars += self._chunks[0].chars
        self.at_start = page.at_start
        if page.at_start:
            self._line_one = self._first
        self.size = page.size
        while self._is_over_full:
            gone = self._chunks.pop()
            if gone.count:
                del self._lines[-gone.count :]
            self._chars -= gone.chars
            self._partial = ()
            self.at_end = False
        self._select()

    @property
    def _is_over_full(self) -> bool:
        is_more = len(self._lines) > MAX_LINES or self._chars > MAX_CHARS
        return is_more and len(self._chunks) > 1

    def _take_end(self, page: LogPage) -> None:
        self._partial = page.partial
        self.at_end = page.at_end
        self.size = page.size
        self._select()

    def _select(self) -> None:
        stop = self._first + len(self._lines) + len(self._partial)
        everything = range(self._first + self._cleared_lines(), stop)
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

    def _cleared_lines(self) -> int:
        if self._cleared is None:
            return 0
        return bisect_left(self._lines, self._cleared, key=lambda line: line.place)

    def lets_through(self, line: LogLine) -> bool:
        """Tell whether a line would be shown."""
        if self._cleared is not None and line.place < self._cleared:
            return False
        return self.choice.passes(line.stream, strip_sequences(line.text))

    def _passes(self, ordinal: int) -> bool:
        if self._filter is None:
            return True
        passed = self._passed.get(ordinal)
        if passed is None:
            passed = self._filter.passes(strip_sequences(self.line(ordinal).text))
            if self.is_whole(ordinal):
                self._passed[ordinal] = passed
        return passed
