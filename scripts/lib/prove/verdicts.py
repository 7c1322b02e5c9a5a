"""Real runners, killed while their commands go on: what is said of each, alive and dead."""

from __future__ import annotations

import os
import signal
import time
from unittest.mock import patch

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.primitives.life_lock import LifeLock
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import RunnerVerdict
from orchestrator_tui.runner.launch import StartJob, launch_detached
from orchestrator_tui.runner.process_tree import TreeScope, become_subreaper, end_tree
from orchestrator_tui.state.liveness import State, state_of
from orchestrator_tui.store import life
from orchestrator_tui.store.life import probe_runner, read_runner
from prove.harness import Asked, Found
from tests.runner.repository import TASK, Repository, command
from tests.watch.disk import Watch

AT_ONCE = 5
LIVING = frozenset([State.QUEUED, State.RUNNING])
PATIENCE_S = 5.0
LOOKS_S = 3.0  # a run is called lost after the second look that finds nobody


def prove(asked: Asked) -> Found:
    """Start runners, ask, kill them, ask again."""
    found = Found()
    become_subreaper()
    scope = TreeScope()
    deceived: list[str] = []
    try:
        for first in range(0, asked.trials, AT_ONCE):
            folder = asked.folder / str(first)
            folder.mkdir()
            count = min(AT_ONCE, asked.trials - first)
            faults, by_pid = _trials(Repository(folder), count)
            found.failures += faults
            deceived += by_pid
            found.trials += count
            end_tree(scope.members, grace_s=0)
    finally:
        end_tree(scope.members, grace_s=0)
    found.figures = "each asked while it lived, and dead with its command still running"
    found.caught(deceived, "the lock and the identity of the runner, by its beat alone")
    return found


def _trials(repo: Repository, count: int) -> tuple[list[str], list[str]]:
    repo.configure(main=[command("hold", "exec sleep 100")])
    job = StartJob("main", TASK)
    keys = [launch_detached(repo.roots, job, environ=repo.environ) for _ in range(count)]
    faults = _wrong(repo, keys, RunnerVerdict.ALIVE, LIVING)
    pids = []
    for key in keys:
        record = read_runner(repo.paths(key))
        assert record is not None
        pids.append(record.pid)
        os.kill(record.pid, signal.SIGKILL)
    for pid in pids:
        _wait_until_buried(pid)
    lost = frozenset([State.LOST])
    faults += _wrong(repo, keys, RunnerVerdict.GONE, lost)
    unknown = dict.fromkeys(life._VERDICTS, RunnerVerdict.UNKNOWN)
    with (
        patch.object(LifeLock, "is_held", lambda path: None),
        patch.object(life, "_VERDICTS", unknown),
    ):
        return faults, _wrong(repo, keys, RunnerVerdict.UNKNOWN, lost)


def _wrong(
    repo: Repository, keys: list[RunKey], verdict: RunnerVerdict, states: frozenset[State]
) -> list[str]:
    """Return which runs are told to be something else."""
    faults = []
    for key in keys:
        told = probe_runner(repo.paths(key)).verdict
        if told is not verdict:
            faults.append(f"a runner that is {verdict} was called {told}")
    watch = Watch(repo.folder)
    watch.settle()
    watch.let_pass(LOOKS_S)
    for key in keys:
        shown = state_of(watch.fleet.runs[key], SYSTEM_CLOCK.now())
        if shown not in states:
            faults.append(f"a run that is {' or '.join(states)} was shown as {shown}")
    return faults


def _wait_until_buried(pid: int) -> None:
    """Wait until the launcher has buried a process: only then have all of its threads ended."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.005)
