"""The dialog that follows the ending of a run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias

import pytest
from textual.pilot import Pilot

from orchestrator_tui.records.life import CancelTimes, LivingProcess, Runner, RunnerVerdict, Waiting
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.observations import RunnerSeen, RunSeen, WaitingSeen
from orchestrator_tui.state.reducer import observe
from orchestrator_tui.ui.screens.cancelling import CancellingDialog, Parting
from tests.fakes import NOON, HandClock, ScriptedProcesses
from tests.state.values import KEY, facts
from tests.ui.run_apps import DialogApp, drawn, until

Compare: TypeAlias = Callable[..., bool]
LIVING = (
    LivingProcess(48122, "orch-runner"),
    LivingProcess(48140, "npm"),
    LivingProcess(48155, "node"),
)
TERM = Runner(
    RunnerVerdict.ALIVE,
    pid=48122,
    cancel_rung="term",
    cancel_times=CancelTimes(
        asked_at=NOON - timedelta(seconds=5), term_at=NOON - timedelta(seconds=4), grace_s=10.0
    ),
)


def fleet(status: str = "in_progress") -> Fleet:
    seen = facts(status=status, heartbeat_at=NOON, updated_at=NOON)
    waiting = WaitingSeen(KEY, Waiting(cancelling=True))
    return observe(Fleet(), (RunSeen(seen), RunnerSeen(KEY, TERM), waiting))


def cancelling_app() -> tuple[DialogApp, CancellingDialog, HandClock]:
    clock = HandClock()
    dialog = CancellingDialog(KEY, ScriptedProcesses(*LIVING), clock=clock)
    return DialogApp(dialog), dialog, clock


@pytest.mark.anyio
async def test_the_rung_the_seconds_and_who_is_alive_are_shown() -> None:
    app, dialog, _ = cancelling_app()
    async with app.run_test() as pilot:
        await pilot.pause()
        dialog.show(fleet(), NOON)
        alive = dialog.query_one("#cancelling-alive")
        await until(pilot, lambda: "48140 npm" in drawn(alive)[0])
        rows = drawn(dialog.query_one("#cancelling-rungs"))
        assert "SIGTERM sent" in rows[1]
        assert "0:04 of 0:10" in rows[1]
        assert "in 0:06" in rows[2]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("key", "parting"),
    [("enter", Parting.HIDDEN), ("escape", Parting.HIDDEN), ("X", Parting.KILL)],
)
async def test_it_is_hidden_by_the_key_at_hand_and_goes_on_to_kill_by_another(
    key: str, parting: Parting
) -> None:
    app, dialog, clock = cancelling_app()
    async with app.run_test() as pilot:
        dialog.show(fleet(), NOON)
        clock.advance(1)
        await pilot.press(key)
        await until(pilot, lambda: app.results == [parting])


@pytest.mark.anyio
async def test_it_closes_once_the_run_has_ended() -> None:
    app, dialog, _ = cancelling_app()
    async with app.run_test() as pilot:
        await pilot.pause()
        dialog.show(fleet("cancelled"), NOON)
        await until(pilot, lambda: app.results == [Parting.ENDED])


def test_how_it_looks(snap_compare: Compare) -> None:
    app, dialog, _ = cancelling_app()

    async def show(pilot: Pilot[None]) -> None:
        dialog.show(fleet(), NOON)
        alive = dialog.query_one("#cancelling-alive")
        await until(pilot, lambda: "48140 npm" in drawn(alive)[0])

    assert snap_compare(app, run_before=show, terminal_size=(60, 15))
