"""Answers that come when whoever asked is on its way out: its parts are gone, it is not yet."""

from __future__ import annotations

import asyncio

import pytest
from textual.dom import DOMNode

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import LivingProcess
from orchestrator_tui.records.logs import LogPage, LogRequest
from orchestrator_tui.records.requests import LaunchRun, StartConditions
from orchestrator_tui.ui.screens.cancelling import CancellingDialog
from orchestrator_tui.ui.screens.run import RunScreen
from orchestrator_tui.ui.screens.start import StartDialog
from orchestrator_tui.ui.widgets.log_pane import LogPane
from tests.fakes import HandClock, ScriptedLogs, ScriptedProcesses
from tests.state.values import KEY
from tests.ui.fleets import RUNNING, fleet
from tests.ui.run_apps import DialogApp, until
from tests.ui.test_runs_screen import WIDE, World

MOST_TURNS = 20_000  # of the event loop


class Late:
    """What answers just when the parts of whoever asks are gone."""

    def __init__(self) -> None:
        self.asked = False
        self._leaving: asyncio.Future[DOMNode] = asyncio.Future()

    def asker_leaves(self, asker: DOMNode) -> None:
        """Be told that whoever asks is about to be left."""
        self._leaving.set_result(asker)

    async def wait(self) -> None:
        """Wait until the parts of whoever asks are gone."""
        self.asked = True
        asker = await self._leaving
        for _ in range(MOST_TURNS):
            if not asker.query("*"):
                break
            await asyncio.sleep(0)


class LateProcesses(ScriptedProcesses):
    """Processes that are seen too late."""

    def __init__(self, late: Late) -> None:
        super().__init__(LivingProcess(48122, "orch-runner"))
        self._late = late

    async def living(self, key: RunKey) -> tuple[LivingProcess, ...]:
        await self._late.wait()
        return await super().living(key)


class LateLogs(ScriptedLogs):
    """A log of which a page comes too late."""

    def __init__(self, late: Late) -> None:
        super().__init__()
        self._late = late

    async def read(self, request: LogRequest) -> LogPage:
        await self._late.wait()
        return await super().read(request)


class LateDesk:
    """A desk that finds out too late how the place is."""

    def __init__(self, late: Late) -> None:
        self._late = late

    async def conditions(self) -> StartConditions:
        await self._late.wait()
        return StartConditions()

    async def inputs_of(self, key: RunKey) -> LaunchRun:
        return LaunchRun("diagnostics", key.task_id)


@pytest.mark.anyio
async def test_who_is_alive_may_be_known_when_the_dialog_closes() -> None:
    late, clock = Late(), HandClock()
    dialog = CancellingDialog(KEY, LateProcesses(late), clock=clock)
    app = DialogApp(dialog)
    async with app.run_test() as pilot:
        await until(pilot, lambda: late.asked)
        clock.advance(1)
        late.asker_leaves(dialog)
        await pilot.press("escape")
        await until(pilot, lambda: not dialog.is_running)
    assert app._exception is None


@pytest.mark.anyio
async def test_the_page_of_a_log_may_come_when_its_run_is_left() -> None:
    late = Late()
    world = World(fleet(RUNNING), logs=LateLogs(late))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(world.app.screen, RunScreen))
        pane = world.app.screen.query_one(LogPane)
        await until(pilot, lambda: late.asked)
        late.asker_leaves(pane)
        await pilot.press("escape")
        await until(pilot, lambda: not pane.is_running)
    assert world.app.crash is None


@pytest.mark.anyio
async def test_the_conditions_of_a_start_may_be_known_when_the_form_closes() -> None:
    late = Late()
    world = World(fleet(RUNNING), desk=LateDesk(late))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: isinstance(world.app.screen, StartDialog))
        form = world.app.screen
        await until(pilot, lambda: late.asked)
        late.asker_leaves(form)
        await pilot.press("escape")
        await until(pilot, lambda: world.is_home and not form.is_running)
    assert world.app.crash is None
