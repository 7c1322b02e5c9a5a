"""LogNotice: what the lines of a log do not tell: that there are no new ones."""

from __future__ import annotations

from datetime import datetime

from textual.reactive import reactive

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.ui.widgets.cells import fit
from orchestrator_tui.ui.widgets.lines import Line, LineBlock, Span


class LogNotice(LineBlock):
    """A line below the log of a stage that runs and writes nothing; else it takes no room."""

    DEFAULT_CSS = "LogNotice { height: 1; display: none; }"

    view: reactive[str] = reactive("", init=False, repaint=False)

    def tell(self, quiet: str, newest: datetime | None) -> None:
        """Say that nothing was written for `quiet`, empty if it was; `newest` is the last time."""
        last = f"  Last output {newest.astimezone():%H:%M:%S}." if newest else ""
        said = f"The stage runs but has written nothing for {safe_text(quiet)}.{last}"
        self.view = said if quiet else ""

    def watch_view(self, view: str) -> None:
        """Take a row, or none."""
        self.display = bool(view)
        self.rebuild()

    def build(self, width: int, height: int) -> tuple[Line, ...]:
        """Return the line."""
        return ((Span(fit(f" ~ {self.view}", width), "state--stalled"),),)
