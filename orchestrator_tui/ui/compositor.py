"""SparingCompositor: renders only the lines of those widgets that a frame repaints.

Textual's own goes through every line of every widget between the first and the last line that
changed, whatever stands there: with the cursor of a table and the clock above it that is the whole
screen.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip


@runtime_checkable
class TakesLinesAlong(Protocol):
    """A screen that has the terminal move what scrolls."""

    def lines_moved(self, region: Region, by: int) -> None:
        """Take note that what is in a region of the screen now stands `by` lines higher."""
        ...


class SparingCompositor(Compositor):
    """Textual's compositor, but for what it renders of a frame that changes a part of the screen.

    Its module is private in the pinned Textual; tests/ui/test_compositor.py holds that both write
    the same.
    """

    def __init__(self) -> None:
        super().__init__()
        self._wanted: dict[int, tuple[int, int]] | None = None  # by line its first and last column

    def repaint(self, region: Region) -> None:
        """Have a part of the screen be painted with the next frame, whatever stands there."""
        self._dirty_regions.add(region)

    def render_partial_update(self) -> ChopsUpdate | None:
        """Return what changed, None if nothing did."""
        wanted: dict[int, tuple[int, int]] = {}
        for region in self._dirty_regions:
            for y in region.line_range:
                begin, end = wanted.get(y, region.column_span)
                wanted[y] = min(begin, region.x), max(end, region.right)
        self._wanted = dict(sorted(wanted.items()))
        try:
            return super().render_partial_update()
        finally:
            self._wanted = None

    def _get_renders(
        self, crop: Region | None = None
    ) -> Iterable[tuple[Region, Region, list[Strip]]]:
        wanted = self._wanted
        if wanted is None:
            yield from super()._get_renders(crop)
            return
        lines = list(wanted)
        for widget, (region, clip) in self.visible_widgets.items():
            shown = region.intersection(clip)
            left, right = shown.column_span
            touched = [
                y
                for y in lines[bisect_left(lines, shown.y) : bisect_left(lines, shown.bottom)]
                if wanted[y][0] < right and left <= wanted[y][1]
            ]
            if not touched or left == right:
                continue
            top, count = touched[0], touched[-1] + 1 - touched[0]
            rendered = Region(left, top, shown.width, count)
            yield region, rendered, widget.render_lines(rendered.translate(-region.offset))
