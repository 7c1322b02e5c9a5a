"""RoomyScreen: what every whole screen has in common."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, runtime_checkable

from textual import events
from textual.app import ComposeResult
from textual.geometry import Region, Size
from textual.screen import Screen

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.away import Away
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.observations import Freshness
from orchestrator_tui.ui.compositor import SparingCompositor
from orchestrator_tui.ui.frames import PaintsSoon
from orchestrator_tui.ui.keymap import Hint, told
from orchestrator_tui.ui.leaving import EndsItsWork
from orchestrator_tui.ui.palette import PaletteApp
from orchestrator_tui.ui.tty import MIN_COLUMNS, MIN_ROWS
from orchestrator_tui.ui.widgets.bars import FooterBar, FooterView, HeaderBar, TooSmall

KEPT = frozenset(["app.help", "app.quit"])  # the hints that a short footer leaves out last


@runtime_checkable
class ShowsFleet(Protocol):
    """A screen or a dialog that is told how the fleet is now."""

    def show(self, fleet: Fleet, now: datetime) -> None:
        """Show it as it is at `now`."""
        ...


class RoomyScreen(PaintsSoon, Screen[None], EndsItsWork):
    """A screen with header and footer that says so when the terminal is too small.

    The classes `-narrow`, `-middle` and `-wide` stand for under 80, under 120 and more columns,
    `-short`, `-low` and `-tiny` for under 24, 20 and 17 rows, `-tall` for 36 and more.
    """

    def __init__(self) -> None:
        super().__init__()
        # The attribute is private in the pinned Textual; tests/ui/test_compositor.py holds it.
        self._compositor: SparingCompositor = SparingCompositor()

    def compose(self) -> ComposeResult:
        """Frame what `compose_body` yields."""
        self.fit_first()
        yield HeaderBar()
        yield from self.compose_body()
        yield FooterBar()
        yield TooSmall()

    def compose_body(self) -> ComposeResult:
        """Yield what stands between header and footer."""
        yield from ()

    spent = ""  # what the program takes of the machine, in words

    def show_footer(self, hints: Iterable[Hint], fleet: Fleet) -> None:
        """Show the hints that do something now, and how fresh the screen is."""
        fresh, active, wanted = fleet.freshness, self.active_bindings, tuple(hints)
        kept = told((each for each in wanted if KEPT.intersection(each.ids)), active)
        self.query_one(FooterBar).view = FooterView(
            told(wanted, active),
            frozenset(kept),
            freshness_words(fresh),
            self.spent,
            is_troubled=bool(fresh and fresh.problem),
        )

    def show_clock(self, now: datetime) -> None:
        """Show the time, where the screen has a clock, and leave everything else as it is."""
        for bar in self.query(HeaderBar):
            bar.show_clock(now)

    def lines_moved(self, region: Region, by: int) -> None:
        """Have the terminal move the lines of a region: whole ones, with all that is beside it."""
        if isinstance(self.app, PaletteApp) and self.is_current:
            self._compositor.repaint(Region(0, region.y, self.size.width, region.height))
            self.app.lines_moved(region.y + 1, region.bottom, by)

    def on_resize(self, event: events.Resize) -> None:
        """Choose the layout for the size."""
        self._fit(event.size)

    def fit_first(self) -> None:
        """Choose the layout before the first frame: there is nothing to be styled anew for it."""
        self._fit(self.app.size, update=False)

    def _fit(self, size: Size, *, update: bool = True) -> None:
        width, height = size
        for holds, name in (
            (width < 80, "-narrow"),
            (80 <= width < 120, "-middle"),
            (width >= 120, "-wide"),
            (height < 24, "-short"),
            (height < 20, "-low"),
            (height >= 36, "-tall"),
            (height < 17, "-tiny"),
            (width < MIN_COLUMNS or height < MIN_ROWS, "-too-small"),
        ):
            self.set_class(holds, name, update=update)


class OneRunScreen(RoomyScreen):
    """A screen that is of one run."""

    key: RunKey
    leads_to_log = True  # whether the log on the whole screen is another one


class AwayScreen(RoomyScreen):
    """A screen that tells what happened while nobody looked."""

    away: Away | None


def freshness_words(fresh: Freshness | None) -> str:
    """Return how changes are noticed, in a few words."""
    if fresh is None or fresh.scanning:
        return "reading"
    return fresh.problem or ("live" if fresh.mode == "watching" else fresh.mode)
