"""The lines at the top and the bottom: where we are, what needs someone, which keys there are."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.state.liveness import State
from orchestrator_tui.ui.look import run_look, symbol_of
from orchestrator_tui.ui.palette import style_of
from orchestrator_tui.ui.tty import MIN_COLUMNS, MIN_ROWS
from orchestrator_tui.ui.widgets.cells import fit, fit_name, fit_right

NAME_CELLS: Final = 11
# The places of the program: name, key, title.
PLACES: Final = (("runs", "1", "Runs"), ("activity", "5", "Activity"))
# From here on the header names the repository, and the counts have words; the clock stands beside.
PLACE_FROM: Final = 100 - 10
WORDS_FROM: Final = 120 - 10
SPENT_FROM: Final = 140
LEAST_PLACE: Final = 12  # cells; of a path less tells nothing


@dataclass(frozen=True, slots=True)
class HeaderView:
    """What the header says; `here` is the place of the program that is shown."""

    place: str = ""
    branch: str = ""
    attention: int = 0
    running: int = 0
    queued: int = 0
    failed: int = 0
    here: str = "runs"
    ascii_only: bool = False
    is_read_only: bool = False


class HeaderCounts(Widget):
    """Name, places, and how many runs need someone, run, or wait."""

    DEFAULT_CSS = "HeaderCounts { width: 1fr; height: 1; }"
    view: reactive[HeaderView] = reactive(HeaderView(), init=False)

    class FilterAsked(Message):
        """The runs that are counted are wanted."""

        def __init__(self, query: str) -> None:
            super().__init__()
            self.query = query

    class PlaceAsked(Message):
        """Another place of the program is wanted."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def _places(self) -> tuple[tuple[str, str], ...]:
        """Return the places as they are written, with their names; a narrow one has only here."""
        is_narrow = self.size.width < 68  # 80 cells, with the clock beside
        told: list[tuple[str, str]] = []
        for name, key, title in PLACES:
            if name == self.view.here:
                told.append((f"[{title}]" if is_narrow else f"[{key} {title}]", name))
            elif not is_narrow:
                told.append((f" {key} {title} ", name))
        return tuple(told)

    def on_click(self, event: events.Click) -> None:
        """Go to the place, or to the runs that are counted, under the mouse."""
        at = NAME_CELLS
        for words, name in self._places():
            if at <= event.x < at + len(words):
                self.post_message(self.PlaceAsked(name))
            at += len(words)
        at = self.size.width
        for segment, (*_, query) in zip(
            reversed(self._counts(self.rich_style)), reversed(self._counted()), strict=True
        ):
            at -= segment.cell_length
            if at <= event.x < at + segment.cell_length:
                self.post_message(self.FilterAsked(query))

    def render_line(self, y: int) -> Strip:
        """Return the line; the counts keep their place at the right."""
        view, base, width = self.view, self.rich_style, self.size.width
        right = [Segment("  ", base), *self._counts(base)]
        strong, muted = self._style("strong"), self._style("muted")
        left = [Segment(" orch-tui  ", base + strong)]
        left += [
            Segment(words, base + (strong if name == view.here else muted))
            for words, name in self._places()
        ]
        if view.is_read_only:
            left.append(Segment("  read-only", base + self._style("state--awaiting")))
        room = width - sum(segment.cell_length for segment in (*left, *right))
        has_place = width >= PLACE_FROM and room >= LEAST_PLACE
        place = self._place(room) if has_place else " " * room
        return Strip([*left, Segment(place, base + muted), *right], width)

    def _place(self, room: int) -> str:
        """Return the repository and its branch; the branch goes where the path has no room."""
        branch = f"  {safe_text(self.view.branch)}" if self.view.branch else ""
        if cell_len(branch) > room - LEAST_PLACE:
            branch = ""
        place = f"  {safe_text(self.view.place)}"
        cells = min(cell_len(place), room - cell_len(branch))
        return fit(fit_name(place, cells) + branch, room)

    def _counted(self) -> tuple[tuple[State | str, str, int, str, str], ...]:
        """Return what is counted: symbol, word, number, style, and the filter that lists it."""
        view = self.view
        return (
            ("!", "attention", view.attention, "state--awaiting", "state:problem"),
            (State.RUNNING, "running", view.running, "state--running", "state:running"),
            (State.QUEUED, "queued", view.queued, "state--queued", "state:queued"),
            (State.FAILED, "failed", view.failed, "state--failed", "state:failed"),
        )

    def _counts(self, base: Style) -> list[Segment]:
        is_wide = self.size.width >= WORDS_FROM
        told: list[Segment] = []
        for symbol, word, count, name, _ in self._counted():
            if isinstance(symbol, State):
                symbol = symbol_of(run_look(symbol), ascii_only=self.view.ascii_only)
            words = f"{symbol} {word} {count}  " if is_wide else f"{symbol} {count}  "
            told.append(Segment(words, base + self._style(name if count else "muted")))
        return told

    def _style(self, name: str) -> Style:
        return style_of(self, name)


class HeaderClock(Static):
    """The time of day in a widget of its own, so that a tick repaints ten cells."""

    def __init__(self) -> None:
        super().__init__("", markup=False)

    def show(self, text: str) -> None:
        """Show the time."""
        # Without a new layout, or each second would paint the whole screen.
        self.update(fit_right(f"{text} ", 10), layout=False)


class HeaderBar(Horizontal):
    """The line at the top."""

    def compose(self) -> ComposeResult:
        """Put the clock at the right of the counts."""
        yield HeaderCounts()
        yield HeaderClock()

    def show(self, view: HeaderView, now: datetime) -> None:
        """Show counts and time; what is equal is not painted again."""
        self.query_one(HeaderCounts).view = view
        self.show_clock(now)

    def show_clock(self, now: datetime) -> None:
        """Show the time alone."""
        self.query_one(HeaderClock).show(f"{now.astimezone():%H:%M:%S}")


@dataclass(frozen=True, slots=True)
class FooterView:
    """Keys as (key, word), and at the right how fresh the screen is.

    Those of `kept` are the last to be left out where the line is short. `spent` is what the program
    takes of the machine, told where there is room.
    """

    keys: tuple[tuple[str, str], ...] = ()
    kept: frozenset[tuple[str, str]] = frozenset()
    freshness: str = ""
    spent: str = ""
    is_troubled: bool = False


class FooterBar(Widget):
    """The line at the bottom: as many keys as fit, freshness at the right."""

    view: reactive[FooterView] = reactive(FooterView(), init=False)

    def render_line(self, y: int) -> Strip:
        """Return the line."""
        base, width = self.rich_style, self.size.width
        key_style = base + style_of(self, "key")
        words: str = safe_text(self.view.freshness)
        if self.view.spent and width >= SPENT_FROM:
            words = f"{words}   {self.view.spent}"
        fresh = f" {fit(words, min(cell_len(words), width // 2))} " if words else ""
        room = width - cell_len(fresh)
        segments: list[Segment] = [Segment(" ", base)]
        used = 1
        for key, word in self._fitting(room - 1):
            segments += [Segment(key, key_style), Segment(f" {word}  ", base)]
            used += len(key) + len(word) + 3
        segments.append(Segment(" " * max(0, room - used), base))
        trouble = style_of(self, "state--stalled")
        segments.append(Segment(fresh, base + (trouble if self.view.is_troubled else Style())))
        return Strip(segments).adjust_cell_length(width, base)

    def _fitting(self, room: int) -> list[tuple[str, str]]:
        """Return the keys that there is room for."""
        keys = list(self.view.keys)
        while keys and sum(len(key) + len(word) + 3 for key, word in keys) > room:
            less = [each for each in keys if each not in self.view.kept] or keys
            keys.remove(less[-1])
        return keys


class TooSmall(Static):
    """What is shown where there is no room for a screen."""

    def __init__(self) -> None:
        super().__init__("", markup=False)

    def on_resize(self) -> None:
        """Name the size that there is."""
        size = self.app.size
        self.update(
            f"Too small: {size.width}x{size.height}\n"
            f"orch-tui needs {MIN_COLUMNS}x{MIN_ROWS}.\n"
            "Headless:  orch-tui list"
        )
