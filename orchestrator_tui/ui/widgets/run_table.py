"""RunTable: the runs as rows; draws what is visible and repaints what changed."""

from __future__ import annotations

from datetime import datetime
from typing import Final

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

    def _style(self, name: str) -> Style:
        if name not in self._styles:
            self._styles[name] = style_of(self, name)
        return self._styles[name]

    def repaint_changed(self) -> None:
        """Paint the rows that differ."""
        top, width = self.scroll_offset.y, self.size.width
        for y in range(self.size.height):
            cells, painted = self._cells(top + y), self._painted.get(y, ())
            if cells == painted:
                continue
            ticked = bool(cells and painted) and cells[TICKING_CELLS:] == painted[TICKING_CELLS:]
            same_lead = ticked and cells[0] == painted[0]
            self.refresh(Region(0, y, ticking_cells(width) if same_lead else width, 1))

    def render_line(self, y: int) -> Strip:
        """Return one visible line."""
        line, base = self.scroll_offset.y + y, self.rich_style
        cells = self._painted[y] = self._cells(line)
        if self._lines.at(line) == self._index and self._order:
            base += self._style("cursor-line" if self.has_focus else "cursor-line-blurred")
        segments = [
            Segment(c.text, base + self._style(c.style) if c.style else base) for c in cells
        ]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def _row(self, index: int) -> RunRow | None:
        run = self.view.fleet.runs.get(self._order[index])
        return project_row(run, self.view.now, self.view.fleet.past_of(run)) if run else None

    def _cells(self, line: int) -> tuple[Cell, ...]:
        at, width = self._lines.at(line), self.size.width
        if isinstance(at, RunGroup):
            return (Cell(fit(f" {safe_text(at.words)}  {counted(at.count, 'run')}", width), "key"),)
        if at is None:
            is_note = self._lines.note_below is not None and 0 <= line < self._lines.total
            row = self._row(self._index) if is_note else None
            return (
                (Cell(fit(f"    {note_words(row, self.view.now)}", width), "muted"),) if row else ()
            )
        content = self._content(at)
        return (self._lead(at), *content) if content else ()

    def _content(self, index: int) -> tuple[Cell, ...]:
        """Return the cells of a row but the first; the cursor changes none of them."""
        view, width, key = self.view, self.size.width, self._order[index]
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
