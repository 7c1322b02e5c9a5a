"""Clocks that jump: a run whose runner lives is never lost, and its heart goes on beating."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Final

import anyio
import anyio.lowlevel

from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.records.life import Runner, RunnerVerdict
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.runner.heartbeat import HeartbeatQueue
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import State, derive_state
from orchestrator_tui.state.observations import Observation, RunnerSeen
from orchestrator_tui.state.reducer import observe
from prove.harness import Asked, Found
from tests.fakes import NOON
from tests.watch.disk import KEY, Watch, write_run

JUMPS: Final = 8
BEAT_S, MOST_GAP_S = 5.0, 10.0
DAYS: Final = 400


@dataclass
class JumpingClock(Clock):
    """A wall clock that jumps while the steady one goes on."""

    wall: datetime = NOON
    steady: float = 1000.0
    beats: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """Return the wall time."""
        return self.wall

    def monotonic(self) -> float:
        """Return the steady time."""
        return self.steady


def prove(asked: Asked) -> Found:
    """Let the clock jump while a run goes on: what is said of it, and how its heart beats."""
    found = Found()
    dice = asked.dice()
    write_run(Roots.of(asked.folder))
    watch = Watch(asked.folder)
    fleet = watch.settle()
    alive = Runner(RunnerVerdict.ALIVE, 1, "here", "0")
    without: list[str] = []
    longest_s = 0.0
    for _ in range(asked.trials):
        jumps = [_jump(dice) for _ in range(JUMPS)]
        found.trials += 1
        found.failures += _lost(fleet, (RunnerSeen(KEY, alive),), jumps)
        without += _lost(fleet, (RunnerSeen(KEY, Runner(RunnerVerdict.UNKNOWN)),), jumps)
        longest_s = max(longest_s, anyio.run(_longest_gap, jumps))
    if longest_s > MOST_GAP_S:
        found.failures.append(f"no beat for {longest_s:.0f} s")
    found.figures = f"{JUMPS} jumps each, longest time between two beats {longest_s:.1f} s"
    found.caught(without, "the lock of the runner, by the age of the beat alone")
    return found


def _jump(dice: Random) -> timedelta:
    """Return a jump: of a time server, of an hour, of a suspended machine, of a dead battery."""
    size = dice.choice((1.0, 60.0, 3600.0, 86_400.0, DAYS * 86_400.0))
    return timedelta(seconds=dice.uniform(-size, size))


def _lost(fleet: Fleet, runner: tuple[Observation, ...], jumps: list[timedelta]) -> list[str]:
    fleet = observe(fleet, runner)
    now, faults = NOON, []
    for jump in jumps:
        now += jump
        told = derive_state(fleet.runs[KEY], now)
        if told.state not in (State.RUNNING, State.STALLED):
            faults.append(f"{told.state} after a jump of {jump}: {told.reason}")
    return faults


async def _longest_gap(jumps: list[timedelta]) -> float:
    """Return the longest time between two beats while the wall clock jumps."""
    clock = JumpingClock()
    left = list(jumps)

    async def beat(*, with_manifest: bool) -> None:
        clock.beats.append(clock.steady)

    async def sleep(seconds: float) -> None:
        clock.steady += seconds
        clock.wall += timedelta(seconds=seconds)
        if left:
            clock.wall += left.pop()
        else:
            tasks.cancel_scope.cancel()
        await anyio.lowlevel.checkpoint()

    queue = HeartbeatQueue(
        "run", beat, interval_s=BEAT_S, manifest_interval_s=30, clock=clock, sleep=sleep
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(queue.run)
    times = [1000.0, *clock.beats, clock.steady]
    return max(later - earlier for earlier, later in pairwise(times))
