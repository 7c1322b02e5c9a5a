"""RunTable: the runs as rows; draws what is visible and repaints what changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.formatting import counted
from orchestrator_tui.state.ordering import RunGroup
from orchestrator_tui.state.views import RunRow, project_row
from orchestrator_tui.ui.compositor import TakesLinesAlong
from orchestrator_tui.ui.palette import style_of
from orchestrator_tui.ui.widgets.cells import fit
from orchestrator_tui.ui.widgets.run_columns import (
    Cell,
    RowMaker,
    eta_words,
    lead_cell,
    ticking_cells,
)
from orchestrator_tui.ui.widgets.run_cursor import RunCursor, TableView

_T = TypeVar("_T")
TICKING_CELLS: Final = 4  # of `_painted`: the lead, state, time, what is left


class RunTable(RunCursor):
    """The runs; only rows that changed are painted again."""

    DEFAULT_CSS = "RunTable { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }"

    def __init__(self, *, ascii_only: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows = RowMaker(ascii_only=ascii_only)
        self._painted: dict[int, tuple[Cell, ...]] = {}
        self._made: dict[RunKey, tuple[Cell, ...]] = {}
        self._made_for: tuple[TableView, int] = (self.view, 0)
        self._styles: dict[str, Style] = {}

    def on_resize(self, _event: events.Resize) -> None:
        """Take no row for painted at the new width; the cursor's own handler comes after this."""
        self._painted.clear()

    def notify_style_update(self) -> None:
        """Forget styles of the theme before."""
        self._styles.clear()
        self._painted.clear()
        super().notify_style_update()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show by the cursor's line whether keys go here."""
        super().watch_has_focus(has_focus)
        y = self._lines.line_of(self._index) - self.scroll_offset.y
        self.refresh(Region(0, y, self.size.width, 1))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Take the rows that stay in sight along: they are on the screen, at another place.

        The lines are private in the pinned Textual; tests/ui/test_compositor.py holds them.
        """
        kept, by = self._styles_cache, round(new_value) - round(old_value)
        dirty, height = set(kept._dirty_lines), self.size.height
        super().watch_scroll_y(old_value, new_value)
        if not by or self.content_offset.y:
            return

        def moved(lines: Mapping[int, _T]) -> dict[int, _T]:
            return {y - by: line for y, line in lines.items() if 0 <= y - by < height}

        if isinstance(self.screen, TakesLinesAlong):
            self.screen.lines_moved(self.region, by)
        self._painted = moved(self._painted)
        kept._cache = moved({y: strip for y, strip in kept._cache.items() if y not in dirty})
        kept._dirty_lines = set(range(height)) - set(kept._cache)

    def _style(self, name: str) -> Style:
        if name not in self._styles:
            self._styles[name] = style_of(self, name)
        return self._styles[name]

    def repaint_changed(self) -> None:
        """Paint the rows that differ."""
        top, width = self.scroll_offset.y, self.size.width
        for y in range(self.size.height):
            cells, painted = self._cells(top + y, width), self._painted.get(y, ())
            if cells == painted:
                continue
            ticked = bool(cells and painted) and cells[TICKING_CELLS:] == painted[TICKING_CELLS:]
            same_lead = ticked and cells[0] == painted[0]
            self.refresh(Region(0, y, ticking_cells(width) if same_lead else width, 1))

    def render_line(self, y: int) -> Strip:
        """Return one visible line."""
        line, (base, width, _) = self.scroll_offset.y + y, self.ground
        cells = self._painted[y] = self._cells(line, width)
        if self._lines.at(line) == self._index and self._order:
            base += self._style("cursor-line" if self.has_focus else "cursor-line-blurred")
        segments = [
            Segment(c.text, base + self._style(c.style) if c.style else base) for c in cells
        ]
        return Strip(segments).adjust_cell_length(width, base)

    def _row(self, index: int) -> RunRow | None:
        run = self.view.fleet.runs.get(self._order[index])
        return project_row(run, self.view.now, self.view.fleet.past_of(run)) if run else None

    def _cells(self, line: int, width: int) -> tuple[Cell, ...]:
        at = self._lines.at(line)
        if isinstance(at, RunGroup):
            return (Cell(fit(f" {safe_text(at.words)}  {counted(at.count, 'run')}", width), "key"),)
        if at is None:
            is_note = self._lines.note_below is not None and 0 <= line < self._lines.total
            row = self._row(self._index) if is_note else None
            return (
                (Cell(fit(f"    {note_words(row, self.view.now)}", width), "muted"),) if row else ()
            )
        content = self._content(at, width)
        return (self._lead(at), *content) if content else ()

    def _content(self, index: int, width: int) -> tuple[Cell, ...]:
        """Return the cells of a row but the first; the cursor changes none of them."""
        view, key = self.view, self._order[index]
        if self._made_for[0] is not view or self._made_for[1] != width:
            self._made_for, self._made = (view, width), {}
        if key not in self._made:
            self._made[key] = self._rows.cells(view.fleet, view.runs, key, view.now, width)
        return self._made[key]

    def _lead(self, index: int) -> Cell:
        key = self._order[index]
        begin, end = self._range()
        is_marked = key in self._marks or begin <= index < end
        is_unseen = self.view.runs.is_unseen(key)
        return lead_cell(is_cursor=index == self._index, is_marked=is_marked, is_unseen=is_unseen)


def note_words(row: RunRow, now: datetime) -> str:
    """Return what the line below the selected run says where its row has no room for it."""
    if row.share is not None:
        return safe_text(f"{row.stage_name}, {row.share:.0%}, {eta_words(row, now)} left")
    return safe_text(row.reason or row.stage_name)
