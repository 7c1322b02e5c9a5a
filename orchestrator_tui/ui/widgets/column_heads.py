"""ColumnHeads: the titles above the rows of the run table; a click on one sorts by it."""

from __future__ import annotations

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from orchestrator_tui.state.placing import Sort
from orchestrator_tui.ui.widgets.run_columns import column_at, heads_text


class ColumnHeads(Widget):
    """The line of titles above the rows."""

    DEFAULT_CSS = "ColumnHeads { height: 1; }"

    sorted_by: reactive[tuple[Sort, bool]] = reactive((Sort.ATTENTION, False), init=False)

    class SortAsked(Message):
        """The rows are to be sorted by another column, or the other way round."""

        def __init__(self, sort: Sort) -> None:
            super().__init__()
            self.sort = sort

    def render_line(self, y: int) -> Strip:
        """Return the titles, set like the cells below them."""
        sort, is_reversed = self.sorted_by
        text = heads_text(self.size.width, sort, is_reversed=is_reversed)
        base = self.rich_style
        return Strip([Segment(text, base)]).adjust_cell_length(self.size.width, base)

    def on_click(self, event: events.Click) -> None:
        """Sort by the column under the mouse."""
        column = column_at(self.size.width, event.x)
        if column is not None and column.sort is not None:
            self.post_message(self.SortAsked(column.sort))
