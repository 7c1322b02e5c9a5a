"""Grounded: a widget of lines that works out once a frame what all its lines have in common."""

from __future__ import annotations

from typing import NamedTuple

from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class Ground(NamedTuple):
    """What the lines of a widget stand on: its own style, and its size in cells."""

    style: Style
    width: int
    height: int


class Grounded(Widget):
    """A widget whose `render_line` asks for `ground`.

    Textual goes through all ancestors for a style, and through the rules of the widget for a size;
    for each line that is as much as all else that a line takes. It is to be the last base, for
    Textual takes the styles of the first.
    """

    _ground: Ground | None = None
    _is_rendering = False

    @property
    def ground(self) -> Ground:
        """Its style and size as they are now."""
        if self._ground is not None:
            return self._ground
        ground = Ground(self.rich_style, *self.size)
        if self._is_rendering:
            self._ground = ground
        return ground

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return some lines; nothing changes meanwhile."""
        self._is_rendering = True
        try:
            return super().render_lines(crop)
        finally:
            self._is_rendering, self._ground = False, None
