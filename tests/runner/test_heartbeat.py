"""Beats come every tick, are awaited, coalesce, and fail without harm."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import anyio
import pytest

from orchestrator_tui.runner.heartbeat import HeartbeatQueue

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class World:
    """A clock that only `sleep` moves, and the beats that were written."""

    def __init__(self, lasts_s: float = 1e9) -> None:
        self.seconds = 0.0
        self.lasts_s = lasts_s
        self.beats: list[tuple[float, bool]] = []
        self.write_takes_s = 0.0
        self.failures: list[str | None] = []

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        if self.seconds > self.lasts_s:
            await anyio.sleep_forever()
        await anyio.lowlevel.checkpoint()

    async def write(self, *, with_manifest: bool) -> None:
        self.beats.append((self.seconds, with_manifest))
        self.seconds += self.write_takes_s
        if self.failures and (failure := self.failures.pop(0)):
            raise OSError(failure)


def queue_of(
    world: World, sleep: Callable[[float], Awaitable[None]] | None = None
) -> HeartbeatQueue:
    queue: HeartbeatQueue

    async def beat(*, with_manifest: bool) -> None:
        await world.write(with_manifest=with_manifest)
        if with_manifest:
            queue.manifest_saved()

    queue = HeartbeatQueue(
        "run-1",
        beat,
        interval_s=5,
        manifest_interval_s=30,
        clock=world,
        sleep=sleep or world.sleep,
    )
    return queue


async def live(world: World, queue: HeartbeatQueue) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(queue.run)
        with anyio.fail_after(5):
            while world.seconds <= world.lasts_s:
                await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
@pytest.mark.acceptance(45, 46)
async def test_a_stage_of_62_s_beats_twelve_times_and_saves_the_manifest_twice() -> None:
    world = World(lasts_s=62)
    await live(world, queue_of(world))
    assert [at for at, _ in world.beats] == [5.0 * n for n in range(1, 13)]
    assert [at for at, with_manifest in world.beats if with_manifest] == [30, 60]


@pytest.mark.anyio
@pytest.mark.acceptance(46)
async def test_a_save_for_another_reason_puts_the_next_one_off() -> None:
    world = World(lasts_s=62)
    queue = queue_of(world)

    async def sleep(seconds: float) -> None:
        await world.sleep(seconds)
        if world.seconds == 20:
            queue.manifest_saved()

    queue = queue_of(world, sleep)
    await live(world, queue)
    assert [at for at, with_manifest in world.beats if with_manifest] == [50]


@pytest.mark.anyio
async def test_beats_that_a_slow_disk_delays_become_one() -> None:
    world = World(lasts_s=60)
    world.write_takes_s = 17
    await live(world, queue_of(world))
    assert [at for at, _ in world.beats] == [5, 25, 45]


@pytest.mark.anyio
@pytest.mark.acceptance(47)
async def test_a_failed_beat_is_told_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    world = World(lasts_s=31)
    world.failures = ["disk full", "disk full", "read-only", None, None]
    with caplog.at_level(logging.INFO):
        await live(world, queue_of(world))
    assert len(world.beats) == 6
    assert [record.getMessage() for record in caplog.records] == [
        "Heartbeat update failed for run run-1: disk full",
        "Heartbeat update failed for run run-1: read-only",
        "Heartbeat of run run-1 is written again",
    ]


@pytest.mark.anyio
async def test_a_manifest_that_could_not_be_saved_is_saved_with_the_next_beat() -> None:
    world = World(lasts_s=41)
    world.failures = [None] * 5 + ["disk full"]
    await live(world, queue_of(world))
    assert [at for at, with_manifest in world.beats if with_manifest] == [30, 35]


@pytest.mark.anyio
@pytest.mark.acceptance(48)
async def test_the_last_flush_is_written_even_in_a_cancelled_scope() -> None:
    world = World()
    with anyio.CancelScope() as cancelled:
        cancelled.cancel()
        await queue_of(world).flush()
    assert world.beats == [(0, True)]
