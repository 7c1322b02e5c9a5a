"""OrchTui: holds the fleet, feeds it, decides when it is painted, and ends; puts all together."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from pathlib import PurePath
from typing import Any

from textual import work
from textual.app import App, SystemCommand
from textual.command import Provider
from textual.geometry import Size
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import AwaitMount

from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import State, is_terminal
from orchestrator_tui.state.observations import BeatsSeen, Observation, RunSeen
from orchestrator_tui.state.reducer import observe
from orchestrator_tui.ui.announcing import Announcer
from orchestrator_tui.ui.early_screen import EarlyScreen
from orchestrator_tui.ui.farewell import farewell_lines
from orchestrator_tui.ui.frames import FRAMES_AHEAD, FrameBudget
from orchestrator_tui.ui.freezing import Freezer
from orchestrator_tui.ui.journal import Journal
from orchestrator_tui.ui.keys import APP_KEYS
from orchestrator_tui.ui.letting_go import let_go_of_widgets
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.pacing import NEAR_FRAME_S, PacedDriver, Pacer, frame_s_for
from orchestrator_tui.ui.places_app import PlacesApp
from orchestrator_tui.ui.ports import (
    Gauge,
    LogSource,
    Memory,
    NoticeHook,
    ObservationFeed,
    RunLauncher,
    RunProcessSource,
    StartDesk,
    TextShelf,
)
from orchestrator_tui.ui.screens.base import RoomyScreen, ShowsFleet
from orchestrator_tui.ui.screens.runs import RunsScreen
from orchestrator_tui.ui.spending import spending_words
from orchestrator_tui.ui.takeaway import Takeaway
from orchestrator_tui.ui.terminal import (
    EXIT_INTERRUPTED,
    Backstop,
    PlainGlyphs,
    TerminalGuard,
)
from orchestrator_tui.ui.terminal_app import SETTLE_S
from orchestrator_tui.ui.themes import TERMINAL_THEMES, THEME_NAMES, THEMES
from orchestrator_tui.ui.tidying import Tidying
from orchestrator_tui.ui.tty import present_modes
from orchestrator_tui.ui.typed_ahead import TypedAhead
from orchestrator_tui.ui.warming import WARM_AFTER_S, load_the_rest
from orchestrator_tui.ui.widgets.log_marks import LogMarks

TICK_S = 1.0
STILL_EVERY_S = 5.0  # as late may a time in minutes go on where nothing else does
QUIT_TWICE_S = 2.0
SPENDING_EVERY_S = 5.0
READING_FRAME_S = 0.2  # between repaints while very many runs come at once


def _run_commands() -> type[Provider]:
    from orchestrator_tui.ui.commands import RunCommands

    return RunCommands


class OrchTui(PlacesApp, inherit_bindings=False):
    """The program's screens over one fleet.

    What is not on the first frame is loaded when it is first wanted, or in the quiet after it.
    """

    TITLE = "orch-tui"
    CSS_PATH = [
        PurePath("styles", name)
        for name in (
            "base.tcss",
            "runs.tcss",
            "start.tcss",
            "run.tcss",
            "dialogs.tcss",
            "log.tcss",
            "activity.tcss",
        )
    ]
    BINDINGS = APP_KEYS
    COMMANDS = {_run_commands}

    def __init__(
        self,
        *,
        feed: ObservationFeed,
        logs: LogSource,
        launcher: RunLauncher,
        clock: Clock,
        options: ScreenOptions,
        shelf: TextShelf | None = None,
        memory: Memory | None = None,
        hook: NoticeHook | None = None,
        processes: RunProcessSource | None = None,
        desk: StartDesk | None = None,
        early_screen: EarlyScreen | None = None,
        gauge: Gauge | None = None,
    ) -> None:
        super().__init__(driver_class=PacedDriver)
        self.early_screen = early_screen
        self._first_size: Size | None = None
        self._has_shown = False
        let_go_of_widgets()
        self.fleet = Fleet()
        self.options = options
        self.memory = memory  # None: nothing is remembered
        self._feed = feed
        self._logs = logs
        self._marks = LogMarks()
        self._launcher = launcher
        self._processes = processes
        self._desk = desk
        self._gauge = gauge
        self._spent = ""
        self._clock = clock
        self._shelf = shelf
        self.journal = Journal(memory, clock)
        self._hook = hook
        self._hook_problem: str | None = None
        self._announcer = Announcer(
            self._write_beside, clock, options.environ, options.between, options.notify
        )
        self._looked_at: datetime | None = None  # when somebody looked last, before this time
        self._opened_at = clock.now()
        self._has_mouse = True
        self._takeaway = Takeaway(shelf, options.between, self._write_past_screen, self.say)
        self._highlighted: RunKey | None = None
        self._asked_focus: frozenset[RunKey] = frozenset()
        self._started_here: set[RunKey] = set()
        self._config_looked_at = asyncio.Event()
        self._live: dict[RunKey, State | None] = {}
        frame_s = frame_s_for(options.environ, is_calm=options.reduced_motion)
        self._pacer = Pacer(self, clock, frame_s)
        self._tidying = Tidying(self) if options.watch_terminal else None
        self._freezer = Freezer(self, self._write_beside)
        self._frames = FrameBudget()
        self._paint_timer: Timer | None = None
        self._interrupted_at = -QUIT_TWICE_S
        self._guard: TerminalGuard | None = None
        self._terminal_modes = early_screen.modes if early_screen else present_modes()
        for theme in THEMES:
            self.register_theme(theme)
        self._begin_with(THEME_NAMES.get(options.theme, THEMES[0].name))
        # The filter list is private in the pinned Textual; tests/ui/test_terminal.py holds it.
        self._filters.append(Backstop())
        if options.ascii_only:
            self._filters.append(PlainGlyphs())
        self.set_keymap(options.keys)
        self._typed_ahead = TypedAhead(self, options.keys, self.on_event)
        self.runs_screen = RunsScreen(clock=clock, options=options, memory=memory)

    # --- life -------------------------------------------------------------------------------

    def _begin_with(self, theme: str) -> None:
        """Take a theme before anything is drawn: to change it later reads all styles again."""
        self.set_reactive(App.theme, theme)
        self.set_reactive(App.ansi_theme_dark, TERMINAL_THEMES[theme])
        self.set_reactive(App.ansi_theme_light, TERMINAL_THEMES[theme])
        is_dark = self.current_theme.dark
        self.set_class(is_dark, "-dark-mode", update=False)
        self.set_class(not is_dark, "-light-mode", update=False)
        self.set_class(True, f"-theme-{theme}", update=False)
        self._refresh_truecolor_filter(self.ansi_theme)
        self.stylesheet.set_variables(self.get_css_variables())

    def get_default_screen(self) -> Screen[Any]:
        """Return the runs, so that no other screen is built and drawn first."""
        return self.runs_screen

    async def on_mount(self) -> None:
        """Begin to watch."""
        self.animation_level = "none"
        self._watch_disk()
        await AwaitMount(self.runs_screen, [self.runs_screen])
        self.runs_screen.show(self.fleet, self._clock.now())
        self.screen_change_signal.subscribe(self, self._screen_changed)
        for warning in self.options.warnings:
            self.say(warning, is_refusal=True)
        self.call_after_refresh(setattr, self, "_has_shown", True)
        self._pacer.begin(self._driver)
        self._recall()
        self.set_interval(TICK_S, self._tick)
        if self._gauge is not None:
            self._follow_spending(self._gauge)
        if self.options.watch_terminal:
            self.set_timer(WARM_AFTER_S, self._warm)
            self._guard = TerminalGuard(
                self.leave, asyncio.get_running_loop(), self._terminal_modes
            )
            self._guard.start()

    async def on_unmount(self) -> None:
        """Let the terminal go, and remember until when somebody looked."""
        # First, for a terminal may block whoever writes to it, and that ends the process.
        await self.journal.save()
        await self.journal.seen()
        self._announcer.close()
        if self._guard is not None:
            self._guard.close()

    @work(name="recall")
    async def _recall(self) -> None:
        self._looked_at = await self.journal.recall()
        self._remember()
        self._tell_what_was_missed()
        self._show()

    @work(name="load the rest", thread=True)
    def _warm(self) -> None:
        load_the_rest()

    @work(name="follow the spending")
    async def _follow_spending(self, gauge: Gauge) -> None:
        while True:
            await asyncio.sleep(SPENDING_EVERY_S)
            spent = await gauge.read()
            self._spent = spending_words(spent)

    @work(name="watch the disk")
    async def _watch_disk(self) -> None:
        painted = asyncio.Event()
        async for batch in self._feed.batches():
            self.take(batch)
            if not painted.is_set():
                # To read on at once would keep the processor from the first frame.
                self.call_after_refresh(painted.set)
                await painted.wait()

    def take(self, batch: tuple[Observation, ...]) -> None:
        """Fold what was seen into the fleet; paint now, or with the next frame."""
        fleet = observe(self.fleet, batch)
        if fleet is self.fleet:
            return
        self.fleet = fleet
        if fleet.is_config_known:
            self._config_looked_at.set()
        self._note(batch)
        if self._tidying is not None and fleet.is_read:
            self._tidying.settle()
        for each in batch:
            if isinstance(each, RunSeen) and not is_terminal(each.facts):
                self._live.setdefault(each.facts.key, None)
        if not any(map(self._is_urgent, batch)):
            return
        wait_s = self._frames.wait_s(self._clock.monotonic())
        if wait_s <= 0:
            self._paint()
        elif self._paint_timer is None:
            self._paint_timer = self.set_timer(wait_s, self._paint)

    def _is_urgent(self, seen: Observation) -> bool:
        """Tell whether something is to be seen before the clock ticks.

        A beat of a run that goes on is not: with fifty of those all rows would be looked through
        for each frame, and none would look different.
        """
        return not (isinstance(seen, BeatsSeen) and self._live.get(seen.key) is State.RUNNING)

    def _paint(self) -> None:
        if self._paint_timer is not None:
            self._paint_timer.stop()
            self._paint_timer = None
        interval_s = self._interval_s()
        # Only where no network is between do bytes cost nothing.
        ahead = FRAMES_AHEAD if interval_s <= NEAR_FRAME_S else 0
        self._frames.made(self._clock.monotonic(), interval_s, ahead=ahead)
        self._show()

    def _interval_s(self) -> float:
        """Return the time between two frames of many."""
        reading_s = 0.0 if self.fleet.is_read else READING_FRAME_S
        return max(self._pacer.pace.interval_s, reading_s)

    def _tick(self) -> None:
        now = self._clock.now()
        if self._is_still():
            if isinstance(self.screen, RoomyScreen):
                self.screen.show_clock(now)
            return
        self._tell_news(now)
        pace = self._pacer.pace
        if not pace.is_slow or self._clock.monotonic() - self._frames.made_at >= pace.interval_s:
            self._paint()

    def _is_still(self) -> bool:
        """Tell whether nothing goes on and nothing but the clock looks other than last time."""
        since_s = self._clock.monotonic() - self._frames.made_at
        is_due = since_s >= STILL_EVERY_S or self._pacer.pace.is_slow
        return self.fleet.is_read and not self._live and not is_due

    def _show(self) -> None:
        if not self.is_running:
            return  # a screen that is being taken down has no panes to show anything in
        # Only what is on top: a change of the screen below it has Textual paint both anew.
        screen = self.screen
        if isinstance(screen, ShowsFleet):
            if isinstance(screen, RoomyScreen):
                screen.spent = self._spent
            screen.show(self._shown_fleet(), self._clock.now())

    def _shown_fleet(self) -> Fleet:
        """Return the fleet, with a slow link among what troubles the screen."""
        fresh, words = self.fleet.freshness, self._pacer.pace.words
        if fresh is None or not words:
            return self.fleet
        problem = f"{words}; {fresh.problem}" if fresh.problem else words
        return replace(self.fleet, freshness=replace(fresh, problem=problem))

    def _screen_changed(self, _screen: Screen[Any]) -> None:
        if self._tidying is not None:
            self._tidying.screen_changed()
        self._show()

    # --- keys of the program ----------------------------------------------------------------

    def action_rescan(self) -> None:
        """Look at the disk now, and put every row where its state belongs."""
        self._feed.rescan()
        self.runs_screen.resort()

    def action_interrupt(self) -> None:
        """Quit at the second press; say so at the first."""
        now = self._clock.monotonic()
        if now - self._interrupted_at < QUIT_TWICE_S:
            self.leave(EXIT_INTERRUPTED)
            return
        self._interrupted_at = now
        self.say("Press ctrl+c again to quit; runs keep going.")

    def farewell(self) -> tuple[str, ...]:
        """Return what to print when the screen is closed: which runs keep going."""
        return farewell_lines(self.fleet, self._clock.now(), self.options.program)

    def leave(self, status: int = 0) -> None:
        """End the screens; runs go on."""
        if self._freezer.is_frozen:
            self._thaw()
        if self._pacer.is_asking:
            self._leave_settled(status)
        else:
            self.exit(return_code=status)

    @work(name="leave")
    async def _leave_settled(self, status: int) -> None:
        # An answer that comes when the screens are gone would be typed into the shell.
        await self._pacer.settle(SETTLE_S)
        self.exit(return_code=status)

    def get_system_commands(self, screen: Screen[object]) -> list[SystemCommand]:
        """Offer no commands of Textual's own; ours are in `RunCommands`."""
        return []
