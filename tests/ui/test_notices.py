"""What is told of runs that go on while the screen is open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator_tui.state.observations import Observation
from orchestrator_tui.ui.app import OrchTui
from orchestrator_tui.ui.options import ScreenOptions
from tests.fakes import HandClock, ScriptedFeed, ScriptedLauncher, ScriptedLogs
from tests.ui.fleets import FAILED, LOST, RUNNING, fleet
from tests.ui.run_apps import until


def app_of(*seen: Observation) -> tuple[OrchTui, ScriptedFeed]:
    feed = ScriptedFeed(seen)
    app = OrchTui(
        feed=feed,
        logs=ScriptedLogs(),
        launcher=ScriptedLauncher(),
        clock=HandClock(),
        options=ScreenOptions(),
    )
    return app, feed


def told(app: OrchTui) -> list[str]:
    return [notification.message for notification in app._notifications]


@pytest.mark.anyio
async def test_a_run_that_fails_while_the_screen_is_open_is_told() -> None:
    app, feed = app_of(*fleet(RUNNING, FAILED, LOST))
    ended = replace(RUNNING, status="failed", now="failed", ended_s=0)
    async with app.run_test() as pilot:
        await until(pilot, lambda: RUNNING.key in app.fleet.runs)
        app._tick()
        assert told(app) == []  # what failed or was lost before is in the list
        feed.put(*ended.seen())
        await until(pilot, lambda: bool(told(app)))
        (words,) = told(app)
        assert words.startswith("0951-tui-log-view / diagnostics / 000000fc\nFAILED: stage test")
        app._tick()
        assert len(told(app)) == 1
