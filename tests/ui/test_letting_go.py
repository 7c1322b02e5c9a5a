"""What was left is let go of: screens opened again and again leave nothing behind."""

from __future__ import annotations

import gc

import pytest
from textual._styles_cache import StylesCache

from tests.ui.fleets import RUNNING, fleet
from tests.ui.test_runs_screen import LARGE, World, until

OPENINGS = 3


def painted() -> int:
    """Return how many widgets' painted lines are held in memory."""
    gc.collect()
    return sum(isinstance(each, StylesCache) for each in gc.get_objects())


@pytest.mark.anyio
async def test_screens_that_were_left_keep_no_lines_in_memory() -> None:
    world = World(fleet(RUNNING))
    async with world.app.run_test(size=LARGE) as pilot:
        held = []
        for _ in range(OPENINGS):
            await pilot.press("enter")
            await pilot.pause()
            await pilot.press("question_mark")
            await pilot.pause()
            await pilot.press("escape", "escape")
            await pilot.pause()
            assert world.is_home
            held.append(painted())
        # What was left a moment ago may still be on its way out.
        await until(pilot, lambda: painted() <= held[0] + 3)
