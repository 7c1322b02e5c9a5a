"""What is asked before a run is stopped or run again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import pytest
from textual.pilot import Pilot

from orchestrator_tui.primitives.safe_text import BACKSTOP
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.requests import (
    CancelRun,
    KillRun,
    Request,
    RestartRun,
    ResumeRun,
)
from orchestrator_tui.ui.screens.again import (
    AgainStage,
    EditInputs,
    RunAgainDialog,
    RunAgainView,
)
from orchestrator_tui.ui.screens.dialogs import RunLine
from orchestrator_tui.ui.screens.ending import CancelDialog, CancelView, KillDialog, KillView
from orchestrator_tui.ui.screens.quitting import Leaving, QuitDialog, QuitView
from orchestrator_tui.ui.widgets.choice_list import ChoiceList
from tests.fakes import HandClock
from tests.ui.fleets import HOSTILE
from tests.ui.run_apps import DialogApp, drawn, until

Compare: TypeAlias = Callable[..., bool]
KEY = RunKey("0951-tui-log-view", "2026-01-01T11-55-00-000Z-c2d9e410")
NAME = "0951-tui-log-view / diagnostics / c2d9e410"
CANCEL = CancelView(
    requests=(CancelRun(KEY),),
    name=NAME,
    where="stage 4/5 test, 2:45 in; runner pid 48122",
    kept="3 finished stages stay; you can resume later.",
)
AGAIN = RunAgainView(
    name=NAME,
    resumable=(KEY,),
    restartable=(KEY,),
    stages=(
        AgainStage("guard", "Guard", "ok"),
        AgainStage("build", "Build", "ok"),
        AgainStage("test", "Test", "exit 1"),
        AgainStage("publish", "Publish", "pending"),
    ),
    stage_id="test",
)


def cancel_app(view: CancelView = CANCEL) -> tuple[DialogApp, HandClock]:
    clock = HandClock()
    return DialogApp(CancelDialog(view, clock=clock)), clock


def again_app(view: RunAgainView = AGAIN) -> tuple[DialogApp, HandClock]:
    clock = HandClock()
    return DialogApp(RunAgainDialog(view, clock=clock)), clock


# --- cancel -------------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("key", ["enter", "escape"])
async def test_the_first_key_at_hand_keeps_the_run(key: str) -> None:
    app, clock = cancel_app()
    async with app.run_test() as pilot:
        clock.advance(1)
        await pilot.press(key)
        await until(pilot, lambda: app.results == [False])


@pytest.mark.anyio
async def test_only_y_cancels_and_not_before_the_dialog_could_be_read() -> None:
    app, clock = cancel_app()
    async with app.run_test() as pilot:
        await pilot.press("y", "x", "x", "y")
        assert app.results == []
        clock.advance(0.31)
        await pilot.press("y")
        await until(pilot, lambda: app.results == [True])


@pytest.mark.anyio
async def test_a_runner_that_looks_between_stages_is_not_said_to_obey_at_once() -> None:
    app, _ = cancel_app(replace(CANCEL, obeys_at_once=False))
    async with app.run_test() as pilot:
        await pilot.pause()
        text = "\n".join(drawn(app.screen.query_one("#cancel-rungs")))
        assert "after this stage" in text
        assert "SIGTERM" not in text


@pytest.mark.anyio
async def test_hostile_names_in_dialogs_are_text() -> None:
    cancel, _ = cancel_app(replace(CANCEL, name=HOSTILE, where=HOSTILE, kept=HOSTILE))
    stages = (AgainStage(HOSTILE, HOSTILE, HOSTILE),)
    again, _ = again_app(replace(AGAIN, name=HOSTILE, stages=stages, launch_refusal=HOSTILE))
    for app in (cancel, again):
        async with app.run_test() as pilot:
            await pilot.press("s")
            rows = [row for w in app.screen.query("Static, ChoiceList") for row in drawn(w)]
            assert any("[/] [bold]x" in row for row in rows)
            assert not any(BACKSTOP.search(row) for row in rows)


OTHER = RunKey("0952-docs", "2026-01-01T11-56-00-000Z-77b0aa19")
AFAR = RunKey("0949-spike", "2026-01-01T11-57-00-000Z-0be11d52")
CANCEL_MANY = CancelView(
    requests=(CancelRun(KEY), CancelRun(OTHER)),
    lines=(
        RunLine("c2d9e410  diagnostics", "stage 4/5 test, 2:45 in"),
        RunLine("77b0aa19  docs-review", "stage 2/4 guard, 0:38 in"),
        RunLine("0be11d52  diagnostics", "stage 2/5 build, 1:15 in", "already ended"),
    ),
)
KILL_MANY = KillView(
    requests=(KillRun(KEY), KillRun(OTHER)),
    lines=(
        RunLine("c2d9e410  diagnostics", "pid 48122"),
        RunLine("77b0aa19  docs-review", "pid 48301"),
        RunLine("0be11d52  diagnostics", "", "other host build-7: cannot signal"),
    ),
)


def kill_app(view: KillView = KILL_MANY) -> tuple[DialogApp, HandClock]:
    clock = HandClock()
    return DialogApp(KillDialog(view, clock=clock)), clock


@pytest.mark.anyio
async def test_several_runs_are_listed_and_cancelled_by_one_command() -> None:
    app, clock = cancel_app(CANCEL_MANY)
    async with app.run_test() as pilot:
        await pilot.pause()
        rows = drawn(app.screen.query_one("#cancel-runs"))
        assert "! already ended" in rows[2]
        command = " ".join(drawn(app.screen.query_one(".command")))
        assert f"orch-tui cancel {KEY.run_id} {OTHER.run_id}" in command
        assert AFAR.run_id not in command
        clock.advance(1)
        await pilot.press("y")
        await until(pilot, lambda: app.results == [True])


@pytest.mark.anyio
async def test_more_runs_than_fit_are_counted() -> None:
    lines = tuple(RunLine(f"run {n}", "", "no" if n > 7 else None) for n in range(10))
    app, _ = cancel_app(replace(CANCEL_MANY, lines=lines))
    async with app.run_test() as pilot:
        await pilot.pause()
        rows = drawn(app.screen.query_one("#cancel-runs"))
        assert [row.split()[1] for row in rows[:4]] == ["0", "1", "2", "3"]
        assert rows[4] == "and 6 more, 2 of them left out"


@pytest.mark.anyio
@pytest.mark.parametrize("keys", [["enter"], ["escape"], ["k", "i", "l", "l", "enter"], ["y"]])
async def test_nothing_is_killed_before_the_words_are_complete(keys: list[str]) -> None:
    app, clock = kill_app()
    async with app.run_test() as pilot:
        clock.advance(1)
        await pilot.press(*keys)
        await pilot.pause()
        assert True not in app.results


@pytest.mark.anyio
async def test_the_typed_words_kill() -> None:
    app, clock = kill_app()
    async with app.run_test() as pilot:
        clock.advance(1)
        await pilot.press(*"kill", "space", "2")
        assert app.results == []
        await pilot.press("enter")
        await until(pilot, lambda: app.results == [True])


# --- run again ----------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("keys", "given"),
    [
        (["enter"], ResumeRun(KEY)),
        (["f"], ResumeRun(KEY)),
        (["n"], RestartRun(KEY)),
        (["j", "j", "j", "enter"], RestartRun(KEY)),
        (["s", "enter"], ResumeRun(KEY, from_stage="test")),
        (["s", "k", "enter"], ResumeRun(KEY, from_stage="build")),
        (["o", "enter"], ResumeRun(KEY, only_stage="test")),
        (["o", "G", "enter"], ResumeRun(KEY, only_stage="publish")),
        (["s", "escape", "escape"], None),
        (["q"], None),
    ],
)
async def test_each_way_gives_its_request(keys: list[str], given: Request | None) -> None:
    app, clock = again_app()
    async with app.run_test() as pilot:
        for pressed in keys:
            clock.advance(1)
            await pilot.press(pressed)
        await until(pilot, lambda: app.results == [given and (given,)])


@pytest.mark.anyio
async def test_several_runs_go_on_together_and_only_as_wholes() -> None:
    view = replace(AGAIN, count=3, resumable=(KEY,), restartable=(KEY, OTHER, AFAR), stages=())
    app, clock = again_app(view)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        rows = drawn(app.screen.query_one(ChoiceList))
        assert "Resume 1 of 3 runs" in rows[0]
        clock.advance(1)
        await pilot.press("s")  # refused
        assert app.results == []
        await pilot.press("G", "k", "k")
        command = app.screen.query_one("#again-command")
        await until(pilot, lambda: "for run in" in drawn(command)[0])
        clock.advance(1)
        await pilot.press("enter")
        given = (RestartRun(KEY), RestartRun(OTHER), RestartRun(AFAR))
        await until(pilot, lambda: app.results == [given])


@pytest.mark.anyio
async def test_the_command_that_does_the_same_is_shown() -> None:
    app, _ = again_app()
    async with app.run_test() as pilot:
        command = app.screen.query_one("#again-command")
        await until(pilot, lambda: "orch-tui resume" in drawn(command)[0])
        await pilot.press("j", "j", "j")
        await until(pilot, lambda: "orch-tui restart" in drawn(command)[0])


@pytest.mark.anyio
async def test_what_cannot_be_done_says_why_and_does_nothing() -> None:
    view = replace(AGAIN, resume_refusal="it has not ended", launch_refusal="it has no pipeline")
    app, clock = again_app(view)
    async with app.run_test() as pilot:
        clock.advance(1)
        await pilot.press("f", "n", "s", "o", "enter")
        assert app.results == []
        rows = drawn(app.screen.query_one(ChoiceList))
        assert "it has not ended" in rows[0]
        assert "it has no pipeline" in rows[3]


@pytest.mark.anyio
async def test_enter_too_early_starts_nothing_but_the_key_of_a_way_is_meant() -> None:
    app, clock = again_app()
    async with app.run_test() as pilot:
        await pilot.press("enter")
        clock.advance(0.2)
        await pilot.press("enter")  # held down since
        assert app.results == []
        await pilot.press("n")  # as in `r n`, typed quickly
        await until(pilot, lambda: app.results == [(RestartRun(KEY),)])


@pytest.mark.anyio
async def test_the_inputs_are_edited_in_the_form_and_the_command_is_copied() -> None:
    app, clock = again_app()
    async with app.run_test() as pilot:
        clock.advance(1)
        await pilot.press("j", "j", "j", "c")
        assert app.copied == [f"orch-tui restart {KEY.run_id} --detach"]
        await pilot.press("e")
        await until(pilot, lambda: app.results == [EditInputs(KEY)])


# --- quit ---------------------------------------------------------------------------------------

QUIT = QuitView(
    lines=(RunLine("c2d9e410  diagnostics", "stage 4/5 test, 2:45 in"),),
    stops=(CancelRun(KEY),),
)


def quit_app(view: QuitView = QUIT) -> tuple[DialogApp, HandClock]:
    clock = HandClock()
    return DialogApp(QuitDialog(view, clock=clock)), clock


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("key", "leaving"),
    [
        ("enter", Leaving.STAY),
        ("escape", Leaving.STAY),
        ("q", Leaving.QUIT),
        ("S", Leaving.STOP),
    ],
)
async def test_quitting_has_three_ways(key: str, leaving: Leaving) -> None:
    app, clock = quit_app()
    async with app.run_test() as pilot:
        clock.advance(1)
        await pilot.press(key)
        await until(pilot, lambda: app.results == [leaving])


@pytest.mark.anyio
async def test_nothing_is_stopped_where_nothing_goes_on() -> None:
    app, clock = quit_app(QuitView())
    async with app.run_test() as pilot:
        clock.advance(1)
        await pilot.press("S")
        assert app.results == []


# --- how they look ------------------------------------------------------------------------------


def test_cancel_dialog(snap_compare: Compare) -> None:
    assert snap_compare(cancel_app()[0], terminal_size=(80, 24))


def test_cancel_dialog_on_a_narrow_terminal(snap_compare: Compare) -> None:
    assert snap_compare(cancel_app()[0], terminal_size=(60, 15))


def test_cancel_several(snap_compare: Compare) -> None:
    assert snap_compare(cancel_app(CANCEL_MANY)[0], terminal_size=(60, 15))


def test_kill_dialog(snap_compare: Compare) -> None:
    app, clock = kill_app()

    async def type_words(pilot: Pilot[None]) -> None:
        clock.advance(1)
        await pilot.press(*"kill", "space", "2")

    assert snap_compare(app, run_before=type_words, terminal_size=(80, 24))


def test_quit_dialog(snap_compare: Compare) -> None:
    assert snap_compare(quit_app()[0], terminal_size=(60, 15))


def test_run_again_dialog(snap_compare: Compare) -> None:
    view = replace(AGAIN, launch_refusal="pipeline diagnostics is not configured any more")
    assert snap_compare(again_app(view)[0], terminal_size=(80, 24))


def test_run_again_from_a_stage(snap_compare: Compare) -> None:
    app, clock = again_app()

    async def choose(pilot: Pilot[None]) -> None:
        clock.advance(1)
        await pilot.press("s")

    assert snap_compare(app, run_before=choose, terminal_size=(80, 24))
