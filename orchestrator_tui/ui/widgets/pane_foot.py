"""PaneFoot: the lower edge of a pane with words in it."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from textual.reactive import reactive

from orchestrator_tui.ui.widgets.lines import Line, LineBlock, Span

CORNERS = ("╰─ ", "─", "╯")
PLAIN_CORNERS = ("+- ", "-", "+")


class PaneFoot(LineBlock):
    """The lower edge, apart from the pane, so that new words repaint this one row.

    The edge is drawn in the widget's own colour, the words in that of their component class.
    """

    DEFAULT_CSS = "PaneFoot { height: 1; }"

    view: reactive[Line] = reactive((), init=False, repaint=False)

    def watch_view(self) -> None:
        """Repaint if the words differ."""
        self.rebuild()

    def build(self, width: int, height: int) -> tuple[Line, ...]:
        """Return the edge; words that do not fit are cut."""
        begin, line, end = PLAIN_CORNERS if self.ascii_only else CORNERS
        if not self.view or width < 12:
            return ((Span(begin[0] + line * (width - 2) + end),),)
        spans, room = [Span(begin)], width - len(begin) - 3
        for span in self.view:
            text = span.text
            if cell_len(text) > room:
                text = set_cell_size(text, room)
            room -= cell_len(text)
            spans.append(Span(text, span.style))
        return ((*spans, Span(" " + line * (room + 1) + end)),)
