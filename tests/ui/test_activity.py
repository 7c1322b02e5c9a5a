"""The activity as a person sees it: what was done, what was told, what happened meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias

import pytest

from orchestrator_tui.records.pipeline import OrchestratorConfig
from orchestrator_tui.records.requests import ActionResult, Done, Refused
from orchestrator_tui.records.times import format_time
from orchestrator_tui.state.activity import Entry, Kind, Result, to_document
from orchestrator_tui.state.observations import (
    ConfigSeen,
    Freshness,
    FreshnessSeen,
    Observation,
    Unreadable,
)
from orchestrator_tui.ui.app import OrchTui
from orchestrator_tui.ui.journal import ACTIVITY, LAST_SEEN
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.screens.activity import ActivityScreen
from orchestrator_tui.ui.screens.run import RunScreen
from orchestrator_tui.ui.screens.runs import RunsScreen
from tests.fakes import NOON, HandClock, KeptInMind, ScriptedFeed, ScriptedLauncher, ScriptedLogs
from tests.ui.fleets import APPROVAL, BUSY, FAILED, GREEN, LOST, RUNNING, fleet
from tests.ui.run_apps import until

Compare: TypeAlias = Callable[..., bool]
WATCHED = FreshnessSeen(Freshness("watching"))
TORN = Unreadable(RUNNING.key, ".runs/0951-tui-log-view/cli/x/manifest.json", "empty")
POLLED = FreshnessSeen(Freshness("polling", problem="inotify limit: polling every 2 s"))


class World:
    """An app that remembers, and what a test asks of it."""

    def __init__(
        self, *batches: tuple[Observation, ...], result: ActionResult | None = None
    ) -> None:
        self.clock = HandClock()
        self.memory = KeptInMind()
        self.feed = ScriptedFeed(*batches)
        self.result = result

    def app(self) -> OrchTui:
        return OrchTui(
            feed=self.feed,
            logs=ScriptedLogs(),
            launcher=ScriptedLauncher(self.result),
            clock=self.clock,
            options=ScreenOptions(place="~/src/app"),
            memory=self.memory,
        )

    async def remember(self, entries: tuple[Entry, ...] = (), away_h: float | None = None) -> None:
        await self.memory.keep(ACTIVITY, to_document(entries))
        if away_h is not None:
            seen = NOON - timedelta(hours=away_h)
            await self.memory.keep(LAST_SEEN, {"version": 1, "at": format_time(seen)})


def shown(app: OrchTui) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def activity(app: OrchTui) -> ActivityScreen:
    assert isinstance(app.activity_screen, ActivityScreen)
    return app.activity_screen


def told(app: OrchTui) -> list[str]:
    return [notification.message for notification in app._notifications]


EARLIER = (
    Entry(
        "old-000001",
        NOON - timedelta(days=1, hours=2),
        Kind.ACTION,
        Result.DONE,
        "Started 9f31c0de",
        "orch-tui start diagnostics --task 0950-runner-core --detach",
        FAILED.key,
    ),
    Entry(
        "old-000002",
        NOON - timedelta(hours=3),
        Kind.ACTION,
        Result.REFUSED,
        "This run has ended: it was cancelled at stage 2/5 build. Resume it to run it again.",
        f"orch-tui cancel {GREEN.key.run_id}",
        GREEN.key,
    ),
    Entry(
        "old-000003",
        NOON - timedelta(hours=1),
        Kind.ACTION,
        Result.PENDING,
        "",
        f"orch-tui resume {LOST.key.run_id} --detach",
        LOST.key,
    ),
)


# --- pictures -------------------------------------------------------------------------------


def picture(world: World) -> Callable[..., object]:
    async def before(pilot: object) -> None:
        app = pilot.app  # type: ignore[attr-defined]
        await until(pilot, lambda: len(app.journal.entries) >= 5)  # type: ignore[arg-type]
        app.clear_notifications()
        await pilot.press("5")  # type: ignore[attr-defined]

    return before


def remembering(*entries: Entry, away_h: float | None = None) -> World:
    world = World(fleet(*BUSY), (TORN, POLLED))
    import anyio

    anyio.run(world.remember, entries, away_h)
    return world


def test_busy(snap_compare: Compare) -> None:
    world = remembering(*EARLIER)
    assert snap_compare(world.app(), terminal_size=(80, 24), run_before=picture(world))


def test_back_after_a_day(snap_compare: Compare) -> None:
    world = remembering(*EARLIER, away_h=18)
    assert snap_compare(world.app(), terminal_size=(140, 40), run_before=picture(world))


def test_empty(snap_compare: Compare) -> None:
    world = World(fleet(RUNNING))
    assert snap_compare(world.app(), terminal_size=(80, 24), press=["5"])


# --- what is listed ---------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("result", "words"),
    [(Done("Asked the run to stop."), "done"), (Refused("It has ended."), "refused")],
    ids=["done", "refused"],
)
async def test_an_action_stands_there_with_its_result_also_in_the_next_session(
    result: ActionResult, words: str
) -> None:
    world = World(fleet(RUNNING), result=result)
    for session in range(2):
        app = world.app()
        async with app.run_test(size=(140, 40)) as pilot:
            await until(pilot, lambda: RUNNING.key in app.fleet.runs)  # noqa: B023
            if session == 0:
                await pilot.press("x")
                world.clock.advance(1)
                await pilot.press("y")
                await until(pilot, lambda: bool(told(app)))  # noqa: B023
            await pilot.press("escape", "5")
            await until(pilot, lambda: "orch-tui cancel" in shown(app))  # noqa: B023
            (entry,) = (e for e in app.journal.entries if e.kind is Kind.ACTION)
            assert entry.result == words
            assert entry.key == RUNNING.key


@pytest.mark.anyio
async def test_two_screens_at_once_lose_no_action_of_each_other() -> None:
    world = World(fleet(RUNNING))
    one, two = world.app(), world.app()
    for app, command in ((one, "orch-tui start a"), (two, "orch-tui start b")):
        app.journal.ended(app.journal.began(command), Result.DONE, "Started.")
    await one.journal.save()
    await two.journal.save()
    await one.journal.save()
    assert [entry.command for entry in one.journal.entries] == [
        entry.command for entry in two.journal.entries
    ]
    assert len(one.journal.entries) == 2


@pytest.mark.anyio
async def test_toasts_and_trouble_are_listed_and_can_be_filtered() -> None:
    world = World(fleet(RUNNING, FAILED))
    app = world.app()
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: FAILED.key in app.fleet.runs)
        world.feed.put(TORN, POLLED)
        app.say("Copied something.")
        await until(pilot, lambda: len(app.journal.entries) == 3)
        await pilot.press("5")
        await until(pilot, lambda: "Copied something." in shown(app))
        assert "manifest.json cannot be read: empty" in shown(app)
        assert "inotify limit" in shown(app)
        await pilot.press("slash", *"inotify", "enter")
        rows = activity(app).list.rows
        assert [row.label for row in rows] == ["inotify limit: polling every 2 s"]
        await pilot.press("escape")
        assert len(activity(app).list.rows) == 3
        await pilot.press("escape")
        assert isinstance(app.screen, RunsScreen)


@pytest.mark.anyio
async def test_keys_of_the_configuration_that_look_like_slips_are_told_once() -> None:
    slip = 'codex.orchestrator.json: "stage_sets" is not known and changes nothing'
    world = World(fleet(RUNNING))
    app = world.app()
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: RUNNING.key in app.fleet.runs)
        world.feed.put(ConfigSeen(OrchestratorConfig(doubts=(slip, "another", "a third"))))
        await until(pilot, lambda: bool(told(app)))
        assert told(app) == [f"{slip}\n2 more: orch-tui doctor"]
        await pilot.press("5")
        await until(pilot, lambda: "stage_sets" in shown(app))
        world.feed.put(ConfigSeen(OrchestratorConfig()))
        await pilot.pause()
        assert len(told(app)) == 1


@pytest.mark.anyio
async def test_places_keep_their_state_and_a_line_opens_its_run() -> None:
    world = World(fleet(*BUSY))
    await world.remember(EARLIER)
    app = world.app()
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: FAILED.key in app.fleet.runs)
        await pilot.press("j", "j")
        selected = app.runs_screen.table.selected
        await pilot.press("5")
        assert isinstance(app.screen, ActivityScreen)
        await pilot.press("5")
        assert isinstance(app.screen, ActivityScreen)
        await pilot.press("G", "enter")
        assert isinstance(app.screen, RunScreen)
        assert app.screen.key == FAILED.key
        await pilot.press("escape")
        assert isinstance(app.screen, ActivityScreen)
        assert activity(app).list.index == 2
        await pilot.press("1")
        assert isinstance(app.screen, RunsScreen)
        assert app.runs_screen.table.selected == selected


@pytest.mark.anyio
async def test_the_command_is_copied() -> None:
    world = World(fleet(RUNNING))
    await world.remember(EARLIER[:1])
    app = world.app()
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: bool(app.journal.entries))
        copied: list[str] = []
        app._takeaway = app._takeaway.__class__(None, app.options.between, copied.append, app.say)
        await pilot.press("5", "y")
        await until(pilot, lambda: bool(told(app)))
        assert told(app)[0].startswith("Copied the line, by OSC 52")


# --- what happened meanwhile ------------------------------------------------------------------


@pytest.mark.anyio
async def test_what_happened_while_away_is_told_and_its_runs_can_be_opened() -> None:
    world = World((*fleet(RUNNING, FAILED, GREEN, APPROVAL), WATCHED))
    await world.remember(away_h=18)
    app = world.app()
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: bool(told(app)))
        line = "ince 18:00 yesterday: 1 succeeded, 1 failed, 1 waiting 7 min"
        assert told(app) == [f"S{line}\n5 lists them"]
        await pilot.press("5")
        rows = activity(app).list.rows
        assert rows[0].label == f"s{line}"
        assert [row.run for row in rows[1:]] == [FAILED.key, APPROVAL.key]
        await pilot.press("j", "enter")
        assert isinstance(app.screen, RunScreen)
        assert app.screen.key == FAILED.key


@pytest.mark.anyio
async def test_who_comes_for_the_first_time_or_missed_nothing_is_told_nothing() -> None:
    for away_h in (None, 0.01):
        world = World((*fleet(RUNNING, FAILED, GREEN), WATCHED))
        await world.remember(away_h=away_h)
        app = world.app()
        async with app.run_test() as pilot:
            await until(pilot, lambda: FAILED.key in app.fleet.runs)  # noqa: B023
            await pilot.pause()
            assert told(app) == []


@pytest.mark.anyio
async def test_the_time_of_the_last_look_is_kept_when_the_screen_closes() -> None:
    world = World(fleet(RUNNING))
    app = world.app()
    async with app.run_test() as pilot:
        await until(pilot, lambda: RUNNING.key in app.fleet.runs)
        world.clock.advance(30)
        await pilot.press("q")
    seen = await world.memory.recall(LAST_SEEN)
    assert seen["at"] == format_time(NOON + timedelta(seconds=30))


@pytest.mark.anyio
async def test_that_nothing_can_be_remembered_is_told_once() -> None:
    world = World(fleet(RUNNING))
    world.memory.problem = "/home/me/.local/state: permission denied"
    app = world.app()
    async with app.run_test() as pilot:
        await until(pilot, lambda: bool(told(app)))
        world.clock.advance(300)
        app._tick()
        await pilot.pause()
        assert told(app) == [
            "What you do here cannot be remembered: /home/me/.local/state: permission denied"
        ]
