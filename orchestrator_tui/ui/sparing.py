"""SparingDriver: sends a terminal only the cells that differ from what it shows already.

Textual paints whole rows of widgets anew, each piece with its full colours: a clock that ticks in
fifty rows would cost eight thousand bytes a second. Over a slow line this is what a person waits
for, so that the last step before the terminal compares each frame with the one before.
"""

from __future__ import annotations

from textual.drivers.linux_driver import LinuxDriver

from orchestrator_tui.ui.screen_copy import ScreenCopy


class SparingDriver(LinuxDriver):
    """Textual's driver, with a `ScreenCopy` before the terminal."""

    copy: ScreenCopy | None = None  # made at the first write, which the driver's own making may do

    def write(self, data: str) -> None:
        """Send what the terminal does not show yet."""
        if self.copy is None:
            self.copy = ScreenCopy()
        if data := self.copy.shorten(data):
            super().write(data)

    def move_lines(self, first: int, last: int, by: int) -> None:
        """Expect some lines, from 1, `by` lines higher in the next frame."""
        if self.copy is not None:
            self.copy.move_lines(first, last, by)

    def beside(self, data: str) -> None:
        """Send what changes no cell of the screen."""
        super().write(data)

    def forget(self) -> None:
        """Send the next frames whole."""
        if self.copy is not None:
            self.copy.forget()
