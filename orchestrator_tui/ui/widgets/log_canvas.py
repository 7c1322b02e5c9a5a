"""LogCanvas: draws the visible lines of a log window, and keeps its place in it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.ui.palette import style_of
from orchestrator_tui.ui.widgets.log_rows import RowPainter
from orchestrator_tui.ui.widgets.log_search import LogSearch
from orchestrator_tui.ui.widgets.log_window import LogWindow

BAR_CELLS = 1  # the place in the file, at the right edge
HERE_CELLS = 1  # what points to the line that a person is at, at the left edge
HERE = ">"

Anchor = tuple[int, int]  # a line's ordinal, and one of its rows


@dataclass(frozen=True, slots=True)
class _Painted:
    """What stands on a row of the screen, to find the rows that changed."""

    anchor: Anchor | None
    unfinished: str | None
    barred: bool
    selected: bool = False
    here: bool = False


class LogCanvas(Widget, can_focus=True):
    """The visible lines of a `LogWindow`, drawn row by row as they change.

    The top of the view is tied to a line, not to a row number, so it stays where it is when lines
    come or go at either end. While `follow` is on, the last line is kept visible instead.
    """

    DEFAULT_CSS = "LogCanvas { height: 1fr; width: 1fr; }"
    ALLOW_SELECT = False

    class Moved(Message):
        """The view moved, `up` towards the start of the log; None where only its size changed."""

        def __init__(self, *, up: bool | None = None) -> None:
            super().__init__()
            self.up = up

    def __init__(self) -> None:
        super().__init__()
        self.window = LogWindow()
        self.search = LogSearch()
        self.can_follow = False
        self._empty = ""
        self._follow = False
        self._left = 0
        self._cursor: int | None = None
        self._selected: tuple[int, int] | None = None  # where it began, and where it ends now
        self._anchor: Anchor = (0, 0)
        self._page: list[Anchor] = []
        self._painted: list[_Painted] = []
        self._styles: dict[str, Style] = {}
        self._painter = RowPainter(self.window, self.search, style=self._style, mark=self._mark)

    @property
    def follow(self) -> bool:
        """Whether the last line is kept visible."""
        return self._follow

    @property
    def wrap(self) -> bool:
        """Whether long lines go on below instead of beyond the right edge."""
        return self._painter.wrap

    @property
    def first_visible(self) -> int | None:
        """The ordinal of the topmost line, None where there is none."""
        return self._page[0][0] if self._page else None

    @property
    def last_visible(self) -> int | None:
        """The ordinal of the lowest line, None where there is none."""
        return self._page[-1][0] if self._page else None

    @property
    def cursor(self) -> int | None:
        """The ordinal of the line that was gone to or clicked last, None if it is out of sight."""
        return self._cursor if self._cursor in self._visible_lines() else None

    @property
    def here(self) -> int | None:
        """The ordinal of the line that a person is at: the cursor's, the newest, or the topmost."""
        if self._selected is not None:
            return self._selected[1]
        if self.cursor is not None:
            return self.cursor
        return self.last_visible if self.shows_end else self.first_visible

    def _visible_lines(self) -> set[int]:
        return {ordinal for ordinal, _ in self._page}

    def texts(self, ordinals: Iterable[int]) -> tuple[str, ...]:
        """Return the texts of lines of the window, not yet safe."""
        return tuple(self.window.line(ordinal).text for ordinal in ordinals)

    @property
    def shows_end(self) -> bool:
        """Whether the last row of the window is on the screen."""
        shown = self.window.shown
        if not shown or not self._page:
            return True
        return self._page[-1] == (shown[-1], len(self._painter.rows(shown[-1])) - 1)

    def say_when_empty(self, words: str) -> None:
        """Choose what is shown where there are no lines; `words` are safe text."""
        if words != self._empty:
            self._empty = words
            if not self.window.shown:
                self.refresh()

    def lines_changed(self, seam: int | None = None) -> None:
        """Draw what a change of the window made different; a paused view stays where it is.

        `seam` is the line that got a line before it.
        """
        if seam is not None:
            self._painter.forget(seam)
        self._settle()

    def show_marks(self, places: Sequence[int]) -> None:
        """Draw a rule below the lines at these places; of what is marked later too."""
        self._painter.marks = places

    def lines_replaced(self, *, at_end: bool) -> None:
        """Draw another window, from its end or its start."""
        shown = self.window.shown
        self._selected = self._cursor = None
        self._anchor = (shown[-1 if at_end else 0], 0) if shown else (0, 0)
        if at_end and shown:
            self._anchor = (shown[-1], len(self._painter.rows(shown[-1])))
        self.draw_anew()

    def row_changed(self, ordinal: int) -> None:
        """Draw one line anew, and what its height moves; an end that was visible stays so."""
        was_end = self.shows_end
        self._painter.forget(ordinal)
        if was_end:
            self._anchor = self._lowest()
        self._settle(everything=True)

    def draw_anew(self) -> None:
        """Draw all visible lines again, as after a search."""
        self._painter.forget()
        self._settle(everything=True)

    def set_follow(self, follow: bool) -> None:
        """Keep the last line visible, or stop doing so."""
        self._follow = follow
        self._settle()

    def bring_to_view(self, ordinal: int) -> None:
        """Put the cursor on a line and scroll it into view, with some above; stop following."""
        self._follow = False
        self._cursor = ordinal
        if ordinal not in self._visible_lines():
            self._anchor = self._shifted((ordinal, 0), -(self.size.height // 3))
        self.draw_anew()

    # Place

    def _lowest(self) -> Anchor:
        """Return the anchor that puts the last line on the last row."""
        shown, left = self.window.shown, max(1, self.size.height)
        for ordinal in reversed(shown):
            rows = len(self._painter.rows(ordinal))
            if rows >= left:
                return ordinal, rows - left
            left -= rows
        return (shown[0], 0) if shown else (0, 0)

    def _shifted(self, anchor: Anchor, rows: int) -> Anchor:
        """Return the anchor some rows further down, or up; stops at the ends of the window."""
        ordinal, row = anchor[0], anchor[1] + rows
        while row < 0:
            before = self.window.neighbour(ordinal, -1)
            if before is None:
                return ordinal, 0
            ordinal = before
            row += len(self._painter.rows(ordinal))
        while row >= (count := len(self._painter.rows(ordinal))):
            after = self.window.neighbour(ordinal, 1)
            if after is None:
                return ordinal, count - 1
            row -= count
            ordinal = after
        return ordinal, row

    def _settle(self, *, everything: bool = False) -> None:
        """Put the anchor where it may be, and repaint the rows that differ."""
        if not self.is_mounted or not self.size.height:
            return
        self._painter.width = self.size.width - BAR_CELLS - HERE_CELLS
        ordinal = self.window.nearest(self._anchor[0])
        if ordinal is None:
            self._anchor = (0, 0)
        else:
            row = self._anchor[1] if ordinal == self._anchor[0] else 0
            lowest = self._lowest()
            self._anchor = lowest if self._follow else min((ordinal, row), lowest)
        self._page = self._visible()
        picture = self._picture()
        if everything or len(picture) != len(self._painted):
            self.refresh()
        else:
            for y, (new, old) in enumerate(zip(picture, self._painted, strict=True)):
                if new != old:
                    self.refresh(Region(0, y, self.size.width, 1))
        self._painted = picture

    def _visible(self) -> list[Anchor]:
        page: list[Anchor] = []
        shown, height = self.window.shown, self.size.height
        place, row = bisect_left(shown, self._anchor[0]), self._anchor[1]
        while len(page) < height and place < len(shown):
            page += [(shown[place], r) for r in range(row, len(self._painter.rows(shown[place])))]
            place, row = place + 1, 0
        return page[:height]

    def _bar(self) -> range:
        """Return the rows at the right edge that stand for the visible part of the file."""
        window, height = self.window, self.size.height
        if not self._page or not window.size:
            return range(0)
        begin = window.offset_of(self._page[0][0]) - window.first
        end = window.offset_of(self._page[-1][0] + 1) - window.first
        size = window.size - window.first
        whole = window.at_start and window.at_end and self._page[0] == (window.shown[0], 0)
        if end <= begin or (whole and self.shows_end):
            return range(0)
        length = max(1, min(height, round(height * (end - begin) / max(1, size))))
        unseen = max(1, size - (end - begin))
        top = max(0, min(round((height - length) * begin / unseen), height - length))
        return range(top, top + length)

    def _picture(self) -> list[_Painted]:
        bar, picture = self._bar(), []
        for y in range(self.size.height):
            if y >= len(self._page):
                picture.append(_Painted(None, self._empty if self._page else "", y in bar))
                continue
            ordinal = self._page[y][0]
            text = None if self.window.is_whole(ordinal) else self.window.line(ordinal).text
            chosen, here = ordinal in self._selection, ordinal == self._cursor
            picture.append(_Painted(self._page[y], text, y in bar, chosen, here))
        return picture

    @property
    def _selection(self) -> range:
        if self._selected is None:
            return range(0)
        return range(min(self._selected), max(self._selected) + 1)

    # Drawing

    def render_line(self, y: int) -> Strip:
        """Return one row: the line, and the place in the file."""
        inner, base = self.size.width - BAR_CELLS, self._style("")
        if y < len(self._page):
            ordinal, row = self._page[y]
            line = self._painter.strip(self._painter.rows(ordinal)[row], self._left)
            is_here = ordinal == self._cursor and row == self._painter.first_row(ordinal)
            here = Segment(HERE if is_here else " ", self._style("log--here"))
            line = Strip([here, *line])
            if ordinal in self._selection:
                chosen = self._mark("log--selected")
                line = Strip([Segment(s.text, (s.style or base) + chosen) for s in line])
        else:
            words = f"  {self._empty}" if y == 1 and not self.window.shown else ""
            line = Strip([Segment(words, self._style("log--note"))])
            line = line.adjust_cell_length(inner, base)
        barred = y < len(self._painted) and self._painted[y].barred
        return Strip([*line, Segment(" ", self._style("log--bar") if barred else base)])

    def _mark(self, name: str) -> Style:
        return style_of(self, name)

    def _style(self, name: str) -> Style:
        if name not in self._styles:
            self._styles[name] = self.rich_style + (self._mark(name) if name else Style())
        return self._styles[name]

    def notify_style_update(self) -> None:
        """Forget the styles of the theme before."""
        self._styles.clear()
        self._painter.forget()
        super().notify_style_update()

    def on_resize(self, event: events.Resize) -> None:
        """Fold long lines at the new width."""
        self.draw_anew()
        self.post_message(self.Moved())
