"""PaneFoot: the lower edge of a pane with words in it."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from textual.reactive import reactive

from orchestrator_tui.ui.widgets.lines import Line, LineBlock, Span

BEGIN, LINE, END = "╰─ ", "─", "╯"


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
        if not self.view or width < 12:
            return ((Span(BEGIN[0] + LINE * (width - 2) + END),),)
        spans, room = [Span(BEGIN)], width - len(BEGIN) - 3
        for span in self.view:
            text = span.text
            if cell_len(text) > room:
                text = set_cell_size(text, room)
            room -= cell_len(text)
            spans.append(Span(text, span.style))
        return ((*spans, Span(" " + LINE * (room + 1) + END)),)
