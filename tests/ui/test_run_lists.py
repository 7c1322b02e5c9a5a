"""Marks, orders, groups, views and what was seen on the home screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from textual.pilot import Pilot

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.requests import CancelRun
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.observations import Freshness, FreshnessSeen, RunVanished
from orchestrator_tui.state.ordering import RunOrder
from orchestrator_tui.state.placing import Asked
from orchestrator_tui.state.reducer import observe
from orchestrator_tui.ui.screens.activity import ActivityScreen
from orchestrator_tui.ui.screens.ending import CancelDialog
from orchestrator_tui.ui.screens.picking import SortDialog, ViewsDialog
from orchestrator_tui.ui.screens.runs import RunsScreen
from orchestrator_tui.ui.widgets.bars import HeaderCounts
from orchestrator_tui.ui.widgets.column_heads import ColumnHeads
from orchestrator_tui.ui.widgets.run_columns import RowMaker
from orchestrator_tui.ui.widgets.run_preview import RunPreview
from tests.fakes import NOON
from tests.ui.fleets import (
    APPROVAL,
    BUSY,
    FAILED,
    GREEN,
    RUNNING,
    YOUNGER,
    Sample,
    fleet,
)
from tests.ui.test_runs_screen import (
    LARGE,
    NARROW,
    OPTIONS,
    WIDE,
    Compare,
    World,
    at_rest,
    select,
    until,
)


class HandMemory:
    """A `Memory` of documents that tests look into."""

    def __init__(self, **documents: Mapping[str, object]) -> None:
        self.documents: dict[str, dict[str, object]] = {
            name.replace("_", "-"): dict(document) for name, document in documents.items()
        }

    async def recall(self, name: str) -> dict[str, object]:
        return self.documents.get(name, {})

    async def keep(self, name: str, document: Mapping[str, object]) -> str | None:
        self.documents[name] = dict(document)
        return None


def title(world: World) -> str:
    return str(world.app.runs_screen.query_one("#runs-pane").border_title)


def words(world: World) -> list[str]:
    """Return the state of each row."""
    return [row[3:].split()[1] for row in world.rows()]


# --- pictures -------------------------------------------------------------------------------


def test_marked_runs(snap_compare: Compare) -> None:
    keys = ("j", "j", "space", "space", "space")
    world = World(fleet(*BUSY))
    rest = at_rest(world, *keys)
    assert snap_compare(world.app, terminal_size=(100, 30), run_before=rest)


def test_sort_menu(snap_compare: Compare) -> None:
    world = World(fleet(*BUSY))
    assert snap_compare(world.app, press=("S",), terminal_size=WIDE, run_before=at_rest(world))


def test_views_menu(snap_compare: Compare) -> None:
    told = {"views": [{"name": "my gate", "filter": "pipeline:gate", "sort": "newest"}]}
    world = World(fleet(*BUSY), memory=HandMemory(views=told))
    wait = at_rest(world)
    assert snap_compare(world.app, press=("V", "G"), terminal_size=WIDE, run_before=wait)


def test_runs_grouped_by_state(snap_compare: Compare) -> None:
    world, keys = World(fleet(*BUSY)), ("b", "b", "b", "j")
    assert snap_compare(world.app, terminal_size=LARGE, run_before=at_rest(world, *keys))


# --- marks ----------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_what_is_done_is_done_to_all_marked_runs() -> None:
    world = World(fleet(RUNNING, YOUNGER, GREEN))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("g", "space", "space")
        assert "2 marked" in title(world)
        await pilot.press("x")
        assert isinstance(world.app.screen, CancelDialog)
        world.clock.advance(1)
        await pilot.press("y")
        await until(pilot, lambda: len(world.launcher.requests) == 2)
        assert set(world.launcher.requests) == {CancelRun(RUNNING.key), CancelRun(YOUNGER.key)}
        await until(pilot, lambda: world.is_home)
        await pilot.press("escape")
        assert "marked" not in title(world)


@pytest.mark.anyio
async def test_a_range_is_marked_from_one_row_to_another() -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("g", "v", "j", "j")
        assert "3 marked" in title(world)
        await pilot.press("v", "j")
        assert "3 marked" in title(world)
        assert [row[1] for row in world.rows()[:4]] == ["+", "+", "+", "*"]


@pytest.mark.anyio
async def test_a_range_keeps_its_ends_when_other_rows_go_elsewhere() -> None:
    one, two, three, four = (replace(RUNNING, started_s=900 - n * 100) for n in range(4))
    world = World(fleet(one, two, three, four))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("g", "j", "v", "j")
        assert set(world.table.marked) == {two.key, three.key}
        # The run under the cursor now belongs on top, and stays on its row all the same.
        waits = replace(three, waiting=APPROVAL.waiting)
        world.feed.put(*waits.seen())
        await until(pilot, lambda: world.app.runs_screen._order.position(three.key) == 0)
        assert world.table.selected == three.key
        assert set(world.table.marked) == {two.key, three.key}


@pytest.mark.anyio
async def test_who_has_moved_on_is_not_called_back_to_a_run_that_is_listed_late() -> None:
    world = World(fleet(RUNNING, GREEN))
    async with world.app.run_test(size=WIDE) as pilot:
        world.app.runs_screen.select(YOUNGER.key)
        await select(pilot, world, GREEN.key)
        world.feed.put(*YOUNGER.seen())
        await until(pilot, lambda: len(world.rows()) == 3)
        assert world.table.selected == GREEN.key


@pytest.mark.anyio
async def test_marks_of_runs_that_a_filter_hides_are_counted() -> None:
    world = World(fleet(RUNNING, GREEN))
    async with world.app.run_test(size=LARGE) as pilot:
        await pilot.press("g", "space", "slash", *"task:0950", "enter")
        assert "1 marked, 1 not shown" in title(world)


# --- orders and views -----------------------------------------------------------------------


@pytest.mark.anyio
async def test_an_order_is_chosen_and_turned_round() -> None:
    world = World(fleet(RUNNING, FAILED, GREEN))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("S")
        assert isinstance(world.app.screen, SortDialog)
        await pilot.press("n")
        await until(pilot, lambda: world.is_home and words(world) == ["RUN", "FAIL", "OK"])
        await pilot.press("S", "r")
        await until(pilot, lambda: world.is_home and words(world) == ["OK", "FAIL", "RUN"])


@pytest.mark.anyio
async def test_a_click_on_a_title_sorts_and_one_on_a_place_goes_there() -> None:
    world = World(fleet(RUNNING, FAILED, GREEN))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.click(ColumnHeads, offset=(34, 0))
        assert "sort: task" in str(world.app.runs_screen.query_one("#runs-pane").border_subtitle)
        await pilot.click(HeaderCounts, offset=(22, 0))
        await until(pilot, lambda: isinstance(world.app.screen, ActivityScreen))


@pytest.mark.anyio
async def test_the_cursor_stays_on_its_run_when_runs_are_grouped() -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=WIDE) as pilot:
        await select(pilot, world, FAILED.key)
        await pilot.press("b", "b", "b")
        assert world.table.selected == FAILED.key
        assert any(row.startswith(" FAILED  1 run") for row in world.rows())
        at = next(n for n, row in enumerate(world.rows()) if row.startswith(">"))
        assert "FAIL" in world.rows()[at]


@pytest.mark.anyio
async def test_the_cursor_is_in_sight_when_groups_make_the_list_longer_than_the_screen() -> None:
    runs = [replace(GREEN, task=f"task-{n}") for n in range(7)]
    world = World(fleet(*runs))
    async with world.app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(world.rows()) == len(runs))
        for run in (runs[6], runs[0]):
            await select(pilot, world, run.key)
            await pilot.press("b")
            await until(pilot, lambda: any(row.endswith("1 run") for row in world.rows()))
            await until(pilot, lambda: any(row.startswith(">") for row in world.rows()))
            await pilot.press("b", "b", "b")


@pytest.mark.anyio
async def test_a_view_is_saved_taken_and_deleted() -> None:
    memory = HandMemory()
    world = World(fleet(*BUSY), memory=memory)
    async with world.app.run_test(size=LARGE) as pilot:
        await pilot.press("slash", *"state:failed", "enter", "V", "w", *"red", "enter")
        await until(pilot, lambda: bool(memory.documents.get("views")))
        assert world.is_home
        await pilot.press("escape", "V", "6")
        await until(pilot, lambda: "view: red" in title(world))
        assert set(words(world)) == {"FAILED"}
        await pilot.press("V", "d")
        assert isinstance(world.app.screen, ViewsDialog)
        await pilot.press("d")
        await until(pilot, lambda: memory.documents["views"] == {"views": []})


@pytest.mark.anyio
async def test_the_screen_begins_with_a_view() -> None:
    told = {"views": [{"name": "red", "filter": "state:failed"}]}
    options = replace(OPTIONS, view="RED")
    world = World(fleet(*BUSY), memory=HandMemory(views=told), options=options)
    async with world.app.run_test(size=LARGE) as pilot:
        await until(pilot, lambda: "view: red" in title(world))


@pytest.mark.anyio
async def test_what_hides_all_runs_is_dropped_term_by_term() -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("slash", *"state:failed task:none", "enter")
        await until(pilot, lambda: "drop the last term (task:none)" in world.shown())
        await pilot.press("backspace")
        assert words(world) == ["FAIL"]


# --- what was seen --------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_failure_is_new_until_it_was_opened() -> None:
    memory = HandMemory()
    world = World(fleet(RUNNING, FAILED), memory=memory)
    async with world.app.run_test(size=WIDE) as pilot:
        assert words(world) == ["FAIL", "RUN"]
        assert world.rows()[0].startswith(">*")
        await pilot.press("enter", "escape")
        await until(pilot, lambda: world.is_home)
        assert world.rows()[0].startswith(">  ")
        await until(pilot, lambda: "seen-runs" in memory.documents)
        await pilot.press("ctrl+r")
        assert words(world) == ["RUN", "FAIL"]
        await pilot.press("u", "ctrl+r")
        assert words(world) == ["FAIL", "RUN"]
        await until(pilot, lambda: memory.documents["seen-runs"] == {"runs": {}})


@pytest.mark.anyio
async def test_what_was_seen_yesterday_is_not_new() -> None:
    memory = HandMemory(seen_runs={"runs": {str(FAILED.key): 0}})
    world = World(fleet(RUNNING, FAILED), memory=memory)
    async with world.app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "*" not in world.rows()[0])


# --- calm -----------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_moving_on_reads_no_log_for_each_row() -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: bool(world.feed.focused))
        asked, focus = [], world.feed.focus

        def noted(keys: frozenset[RunKey]) -> None:
            asked.append(keys)
            focus(keys)

        world.feed.focus = noted  # type: ignore[method-assign]
        for _ in range(10):
            world.table.action_move(1)
        await until(pilot, lambda: world.feed.focused == {world.table.selected})
        assert len(asked) == 1


@pytest.mark.anyio
async def test_a_run_that_appears_in_sight_is_not_counted_as_new() -> None:
    world = World(fleet(RUNNING, GREEN))
    async with world.app.run_test(size=WIDE) as pilot:
        world.clock.advance(1)
        world.feed.put(*APPROVAL.seen())
        await until(pilot, lambda: len(world.rows()) == 3)
        assert "new" not in title(world)


@pytest.mark.anyio
async def test_runs_that_appear_out_of_sight_are_counted_until_a_person_moves() -> None:
    old = [
        Sample("0900-old", "lint", 90_000.0 + n, "succeeded", 5, ended_s=80_000) for n in range(60)
    ]
    world = World(fleet(*old))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("G")
        world.clock.advance(1)
        world.feed.put(*RUNNING.seen(), *APPROVAL.seen())
        await until(pilot, lambda: "+2 new" in title(world))
        world.feed.put(RunVanished(APPROVAL.key))
        world.clock.advance(1)
        await until(pilot, lambda: "+1 new" in title(world))
        await pilot.press("k")
        await until(pilot, lambda: "new" not in title(world))


@pytest.mark.anyio
async def test_runs_whose_folder_has_gone_stay_as_they_were() -> None:
    world = World(fleet(RUNNING, GREEN))
    async with world.app.run_test(size=LARGE) as pilot:
        await until(pilot, lambda: len(world.rows()) == 2)
        world.clock.advance(1)
        gone = FreshnessSeen(Freshness("watching", runs_exists=False))
        world.feed.put(gone, RunVanished(RUNNING.key), RunVanished(GREEN.key))
        await until(pilot, lambda: "is gone since" in title(world))
        assert len(world.rows()) == 2
        await pilot.press("x")
        assert isinstance(world.app.screen, RunsScreen)
        world.clock.advance(1)
        world.feed.put(FreshnessSeen(Freshness("watching")), *YOUNGER.seen())
        await until(pilot, lambda: len(world.rows()) == 1)


# --- small terminals ------------------------------------------------------------------------


@pytest.mark.anyio
async def test_the_narrowest_terminal_tells_more_of_the_selected_run() -> None:
    world = World(fleet(FAILED, Sample("0960-next", "docs-review", 10)))
    async with world.app.run_test(size=NARROW) as pilot:
        await pilot.press("g")
        rows = world.rows()
        assert rows[0].startswith(">")
        assert "stage build failed" in rows[1]
        await pilot.press("j")
        assert world.rows()[1].startswith(">")


@pytest.mark.anyio
@pytest.mark.parametrize(("height", "rows"), [(30, 11), (22, 5), (16, 0)])
async def test_the_preview_gives_way_in_a_low_terminal(height: int, rows: int) -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=(80, height)) as pilot:
        await _rest(pilot)
        preview = world.app.runs_screen.query_one(RunPreview)
        assert (preview.outer_size.height if preview.display else 0) == rows


@pytest.mark.anyio
async def test_the_table_can_give_its_room_away_and_take_all() -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=WIDE) as pilot:
        preview = world.app.runs_screen.query_one(RunPreview)
        pane = world.app.runs_screen.query_one("#runs-pane")
        await pilot.press("z")
        assert not preview.display
        assert pane.size.height > 18
        await pilot.press("z")
        assert preview.size.height > 18
        await pilot.press("z", "c")
        assert preview.outer_size.height == 4


async def _rest(pilot: Pilot[None]) -> None:
    await pilot.pause()


def test_a_row_is_as_it_would_be_made_anew_however_time_goes_on() -> None:
    samples = (FAILED, GREEN, RUNNING, replace(RUNNING, started_s=9000, beat_s=4000, runner=None))
    seen = observe(Fleet(), fleet(*samples))
    runs, maker = RunOrder(), RowMaker()
    for seconds in (0, 1, 30, 61, *range(100, 20_000, 300), 90_000, 10_000_000):
        now = NOON + timedelta(seconds=seconds)
        runs.answer(seen, now, Asked())
        for width in (78, 140, 240):
            for key in seen.runs:
                anew = RowMaker().cells(seen, runs, key, now, width)
                assert maker.cells(seen, runs, key, now, width) == anew
    resumed = observe(seen, replace(FAILED, status="in_progress", now="running").seen())
    runs.answer(resumed, NOON, Asked())
    assert maker.cells(resumed, runs, FAILED.key, NOON, 140) != maker.cells(
        seen, runs, FAILED.key, NOON, 140
    )
