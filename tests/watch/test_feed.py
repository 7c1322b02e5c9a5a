"""All that is on disk as batches, with the real watcher."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.paths import CONFIG_NAME, Roots
from orchestrator_tui.records.pipeline import OrchestratorConfig
from orchestrator_tui.records.times import format_time
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import State, derive_state, state_of
from orchestrator_tui.state.observations import Observation
from orchestrator_tui.state.reducer import observe
from orchestrator_tui.store import configuration_checks
from orchestrator_tui.store.configuration_memory import ConfigMemory
from orchestrator_tui.watch.feed import DiskFeed, observe_once
from orchestrator_tui.watch.lookout import Cadence
from orchestrator_tui.watch.source import Polling
from tests.fakes import HandClock
from tests.watch.disk import FIXTURES, KEY, write_run

BOUND_S = 10.0
QUICK_S = 0.1  # the promise: from a change on disk to its batch


def fleet_of(repo: Path) -> Fleet:
    return observe_once(Roots.of(repo))


class Follower:
    """Follows a feed and waits for what a test expects."""

    def __init__(self, feed: DiskFeed) -> None:
        self.feed = feed
        self.fleet = Fleet()
        self._put, self._get = anyio.create_memory_object_stream[tuple[Observation, ...]](1000)

    async def pump(self) -> None:
        """Take what the feed sees."""
        async for batch in self.feed.batches():
            await self._put.send(batch)

    async def until(self, holds: Callable[[Fleet], bool]) -> float:
        """Follow until something holds; return how long that took, in seconds."""
        began_s = time.monotonic()
        with anyio.fail_after(BOUND_S):
            while not holds(self.fleet):
                self.fleet = observe(self.fleet, await self._get.receive())
        return time.monotonic() - began_s

    async def until_scanned(self) -> None:
        await self.until(lambda fleet: bool(fleet.freshness and not fleet.freshness.scanning))

    async def until_quiet(self) -> None:
        """Follow until nothing is waiting to be told."""
        with anyio.move_on_after(0.15):
            while True:
                self.fleet = observe(self.fleet, await self._get.receive())

    def close(self) -> None:
        self._put.close()
        self._get.close()


@asynccontextmanager
async def following(feed: DiskFeed) -> AsyncIterator[Follower]:
    """Follow a feed until the block ends."""
    follower = Follower(feed)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follower.pump)
        yield follower
        tasks.cancel_scope.cancel()
    follower.close()


def fresh(**changes: Any) -> dict[str, Any]:
    """Return manifest changes that make a run beat now."""
    now = format_time(SYSTEM_CLOCK.now())
    return {"started_at": now, "heartbeat_at": now, "updated_at": now, **changes}


def status_of(fleet: Fleet, key: RunKey = KEY) -> str | None:
    run = fleet.runs.get(key)
    return run.facts.status if run and run.facts else None


def says(summary: str, fleet: Fleet) -> bool:
    facts = fleet.runs[KEY].facts
    return facts is not None and facts.summary == summary


@pytest.mark.acceptance(111)
def test_the_runs_of_the_node_original_are_all_there_once() -> None:
    fleet = fleet_of(FIXTURES / "node-peer")
    now = SYSTEM_CLOCK.now()
    states = Counter(state_of(run, now) for run in fleet.runs.values())
    silent = states[State.LOST] + states[State.STALLED] + states[State.UNKNOWN]
    assert len(fleet.runs) == 8
    assert (states[State.SUCCEEDED], states[State.FAILED], silent) == (4, 3, 1)


def test_every_run_says_a_reason_that_a_person_understands() -> None:
    fleet = fleet_of(FIXTURES / "node-peer")
    reasons = {derive_state(run, SYSTEM_CLOCK.now()).reason for run in fleet.runs.values()}
    assert "4 of 4 stages done" in reasons
    assert "stage compile failed, exit 2" in reasons
    assert "sub-pipeline flaky failed" in reasons


@pytest.mark.acceptance(112)
def test_runs_of_october_2025_are_listed_with_their_times() -> None:
    fleet = fleet_of(FIXTURES / "legacy-2025-10")
    run = fleet.runs[RunKey("0001", "2025-10-18T18-30-06-976Z-41083")]
    assert run.facts is not None
    assert run.facts.started_at is not None
    assert run.facts.stage_id is not None
    assert "sleep 60" in run.facts.stage_id


@pytest.mark.acceptance(113)
def test_folders_that_are_no_runs_are_not_listed(tmp_path: Path) -> None:
    write_run(Roots.of(tmp_path))
    for folder in ("metrics", "metrics.pending", "cli", "mcp", "5/logs"):
        (tmp_path / ".runs" / KEY.task_id / folder).mkdir(parents=True, exist_ok=True)
    assert set(fleet_of(tmp_path).runs) == {KEY}


@pytest.mark.anyio
async def test_a_change_is_a_batch_within_a_tenth_of_a_second(tmp_path: Path) -> None:
    roots = Roots.of(tmp_path)
    write_run(roots, **fresh())
    taken_s: list[float] = []
    async with following(DiskFeed(roots, {})) as follower:
        await follower.until_scanned()
        await follower.until_quiet()
        for turn in range(12):
            status = "queued" if turn % 2 else "in_progress"
            write_run(roots, **fresh(status=status, summary=f"turn {turn}"))
            taken_s.append(await follower.until(partial(says, f"turn {turn}")))
            await follower.until_quiet()
    assert sorted(taken_s)[len(taken_s) // 2] < QUICK_S


@pytest.mark.anyio
async def test_runs_written_right_after_their_folder_are_all_seen(tmp_path: Path) -> None:
    roots = Roots.of(tmp_path)
    (tmp_path / ".runs").mkdir()
    keys = [RunKey(f"task-{n % 4}", f"2026-01-01T00-00-00-000Z-{n:08x}") for n in range(40)]
    async with following(DiskFeed(roots, {})) as follower:
        await follower.until_scanned()
        for key in keys:
            write_run(roots, key, **fresh())
        await follower.until(lambda fleet: set(fleet.runs) == set(keys))


@pytest.mark.anyio
async def test_a_folder_of_runs_that_is_made_later_is_waited_for(tmp_path: Path) -> None:
    roots = Roots.of(tmp_path)
    async with following(DiskFeed(roots, {}, cadence=Cadence(walk_s=0.2))) as follower:
        await follower.until(lambda fleet: fleet.freshness is not None)
        assert follower.fleet.freshness is not None
        assert not follower.fleet.freshness.runs_exists
        write_run(roots, **fresh())
        await follower.until(lambda fleet: KEY in fleet.runs)


@pytest.mark.anyio
async def test_without_notices_every_change_is_found_by_looking(tmp_path: Path) -> None:
    roots = Roots.of(tmp_path)
    write_run(roots, **fresh(status="failed"))
    later = RunKey("later", "2026-01-01T00-00-00-000Z-00000001")
    cadence = Cadence(tick_s=0.1, walk_s=0.2, walk_polling_s=0.2)
    feed = DiskFeed(roots, {}, source=Polling("told nothing"), cadence=cadence)
    async with following(feed) as follower:
        await follower.until_scanned()
        write_run(roots, later, **fresh())
        await follower.until(lambda fleet: later in fleet.runs)
        write_run(roots, **fresh(status="in_progress"))
        await follower.until(lambda fleet: status_of(fleet) == "in_progress")
        shutil.rmtree(roots.runs / later.task_id)
        await follower.until(lambda fleet: later not in fleet.runs)
        assert follower.fleet.freshness is not None
        assert follower.fleet.freshness.problem == "told nothing"


@pytest.mark.anyio
async def test_focus_brings_details_and_the_log_as_it_grows(tmp_path: Path) -> None:
    roots = Roots.of(tmp_path)
    paths = write_run(roots, **fresh())
    feed = DiskFeed(roots, {})
    async with following(feed) as follower:
        await follower.until_scanned()
        feed.focus(frozenset([KEY]))
        await follower.until(lambda fleet: KEY in fleet.details)
        with paths.stage_log(1, "build").open("a") as log:
            log.write('{"type":"exec:chunk","stream":"stdout","data":"hello\\n"}\n')
        await follower.until(
            lambda fleet: [line.text for line in fleet.details[KEY].tail] == ["hello"]
        )


@pytest.mark.anyio
async def test_closing_the_feed_ends_it_soon(tmp_path: Path) -> None:
    (tmp_path / ".runs").mkdir()
    feed = DiskFeed(Roots.of(tmp_path), {})
    with anyio.fail_after(BOUND_S):
        async with anyio.create_task_group() as tasks:

            async def follow() -> None:
                async for _ in feed.batches():
                    pass

            tasks.start_soon(follow)
            await anyio.sleep(0.1)
            tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_configuration_that_was_checked_before_is_not_checked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / CONFIG_NAME).write_text(
        '{"pipelines": [{"id": "p", "title": "P", "stages": '
        '[{"kind": "command", "id": "a", "title": "A", "command": "true"}]}]}'
    )
    later = HandClock(datetime.now(UTC) + timedelta(seconds=60))
    memory = ConfigMemory(tmp_path / "memory", later)
    told: list[object] = []
    for _ in range(2):
        feed = DiskFeed(Roots.of(repo), {}, source=Polling(), config_memory=memory)
        async with following(feed) as follower:
            await follower.until(lambda fleet: fleet.config is not None)
        told.append(follower.fleet.config)
        monkeypatch.setattr(configuration_checks, "config_of", None)
    assert isinstance(told[0], OrchestratorConfig)
    assert told[0] == told[1]
