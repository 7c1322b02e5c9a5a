"""What is painted in part is what would be painted anew."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from rich.segment import Segment
from textual._compositor import Compositor
from textual.geometry import Region
from textual.widget import Widget

from orchestrator_tui.state.observations import Freshness, FreshnessSeen
from orchestrator_tui.ui.app import OrchTui
from orchestrator_tui.ui.compositor import SparingCompositor
from tests.fakes import NOON
from tests.ui.fleets import BUSY, Sample, fleet
from tests.ui.test_runs_screen import World, until

SIZE = (100, 30)
KEYS = (*"jjjjkkkGgcbz", "space", "ctrl+d", "ctrl+u", "pagedown", "pageup", "1")


def past(count: int) -> tuple[Sample, ...]:
    """Return so many runs that have ended."""
    return tuple(
        Sample(f"task-{n % 7}", "check", 9_000.0 + 700 * n, "succeeded", 5, "", ended_s=60.0)
        for n in range(count)
    )


def frame(app: OrchTui) -> list[list[Segment]]:
    """Return the cells of the screen as they are composed now."""
    strips = app.screen._compositor.render_strips()
    return [list(Segment.simplify(strip)) for strip in strips]


def painted_anew(app: OrchTui) -> list[list[Segment]]:
    """Return the same with every line made again."""
    for widget in app.screen.walk_children(Widget):
        widget._styles_cache.clear()
    return frame(app)


@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(3))
async def test_rows_that_were_taken_along_are_the_rows_that_would_be_made(seed: int) -> None:
    dice = random.Random(seed)
    world = World((*fleet(*BUSY, *past(90)), FreshnessSeen(Freshness("watching"))))
    async with world.app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: world.table.selected is not None)
        for number in range(40):
            key = dice.choice(KEYS)
            await pilot.press(key)
            if not number % 6:
                world.clock.advance(dice.choice((1, 90, 7_200)))
                world.app._tick()
            if not number % 9:
                ago = dice.uniform(0, 600)
                world.feed.put(*Sample(f"late-{number}", "check", ago).seen())
            await pilot.pause()
            assert frame(world.app) == painted_anew(world.app), f"{number}: {key}"
    assert world.clock.now() > NOON + timedelta(hours=2)


@pytest.mark.anyio
async def test_a_part_of_the_screen_is_written_as_textual_writes_it() -> None:
    dice = random.Random(7)
    world = World(fleet(*BUSY, *past(30)))
    async with world.app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: world.table.selected is not None)
        world.app.notify("A toast lies over the corner of the screen.")
        await pilot.pause()
        compositor = world.app.screen._compositor
        assert isinstance(compositor, SparingCompositor)
        for _ in range(300):
            regions = set()
            for _ in range(dice.randint(1, 4)):
                x, y = dice.randrange(SIZE[0]), dice.randrange(SIZE[1])
                width, height = dice.randint(1, SIZE[0] - x), dice.randint(1, min(6, SIZE[1] - y))
                regions.add(Region(x, y, width, height))
            written = []
            for render in (SparingCompositor, Compositor):
                compositor._dirty_regions = set(regions)
                update = render.render_partial_update(compositor)
                assert update is not None
                written.append(update.render_segments(world.app.console))
            assert written[0] == written[1], regions
