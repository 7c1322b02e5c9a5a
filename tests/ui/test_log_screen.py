"""The log on the whole screen: what is kept, where keys go to, and what leaves it."""

from __future__ import annotations

import json
import os
import sys
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import pytest
from textual.pilot import Pilot

from orchestrator_tui.records.logs import ALL_STAGES
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.ui.screens.log import LogScreen
from orchestrator_tui.ui.screens.runs import RunsScreen
from orchestrator_tui.ui.takeaway import editor_words, pager_words, run_in_terminal
from orchestrator_tui.ui.widgets.log_view import LogView
from orchestrator_tui.watch.logs import StageLogs
from tests.fakes import NOON, ScriptedLogs
from tests.ui.fleets import RUNNING
from tests.ui.run_apps import LogApp, drawn, until
from tests.ui.test_copying import CopyWorld
from tests.ui.test_log_view import KEY, foot, logs_of, numbered, out, shown
from tests.watch.disk import KEY as DISK_KEY
from tests.watch.disk import NOON_TEXT, write_run

Compare: TypeAlias = Callable[..., bool]
FAR = 60_000  # lines, three windows


async def type_in(pilot: Pilot[None], key: str, words: str) -> None:
    await pilot.press(key, *words, "enter")


def opened(logs: ScriptedLogs) -> LogApp:
    return LogApp(logs)


async def ready(app: LogApp, pilot: Pilot[None]) -> LogView:
    app.log_view.show(KEY, 1, live=False)
    app.log_view.lines.focus()
    await until(pilot, lambda: bool(app.log_view.lines.window.shown))
    return app.log_view


# --- keep and hide ------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_lines_are_kept_or_hidden_by_their_words_and_counted() -> None:
    app = opened(logs_of(*(out(f"{'error' if n % 10 == 0 else 'fine'} {n}", n) for n in range(50))))
    async with app.run_test(size=(80, 24)) as pilot:
        log = await ready(app, pilot)
        await type_in(pilot, "ampersand", "error")
        assert shown(app) == [f"error {n}" for n in range(0, 50, 10)]
        assert "& error  5 of 50 lines" in foot(app)
        await type_in(pilot, "ampersand", "!error")
        assert len(log.lines.window.shown) == 45
        await pilot.press("escape")
        assert len(log.lines.window.shown) == 50


@pytest.mark.anyio
async def test_a_filter_takes_in_the_lines_that_come() -> None:
    logs = logs_of(out("error 1"), out("fine"))
    app = opened(logs)
    async with app.run_test(size=(80, 24)) as pilot:
        log = app.log_view
        log.show(KEY, 1, live=True)
        log.lines.focus()
        await until(pilot, lambda: bool(log.lines.window.shown))
        await type_in(pilot, "ampersand", "error")
        logs.add(KEY, 1, out("fine again"), out("error 2"))
        await until(pilot, lambda: shown(app) == ["error 1", "error 2"])


# --- far away -----------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_search_goes_on_through_the_whole_log() -> None:
    lines = numbered(FAR)
    lines[7] = out("needle one", 7)
    lines[30_000] = out("needle two", 30_000)
    app = opened(logs_of(*lines))
    async with app.run_test(size=(80, 24)) as pilot:
        log = await ready(app, pilot)
        assert log.lines.window.whole.start == 0  # the window begins somewhere near the end
        await type_in(pilot, "slash", "needle")
        await until(pilot, lambda: "needle two" in shown(app))
        assert log.lines.search.current is not None
        await pilot.press("N")
        await until(pilot, lambda: "needle one" in shown(app))
        await pilot.press("n")
        await until(pilot, lambda: "needle two" in shown(app))
        await until(pilot, lambda: "2 of 2 hits" in foot(app))
        await pilot.press("n")
        await until(pilot, lambda: "needle one" in shown(app))
        assert "1 of 2 hits (went round)" in foot(app)


@pytest.mark.anyio
async def test_a_search_that_goes_on_says_how_far_it_is_and_ends_with_esc() -> None:
    logs = logs_of(*numbered(FAR))
    app = opened(logs)
    async with app.run_test(size=(110, 24)) as pilot:
        log = await ready(app, pilot)
        await until(pilot, lambda: not log._reading)
        logs.gate.clear()
        await type_in(pilot, "slash", "needle")
        await until(pilot, lambda: "searching ... 0 %" in foot(app))
        await pilot.press("escape")
        assert "searching" not in foot(app)
        logs.gate.set()
        await pilot.pause()
        assert "searching" not in foot(app)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("typed", "line"), [("42", 41), ("45,001", 45_000), ("999999", FAR - 1)], ids=str
)
async def test_a_line_is_gone_to_by_its_number(typed: str, line: int) -> None:
    app = opened(logs_of(*numbered(FAR)))
    async with app.run_test(size=(80, 24)) as pilot:
        log = await ready(app, pilot)
        await type_in(pilot, "ctrl+g", typed)
        await until(pilot, lambda: f"line {line}" in shown(app))
        window = log.lines.window
        here = next(o for o in window.shown if window.line(o).text == f"line {line}")
        assert window.number_of(here) == line + 1


@pytest.mark.anyio
async def test_a_line_is_gone_to_by_its_time() -> None:
    app = opened(logs_of(*numbered(200)))
    moment = (NOON + timedelta(seconds=90)).astimezone()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(app, pilot)
        await type_in(pilot, "ctrl+g", f"{moment:%H:%M:%S}")
        await until(pilot, lambda: "line 90" in shown(app))
        await type_in(pilot, "ctrl+g", "noon")
        assert "no line number or time" in foot(app)


@pytest.mark.anyio
async def test_a_search_through_a_large_file_holds_little_of_it(tmp_path: Path) -> None:
    roots = Roots.of(tmp_path)
    path = write_run(roots).stage_log(1, "build")

    def record(text: str) -> str:
        fields = {"type": "exec:chunk", "stream": "stdout", "data": f"{text}\n", "index": 1}
        return f"{json.dumps({**fields, 'timestamp': NOON_TEXT})}\n"

    many = record("nothing to see here") * 15_000
    path.write_text("".join((record("the needle"), record("x" * 12_000_000), many)))
    app = LogApp(StageLogs(roots))
    async with app.run_test(size=(80, 24)) as pilot:
        log = app.log_view
        log.show(DISK_KEY, 1, live=False)
        log.lines.focus()
        await until(pilot, lambda: bool(log.lines.window.shown) and not log._reading)
        tracemalloc.start()
        await type_in(pilot, "slash", "needle")
        await until(pilot, lambda: "the needle" in shown(app))
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert path.stat().st_size > 13_000_000
    assert held < 24_000_000


# --- the screen ---------------------------------------------------------------------------------


async def full(world: CopyWorld, pilot: Pilot[None]) -> LogView:
    await until(pilot, lambda: world.app.runs_screen.table.selected is not None)
    await until(pilot, lambda: bool(world.app.fleet.details))
    await pilot.press("L")
    await until(pilot, lambda: isinstance(world.app.screen, LogScreen))
    log = world.app.screen.query_one(LogView)
    await until(pilot, lambda: bool(log.lines.window.shown))
    return log


@pytest.mark.anyio
async def test_the_log_opens_in_full_from_the_runs_and_leads_back() -> None:
    world = CopyWorld(RUNNING)
    async with world.app.run_test(size=(80, 24)) as pilot:
        log = await full(world, pilot)
        assert any(row.startswith(" 11:59:51      21 ") for row in drawn(log.lines))
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: not log.lines.window.shown)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(world.app.screen, RunsScreen))


@pytest.mark.anyio
async def test_the_logs_of_all_stages_are_shown_as_one() -> None:
    world = CopyWorld(RUNNING)
    async with world.app.run_test(size=(80, 24)) as pilot:
        log = await full(world, pilot)
        assert log.subject is not None
        index = log.subject.stage_index
        await pilot.press("asterisk")
        title = log.query_one(".pane-body")
        await until(pilot, lambda: str(title.border_title) == "All 5 stages")
        assert log.subject.stage_index == ALL_STAGES
        await pilot.press("E")
        await until(pilot, lambda: bool(world.shelf.wishes))
        assert world.shelf.wishes[0].stage_index == ALL_STAGES
        await pilot.press("asterisk")
        assert log.subject.stage_index == index
        await pilot.press("asterisk", "left_square_bracket")  # to a single stage, the same one
        assert log.subject.stage_index == index


@pytest.mark.anyio
async def test_a_log_is_written_to_a_file_and_the_place_is_told() -> None:
    world = CopyWorld(RUNNING)
    world.shelf.log = Path("/data/c2d9-04-test.log")
    async with world.app.run_test(size=(100, 30)) as pilot:
        await full(world, pilot)
        await pilot.press("E")
        await until(pilot, lambda: "Wrote the log to /data/c2d9-04-test.log" in world.told)
    assert world.shelf.wishes[0].stage_id == "test"
    assert world.shelf.wishes[0].to_keep


@pytest.mark.anyio
@pytest.mark.parametrize("key", ["o", "e", "E"])
async def test_a_log_that_cannot_be_written_is_told(key: str) -> None:
    world = CopyWorld(RUNNING)
    async with world.app.run_test(size=(100, 30)) as pilot:
        await full(world, pilot)
        await pilot.press(key)
        await until(pilot, lambda: "The log cannot be written: the disk is full" in world.told)


def test_pagers_and_editors_are_told_the_line_as_they_take_it() -> None:
    assert pager_words({}, "/t/x.log", 7) == ["less", "+7", "/t/x.log"]
    assert pager_words({"PAGER": "less -R"}, "/t/x", 1) == ["less", "-R", "/t/x"]
    assert pager_words({"PAGER": "bat"}, "/t/x", 7) == ["bat", "/t/x"]
    assert editor_words({"EDITOR": "nano"}, "/t/x", 7) == ["nano", "+7", "/t/x"]
    assert editor_words({"VISUAL": "code -n", "EDITOR": "vi"}, "/t/x", 7) == [
        *("code", "-n", "--wait", "--goto", "/t/x:7")
    ]
    assert editor_words({"EDITOR": "/usr/bin/hx"}, "/t/x", 7) == ["/usr/bin/hx", "/t/x:7"]


def test_a_program_that_is_not_there_is_told() -> None:
    import contextlib

    told = run_in_terminal([os.devnull + "-program"], contextlib.nullcontext)
    assert told is not None and "cannot be started" in told
    words = editor_words({"EDITOR": 'nosuch "editor'}, "/t/x", 1)
    told = run_in_terminal(words, contextlib.nullcontext)
    assert told is not None and told.startswith('nosuch "editor cannot be started')
    ends = run_in_terminal([sys.executable, "-c", "raise SystemExit(3)"], contextlib.nullcontext)
    assert ends is not None and ends.endswith("ended with 3")


def test_the_log_in_full(snap_compare: Compare) -> None:
    world = CopyWorld(RUNNING)

    async def kept(pilot: Pilot[None]) -> None:
        await full(world, pilot)
        await type_in(pilot, "slash", "core")

    assert snap_compare(world.app, run_before=kept, terminal_size=(80, 24))


def test_the_copy_menu(snap_compare: Compare) -> None:
    world = CopyWorld(RUNNING)

    async def menu(pilot: Pilot[None]) -> None:
        await full(world, pilot)
        await pilot.press("y")
        await pilot.pause(0.1)

    assert snap_compare(world.app, run_before=menu, terminal_size=(80, 24))
