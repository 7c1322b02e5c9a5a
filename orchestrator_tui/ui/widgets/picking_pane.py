"""PickingPane: lines to read, some of which can be opened."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from orchestrator_tui.ui.keys import PICKING_KEYS
from orchestrator_tui.ui.palette import style_of
from orchestrator_tui.ui.widgets.reading_pane import ReadingPane


class PickingPane(ReadingPane):
    """A reading pane with a cursor; `build` sets `picks`: what can be opened, by its line.

    The cursor stays on what it is on when lines come and go.
    """

    BINDINGS = PICKING_KEYS

    class Picked(Message):
        """Enter or a second click on something that can be opened; `pick` is its name."""

        def __init__(self, pane: PickingPane, pick: str) -> None:
            super().__init__()
            self.pane = pane
            self.pick = pick

    def __init__(
        self, *, id: str | None = None, classes: str | None = None, ascii_only: bool = False
    ) -> None:
        super().__init__(id=id, classes=classes, ascii_only=ascii_only)
        self.picks: dict[int, str] = {}
        self._pick: str | None = None

    @property
    def pick(self) -> str | None:
        """The name of what the cursor is on."""
        names = list(self.picks.values())
        return self._pick if self._pick in names else next(iter(names), None)

    @property
    def _here(self) -> int:
        return next((line for line, name in self.picks.items() if name == self.pick), -1)

    def _go_to(self, place: int) -> None:
        lines = sorted(self.picks)
        if not lines:
            return
        old, at = self._here, lines[max(0, min(place, len(lines) - 1))]
        self._pick = self.picks[at]
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if place <= 0:
            self.scroll_to(y=0, animate=False)
        elif at < top:
            self.scroll_to(y=at, animate=False)
        elif at >= top + height:
            self.scroll_to(y=at - height + 1, animate=False)
        for line in (old, at):
            y = line - self.scroll_offset.y
            if 0 <= y < self.size.height:
                self.refresh(Region(0, y, self.size.width, 1))

    @property
    def _place(self) -> int:
        lines = sorted(self.picks)
        return lines.index(self._here) if self._here in lines else 0

    def action_move(self, rows: int) -> None:
        """Move the cursor by some of what can be opened."""
        self._go_to(self._place + rows)

    def action_page(self, pages: float) -> None:
        """Move the cursor by a part of the height."""
        self._go_to(self._place + int(pages * max(2, self.size.height - 1)))

    def action_move_to(self, end: str) -> None:
        """Move the cursor to the `first` or `last` of what can be opened."""
        self._go_to(0 if end == "first" else len(self.picks) - 1)

    def action_open(self) -> None:
        """Open what the cursor is on."""
        pick = self.pick
        if pick is not None:
            self.post_message(self.Picked(self, pick))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor under the mouse; a second click opens."""
        line = self.scroll_offset.y + event.y
        if line in self.picks:
            self._go_to(sorted(self.picks).index(line))
            if event.chain > 1:
                self.action_open()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show by the cursor's line whether keys go here."""
        super().watch_has_focus(has_focus)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return one line, that of the cursor marked."""
        strip = super().render_line(y)
        if self.scroll_offset.y + y != self._here:
            return strip
        name = "cursor-line" if self.has_focus else "cursor-line-blurred"
        ground = style_of(self, name)
        marked = Strip([Segment(">", self.rich_style), *strip.crop(1, self.size.width)])
        return marked.apply_style(Style(bgcolor=ground.bgcolor))
