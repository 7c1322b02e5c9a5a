"""RowPainter: one line of a log as rows of cells."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.strip import Strip

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.logs import LogLine, Stream
from orchestrator_tui.state.formatting import number
from orchestrator_tui.ui.ansi import Span, segments, styled_text
from orchestrator_tui.ui.widgets.cells import CUT
from orchestrator_tui.ui.widgets.log_search import LogSearch
from orchestrator_tui.ui.widgets.log_times import TIME_CELLS, Times, time_cell
from orchestrator_tui.ui.widgets.log_window import LogWindow

CACHED_LINES = 1_000
NUMBER_CELLS = 8  # a line's number and a space
MARK_CELLS = 2  # E for stderr, and a space
RULE = "─"  # between attempts, and below a marked line
MIN_ROOM = 8  # cells that the text of a line always gets


@dataclass(frozen=True, slots=True)
class Row:
    """One row on the screen: what stays at the left, what moves sideways, and what fills up."""

    gutter: Strip
    body: Strip
    fill: Segment | None = None


def folded(body: Strip, room: int) -> list[Strip]:
    """Return a strip cut into pieces of at most `room` cells, wide characters whole."""
    if body.cell_length <= room:
        return [body]
    cuts: list[int] = []
    cells = used = 0
    for segment in body:
        for char in segment.text:
            wide = cell_len(char)
            if used + wide > room:
                cuts.append(cells)
                used = 0
            cells += wide
            used += wide
    return list(body.divide([*cuts, cells]))


class RowPainter:
    """Draws the lines of a window and keeps the rows of those that were drawn last.

    `style` gives the whole style of a component class, "" for that of plain text; `mark` only
    what the class itself sets.
    """

    def __init__(
        self,
        window: LogWindow,
        search: LogSearch,
        *,
        style: Callable[[str], Style],
        mark: Callable[[str], Style],
    ) -> None:
        self._window = window
        self._search = search
        self._style = style
        self._mark = mark
        self._kept: LRUCache[int, tuple[Row, ...]] = LRUCache(CACHED_LINES)
        self.wrap = False
        self.times = Times.CLOCK
        self.marks: Sequence[int] = ()
        self.numbers = False
        self.width = 0

    @property
    def room(self) -> int:
        """Cells for the text of a line."""
        times = 0 if self.times is Times.OFF else TIME_CELLS
        gutter = times + (NUMBER_CELLS if self.numbers else 0)
        return max(MIN_ROOM, self.width - MARK_CELLS - gutter)

    def forget(self, ordinal: int | None = None) -> None:
        """Draw a line, or all, anew when next asked for."""
        if ordinal is None:
            self._kept.clear()
        else:
            self._kept.discard(ordinal)

    def rows(self, ordinal: int) -> tuple[Row, ...]:
        """Return the rows of a line, one at least."""
        rows = self._kept.get(ordinal)
        if rows is None:
            rows = self._draw(ordinal)
            if self._window.is_whole(ordinal):
                self._kept[ordinal] = rows
        return rows

    def first_row(self, ordinal: int) -> int:
        """Return which row of a line has its beginning: a rule may stand above it."""
        return next((n for n, row in enumerate(self.rows(ordinal)) if row.gutter.cell_length), 0)

    def strip(self, row: Row, left: int) -> Strip:
        """Return a row in `width` cells, its text moved `left` cells out to the left."""
        base = self._style("")
        room = self.width - row.gutter.cell_length
        body = row.body.crop(left, left + room) if left else row.body
        if row.body.cell_length - left > room:
            body = Strip([*body.crop(0, room - 1), Segment(CUT, self._style("log--cut"))])
        line = Strip.join([row.gutter, body])
        if row.fill is not None:
            missing = max(0, self.width - line.cell_length)
            line = Strip([*line, Segment(row.fill.text * missing, row.fill.style)])
        return line.adjust_cell_length(self.width, base)

    def _draw(self, ordinal: int) -> tuple[Row, ...]:
        line = self._window.line(ordinal)
        rows: list[Row] = []
        before = self._window.neighbour(ordinal, -1)
        if before is not None and self._window.line(before).attempt < line.attempt:
            rows.append(self._rule(f"attempt {line.attempt}", "log--rule"))
        body, gutter = self._body(ordinal, line), self._gutter(ordinal, line)
        mark = self._rule(_mark_words(line), "log--mark") if self._is_marked(line) else None
        marked = () if mark is None else (mark,)
        if not self.wrap:
            return (*rows, Row(gutter, body), *marked)
        blank = Strip.blank(gutter.cell_length, self._style(""))
        first, *others = folded(body, self.room)
        return (*rows, Row(gutter, first), *(Row(blank, piece) for piece in others), *marked)

    def _is_marked(self, line: LogLine) -> bool:
        at = bisect_left(self.marks, line.place)
        return line.place >= 0 and at < len(self.marks) and self.marks[at] == line.place

    def _rule(self, words: str, name: str) -> Row:
        style = self._style(name)
        text = Segment(f"{RULE * 2} {words} ", style)
        return Row(Strip([]), Strip([text]), fill=Segment(RULE, style))

    def _gutter(self, ordinal: int, line: LogLine) -> Strip:
        parts: list[Segment] = []
        if self.times is not Times.OFF:
            before = self._window.neighbour(ordinal, -1) if self.times is Times.DELTA else None
            earlier = None if before is None else self._window.line(before).at
            time = time_cell(self.times, line.at, self._window.begun_at, earlier)
            parts.append(Segment(time, self._style("log--time")))
        if self.numbers:
            known = self._window.number_of(ordinal)
            text = "" if known is None else str(known)
            parts.append(Segment(f"{text:>{NUMBER_CELLS - 1}} ", self._style("log--time")))
        is_error = line.stream is Stream.STDERR
        parts.append(Segment("E " if is_error else "  ", self._style("log--error")))
        return Strip(parts)

    def _body(self, ordinal: int, line: LogLine) -> Strip:
        text = styled_text(line.text)
        spans: list[Span] = list(text.spans)
        if self._search.look is not None:
            mark = self._mark("log--hit-here" if ordinal == self._search.current else "log--hit")
            spans += [(*m.span(), mark) for m in self._search.look.pattern.finditer(text.plain)]
        base = self._style("log--note" if line.stream is Stream.NOTE else "")
        parts = segments(text.plain, spans, base)
        if line.cut_bytes:
            cut = f" {CUT} +{number(line.cut_bytes)} bytes"
            parts.append(Segment(cut, self._style("log--cut")))
        return Strip(parts)


def _mark_words(line: LogLine) -> str:
    return f"mark {line.at.astimezone():%H:%M:%S}" if line.at else "mark"
