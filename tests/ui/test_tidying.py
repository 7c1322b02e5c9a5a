"""Memory of screens that were left is given back without waiting for Python to look for it."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import pytest
from textual.screen import Screen

from orchestrator_tui.ui import tidying
from tests.ui.fleets import BUSY, RUNNING, fleet
from tests.ui.test_runs_screen import OPTIONS, WIDE, World, select, until


@pytest.mark.anyio
async def test_a_screen_that_was_left_is_freed_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidying, "TIDY_AFTER_S", 0.05)
    world = World(fleet(*BUSY), options=replace(OPTIONS, watch_terminal=False))
    world.app._tidying = tidying.Tidying(world.app)
    gc.disable()
    try:
        async with world.app.run_test(size=WIDE) as pilot:
            await select(pilot, world, RUNNING.key)
            await pilot.press("enter")
            await until(pilot, lambda: not world.is_home)
            left: weakref.ref[Screen[object]] = weakref.ref(world.app.screen)
            await pilot.press("escape")
            await until(pilot, lambda: world.is_home)
            await until(pilot, lambda: left() is None)
    finally:
        gc.enable()
        gc.unfreeze()
