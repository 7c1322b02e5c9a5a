"""ReadingPane: lines of styled text to scroll over."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from orchestrator_tui.ui.keys import READING_KEYS
from orchestrator_tui.ui.palette import style_of
from orchestrator_tui.ui.widgets.ground import Grounded
from orchestrator_tui.ui.widgets.lines import Line, Span


def folded_lines(text: str, width: int, *, indent: int = 0, style: str = "") -> list[Line]:
    """Return safe text as lines of at most `width` cells, all indented alike."""
    room = max(8, width - indent)
    pieces = chop_cells(text, room) if cell_len(text) > room else [text]
    return [(Span(" " * indent), Span(piece, style)) for piece in pieces or [""]]


class ReadingPane(ScrollView, Grounded, can_focus=True):
    """Text in lines; subclasses say which by `build`."""

    DEFAULT_CSS = "ReadingPane { overflow-x: hidden; scrollbar-size-vertical: 1; }"
    BINDINGS = READING_KEYS

    def __init__(
        self, *, id: str | None = None, classes: str | None = None, ascii_only: bool = False
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.ascii_only = ascii_only
        self._lines: Sequence[Line] = ()

    def build(self, width: int) -> Sequence[Line]:
        """Return all lines for a width; what subclasses are made for."""
        return ()

    def rebuild(self) -> None:
        """Build the lines anew; those in view stay in view."""
        if not self.size.width:
            return
        # The last column is left to the scrollbar, whether there is one or not.
        lines = self.build(self.size.width - 1)
        if lines == self._lines:
            return
        old, self._lines = self._lines, lines
        if len(old) != len(lines):
            self.virtual_size = Size(self.size.width, len(lines))
            self.refresh()
            return
        top = self.scroll_offset.y
        for y, (before, after) in enumerate(zip(old[top:], lines[top:], strict=True)):
            if before != after and y < self.size.height:
                self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self, _event: events.Resize) -> None:
        """Build for the new width."""
        self.rebuild()

    def render_line(self, y: int) -> Strip:
        """Return one visible line."""
        at, (base, width, _) = self.scroll_offset.y + y, self.ground
        spans = self._lines[at] if at < len(self._lines) else ()
        segments = [Segment(s.text, base + self._named(s.style)) for s in spans]
        return Strip(segments).adjust_cell_length(width, base)

    def _named(self, name: str) -> Style:
        return style_of(self, name)

    def action_move(self, rows: int) -> None:
        """Scroll by some lines."""
        self.scroll_to(y=self.scroll_offset.y + rows, animate=False)

    def action_page(self, pages: float) -> None:
        """Scroll by a part of the height."""
        self.action_move(int(pages * max(2, self.size.height - 1)))

    def action_move_to(self, end: str) -> None:
        """Scroll to the `first` or `last` line."""
        self.scroll_to(y=0 if end == "first" else self.max_scroll_y, animate=False)
