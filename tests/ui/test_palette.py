"""The palette: it finds what a person types, whatever the names of pipelines hold."""

from __future__ import annotations

import pytest
from textual.command import CommandList

from orchestrator_tui.records.pipeline import CommandStage, OrchestratorConfig, Pipeline
from orchestrator_tui.ui.commands import Palette
from orchestrator_tui.ui.options import ScreenOptions
from tests.ui.fleets import RUNNING, fleet
from tests.ui.test_runs_screen import WIDE, World, until

ODD = "[@click=app.leave]odd[/b]"
CONFIG = OrchestratorConfig((Pipeline(ODD, "Odd [/]", stages=(CommandStage("a", "A", "true"),)),))


@pytest.mark.anyio
async def test_the_name_of_a_pipeline_is_no_markup() -> None:
    world = World(fleet(RUNNING, config=CONFIG))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("colon", *"start")
        await until(pilot, lambda: f"Start {ODD}" in world.shown())


@pytest.mark.anyio
async def test_the_key_that_does_the_same_stands_below_a_command() -> None:
    world = World(fleet(RUNNING), options=ScreenOptions(keymap={"run.cancel": "K"}))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("colon", *"cancel the")
        await until(pilot, lambda: f"K   {RUNNING.key.short}" in world.shown())


@pytest.mark.anyio
async def test_a_page_key_before_the_list_has_its_place_harms_nothing() -> None:
    world = World(fleet(RUNNING))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("colon")
        await until(pilot, lambda: bool(world.app.screen.query_one(CommandList).option_count))
        found = world.app.screen.query_one(CommandList)
        found.display = False
        await until(pilot, lambda: not found.scrollable_content_region.area)
        found.set_options(list(found.options))
        found.highlighted = 0
        await pilot.press("pagedown", "pageup")
        assert isinstance(world.app.screen, Palette)


@pytest.mark.anyio
@pytest.mark.parametrize("size", [(5, 3), (1, 1)])
async def test_a_terminal_that_shrinks_to_nothing_ends_nothing(size: tuple[int, int]) -> None:
    world = World(fleet(RUNNING))
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("colon")
        await until(pilot, lambda: bool(world.app.screen.query_one(CommandList).option_count))
        await pilot.resize_terminal(*size)
        await pilot.resize_terminal(*WIDE)
        await pilot.press(*"start")
        await until(pilot, lambda: "Start a run" in world.shown())
