"""kill_run: a run ends now, and nothing that it started is left alive."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Final

from anyio import to_thread

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.primitives.life_lock import LifeLock
from orchestrator_tui.primitives.process_identity import (
    Presence,
    ProcessIdentity,
    descendants,
    presence,
    send_signal,
)
from orchestrator_tui.records.life import RunnerRecord, RunnerVerdict
from orchestrator_tui.records.paths import Roots, RunPaths, run_paths_in
from orchestrator_tui.records.requests import ActionResult, Done, KillRun, Refused
from orchestrator_tui.runner.burial import bury
from orchestrator_tui.runner.leftovers import self_and_above
from orchestrator_tui.runner.reopening import find_run, read_manifest
from orchestrator_tui.store.control import ActionKind, request_action
from orchestrator_tui.store.detached import detached_within
from orchestrator_tui.store.life import identity_in, probe_runner, read_runner
from orchestrator_tui.store.reading import RunRef

HEARD_S: Final = 1.5  # a runner looks twice a second
ENDED_S: Final = 4.0  # to kill all of it, and to bring its end to disk
GONE_S: Final = 2.0  # a killed runner that is still there then will not go
LOOK_S: Final = 0.05


async def kill_run(
    roots: Roots, request: KillRun, *, requested_by: str, clock: Clock = SYSTEM_CLOCK
) -> ActionResult:
    """Kill the processes of a run and end it as cancelled.

    A runner that answers does it itself, since it knows all its processes. One that does not is
    killed first, by pid and start time, and what it started after it.

    Raises:
        ResumeRefused: There is no such run, or its manifest cannot be read.
        LockTimeout: Somebody else was writing its control file all the time.
        OSError: The environment refuses.
    """
    ref = await to_thread.run_sync(find_run, roots, request.key)
    paths = run_paths_in(roots, request.key, ref.run_dir)
    manifest = await to_thread.run_sync(read_manifest, roots, ref)
    if manifest.is_terminal:
        return Refused(f"Run {request.key} has ended already: {manifest.status}.")
    runner = await to_thread.run_sync(probe_runner, paths)
    if runner.verdict is RunnerVerdict.ELSEWHERE:
        return Refused(f"Run {request.key} runs on host {runner.host}: nobody here can signal it.")
    if runner.verdict is RunnerVerdict.UNKNOWN:
        return Refused(f"Run {request.key} has no runner.json that names its processes.")
    if runner.verdict is RunnerVerdict.ALIVE:
        kill = _Kill(roots, ref, paths, request, requested_by, clock)
        if await to_thread.run_sync(kill.by_its_runner):
            return Done("Killed: all its processes are gone, the run is cancelled", request.key)
        if not await to_thread.run_sync(kill.with_its_runner):
            return Refused(f"The runner of {request.key} cannot be proven to be its own, or stays.")
    return await bury(roots, ref, paths, request.reason, clock, grace_s=0.0)


class _Kill:
    """The steps to kill one run whose runner lives; each blocks, so call it in a thread."""

    def __init__(
        self,
        roots: Roots,
        ref: RunRef,
        paths: RunPaths,
        request: KillRun,
        requested_by: str,
        clock: Clock,
    ) -> None:
        self._roots = roots
        self._ref = ref
        self._paths = paths
        self._request = request
        self._requested_by = requested_by
        self._clock = clock

    def by_its_runner(self) -> bool:
        """Ask until the runner hurries, and tell whether it has ended the run."""
        record = read_runner(self._paths)
        if record is None or record.cancel_rung is None:
            seq = self._ask(record)
            if not _within(HEARD_S, lambda: self._has_heard(seq)):
                return False
        self._ask(read_runner(self._paths))  # a second request kills what is left
        return _within(ENDED_S, self._has_ended)

    def with_its_runner(self) -> bool:
        """Kill the runner and what it started; tell whether the runner is gone."""
        record = read_runner(self._paths)
        if record is None:
            return False
        runner = identity_in(record)
        if presence(runner) is not Presence.ALIVE:
            return not _is_there(runner)
        send_signal(runner, signal.SIGSTOP)  # so that it starts nothing more
        started = _frozen_below(runner)
        send_signal(runner, signal.SIGKILL)
        for process in started:
            _kill_one(process)
        # Its threads end one by one, and the last of them lets go of the lock.
        return _within(GONE_S, lambda: not _is_there(runner) and not self._is_locked())

    def _is_locked(self) -> bool:
        return bool(LifeLock.is_held(self._paths.runner_lock))

    def _ask(self, record: RunnerRecord | None) -> int:
        return request_action(
            self._paths,
            ActionKind.CANCEL,
            reason=self._request.reason,
            requested_by=self._requested_by,
            now=self._clock.now(),
            last_seen=record.control_seq if record else 0,
        )

    def _has_heard(self, seq: int) -> bool:
        record = read_runner(self._paths)
        return self._has_ended() or (record is not None and record.control_seq >= seq)

    def _has_ended(self) -> bool:
        ended = read_manifest(self._roots, self._ref).is_terminal
        return ended and probe_runner(self._paths).verdict is not RunnerVerdict.ALIVE


def _frozen_below(runner: ProcessIdentity) -> tuple[ProcessIdentity, ...]:
    """Freeze what descends from a runner until no look finds more; return all of it.

    This process and those above it are left out, for a command of the run may be the one that
    asks; and what was detached from the run, which has one of its own.
    """
    frozen: set[ProcessIdentity] = set()
    found = set(descendants(runner.pid))
    above = self_and_above(found)
    while new := found - frozen - above - detached_within(found):
        for process in new:
            _signal(process, signal.SIGSTOP)
        frozen |= new
        found = set(descendants(runner.pid))
    return tuple(frozen)


def _kill_one(process: ProcessIdentity) -> None:
    _signal(process, signal.SIGKILL)


def _signal(process: ProcessIdentity, number: signal.Signals) -> None:
    try:
        send_signal(process, number)
    except PermissionError:  # a set-uid program of another user: it stays, and burial tells
        # not reached: nothing refuses root, and nobody else has a program of another user
        return


def _is_there(runner: ProcessIdentity) -> bool:
    return presence(runner) is Presence.ALIVE


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = SYSTEM_CLOCK.monotonic() + seconds
    while not holds():
        if SYSTEM_CLOCK.monotonic() >= deadline:
            return False
        time.sleep(LOOK_S)
    return True
