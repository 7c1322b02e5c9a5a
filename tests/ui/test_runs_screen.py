"""The home screen: what it shows, what its keys do, and that nothing moves by itself."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias

import pytest
from textual.binding import Binding
from textual.pilot import Pilot
from textual.widgets import Input

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.logs import LogLine, Stream
from orchestrator_tui.records.requests import CancelRun, LaunchRun, Refused, ResumeRun
from orchestrator_tui.state.observations import (
    ConfigSeen,
    DetailSeen,
    Freshness,
    FreshnessSeen,
    Observation,
    RunDetail,
)
from orchestrator_tui.ui import keys as keys_module
from orchestrator_tui.ui.app import OrchTui
from orchestrator_tui.ui.keymap import shown_keys
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.ports import LogSource, Memory, StartDesk
from orchestrator_tui.ui.screens.again import RunAgainDialog
from orchestrator_tui.ui.screens.ending import CancelDialog
from orchestrator_tui.ui.screens.help import KEYS_CELLS, WORDS_CELLS, HelpDialog
from orchestrator_tui.ui.screens.run import RunScreen
from orchestrator_tui.ui.screens.runs import RunsScreen
from orchestrator_tui.ui.screens.start import StartDialog
from orchestrator_tui.ui.widgets.bars import FooterBar
from orchestrator_tui.ui.widgets.column_heads import ColumnHeads
from orchestrator_tui.ui.widgets.run_preview import RunPreview
from orchestrator_tui.ui.widgets.run_table import RunTable
from tests.fakes import NOON, HandClock, ScriptedFeed, ScriptedLauncher, ScriptedLogs
from tests.ui.fleets import (
    APPROVAL,
    BUSY,
    CONFIG,
    FAILED,
    GREEN,
    LOST,
    RUNNING,
    STALLED,
    YOUNGER,
    Sample,
    compile_error,
    fleet,
)

Compare: TypeAlias = Callable[..., bool]
WIDE, NARROW, LARGE = (80, 24), (60, 15), (140, 40)
OPTIONS = ScreenOptions(
    place="~/src/app", runs_dir="~/src/app/.runs", config_path="~/src/app/codex.orchestrator.json"
)


class World:
    """An app over scripted ports, and what a test asks of it."""

    def __init__(
        self,
        *batches: tuple[Observation, ...],
        result: Refused | None = None,
        options: ScreenOptions = OPTIONS,
        memory: Memory | None = None,
        logs: LogSource | None = None,
        desk: StartDesk | None = None,
    ) -> None:
        self.clock = HandClock()
        self.feed = ScriptedFeed(*batches)
        self.launcher = ScriptedLauncher(result)
        self.app = OrchTui(
            feed=self.feed,
            logs=logs or ScriptedLogs(),
            launcher=self.launcher,
            desk=desk,
            clock=self.clock,
            options=options,
            memory=memory,
        )

    @property
    def table(self) -> RunTable:
        return self.app.runs_screen.table

    def shown(self) -> str:
        """Return all text of the screen, as it goes to the terminal."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    @property
    def is_home(self) -> bool:
        return isinstance(self.app.screen, RunsScreen)

    def rows(self) -> list[str]:
        """Return the text of each visible row."""
        strips = [self.table.render_line(y) for y in range(self.table.size.height)]
        return [strip.text.rstrip() for strip in strips if strip.text.strip()]


def at_rest(world: World, *keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Return what presses keys and waits until the preview shows the selected run's details."""

    async def wait(pilot: Pilot[None]) -> None:
        await pilot.press(*keys)
        preview = world.app.runs_screen.query_one(RunPreview)

        def shows() -> bool:
            view = preview.view
            return view is not None and view.is_loaded and view.row.key == world.table.selected

        await until(pilot, shows)
        await pilot.pause()

    return wait


def form_open(world: World, *keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Return what opens the start form, waits until it knows how the place is, and presses keys."""

    async def wait(pilot: Pilot[None]) -> None:
        await at_rest(world)(pilot)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(world.app.screen, StartDialog))
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()

    return wait


async def select(pilot: Pilot[None], world: World, key: RunKey) -> None:
    """Go to a run with the keys that a person has."""
    await pilot.press("g")
    for _ in range(len(world.app.fleet.runs)):
        if world.table.selected == key:
            return
        await pilot.press("j")
    assert world.table.selected == key


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Let the app work until something holds, at most a few seconds."""
    for _ in range(500):
        if holds():
            return
        await pilot.pause(0.01)
    assert holds()


# --- pictures -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [WIDE, LARGE], ids=["80x24", "140x40"])
def test_busy(snap_compare: Compare, size: tuple[int, int]) -> None:
    world = World(fleet(*BUSY))
    assert snap_compare(world.app, terminal_size=size, run_before=at_rest(world))


def test_busy_in_the_smallest_terminal(snap_compare: Compare) -> None:
    world = World(fleet(*BUSY))
    assert snap_compare(world.app, terminal_size=NARROW, run_before=at_rest(world))


@pytest.mark.parametrize("size", [WIDE, LARGE], ids=["80x24", "140x40"])
def test_failing(snap_compare: Compare, size: tuple[int, int]) -> None:
    world = World(fleet(FAILED, GREEN, YOUNGER))
    assert snap_compare(world.app, terminal_size=size, run_before=at_rest(world))


def test_empty(snap_compare: Compare) -> None:
    missing = FreshnessSeen(Freshness("watching", runs_exists=False))
    world = World((ConfigSeen(CONFIG), missing))
    assert snap_compare(world.app, terminal_size=WIDE)


def test_too_small(snap_compare: Compare) -> None:
    assert snap_compare(World(fleet(*BUSY)).app, terminal_size=(44, 9))


def test_start_form(snap_compare: Compare) -> None:
    world = World(fleet(*BUSY))
    assert snap_compare(world.app, run_before=form_open(world, "j"), terminal_size=WIDE)


def test_start_form_wide(snap_compare: Compare) -> None:
    world = World(fleet(*BUSY))
    assert snap_compare(world.app, run_before=form_open(world), terminal_size=LARGE)


def test_help(snap_compare: Compare) -> None:
    assert snap_compare(World(fleet(*BUSY)).app, press=("question_mark",), terminal_size=WIDE)


def test_light_theme(snap_compare: Compare) -> None:
    world = World(fleet(*BUSY))

    async def lighten(pilot: Pilot[None]) -> None:
        pilot.app.theme = "orch-light"
        await at_rest(world)(pilot)

    assert snap_compare(world.app, run_before=lighten, terminal_size=LARGE)


def test_without_colours_and_with_ascii_signs_alone(snap_compare: Compare) -> None:
    options = replace(OPTIONS, theme="mono", ascii_only=True)
    world = World(fleet(*BUSY), options=options)
    assert snap_compare(world.app, terminal_size=WIDE, run_before=at_rest(world))


# --- what the rows say ----------------------------------------------------------------------


@pytest.mark.anyio
async def test_those_that_need_someone_come_first() -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=LARGE):
        words = [row[3:].split()[1] for row in world.rows()]
    assert words[:7] == ["APPROVAL", "LOST", "STALLED", "FAILED", "RUNNING", "RUNNING", "QUEUED"]


@pytest.mark.anyio
async def test_elapsed_time_goes_on_and_repaints_nothing_else() -> None:
    world = World(fleet(RUNNING))
    async with world.app.run_test(size=WIDE) as pilot:
        before = world.rows()[0]
        world.clock.advance(10)
        world.app._tick()
        await pilot.pause()
        after = world.rows()[0]
    assert "4:12" in before
    assert "4:22" in after
    assert before.replace("4:12", "") == after.replace("4:22", "")


@pytest.mark.anyio
async def test_hostile_output_is_harmless_text() -> None:
    world = World(fleet(RUNNING))
    async with world.app.run_test(size=LARGE) as pilot:
        await until(pilot, lambda: "[/] [bold]x[/bold]" in world.shown())
        shown = world.shown()
    assert "⟨202E⟩evil" in shown
    assert not any(ord(char) < 32 and char != "\n" for char in shown)


# --- the cursor -----------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("is_touched", [False, True])
async def test_what_is_read_first_does_not_hold_the_first_row_until_somebody_is_there(
    is_touched: bool,
) -> None:
    reading = FreshnessSeen(Freshness("watching", scanning=True))
    world = World((ConfigSeen(CONFIG), reading, *RUNNING.seen()))
    async with world.app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: world.table.selected == RUNNING.key)
        if is_touched:
            await pilot.press("down")
        world.app.take((*FAILED.seen(), FreshnessSeen(Freshness("watching"))))
        await until(pilot, lambda: len(world.rows()) == 2)
        first, last = (RUNNING, FAILED) if is_touched else (FAILED, RUNNING)
        assert world.table.selected == first.key
        assert first.task in world.rows()[0]
        assert last.task in world.rows()[1]
        world.app.take(LOST.seen())
        await until(pilot, lambda: len(world.rows()) == 3)
        assert first.task in world.rows()[0]


@pytest.mark.anyio
async def test_the_selected_row_never_moves_by_itself() -> None:
    world = World(fleet(RUNNING, GREEN, *BUSY[-30:]))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("j", "j")
        chosen = world.table.selected
        row = next(n for n, text in enumerate(world.rows()) if text.startswith(">"))
        world.clock.advance(1)
        for sample in (APPROVAL, LOST, FAILED, STALLED):
            world.feed.put(*sample.seen())
            world.clock.advance(1)
            await pilot.pause()
        await until(pilot, lambda: len(world.app.fleet.runs) == 36)
        world.app._tick()
        assert world.table.selected == chosen
        assert world.rows()[row].startswith(">")
        assert "APPROVE" in world.rows()[0]


@pytest.mark.anyio
async def test_a_look_at_the_disk_puts_the_selected_row_where_it_belongs() -> None:
    world = World(fleet(GREEN))
    async with world.app.run_test(size=WIDE) as pilot:
        world.clock.advance(1)
        world.feed.put(*APPROVAL.seen())
        await until(pilot, lambda: len(world.rows()) == 2)
        assert world.rows()[0].startswith(">")
        await pilot.press("ctrl+r")
        assert world.rows()[1].startswith(">")
        assert world.feed.rescans == 1


@pytest.mark.anyio
async def test_the_details_of_the_selected_run_are_asked_for() -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=WIDE) as pilot:
        await select(pilot, world, FAILED.key)
        await until(pilot, lambda: world.feed.focused == {FAILED.key})


# --- filter ---------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_filter_is_typed_kept_and_cleared() -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("slash", *"state:failed", "enter")
        await until(pilot, lambda: [row[3:].split()[1] for row in world.rows()] == ["FAIL"])
        assert not world.app.runs_screen.query_one(Input).display
        await pilot.press("escape")
        assert len(world.app.fleet.runs) == len(BUSY) > len(world.rows()) > 1


@pytest.mark.anyio
async def test_a_filter_that_cannot_be_understood_says_why() -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=LARGE) as pilot:
        await pilot.press("slash", *"nonsense:x")
        pane = world.app.runs_screen.query_one("#runs-pane")
        await until(pilot, lambda: "is no field" in str(pane.border_title))


@pytest.mark.anyio
async def test_problems_only_is_one_key() -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=LARGE) as pilot:
        await pilot.press("exclamation_mark")
        assert len(world.rows()) == 4
        await pilot.press("exclamation_mark")
        assert len(world.rows()) > 4


# --- actions --------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_run_is_started_from_the_keyboard_alone() -> None:
    world = World(fleet(GREEN))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("s")
        assert isinstance(world.app.screen, StartDialog)
        await pilot.press("g", "j", "enter")
        world.clock.advance(1)
        await pilot.press("enter")
        await until(pilot, lambda: bool(world.launcher.requests))
    assert world.launcher.requests == [LaunchRun("docs-review", "0950-runner-core")]


@pytest.mark.anyio
async def test_a_task_that_may_not_be_a_folder_cannot_be_started() -> None:
    world = World(fleet(GREEN))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("s", "tab", "end", *"/x")
        notes = str(world.app.screen.query_one("#start-notes").render())
        assert "slashes are not allowed" in notes
        world.clock.advance(1)
        await pilot.press("enter")
        assert isinstance(world.app.screen, StartDialog)
    assert not world.launcher.requests


@pytest.mark.anyio
async def test_cancelling_takes_two_different_keys() -> None:
    world = World(fleet(RUNNING))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("x")
        assert isinstance(world.app.screen, CancelDialog)
        world.clock.advance(1)
        await pilot.press("x", "enter")
        assert not isinstance(world.app.screen, CancelDialog)
        assert not world.launcher.requests
        await pilot.press("x")
        world.clock.advance(1)
        await pilot.press("y")
        await until(pilot, lambda: bool(world.launcher.requests))
    assert world.launcher.requests == [CancelRun(RUNNING.key)]


@pytest.mark.anyio
async def test_a_run_that_has_ended_is_not_cancelled_but_the_reason_is_said() -> None:
    world = World(fleet(GREEN))
    async with world.app.run_test(size=WIDE) as pilot:
        await select(pilot, world, GREEN.key)
        await pilot.press("x")
        await until(pilot, lambda: bool(world.app._notifications))
        told = [note.message for note in world.app._notifications]
    assert any("already ended" in text for text in told)
    assert not world.launcher.requests


@pytest.mark.anyio
async def test_a_failed_run_is_resumed_from_the_stage_that_failed() -> None:
    world = World(fleet(FAILED))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        await pilot.press("r")
        assert isinstance(world.app.screen, RunAgainDialog)
        world.clock.advance(1)
        await pilot.press("enter")
        await until(pilot, lambda: bool(world.launcher.requests))
    assert world.launcher.requests == [ResumeRun(FAILED.key)]


@pytest.mark.anyio
async def test_what_was_refused_is_told_with_its_command() -> None:
    world = World(fleet(FAILED), result=Refused("Another runner has it."))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("r")
        world.clock.advance(1)
        await pilot.press("enter")
        await until(pilot, lambda: bool(world.app._notifications))
        told = next(iter(world.app._notifications))
    assert "Another runner has it." in told.message
    assert "orch-tui resume" in told.message
    assert told.severity == "warning"


@pytest.mark.anyio
async def test_enter_opens_the_run_and_escape_comes_back() -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=WIDE) as pilot:
        await select(pilot, world, RUNNING.key)
        await pilot.press("enter")
        assert isinstance(world.app.screen, RunScreen)
        await pilot.press("escape")
        assert world.is_home
        assert world.table.selected == RUNNING.key


@pytest.mark.anyio
async def test_help_lists_each_key_of_the_screen_once() -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=LARGE) as pilot:
        await pilot.press("question_mark")
        assert isinstance(world.app.screen, HelpDialog)
        words = [words for _, _, words in world.app.screen._rows]
        assert len(words) == len(set(words))
        assert {"start a run", "run again", "cancel", "filter"} <= set(words)
        await pilot.press("q")
        assert world.is_home


def test_words_and_keys_fit_into_the_columns_of_the_help() -> None:
    lists = [keys for name, keys in vars(keys_module).items() if name.endswith("_KEYS")]
    bindings = [b for keys in lists for b in keys if isinstance(b, Binding)]
    assert bindings
    for binding in bindings:
        assert len(binding.description) <= WORDS_CELLS, binding
        assert len(shown_keys(binding.key.split(","))) < KEYS_CELLS, binding


@pytest.mark.anyio
async def test_the_footer_names_keys_that_do_something() -> None:
    world = World(fleet(RUNNING, GREEN))
    async with world.app.run_test(size=WIDE) as pilot:
        footer = world.app.screen.query_one(FooterBar)
        await select(pilot, world, RUNNING.key)
        assert ("x", "cancel") in footer.view.keys
        await select(pilot, world, GREEN.key)
        assert ("x", "cancel") not in footer.view.keys
        await pilot.press("slash")
        assert footer.view.keys == (("enter", "keep the filter"), ("esc", "clear it"))
        await pilot.press("enter")
        assert ("/", "filter") in footer.view.keys


@pytest.mark.anyio
async def test_quitting_says_which_runs_keep_going() -> None:
    world = World(fleet(RUNNING, GREEN))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("q")
        await pilot.pause()
    assert world.app.return_code == 0
    first, second = world.app.farewell()
    assert first == "1 run keeps going: 000000fc diagnostics"
    assert second == "Return: orch-tui   Stop one: orch-tui cancel RUN"


@pytest.mark.anyio
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_titles_of_the_columns_are_painted_to_the_end_of_the_line(theme: str) -> None:
    world = World(fleet(GREEN), options=ScreenOptions(theme=theme))
    async with world.app.run_test(size=WIDE):
        heads = world.app.screen.query_one(ColumnHeads)
        last = list(heads.render_line(0))[-1]
        assert last.style is not None and last.style.bgcolor == heads.rich_style.bgcolor


@pytest.mark.anyio
async def test_ctrl_c_quits_at_the_second_press_only() -> None:
    world = World(fleet(RUNNING))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("ctrl+c")
        assert world.app.is_running
        world.clock.advance(5)
        await pilot.press("ctrl+c")
        assert world.app.is_running
        await pilot.press("ctrl+c")
        await pilot.pause()
    assert world.app.return_code == 130


# --- frames ---------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("environ", "frame_s", "at_once"), [({"SSH_TTY": "/dev/pts/1"}, 0.1, 2), ({}, 0.03, 4)]
)
async def test_a_burst_of_changes_is_painted_ten_times_a_second_over_ssh(
    environ: dict[str, str], frame_s: float, at_once: int
) -> None:
    world = World(fleet(RUNNING), options=replace(OPTIONS, environ=environ))
    painted: list[float] = []
    async with world.app.run_test(size=WIDE) as pilot:
        paint = world.app._paint

        def counted() -> None:
            painted.append(world.clock.monotonic())
            paint()

        world.app._paint = counted  # type: ignore[method-assign]
        world.clock.advance(1)
        begun = time.monotonic()
        for number in range(100):
            later = Sample("0951-tui-log-view", "burst", 10.0 + number)
            world.app.take(later.seen()[:1])
        await pilot.pause()
        assert len(painted) <= at_once + (time.monotonic() - begun) / frame_s
        assert len(world.app.fleet.runs) == 101
    assert NOON + timedelta(seconds=1) == world.clock.now()


# --- very wide terminals ------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_very_wide_terminal_tells_why_a_run_failed_beside_its_output() -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=(210, 50)) as pilot:
        await select(pilot, world, FAILED.key)
        await until(pilot, lambda: "Why it failed" in world.shown())
        await select(pilot, world, RUNNING.key)
        await until(pilot, lambda: "Why it failed" not in world.shown())
        await select(pilot, world, FAILED.key)
        await until(pilot, lambda: "Why it failed" in world.shown())
        await pilot.press("tab")  # it takes no keys of its own
        assert world.table.has_focus
        await pilot.resize_terminal(*LARGE)
        await until(pilot, lambda: "Why it failed" not in world.shown())


@pytest.mark.anyio
async def test_the_preview_tells_a_failure_that_stands_on_stdout_alone() -> None:
    error = replace(compile_error(2), stderr="", stderr_bytes=0, truncated=False)
    tail = tuple(LogLine(Stream.STDOUT, f"line {n}", NOON) for n in range(100))
    detail = RunDetail(FAILED.manifest(), (error,), (*tail, LogLine(Stream.STDOUT, "1 failed")), 2)
    world = World((*fleet(*BUSY), DetailSeen(FAILED.key, detail)))
    async with world.app.run_test(size=WIDE) as pilot:
        await select(pilot, world, FAILED.key)
        await until(pilot, lambda: "1 failed" in world.shown())
        assert "line 99" in world.shown()
        assert "line 0 " not in world.shown()


# --- the keys of rows that come late ------------------------------------------------------------


@pytest.mark.anyio
async def test_keys_move_the_cursor_of_rows_that_were_away() -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: world.table.selected is not None and world.table.has_focus)
        world.app.show_runs("task:late")
        await until(pilot, lambda: "No run matches" in world.shown())
        await until(pilot, lambda: not world.table.has_focus)
        for minutes in (1.0, 2.0):
            world.feed.put(*Sample("late", "check", minutes).seen())
        await until(pilot, lambda: len(world.rows()) > 1 and world.table.selected is not None)
        await pilot.press("g")
        first = world.table.selected
        await pilot.press("j")
        await until(pilot, lambda: world.table.selected != first)
