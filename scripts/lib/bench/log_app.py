"""The peer of the log: Textual's own Log widget, given a file once it has been drawn."""

from __future__ import annotations

import sys
from pathlib import Path

from textual.app import App, ComposeResult
from textual.widgets import Log, Static


class LogApp(App[None]):
    """A line of text, and a log."""

    def compose(self) -> ComposeResult:
        """Yield both."""
        yield Static("log-app-is-here")
        yield Log()

    def on_mount(self) -> None:
        """Fill the log after the first frame."""
        self.set_timer(0.3, self._fill)

    def _fill(self) -> None:
        self.query_one(Log).write(Path(sys.argv[1]).read_text())


if __name__ == "__main__":
    LogApp().run()
