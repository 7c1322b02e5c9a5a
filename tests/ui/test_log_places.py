"""Places in a log: marks, times, attempts, the first problem, and what the mouse points to."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from textual import on
from textual.pilot import Pilot

from orchestrator_tui.records.line_looks import LineLook
from orchestrator_tui.records.logs import LogLine, LogSpot, Stream
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.ui.asked import SelectionAsked
from orchestrator_tui.ui.widgets.log_lines import LogLines
from orchestrator_tui.ui.widgets.log_map import LogMap, LogPlaces, map_rows
from orchestrator_tui.ui.widgets.log_search import look_for
from orchestrator_tui.ui.widgets.log_view import LogView
from orchestrator_tui.watch.logs import StageLogs
from tests.fakes import NOON
from tests.ui.fleets import RUNNING
from tests.ui.run_apps import LogApp, drawn, until
from tests.ui.test_copying import CopyWorld
from tests.ui.test_log_screen import full, ready, type_in
from tests.ui.test_log_view import KEY, err, foot, logs_of, numbered, out, shown
from tests.watch.disk import KEY as DISK_KEY
from tests.watch.disk import write_run


def row_of(app: LogApp, text: str) -> int:
    return next(y for y, row in enumerate(drawn(app.log_view.lines)) if row.endswith(text))


# --- times and numbers --------------------------------------------------------------------------


@pytest.mark.anyio
async def test_times_are_of_day_since_the_start_since_the_line_before_or_not_there() -> None:
    app = LogApp(logs_of(out("one", 0), out("two", 75), out("three", 75), out("four", 76)))
    async with app.run_test(size=(80, 12)) as pilot:
        await ready(app, pilot)
        lines = app.log_view.lines
        assert drawn(lines)[1] == f" {(NOON + timedelta(seconds=75)).astimezone():%H:%M:%S}   two"
        await pilot.press("t")
        assert [row[:10].strip() for row in drawn(lines)[:4]] == [
            "+0:00",
            "+1:15",
            "+1:15",
            "+1:16",
        ]
        assert "time since start" in foot(app)
        await pilot.press("t")
        assert [row[:10].strip() for row in drawn(lines)[:4]] == ["", "+1:15", "", "+1.000"]
        await pilot.press("t")
        assert drawn(lines)[0] == "   one"
        await pilot.press("t")
        assert "12:" in drawn(lines)[0] or ":" in drawn(lines)[0][:9]


@pytest.mark.anyio
async def test_lines_at_the_end_of_a_long_log_have_their_numbers() -> None:
    app = LogApp(logs_of(*numbered(40_000)))
    async with app.run_test(size=(80, 12)) as pilot:
        log = await ready(app, pilot)
        await pilot.press("number_sign")
        await until(pilot, lambda: "40000   line 39999" in drawn(log.lines)[-1])
        assert "END  40,000 lines" in foot(app)


@pytest.mark.anyio
async def test_a_place_is_gone_to_by_the_time_since_the_start() -> None:
    app = LogApp(logs_of(*numbered(5_000)))
    async with app.run_test(size=(80, 24)) as pilot:
        log = await ready(app, pilot)
        await type_in(pilot, "ctrl+g", "+1:30")
        await until(pilot, lambda: log.lines.cursor is not None)
        assert any(row.startswith(">") and row.endswith(" line 90") for row in drawn(log.lines))
        await type_in(pilot, "ctrl+g", "4321")
        await until(pilot, lambda: any(r.endswith(" line 4320") for r in drawn(log.lines)))
        here = log.lines.cursor
        assert here is not None
        assert log.lines.window.number_of(here) == 4321


# --- marks --------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_marked_line_has_a_rule_below_it_and_is_found_again() -> None:
    app = LogApp(logs_of(*numbered(30_000)))
    async with app.run_test(size=(80, 12)) as pilot:
        log = await ready(app, pilot)
        await pilot.press("m")
        assert drawn(log.lines)[-1].startswith(" ── mark ")
        assert drawn(log.lines)[-2].endswith("line 29999")
        await type_in(pilot, "ctrl+g", "42")
        await until(pilot, lambda: "line 41" in shown(app))
        await pilot.press("m")
        assert drawn(log.lines)[row_of(app, " line 41") + 1].startswith(" ── mark ")
        await pilot.press("apostrophe")
        await until(pilot, lambda: "line 29999" in shown(app))
        await pilot.press("apostrophe")
        await until(pilot, lambda: "line 41" in shown(app))
        await pilot.press("m")
        assert not any("mark" in row for row in drawn(log.lines))


@pytest.mark.anyio
async def test_marks_stay_when_another_log_was_looked_at() -> None:
    logs = logs_of(*numbered(5))
    logs.add(KEY, 2, out("other"))
    app = LogApp(logs)
    async with app.run_test(size=(80, 12)) as pilot:
        log = await ready(app, pilot)
        await pilot.press("m")
        log.show(KEY, 2, live=False)
        await until(pilot, lambda: shown(app) == ["other"])
        log.show(KEY, 1, live=False)
        await until(pilot, lambda: any("mark" in row for row in drawn(log.lines)))


@pytest.mark.anyio
async def test_the_view_is_cleared_from_a_line_on_and_whole_again() -> None:
    app = LogApp(logs_of(*numbered(100)))
    async with app.run_test(size=(80, 24)) as pilot:
        log = await ready(app, pilot)
        await type_in(pilot, "ctrl+g", "91")
        await until(pilot, lambda: log.lines.cursor == 90)
        await pilot.press("C")
        assert shown(app) == [f"line {n}" for n in range(90, 100)]
        assert "10 lines  cleared, C shows all" in foot(app)
        await pilot.press("C")
        assert len(log.lines.window.shown) == 100


# --- patterns -----------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_pattern_after_a_tilde_keeps_lines_and_a_wrong_one_is_told() -> None:
    app = LogApp(logs_of(*numbered(30), out("[x] 1.5", 30)))
    async with app.run_test(size=(100, 40)) as pilot:
        await ready(app, pilot)
        await type_in(pilot, "ampersand", "~line 1[0-3]$")
        assert shown(app) == [f"line {n}" for n in range(10, 14)]
        await pilot.press("ampersand")
        await pilot.press(*"~(", "ctrl+u")
        await pilot.press(*"~(")
        await until(pilot, lambda: "! no regular expression" in foot(app))
        await pilot.press("escape")
        await type_in(pilot, "ampersand", "[x] 1.")
        assert shown(app) == ["[x] 1.5"]


@pytest.mark.anyio
async def test_a_search_for_no_pattern_says_so_when_it_is_done() -> None:
    app = LogApp(logs_of(*numbered(30)))
    async with app.run_test(size=(100, 40)) as pilot:
        await ready(app, pilot)
        await type_in(pilot, "slash", "~[")
        await until(pilot, lambda: "! no regular expression" in foot(app))
        await type_in(pilot, "slash", "~line [3]")
        await until(pilot, lambda: "! no regular" not in foot(app) and "1 of" in foot(app))


@pytest.mark.parametrize("words", ["~(a+)+$", "~a*b*c*d*", "~(x|y){2,}"])
def test_a_pattern_that_may_take_very_long_is_refused(words: str) -> None:
    assert "can take very long" in str(look_for(words))


@pytest.mark.parametrize("words", ["~\\(a+\\)+", "~[*+]{3}.*x", "~.*error.*: \\d+"])
def test_a_pattern_of_few_repeats_is_taken(words: str) -> None:
    assert isinstance(look_for(words), LineLook)


# --- problems and attempts ----------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_failed_stage_opens_at_its_first_problem() -> None:
    lines = numbered(30_000)
    lines[0] = LogLine(Stream.NOTE, '$ echo "error: none"', NOON)
    lines[12_000] = err("E   ValueError: first", 12_000)
    lines[20_000] = err("E   ValueError: second", 20_000)
    app = LogApp(logs_of(*lines))
    async with app.run_test(size=(80, 24)) as pilot:
        log = app.log_view
        log.show(KEY, 1, live=False, failed=True)
        log.lines.focus()
        await until(pilot, lambda: "problem 1/2" in foot(app))
        assert any(r.startswith(">") and "ValueError: first" in r for r in drawn(log.lines))
        assert "line 11999" in shown(app)
        await pilot.press("full_stop")
        await until(pilot, lambda: "problem 2/2" in foot(app))
        assert any("ValueError: second" in row for row in drawn(log.lines))


@pytest.mark.anyio
async def test_a_failed_stage_without_a_problem_opens_at_its_end() -> None:
    app = LogApp(logs_of(*numbered(30_000)))
    async with app.run_test(size=(80, 24)) as pilot:
        app.log_view.show(KEY, 1, live=False, failed=True)
        await until(pilot, lambda: "line 29999" in shown(app))
        assert "problem" not in foot(app)


def stage_of_two_attempts(root: Path) -> StageLogs:
    roots = Roots.of(root)
    path = write_run(roots).stage_log(1, "build")
    for words in ("first", "second"):
        with path.open("a") as log:
            for n, record in enumerate(
                (
                    {"type": "command:start", "command": "make"},
                    {"type": "exec:chunk", "stream": "stdout", "data": f"{words} try\n"},
                    {"type": "command:end", "exit_code": "1"},
                )
            ):
                at = f"2026-01-01T12:00:0{n}.000Z"
                log.write(f"{json.dumps({**record, 'timestamp': at, 'index': 1})}\n")
    return StageLogs(roots)


@pytest.mark.anyio
async def test_attempts_are_shown_one_at_a_time_the_newest_first(tmp_path: Path) -> None:
    app = LogApp(stage_of_two_attempts(tmp_path))
    async with app.run_test(size=(80, 12)) as pilot:
        log = app.log_view
        log.show(DISK_KEY, 1, live=False)
        log.lines.focus()
        await pilot.press("number_sign")
        await until(pilot, lambda: "attempt 2/2" in foot(app))
        assert [row[10:] for row in drawn(log.lines)][:2] == [
            "      1   $ make",
            "      2   second try",
        ]
        await pilot.press("A")
        await until(pilot, lambda: "attempt 1/2" in foot(app))
        assert drawn(log.lines)[1].endswith("2   first try")
        await pilot.press("A")
        await until(pilot, lambda: "attempt 2/2" in foot(app))


# --- a stage that says nothing ------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_live_stage_that_is_quiet_says_so_below_its_lines() -> None:
    app = LogApp(logs_of(*numbered(3)))
    async with app.run_test(size=(80, 12)) as pilot:
        log = app.log_view
        log.show(KEY, 1, live=True, quiet="2:10")
        await until(pilot, lambda: "line 2" in shown(app))
        notice = drawn(app.query_one("LogNotice"))[0]
        assert "has written nothing for 2:10." in notice
        assert f"Last output {(NOON + timedelta(seconds=2)).astimezone():%H:%M:%S}." in notice
        log.show(KEY, 1, live=True)
        await until(pilot, lambda: not app.query_one("LogNotice").display)


# --- the mouse ----------------------------------------------------------------------------------


class CopyingApp(LogApp):
    """Remembers which lines were to be copied."""

    copied: tuple[str, ...] = ()

    @on(SelectionAsked)
    def selection_asked(self, event: SelectionAsked) -> None:
        """Remember."""
        self.copied = event.lines


async def pressed(pilot: Pilot[None], log: LogView, y: int, to: int | None = None) -> None:
    await pilot.mouse_down(LogLines, offset=(20, y))
    if to is not None:
        await pilot.hover(LogLines, offset=(20, to))
    await pilot.mouse_up(LogLines, offset=(20, y if to is None else to))


@pytest.mark.anyio
async def test_a_click_puts_the_cursor_and_dragging_copies_lines() -> None:
    app = CopyingApp(logs_of(*numbered(8)))
    async with app.run_test(size=(80, 14)) as pilot:
        log = await ready(app, pilot)
        await pressed(pilot, log, 3)
        assert drawn(log.lines)[3].startswith(">")
        assert log.picture().line == "line 3"
        assert app.copied == ()
        await pressed(pilot, log, 2, to=5)
        await until(pilot, lambda: app.copied == ("line 2", "line 3", "line 4", "line 5"))
        assert not log.lines.is_selecting


@pytest.mark.anyio
async def test_a_stage_without_a_log_is_shown_as_empty(tmp_path: Path) -> None:
    roots = Roots.of(tmp_path)
    write_run(roots)
    app = LogApp(StageLogs(roots))
    async with app.run_test(size=(80, 12)) as pilot:
        app.log_view.show(DISK_KEY, 2, live=False, empty="Nothing here.")
        await until(pilot, lambda: "has not started" in drawn(app.log_view.lines)[1])
        await pilot.press("full_stop")
        await pilot.pause()
        assert app.is_running


# --- the map ------------------------------------------------------------------------------------


def test_a_map_says_in_which_part_of_the_log_what_lies() -> None:
    told = (LogSpot(210, 3, "E  ValueError: x"),)
    places = LogPlaces(0, 1000, 0, 250, [210, 950], [40], [960], [230, 231], told)
    rows = map_rows(places, 10)
    assert len(rows) == 10
    assert [row.visible for row in rows] == [True] * 3 + [False] * 7
    assert (rows[2].problems, rows[2].hits, rows[2].text) == (1, 2, "E  ValueError: x")
    assert rows[2].place == 210
    assert (rows[0].warnings, rows[0].place) == (1, 40)
    assert (rows[9].problems, rows[9].marks) == (1, 1)
    assert rows[5].place == 500
    assert map_rows(LogPlaces(0, 0, 0, 0), 10) == ()


@pytest.mark.anyio
async def test_a_wide_terminal_has_a_map_and_a_click_on_it_goes_there() -> None:
    lines = numbered(3_000)
    lines[1_500] = err("E   ValueError: in the middle", 1_500)
    world = CopyWorld(RUNNING)
    world.logs.stages[RUNNING.key, 4] = lines
    async with world.app.run_test(size=(140, 40)) as pilot:
        await full(world, pilot)
        log_map = world.app.screen.query_one(LogMap)
        await until(pilot, lambda: any("ValueError" in row for row in drawn(log_map)))
        y = next(y for y, row in enumerate(drawn(log_map)) if "ValueError" in row)
        assert drawn(log_map)[y].startswith("│E")
        assert drawn(log_map)[-1].startswith("┃")
        await pilot.click(LogMap, offset=(3, y + 1))
        log = world.app.screen.query_one(LogView)
        await until(pilot, lambda: any("in the middle" in row for row in drawn(log.lines)))
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: not log_map.display)
