"""Keys that come in one piece reach what the first of them opens."""

from __future__ import annotations

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from orchestrator_tui.ui.screens.copying import CopyMenu
from orchestrator_tui.ui.screens.ending import CancelDialog
from tests.ui.fleets import BUSY, GREEN, RUNNING, fleet
from tests.ui.test_runs_screen import WIDE, World, select, until


def type_at_once(pilot: Pilot[None], *keys: tuple[str, str | None]) -> None:
    """Have keys arrive as those of a slow line do: all before the first was looked at."""
    for key, character in keys:
        pilot.app.post_message(events.Key(key, character))


@pytest.mark.anyio
async def test_the_letter_after_the_copy_menu_is_one_of_its_own() -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=WIDE) as pilot:
        await select(pilot, world, RUNNING.key)
        type_at_once(pilot, ("y", "y"), ("i", "i"))
        told = world.app._notifications
        await until(pilot, lambda: any("the run id" in each.message for each in told))
        assert not isinstance(world.app.screen, CopyMenu)


@pytest.mark.anyio
async def test_what_is_typed_after_the_filter_key_is_the_filter() -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        type_at_once(pilot, ("slash", "/"), ("s", "s"), ("x", "x"), ("q", "q"))
        await until(pilot, lambda: world.app.screen.query_one(Input).value == "sxq")
        assert world.is_home


@pytest.mark.anyio
async def test_a_key_for_the_dialog_does_not_act_on_the_runs() -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=WIDE) as pilot:
        await select(pilot, world, RUNNING.key)
        type_at_once(pilot, ("x", "x"), ("y", "y"))
        await until(pilot, lambda: isinstance(world.app.screen, CancelDialog))
        await pilot.pause(0.1)
        assert isinstance(world.app.screen, CancelDialog)  # too early to confirm, and no copy menu
        assert world.launcher.requests == []


@pytest.mark.anyio
async def test_a_refused_action_does_not_keep_the_keys() -> None:
    world = World(fleet(RUNNING, GREEN))
    async with world.app.run_test(size=WIDE) as pilot:
        await select(pilot, world, GREEN.key)
        type_at_once(pilot, ("x", "x"), ("g", "g"))
        await until(pilot, lambda: world.table.selected == RUNNING.key)
