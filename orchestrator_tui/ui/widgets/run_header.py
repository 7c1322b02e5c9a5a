"""The two lines above a run: which one it is, how it is, and what can be read of it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.message import Message
from textual.reactive import reactive

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.state.run_view import RunView
from orchestrator_tui.ui.look import run_look, symbol_of
from orchestrator_tui.ui.widgets.cells import fit, fit_name, fit_right
from orchestrator_tui.ui.widgets.lines import Line, LineBlock, Span

LEAST_REASON_CELLS = 12  # in fewer a reason tells nothing
WIDE_CELLS = 100  # of the whole line; from here on words are written out


class RunCrumb(LineBlock):
    """The way back, and the run's task, pipeline and id."""

    view: reactive[str] = reactive("", init=False, repaint=False)

    def watch_view(self) -> None:
        """Repaint what differs."""
        self.rebuild()

    def build(self, width: int, height: int) -> tuple[Line, ...]:
        """Return the one line."""
        back = " < Runs   "
        name = fit_name(safe_text(self.view), max(1, width - len(back)))
        return ((Span(back, "muted"), Span(name, "strong")),)


class RunPulse(LineBlock):
    """State and elapsed time, in a widget of its own so that a tick repaints few cells."""

    view: reactive[RunView | None] = reactive(None, init=False, repaint=False)

    def watch_view(self, _old: RunView | None, new: RunView | None) -> None:
        """Repaint what differs."""
        self.set_class(new is not None and new.forecast is not None, "-estimated")
        self.rebuild()

    def build(self, width: int, height: int) -> tuple[Line, ...]:
        """Return symbol, word and time, set to the right; what is left where there is room."""
        if self.view is None:
            return ()
        row = self.view.row
        look = run_look(row.state)
        word = row.word.long if self.screen.has_class("-wide") else row.word.short
        state = f"{symbol_of(look, ascii_only=self.ascii_only)} {safe_text(word)}"
        time, left = f"  {row.elapsed} ", ""
        if forecast := self.view.forecast:
            room = width - len(state) - len(time)
            whole = f" {forecast.words} ({forecast.grounds}) "
            left = next((text for text in (whole, f" {forecast.words} ") if len(text) <= room), "")
        missing = max(0, width - len(state) - len(time) - len(left))
        spans = (Span(" " * missing), Span(state, f"state--{look.style}"), Span(time))
        return ((*spans, Span(left, "muted")) if left else spans,)


class RunReason(LineBlock):
    """Why the run is said to be in its state, and what else holds."""

    view: reactive[RunView | None] = reactive(None, init=False, repaint=False)

    def watch_view(self) -> None:
        """Repaint what differs."""
        self.rebuild()

    def build(self, width: int, height: int) -> tuple[Line, ...]:
        """Return badges and reason, set to the right."""
        if self.view is None:
            return ()
        row = self.view.row
        badges = badge_words([safe_text(badge) for badge in row.badges], width)
        room = max(0, width - len(badges) - 1)
        reason = safe_text(row.reason) if room >= LEAST_REASON_CELLS else ""
        text = fit_right(fit_name(reason, room) if cell_len(reason) > room else reason, room)
        lead = len(text) - len(text.lstrip())
        return (
            (Span(text[:lead]), Span(badges, "state--paused"), Span(text[lead:] + " ", "muted")),
        )


def badge_words(badges: Sequence[str], width: int) -> str:
    """Return the badges that have room, each whole; the first in any case, bare if need be."""
    words = ""
    for badge in badges:
        longer = f"{words}[{badge}] "
        if cell_len(longer) > width:
            return words or fit(badge, min(width, cell_len(badge)))
        words = longer
    return words


@dataclass(frozen=True, slots=True)
class TabsView:
    """Tabs as (id, words), and the id of the open one."""

    tabs: tuple[tuple[str, str], ...] = ()
    active: str = ""


class TabStrip(LineBlock):
    """The tabs on one line; the open one stands in brackets."""

    view: reactive[TabsView] = reactive(TabsView(), init=False, repaint=False)

    class TabChosen(Message):
        """A tab was chosen with the mouse."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def watch_view(self, old: TabsView, new: TabsView) -> None:
        """Repaint what differs."""
        if old.tabs != new.tabs:
            self.styles.width = 1 + sum(len(words) + 3 for _, words in new.tabs)
        self.rebuild()

    def _first(self, width: int) -> int:
        """Return the first tab to show: as many as needed give way to the open one."""
        tabs = self.view.tabs
        at = next((n for n, (tab, _) in enumerate(tabs) if tab == self.view.active), 0)
        first = 0
        while first < at and self._cells(first, at) > width - 2 * (at < len(tabs) - 1):
            first += 1
        return first

    def _cells(self, first: int, last: int) -> int:
        return 1 + sum(len(words) + 3 for _, words in self.view.tabs[first : last + 1])

    def build(self, width: int, height: int) -> tuple[Line, ...]:
        """Return the tabs; marks at the ends tell of those that have no room."""
        first = self._first(width)
        spans, used = [Span("<" if first else " ", "muted")], 1
        for tab, words in self.view.tabs[first:]:
            used += len(words) + 3
            if used > width + 1:
                spans.append(Span(">", "muted"))
                break
            if tab == self.view.active:
                spans.append(Span(f"[{words}] ", "key"))
            else:
                spans.append(Span(f" {words}  ", "muted"))
        return (tuple(spans),)

    def on_click(self, event: events.Click) -> None:
        """Choose the tab under the mouse."""
        begin = 1
        for tab, words in self.view.tabs[self._first(self.size.width) :]:
            end = begin + len(words) + 3
            if begin <= event.x < end:
                self.post_message(self.TabChosen(tab))
            begin = end
