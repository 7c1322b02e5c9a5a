"""ManifestPersister: one flush at a time, never too often, nothing dirty forgotten."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from orchestrator_tui.store.persister import ManifestPersister
from tests.fakes import HandClock

pytestmark = pytest.mark.anyio


class Channel:
    """A write that counts, waits for its gate, and fails as often as it is told to."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.log = log
        self.calls = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.failures = 0
        self.gate = anyio.Event()
        self.gate.set()

    async def __call__(self) -> None:
        self.calls += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.log.append(f"{self.name} begins")
        try:
            await self.gate.wait()
            await checkpoint()
            if self.failures:
                self.failures -= 1
                raise OSError(f"{self.name} failed")
        finally:
            self.in_flight -= 1
            self.log.append(f"{self.name} ends")


class Sleeper:
    """A sleep that ends when the test says so, and remembers how long it should have been."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.morning = anyio.Event()

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        await self.morning.wait()


class Bench:
    """A persister between two channels, a clock and a sleep, all in the hands of the test."""

    def __init__(self, interval_s: float = 5.0) -> None:
        self.log: list[str] = []
        self.manifest = Channel("manifest", self.log)
        self.heartbeat = Channel("heartbeat", self.log)
        self.clock = HandClock()
        self.sleeper = Sleeper()
        self.persister = ManifestPersister(
            self.manifest,
            self.heartbeat,
            interval_s=interval_s,
            clock=self.clock,
            sleep=self.sleeper,
        )


async def settle(condition: Callable[[], bool]) -> None:
    """Let the other tasks run until `condition` holds."""
    with anyio.fail_after(5):
        while not condition():
            await checkpoint()


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.acceptance(38)
async def test_forced_saves_come_one_after_the_other(bench: Bench) -> None:
    bench.manifest.gate = anyio.Event()
    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(schedule(bench, manifest=True, force=True))
            await settle(lambda: bench.manifest.in_flight == 1)
        await checkpoint()
        bench.manifest.gate.set()
    assert (bench.manifest.calls, bench.manifest.most_in_flight) == (2, 1)


def schedule(bench: Bench, **what: bool) -> Callable[[], Coroutine[Any, Any, None]]:
    async def run() -> None:
        await bench.persister.schedule(**what)

    return run


@pytest.mark.acceptance(39)
async def test_both_channels_of_a_flush_are_written_at_once(bench: Bench) -> None:
    bench.manifest.gate = bench.heartbeat.gate = gate = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(schedule(bench, manifest=True, heartbeat=True, force=True))
        await settle(lambda: bench.manifest.in_flight + bench.heartbeat.in_flight == 2)
        gate.set()
    assert sorted(bench.log[:2]) == ["heartbeat begins", "manifest begins"]


@pytest.mark.acceptance(40)
async def test_saves_in_a_row_become_one(bench: Bench) -> None:
    await bench.persister.schedule(manifest=True, force=True)
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(schedule(bench, manifest=True))
        await settle(lambda: bool(bench.sleeper.asked))
        bench.sleeper.morning.set()
    assert bench.manifest.calls == 2
    assert bench.sleeper.asked == [5.0]


@pytest.mark.acceptance(41)
async def test_a_forced_save_sends_the_waiting_one_off(bench: Bench) -> None:
    await bench.persister.schedule(manifest=True, force=True)
    async with anyio.create_task_group() as group:
        group.start_soon(schedule(bench, manifest=True))
        await settle(lambda: bool(bench.sleeper.asked))
        await bench.persister.schedule(manifest=True, force=True)
    assert bench.manifest.calls == 2


@pytest.mark.acceptance(42)
async def test_a_save_that_failed_is_told_once_and_written_again(bench: Bench) -> None:
    bench.manifest.failures = 1
    with pytest.raises(OSError, match="manifest failed"):
        await bench.persister.schedule(manifest=True, force=True)
    await bench.persister.schedule()
    await bench.persister.flush()
    assert bench.manifest.calls == 2
    await bench.persister.flush()
    assert bench.manifest.calls == 2


@pytest.mark.acceptance(43)
async def test_only_the_channel_that_failed_is_written_again(bench: Bench) -> None:
    bench.heartbeat.failures = 1
    with pytest.raises(OSError, match="heartbeat failed"):
        await bench.persister.schedule(manifest=True, heartbeat=True, force=True)
    await bench.persister.flush()
    assert (bench.manifest.calls, bench.heartbeat.calls) == (1, 2)


@pytest.mark.acceptance(44)
async def test_of_two_failures_the_manifests_is_told(bench: Bench) -> None:
    bench.manifest.failures = bench.heartbeat.failures = 1
    with pytest.raises(OSError, match="manifest failed"):
        await bench.persister.schedule(manifest=True, heartbeat=True, force=True)
    await bench.persister.flush()
    assert (bench.manifest.calls, bench.heartbeat.calls) == (2, 2)


async def test_the_wait_is_measured_from_the_end_of_the_flush_before(bench: Bench) -> None:
    bench.manifest.gate = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(schedule(bench, manifest=True, force=True))
        await settle(lambda: bench.manifest.in_flight == 1)
        group.start_soon(schedule(bench, heartbeat=True))
        bench.clock.advance(3)
        bench.manifest.gate.set()
        await settle(lambda: bool(bench.sleeper.asked))
        bench.sleeper.morning.set()
    assert bench.sleeper.asked == [5.0]
    assert bench.heartbeat.calls == 1


async def test_after_the_interval_nobody_waits(bench: Bench) -> None:
    await bench.persister.schedule(manifest=True)
    bench.clock.advance(5)
    await bench.persister.schedule(manifest=True)
    assert bench.manifest.calls == 2
    assert bench.sleeper.asked == []


async def test_a_failed_flush_does_not_make_the_next_one_wait(bench: Bench) -> None:
    bench.manifest.failures = 1
    with pytest.raises(OSError, match="failed"):
        await bench.persister.schedule(manifest=True)
    await bench.persister.schedule(manifest=True)
    assert bench.manifest.calls == 2


async def test_everybody_who_waited_learns_of_the_failure(bench: Bench) -> None:
    await bench.persister.schedule(manifest=True, force=True)
    bench.manifest.failures = 1
    failures: list[str] = []

    async def run() -> None:
        try:
            await bench.persister.schedule(manifest=True)
        except OSError as error:
            failures.append(str(error))

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(run)
        await settle(lambda: bool(bench.sleeper.asked))
        bench.sleeper.morning.set()
    assert failures == ["manifest failed"] * 3
    assert bench.manifest.calls == 2


async def test_what_a_cancelled_waiter_wanted_is_written_for_those_who_joined(bench: Bench) -> None:
    await bench.persister.schedule(manifest=True, force=True)
    async with anyio.create_task_group() as outer:
        async with anyio.create_task_group() as inner:
            inner.start_soon(schedule(bench, manifest=True))
            await settle(lambda: bool(bench.sleeper.asked))
            outer.start_soon(schedule(bench, heartbeat=True))
            await checkpoint()
            inner.cancel_scope.cancel()
        with anyio.fail_after(5):
            await settle(lambda: bench.heartbeat.calls == 1)
    assert bench.manifest.calls == 2


async def test_a_write_cut_off_by_cancellation_stays_dirty(bench: Bench) -> None:
    bench.manifest.gate = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(schedule(bench, manifest=True, heartbeat=True, force=True))
        await settle(lambda: bench.manifest.in_flight == 1 and bench.heartbeat.calls == 1)
        await settle(lambda: bench.heartbeat.in_flight == 0)
        group.cancel_scope.cancel()
    bench.manifest.gate.set()
    await bench.persister.flush()
    assert (bench.manifest.calls, bench.heartbeat.calls) == (2, 1)
