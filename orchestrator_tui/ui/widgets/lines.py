"""LineBlock: lines of styled text that repaints only the lines that differ."""

from __future__ import annotations

from typing import TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.ui.palette import style_of
from orchestrator_tui.ui.widgets.ground import Grounded


@dataclass(frozen=True, slots=True)
class Span:
    """Safe text with the component class of its style; none is the widget's own style."""

    text: str
    style: str = ""


Line: TypeAlias = tuple[Span, ...]


class LineBlock(Grounded):
    """Shows lines from the top; what does not fit is not shown."""

    def __init__(
        self, *, id: str | None = None, classes: str | None = None, ascii_only: bool = False
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.ascii_only = ascii_only
        self._lines: tuple[Line, ...] = ()
        self._built_for: Size | None = None

    def build(self, width: int, height: int) -> tuple[Line, ...]:
        """Return the lines for a size; what subclasses are made for."""
        return ()

    def rebuild(self) -> None:
        """Build the lines anew and repaint those that differ."""
        if not self.size.width:
            return
        old, new = self._lines, self.build(self.size.width, self.size.height)
        self._lines, self._built_for = new, self.size
        for y in range(self.size.height):
            before = old[y] if y < len(old) else ()
            after = new[y] if y < len(new) else ()
            if before != after:
                self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self, _event: events.Resize) -> None:
        """Build for the new size."""
        self.rebuild()

    def render_line(self, y: int) -> Strip:
        """Return one line."""
        base, width, height = self.ground
        if self._built_for != (width, height):
            # The first frame is painted before the size is told; on a busy machine it stays long.
            self._lines, self._built_for = self.build(width, height), Size(width, height)
        spans = self._lines[y] if y < len(self._lines) else ()
        segments = [Segment(s.text, base + self._named(s.style)) for s in spans]
        return Strip(segments).adjust_cell_length(width, base)

    def _named(self, name: str) -> Style:
        return style_of(self, name)


def entitle(pane: Widget, title: str, subtitle: str) -> None:
    """Set a pane's titles from texts that need not be safe; equal ones paint nothing."""
    for name, text in (("border_title", title), ("border_subtitle", subtitle)):
        content = Content(safe_text(text))
        # Setting a title repaints the whole pane, and reading it gives markup.
        if (getattr(pane, name) or "") != content.markup:
            setattr(pane, name, content)
