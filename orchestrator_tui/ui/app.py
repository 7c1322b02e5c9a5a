"""OrchTui: holds the fleet, feeds it, shows it, and routes what a person asks for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import PurePath
from typing import Any

from textual import events, on, work
from textual.app import App, SuspendNotSupported, SystemCommand
from textual.command import Provider
from textual.geometry import Size
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import AwaitMount
from textual.widgets import Input

from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.primitives.safe_text import safe_text, strip_sequences
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.away import away_of, away_words
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.formatting import counted
from orchestrator_tui.state.liveness import State, is_terminal
from orchestrator_tui.state.notices import Notice, follow
from orchestrator_tui.state.observations import BeatsSeen, Observation, RunSeen
from orchestrator_tui.state.ordering import live_keys
from orchestrator_tui.state.reducer import observe
from orchestrator_tui.state.views import project_row
from orchestrator_tui.ui.announcing import Announcer, Notify
from orchestrator_tui.ui.asked import (
    CopyAsked,
    EditAsked,
    FileAsked,
    LogPicture,
    PathCopyAsked,
    RunOpened,
    SelectionAsked,
    TakeAsked,
    TextCopyAsked,
)
from orchestrator_tui.ui.asking_app import AskingApp
from orchestrator_tui.ui.early_screen import EarlyScreen
from orchestrator_tui.ui.frames import FrameBudget
from orchestrator_tui.ui.freezing import Freezer
from orchestrator_tui.ui.journal import Journal, doubt_words
from orchestrator_tui.ui.keymap import keys_now, named_keys, shown_keys
from orchestrator_tui.ui.keys import APP_KEYS
from orchestrator_tui.ui.letting_go import let_go_of_widgets
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.pacing import NEAR_FRAME_S, PacedDriver, Pacer, frame_s_for
from orchestrator_tui.ui.ports import (
    Gauge,
    LogSource,
    LogTextWish,
    Memory,
    NoticeHook,
    ObservationFeed,
    RunLauncher,
    RunProcessSource,
    StartDesk,
    TextShelf,
)
from orchestrator_tui.ui.screens.base import AwayScreen, OneRunScreen, RoomyScreen, ShowsFleet
from orchestrator_tui.ui.screens.runs import RunsScreen
from orchestrator_tui.ui.sparing import SparingDriver
from orchestrator_tui.ui.spending import spending_words
from orchestrator_tui.ui.takeaway import Takeaway
from orchestrator_tui.ui.terminal import (
    EXIT_INTERRUPTED,
    Backstop,
    PlainGlyphs,
    TerminalGuard,
)
from orchestrator_tui.ui.themes import TERMINAL_THEMES, THEME_NAMES, THEMES
from orchestrator_tui.ui.tidying import Tidying
from orchestrator_tui.ui.tty import MOUSE_OFF, MOUSE_ON, present_modes
from orchestrator_tui.ui.typed_ahead import TypedAhead
from orchestrator_tui.ui.warming import WARM_AFTER_S, load_the_rest
from orchestrator_tui.ui.widgets.bars import HeaderCounts
from orchestrator_tui.ui.widgets.log_marks import LogMarks

TICK_S = 1.0
STILL_EVERY_S = 5.0  # as late may a time in minutes go on where nothing else does
QUIT_TWICE_S = 2.0
NOTICE_S = 12.0  # how long it is told that a run failed, was lost or waits
GOOD_NEWS_S = 5.0
SPENDING_EVERY_S = 5.0
READING_FRAME_S = 0.2  # between repaints while very many runs come at once
SETTLE_S = 1.0  # for an answer of the terminal, before others read what it sends
FAREWELL_NAMES = 4  # runs named when the screen is closed
KEEPS_GOING = frozenset([State.RUNNING, State.QUEUED, State.STALLED, State.AWAITING, State.PAUSED])


def _run_commands() -> type[Provider]:
    from orchestrator_tui.ui.commands import RunCommands

    return RunCommands


class OrchTui(AskingApp, inherit_bindings=False):
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
        self._focus_timer: Timer | None = None
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

    @cached_property
    def activity_screen(self) -> AwayScreen:
        """The activity; loaded and made when it is first wanted."""
        from orchestrator_tui.ui.screens.activity import ActivityScreen

        screen = ActivityScreen(self.journal, clock=self._clock, options=self.options)
        self.install_screen(screen, "activity")
        return screen

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
        self.journal.watch(batch)
        if doubt := doubt_words(batch):
            self.journal.told(doubt)
            self._toast(
                "\n".join(map(safe_text, doubt.split("\n"))), severity="warning", timeout=NOTICE_S
            )
        self._tell_what_was_missed()
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
        has_advance = interval_s <= NEAR_FRAME_S
        self._frames.made(self._clock.monotonic(), interval_s, has_advance=has_advance)
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
        self._live, seen = follow(self._live, self.fleet, now)
        notices = self._announcer.new(seen)
        for notice in notices:
            self._tell_notice(notice)
        self._announcer.announce(notices)
        counts = self.runs_screen.counts(self.fleet, now)
        self._announcer.show_title(counts, self.options.place)
        if self.journal.is_to_be_seen:
            self._remember()
        pace = self._pacer.pace
        if not pace.is_slow or self._clock.monotonic() - self._frames.made_at >= pace.interval_s:
            self._paint()

    def _is_still(self) -> bool:
        """Tell whether nothing goes on and nothing but the clock looks other than last time."""
        since_s = self._clock.monotonic() - self._frames.made_at
        is_due = since_s >= STILL_EVERY_S or self._pacer.pace.is_slow
        return self.fleet.is_read and not self._live and not is_due

    def _tell_notice(self, notice: Notice) -> None:
        self.journal.run_told(notice.key, notice.words, is_grave=notice.is_grave)
        words = "\n".join(safe_text(line) for line in notice.words.split("\n"))
        if notice.is_grave:
            self._toast(words, severity="warning", timeout=NOTICE_S)
        elif notice.state is State.SUCCEEDED:
            self._toast(words, timeout=GOOD_NEWS_S)
        if self._hook is not None and self.options.notify is not Notify.OFF:
            self._tell_hook(self._hook, notice)

    @work(name="tell the hook")
    async def _tell_hook(self, hook: NoticeHook, notice: Notice) -> None:
        # A person's command may well print them to a terminal.
        problem = await hook.run({name: safe_text(v) for name, v in notice.facts().items()})
        if problem is not None and problem != self._hook_problem:
            self.say(f"notify_command failed: {problem}", is_refusal=True)
        self._hook_problem = problem

    async def on_event(self, event: events.Event) -> None:
        """Take note that somebody is there, and hand the event on unless all stands still."""
        if isinstance(event, events.InputEvent):
            self._announcer.touched()
            if self._freezer.is_frozen:
                self._while_frozen(event)
                return
            if isinstance(event, events.Key) and self._came_too_early(event):
                return
        await super().on_event(event)

    def _came_too_early(self, event: events.Key) -> bool:
        return not event.is_forwarded and self._typed_ahead.holds(event)

    def _while_frozen(self, event: events.InputEvent) -> None:
        if not isinstance(event, events.Key):
            return
        if event.key in ("escape", "q", "ctrl+c", *self._freeze_keys()):
            self._thaw()
        else:
            self._freezer.say_frozen()

    def _freeze_keys(self) -> tuple[str, ...]:
        return keys_now(self.screen.active_bindings).get("app.freeze", ())

    def action_freeze(self) -> None:
        """Let the display stand still on the terminal's own screen."""
        at = f"{self._clock.now().astimezone():%H:%M:%S}"
        keys = shown_keys(self._freeze_keys())
        self._freezer.freeze(f"FROZEN at {at}: {keys} resumes; the mouse is the terminal's")

    def _thaw(self) -> None:
        self._freezer.thaw()
        if self._has_mouse:
            self._write_beside(MOUSE_ON)
        if isinstance(self._driver, SparingDriver):
            self._driver.forget()
        self._show()
        self.screen.refresh(layout=True)
        self.screen.check_idle()

    def post_display_hook(self) -> None:
        """Follow the frame to the terminal."""
        self._pacer.painted()

    @on(events.CursorPosition)
    def _terminal_answered(self, event: events.CursorPosition) -> None:
        was_slow = self._pacer.pace.is_slow
        self._pacer.answered(event.time)
        if was_slow != self._pacer.pace.is_slow:
            self._show()

    @on(events.DescendantFocus)
    def _still_cursor(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, Input):
            event.widget.cursor_blink = False  # each blink is a frame

    @on(events.AppFocus)
    @on(events.AppBlur)
    def _focus_changed(self, event: events.AppFocus | events.AppBlur) -> None:
        self._announcer.focus(isinstance(event, events.AppFocus))

    @work(name="remember")
    async def _remember(self) -> None:
        before = self.journal.problem
        await self.journal.seen()
        if (problem := self.journal.problem) and not before:
            self.say(f"What you do here cannot be remembered: {problem}", is_refusal=True)

    def _tell_what_was_missed(self) -> None:
        """Tell once, when all runs have been read, what happened since somebody looked last."""
        fresh, since = self.fleet.freshness, self._looked_at
        if since is None or fresh is None or fresh.scanning:
            return
        self._looked_at = None
        now = self._clock.now()
        away = away_of(self.fleet, since.astimezone(), self._opened_at, now)
        self.activity_screen.away = away
        if told := away_words(away, now.astimezone()):
            self._toast(f"{told[:1].upper()}{told[1:]}\n5 lists them", timeout=NOTICE_S)

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

    # --- what is in focus -------------------------------------------------------------------

    @on(RunsScreen.RunHighlighted)
    def _highlight(self, event: RunsScreen.RunHighlighted) -> None:
        self._highlighted = event.key

    @on(RunsScreen.RunSettled)
    def _settled(self) -> None:
        self._focus_runs()

    def _focus_runs(self) -> None:
        opened = {s.key for s in self.screen_stack if isinstance(s, OneRunScreen)}
        chosen = {self._highlighted} if self._highlighted else set()
        keys = frozenset(opened | chosen)
        if keys != self._asked_focus:
            self._asked_focus = keys
            self._feed.focus(keys)
        self._show()

    @on(RunOpened)
    def _open(self, event: RunOpened) -> None:
        self.open_run(event.key)

    def open_run(self, key: RunKey) -> None:
        """Open the screen of one run."""
        from orchestrator_tui.ui.screens.run import RunScreen

        ascii_only = self.options.ascii_only
        self.runs_screen.saw((key,))
        screen = RunScreen(
            key,
            self._logs,
            marks=self._marks,
            ascii_only=ascii_only,
            named=named_keys(self.options.keys),
        )
        screen.show(self.fleet, self._clock.now())
        self.push_screen(screen)
        self._focus_runs()

    @on(RunsScreen.NamesAsked)
    def _copy_names(self, event: RunsScreen.NamesAsked) -> None:
        lines = [str(key) for key in event.keys]
        self._copy(f"the names of {counted(len(lines), 'run')}", lines)

    def on_activity_screen_leave_asked(self) -> None:
        """Go from the activity to the runs."""
        self.action_place("runs")

    @on(TextCopyAsked)
    def _text_copy_asked(self, event: TextCopyAsked) -> None:
        self._copy(event.what, event.lines)

    def action_place(self, name: str) -> None:
        """Go to one of the program's places; what was open on top of it is closed."""
        while len(self.screen_stack) > 1 and self.screen is not self.runs_screen:
            if name == "activity" and self.screen is self.activity_screen:
                break
            self.pop_screen()
        if name == "activity" and self.screen is not self.activity_screen:
            self.push_screen(self.activity_screen)
        self._focus_runs()

    @on(HeaderCounts.PlaceAsked)
    def _place_asked(self, event: HeaderCounts.PlaceAsked) -> None:
        self.action_place(event.name)

    @on(HeaderCounts.FilterAsked)
    def _filter_asked(self, event: HeaderCounts.FilterAsked) -> None:
        self.show_runs(event.query)

    # --- what a person asks for -------------------------------------------------------------

    def say(self, text: str, *, is_refusal: bool = False) -> None:
        """Tell the result of an action: each one ends in words."""
        self.journal.told(text)
        self._tell(text, is_refusal=is_refusal)

    def _tell(self, text: str, *, is_refusal: bool = False) -> None:
        lines = "\n".join(safe_text(line) for line in text.split("\n"))
        title, severity = ("Not done", "warning") if is_refusal else ("", "information")
        self._toast(lines, title=title, severity=severity, timeout=8 if is_refusal else 4)

    def _toast(
        self, text: str, *, title: str = "", severity: str = "information", timeout: float
    ) -> None:
        """Show a toast that the journal has in its own words."""
        super().notify(
            text,
            title=title,
            severity="warning" if severity == "warning" else "information",
            timeout=timeout,
            markup=False,
        )

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a toast of a screen or a widget, and note what it said."""
        self.journal.told(message)
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    # --- what a person takes along ----------------------------------------------------------

    def _write_past_screen(self, sequence: str) -> None:
        if self._driver is not None:
            self._driver.write(sequence)
            self._driver.flush()

    def lines_moved(self, first: int, last: int, by: int) -> None:
        """Have the terminal move lines rather than be sent them."""
        if isinstance(self._driver, SparingDriver):
            self._driver.move_lines(first, last, by)

    def _write_beside(self, sequence: str) -> None:
        """Write what changes no cell: a title, a bell."""
        if isinstance(self._driver, SparingDriver):
            self._driver.beside(sequence)
        elif self._driver is not None:
            self._driver.write(sequence)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy what a widget of Textual's own gives, as everything else is copied."""
        self._clipboard = text
        self._copy("the text", text.split("\n"))

    @work(name="copy")
    async def _copy(self, what: str, lines: Sequence[str]) -> None:
        await self._takeaway.copy(what, lines)

    @on(SelectionAsked)
    def _selection_asked(self, event: SelectionAsked) -> None:
        self._copy("the selected lines", [strip_sequences(line) for line in event.lines])

    @on(CopyAsked)
    def _copy_asked(self, event: CopyAsked) -> None:
        self.ask_copy(event.key, event.stage_index, event.log)

    @work(name="copy menu")
    async def ask_copy(
        self, key: RunKey, stage_index: int = 0, log: LogPicture | None = None
    ) -> None:
        """Offer what can be copied of a run, and copy the chosen piece."""
        from orchestrator_tui.ui.copying import copied_lines, copy_source
        from orchestrator_tui.ui.screens.copying import CopyMenu

        now, repo = self._clock.now(), self.options.repo
        source = copy_source(self.fleet, key, stage_index, log, repo, now)
        if source is None:
            self.say("That run is gone.", is_refusal=True)
            return
        if self._shelf is not None:
            path = await self._shelf.log_path(key, source.stage_index)
            source = replace(source, log_path=path)
        piece = await self.push_screen_wait(CopyMenu(source))
        if piece is not None:
            await self._takeaway.copy(*copied_lines(source, piece))

    @on(TakeAsked)
    def _take_asked(self, event: TakeAsked) -> None:
        detail = self.fleet.details.get(event.wish.key)
        commands = detail.manifest.commands if detail else ()
        index = event.wish.stage_index
        stage_id = commands[index - 1].id if 0 < index <= len(commands) else "log"
        self.say("Writing the log as text ...")
        self._take_log(event.use, replace(event.wish, stage_id=stage_id))

    @work(name="take a log")
    async def _take_log(self, use: str, wish: LogTextWish) -> None:
        await self._pacer.settle(SETTLE_S)
        await self._takeaway.take_log(use, wish, self.options.environ, self._suspended)

    @on(FileAsked)
    def _file_asked(self, event: FileAsked) -> None:
        self._page_file(event.name)

    @work(name="show a file")
    async def _page_file(self, name: str) -> None:
        await self._takeaway.page_file(name, self.options.environ, self._suspended)

    @on(PathCopyAsked)
    def _path_asked(self, event: PathCopyAsked) -> None:
        self._copy("the path", [f"{self.options.repo}/{event.path}"])

    @on(EditAsked)
    def _edit_asked(self, event: EditAsked) -> None:
        self._open_source(event.place, event.folder)

    @work(name="open in editor")
    async def _open_source(self, place: str, folder: str) -> None:
        await self._takeaway.open_source(place, folder, self.options.environ, self._suspended)

    @contextlib.contextmanager
    def _suspended(self) -> Iterator[None]:
        try:
            with self.suspend():
                yield
        except SuspendNotSupported as error:
            raise ValueError("this terminal cannot be handed on") from error
        finally:
            self._pacer.forget()
            if not self._has_mouse:  # the driver has just turned it on again
                self._write_past_screen(MOUSE_OFF)

    def action_mouse(self) -> None:
        """Leave the mouse to the terminal, for its own selection, or take it back."""
        self._has_mouse = not self._has_mouse
        self._write_past_screen(MOUSE_ON if self._has_mouse else MOUSE_OFF)
        if self._has_mouse:
            self.say("The mouse works in orch-tui again.")
        else:
            self.say("The mouse is the terminal's: select text as usual. M takes it back.")

    def action_full_log(self) -> None:
        """Show the log of the chosen stage on the whole screen."""
        key, screen = self.chosen_run, self.screen
        if key is None:
            self.say("No run is selected.", is_refusal=True)
            return
        from orchestrator_tui.ui.screens.log import LogScreen
        from orchestrator_tui.ui.screens.run import RunScreen

        index, error = screen.log_to_read() if isinstance(screen, RunScreen) else (0, "")
        log = LogScreen(
            key,
            index,
            self._logs,
            error=error,
            marks=self._marks,
            ascii_only=self.options.ascii_only,
        )
        log.show(self.fleet, self._clock.now())
        self.push_screen(log)
        self._focus_runs()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Open a log in full from screens that have one, and not twice."""
        if action == "full_log":
            screen = self.screen
            return isinstance(screen, RunsScreen | OneRunScreen) and screen.leads_to_log
        return super().check_action(action, parameters)

    # --- keys of the program ----------------------------------------------------------------

    def action_command_palette(self) -> None:
        """Show the commands."""
        from orchestrator_tui.ui.commands import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def action_help(self) -> None:
        """Show the keys of the present screen."""
        from orchestrator_tui.ui.screens.help import HelpDialog, KeyRow

        if isinstance(self.screen, HelpDialog):
            return
        active = self.screen.active_bindings
        keys = keys_now(active)
        rows: dict[str, KeyRow] = {}
        for bound in active.values():
            name, words = bound.binding.id or "", bound.binding.description
            if name in keys:
                rows[name] = (name.partition(".")[0], shown_keys(keys[name]), words)
        self.push_screen(HelpDialog(self.screen.title or "", tuple(rows.values())))

    def action_rescan(self) -> None:
        """Look at the disk now, and put every row where its state belongs."""
        self._feed.rescan()
        self.runs_screen.resort()

    def action_redraw(self) -> None:
        """Draw the screen anew, whatever the terminal may show now."""
        self._forget_terminal()
        self.refresh(repaint=True, layout=True)

    def _forget_terminal(self) -> None:
        if isinstance(self._driver, SparingDriver):
            self._driver.forget()

    def on_resize(self, event: events.Resize) -> None:
        """Send the next frame whole: each terminal moves its text in a way of its own."""
        # Before the first frame Textual tells the size that it begins with, and tells it twice.
        if self._has_shown or self._first_size not in (None, event.size):
            self._forget_terminal()
        self._first_size = event.size

    def action_interrupt(self) -> None:
        """Quit at the second press; say so at the first."""
        now = self._clock.monotonic()
        if now - self._interrupted_at < QUIT_TWICE_S:
            self.leave(EXIT_INTERRUPTED)
            return
        self._interrupted_at = now
        self.say("Press ctrl+c again to quit; runs keep going.")

    @property
    def chosen_run(self) -> RunKey | None:
        """The run that is open, or else selected."""
        opened = [s.key for s in self.screen_stack if isinstance(s, OneRunScreen)]
        return opened[-1] if opened else self._highlighted

    def show_runs(self, query: str) -> None:
        """Go to the runs that a filter lets through."""
        while len(self.screen_stack) > 1 and self.screen is not self.runs_screen:
            self.pop_screen()
        self.runs_screen.ask_for(query)

    def farewell(self) -> tuple[str, ...]:
        """Return what to print when the screen is closed: which runs keep going."""
        now = self._clock.now()
        rows = [project_row(self.fleet.runs[key], now) for key in live_keys(self.fleet)]
        going = [row for row in rows if row.state in KEEPS_GOING]
        if not going:
            return ()
        names = [
            f"{row.run} {row.pipeline}{' (ending)' if 'CANCELLING' in row.badges else ''}"
            for row in sorted(going, key=lambda row: row.key)
        ]
        more = [f"and {len(names) - FAREWELL_NAMES} more"] if len(names) > FAREWELL_NAMES else []
        listed = ", ".join([safe_text(name) for name in names[:FAREWELL_NAMES]] + more)
        program = self.options.program
        verb = "run keeps" if len(going) == 1 else "runs keep"
        return (
            f"{len(going)} {verb} going: {listed}",
            f"Return: {program}   Stop one: {program} cancel RUN",
        )

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
