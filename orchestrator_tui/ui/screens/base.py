"""RoomyScreen: what every whole screen has in common."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen

from orchestrator_tui.ui.terminal import MIN_COLUMNS, MIN_ROWS
from orchestrator_tui.ui.widgets.bars import FooterBar, HeaderBar, TooSmall


class RoomyScreen(Screen[None]):
    """A screen with header and footer that says so when the terminal is too small.

    The classes `-narrow`, `-middle` and `-wide` stand for under 80, under 120 and more columns,
    `-low` for under 20 rows.
    """

    def compose(self) -> ComposeResult:
        """Frame what `compose_body` yields."""
        yield HeaderBar()
        yield from self.compose_body()
        yield FooterBar()
        yield TooSmall()

    def compose_body(self) -> ComposeResult:
        """Yield what stands between header and footer."""
        yield from ()

    def on_resize(self, event: events.Resize) -> None:
        """Choose the layout for the size."""
        width, height = event.size
        self.set_class(width < 80, "-narrow")
        self.set_class(80 <= width < 120, "-middle")
        self.set_class(width >= 120, "-wide")
        self.set_class(height < 20, "-low")
        self.set_class(width < MIN_COLUMNS or height < MIN_ROWS, "-too-small")
