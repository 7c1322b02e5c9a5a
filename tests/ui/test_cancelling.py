"""The dialog that follows the ending of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias

import pytest
from textual.pilot import Pilot

from orchestrator_tui.records.life import CancelTimes, LivingProcess, Runner, RunnerVerdict, Waiting
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.observations import (
    Observation,
    RunnerSeen,
    RunSeen,
    RunVanished,
    WaitingSeen,
)
from orchestrator_tui.state.reducer import observe
from orchestrator_tui.ui.screens.cancelling import CancellingDialog, Parting
from orchestrator_tui.ui.screens.ending import CancelDialog
from tests.fakes import NOON, HandClock, ScriptedProcesses
from tests.state.values import KEY, facts
from tests.ui.fleets import RUNNING
from tests.ui.fleets import fleet as runs_of
from tests.ui.run_apps import DialogApp, drawn, until
from tests.ui.test_runs_screen import WIDE, World

Compare: TypeAlias = Callable[..., bool]
RUNNING_ENDED = replace(RUNNING, status="cancelled", now="failed", ended_s=0)
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


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("end", "told"),
    [
        (RUNNING_ENDED.seen(), f"{RUNNING.key.short} has ended: cancelled."),
        ((RunVanished(RUNNING.key),), f"{RUNNING.key.short} is not there any more."),
    ],
)
async def test_at_the_end_it_is_told_what_became_of_the_run(
    end: tuple[Observation, ...], told: str
) -> None:
    world = World(runs_of(RUNNING))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("x")
        await until(pilot, lambda: isinstance(world.app.screen, CancelDialog))
        world.clock.advance(1)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(world.app.screen, CancellingDialog))
        world.clock.advance(1)
        world.feed.put(*end)
        await until(pilot, lambda: world.is_home)
        await until(pilot, lambda: told in [entry.words for entry in world.app.journal.entries])


def test_how_it_looks(snap_compare: Compare) -> None:
    app, dialog, _ = cancelling_app()

    async def show(pilot: Pilot[None]) -> None:
        dialog.show(fleet(), NOON)
        alive = dialog.query_one("#cancelling-alive")
        await until(pilot, lambda: "48140 npm" in drawn(alive)[0])

    assert snap_compare(app, run_before=show, terminal_size=(60, 15))
