"""The limit of every screen: an app of Textual that shows one text and nothing else."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Static

SHOWN = "blank-app-is-here"


class Blank(App[None]):
    """One text."""

    def compose(self) -> ComposeResult:
        """Yield the text."""
        yield Static(SHOWN)


if __name__ == "__main__":
    Blank().run()
