"""EventsPane: what happened in a run, one line an event."""

from __future__ import annotations

from collections.abc import Sequence

from textual.reactive import reactive

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.state.event_words import RunEvent
from orchestrator_tui.state.formatting import counted
from orchestrator_tui.ui.widgets.cells import fit
from orchestrator_tui.ui.widgets.lines import Line, Span, entitle
from orchestrator_tui.ui.widgets.reading_pane import ReadingPane

TIME_CELLS = 10
NAME_CELLS = 18


class EventsPane(ReadingPane):
    """The newest events of a run, oldest first: time, event, words."""

    view: reactive[tuple[RunEvent, ...]] = reactive((), init=False, repaint=False)

    def watch_view(self, _old: tuple[RunEvent, ...], new: tuple[RunEvent, ...]) -> None:
        """Show what changed."""
        entitle(self, f"Events   {counted(len(new), 'event')}", "")
        if self.is_on_screen:
            self.rebuild()

    def on_show(self) -> None:
        """Take in what changed while it was hidden."""
        self.rebuild()

    def build(self, width: int) -> Sequence[Line]:
        """Return a line an event."""
        room = max(8, width - TIME_CELLS - NAME_CELLS)
        return [
            (
                Span(fit(f" {event.at.astimezone():%H:%M:%S}" if event.at else "", TIME_CELLS)),
                Span(fit(safe_text(event.name.replace("_", " ")), NAME_CELLS), "muted"),
                Span(fit(safe_text(event.words), room)),
            )
            for event in self.view
        ]
