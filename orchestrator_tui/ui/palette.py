"""The styles that lines are written in: one set for all widgets, kept by the application."""

from __future__ import annotations

from typing import Final

from rich.style import Style
from textual.app import App
from textual.dom import DOMNode
from textual.driver import Driver

from orchestrator_tui.ui.look import STATE_STYLES

LOG_STYLES: Final = frozenset(
    f"log--{name}"
    for name in (
        "time",
        "error",
        "note",
        "cut",
        "rule",
        "hit",
        "hit-here",
        "bar",
        "selected",
        "mark",
        "here",
    )
)
PALETTE: Final[set[str]] = {
    "muted",
    "strong",
    "key",
    "stderr",
    "cursor-line",
    "cursor-line-blurred",
    *STATE_STYLES,
    *LOG_STYLES,
}


class PaletteApp(App[None], inherit_bindings=False):
    """An application that keeps the styles for the lines of all its widgets.

    They are its component classes. Were they those of each widget that uses them, Textual would
    work them out for each widget anew, which is most of what opening a screen takes.
    """

    COMPONENT_CLASSES = PALETTE

    def __init__(self, driver_class: type[Driver] | None = None) -> None:
        super().__init__(driver_class=driver_class)
        self._palette: dict[str, Style] = {}

    def notify_style_update(self) -> None:
        """Forget the styles of the theme before."""
        self._palette.clear()
        super().notify_style_update()

    def lines_moved(self, first: int, last: int, by: int) -> None:
        """Take note that lines of the screen, from 1, stand `by` lines higher in the next frame."""

    def style_named(self, name: str) -> Style:
        """Return a style of the present theme.

        Raises:
            KeyError: The palette has no such name.
        """
        style = self._palette.get(name)
        if style is None:
            style = self._palette[name] = self.get_component_styles(name).partial_rich_style
        return style


def style_of(node: DOMNode, name: str) -> Style:
    """Return what a name of the palette adds to a line of a widget; "" adds nothing.

    Raises:
        KeyError: The palette has no such name.
    """
    app = node.app
    assert isinstance(app, PaletteApp)
    return app.style_named(name) if name else Style.null()
