"""The lines at the top and the bottom of a whole screen."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from orchestrator_tui.state.observations import (
    CheckoutSeen,
    ConfigSeen,
    Freshness,
    FreshnessSeen,
    Observation,
)
from orchestrator_tui.state.placing import Sort
from orchestrator_tui.ui.app import SPENDING_EVERY_S
from orchestrator_tui.ui.ports import Spent
from orchestrator_tui.ui.screens.again import RunAgainDialog
from orchestrator_tui.ui.screens.start import StartDialog
from orchestrator_tui.ui.spending import spending_words
from orchestrator_tui.ui.widgets.bars import HeaderCounts
from orchestrator_tui.ui.widgets.run_columns import heads_text
from tests.ui.fleets import BUSY, CONFIG, FAILED, fleet
from tests.ui.test_runs_screen import LARGE, WIDE, World, select, until


def lines(world: World) -> list[str]:
    strips = world.app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip) for strip in strips]


def unread() -> tuple[Observation, ...]:
    """Return runs of an index, before anything else was looked at."""
    return tuple(s for s in fleet(*BUSY) if not isinstance(s, ConfigSeen | FreshnessSeen))


async def click(pilot: Pilot[None], world: World, words: str) -> None:
    at = lines(world)[0].index(words)
    await pilot.click(HeaderCounts, offset=(at + 1, 0))


@pytest.mark.anyio
async def test_the_header_names_the_branch_made_safe_and_follows_it() -> None:
    world = World((*fleet(*BUSY), CheckoutSeen("feature/login")))
    async with world.app.run_test(size=LARGE) as pilot:
        await until(pilot, lambda: "~/src/app  feature/login" in lines(world)[0])
        world.feed.put(CheckoutSeen("[bold]\x1b]0;x\x07"))
        await until(pilot, lambda: "  [bold]" in lines(world)[0])
        assert "\x1b" not in lines(world)[0]
        world.feed.put(CheckoutSeen("b" * 120))  # no room for it
        await until(pilot, lambda: "bbb" not in lines(world)[0])
        assert "~/src/app" in lines(world)[0]


@pytest.mark.anyio
@pytest.mark.parametrize(("words", "query"), [("failed", "state:failed"), ("running", "state:")])
async def test_a_click_on_a_count_lists_what_is_counted(words: str, query: str) -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test(size=LARGE) as pilot:
        await until(pilot, lambda: words in lines(world)[0])
        await click(pilot, world, words)
        await until(pilot, lambda: world.app.runs_screen.typed.startswith(query))
        assert len(world.rows()) < len(BUSY)


@pytest.mark.anyio
async def test_help_and_quit_are_named_where_little_room_is_left() -> None:
    world = World((*fleet(*BUSY), FreshnessSeen(Freshness("polling", problem="t" * 90))))
    async with world.app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "ttt" in lines(world)[-1])
        assert "? help  q quit" in lines(world)[-1]


class Twice:
    """A gauge that says the same each time."""

    async def read(self) -> Spent:
        """Say it."""
        return Spent(0.014, 74 * 2**20)


@pytest.mark.anyio
async def test_the_footer_tells_what_the_program_takes_where_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert SPENDING_EVERY_S >= 1
    monkeypatch.setattr("orchestrator_tui.ui.app.SPENDING_EVERY_S", 0.01)
    assert spending_words(Spent(0.014, 74 * 2**20)) == "cpu 1%  mem 74 MiB"
    world = World(fleet(*BUSY))
    world.app._gauge = Twice()
    async with world.app.run_test(size=LARGE) as pilot:
        await until(pilot, lambda: "live   cpu 1%  mem 74 MiB" in lines(world)[-1])
        await pilot.resize_terminal(*WIDE)
        await until(pilot, lambda: "mem" not in lines(world)[-1])


@pytest.mark.anyio
async def test_a_form_asked_for_in_the_first_moment_opens_once_the_configuration_is_read() -> None:
    world = World(unread())
    async with world.app.run_test(size=WIDE) as pilot:
        await pilot.press("s")
        told = world.app._notifications
        await until(pilot, lambda: any("Reading" in each.message for each in told))
        assert world.is_home
        world.feed.put(ConfigSeen(CONFIG))
        await until(pilot, lambda: isinstance(world.app.screen, StartDialog))
        assert world.app.fleet.config is CONFIG


@pytest.mark.anyio
async def test_running_again_waits_for_the_configuration_too() -> None:
    world = World(unread())
    async with world.app.run_test(size=WIDE) as pilot:
        await select(pilot, world, FAILED.key)
        await pilot.press("r")
        world.feed.put(ConfigSeen(CONFIG))
        await until(pilot, lambda: isinstance(world.app.screen, RunAgainDialog))
        assert "no codex.orchestrator.json" not in "\n".join(lines(world))


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("width", [60, 80, 100, 120, 140, 200])
def test_no_title_of_a_column_is_cut_by_the_sign_of_its_order(
    width: int, sort: Sort, is_reversed: bool
) -> None:
    plain = heads_text(width, Sort.ATTENTION)
    marked = heads_text(width, sort, is_reversed=is_reversed)
    assert marked.count("›") == plain.count("›") == 0
    assert len(marked) == len(plain)
