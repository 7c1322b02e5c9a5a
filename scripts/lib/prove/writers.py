"""Sixteen processes that record runs of one task at once.

As a program: python -m prove.writers REPO protocol|naive RUN=MINUTE...
It records the runs when a line comes on standard input, and prints the seconds that each took and
how many did not get the lock; those wait on disk for whoever records next.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

from orchestrator_tui.primitives.locking import FileLock
from orchestrator_tui.records.paths import Roots, resolve_task_paths
from orchestrator_tui.store.task_state import TaskStateStore, TaskStateStoreLockError
from prove.endings import TASK, summary
from prove.harness import Asked, Found

PROCESSES = 16
NOTHING_TOLD = '{"seconds": [0], "late": 0}'  # by one that the control has broken
CONTROL_RUSHES = 12  # few writers on a busy machine may miss one another in a single one
LONGEST_S = 3.0  # docs/acceptance.md: five attempts and their waits


def prove(asked: Asked) -> Found:
    """Let all record at once; each run has to be there in the end."""
    found = Found()
    records = max(1, asked.trials // PROCESSES)
    found.trials = PROCESSES * records
    minutes = asked.dice().sample(range(max(600, found.trials)), found.trials)
    repo = asked.folder / "repo"
    seconds, late = _record(repo, "protocol", minutes)
    task = resolve_task_paths(Roots.of(repo), TASK)
    if late:
        TaskStateStore(Roots.of(repo)).fold_pending(TASK)
    found.failures += _lost(repo, minutes)
    if max(seconds) >= asked.slack * LONGEST_S:
        found.failures.append(f"one waited {max(seconds):.2f} s")
    if list(task.task_dir.parent.rglob("*.lock")) or any(task.pending_dir.iterdir()):
        found.failures.append("a lock or a waiting run is left")
    found.figures = f"{late} had to wait for the next one, longest wait {max(seconds):.2f} s"
    found.caught(_lost_by_the_naive(asked.folder, minutes), "the lock")
    return found


def _lost_by_the_naive(folder: Path, minutes: list[int]) -> list[str]:
    """Return what is lost without the lock, by the first rush in which any run is."""
    for rush in range(CONTROL_RUSHES):
        repo = folder / f"naive-{rush}"
        _record(repo, "naive", minutes)
        if lost := _lost(repo, minutes):
            return lost
    return []


def _record(repo: Path, how: str, minutes: list[int]) -> tuple[list[float], int]:
    repo.mkdir()
    runs = [f"r{minute:05d}={minute}" for minute in minutes]
    crowd = [
        subprocess.Popen(
            [sys.executable, "-m", "prove.writers", repo, how, *runs[number::PROCESSES]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if how == "naive" else None,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    for process in crowd:
        assert process.stdout is not None
        process.stdout.readline()
    for process in crowd:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [json.loads(process.communicate()[0] or NOTHING_TOLD) for process in crowd]
    return [s for each in told for s in each["seconds"]], sum(each["late"] for each in told)


def _lost(repo: Path, minutes: list[int]) -> list[str]:
    """Return the runs that are not in the history, or stand at another place."""
    document = json.loads(resolve_task_paths(Roots.of(repo), TASK).runs_json.read_text())
    listed = [run["runId"] for run in document["runs"]]
    expected = [f"r{minute:05d}" for minute in sorted(minutes)]
    if sorted(listed) == expected != listed:
        return ["the runs are not in the order of their times"]
    return [f"run {run_id} is lost" for run_id in expected if run_id not in set(listed)]


# --- one of the sixteen --------------------------------------------------------------------------


class NoLock(FileLock):
    """Takes nothing and is always held: the protection is out."""

    def acquire(self) -> None:
        """Do nothing."""

    def release(self) -> None:
        """Do nothing."""

    def still_held(self) -> bool:
        """Say yes."""
        return True


def main() -> None:
    """Record runs one after the other, in a rush with other processes."""
    repo, how, *runs = sys.argv[1:]
    store = TaskStateStore(Roots.of(Path(repo)))
    print("ready", flush=True)
    sys.stdin.readline()
    seconds, late = [], 0
    fault = patch("orchestrator_tui.store.task_state.FileLock", NoLock)
    with fault if how == "naive" else nullcontext():
        for run in runs:
            run_id, _, minute = run.partition("=")
            begun = time.monotonic()
            try:
                store.record_run(summary(run_id, int(minute)))
            except TaskStateStoreLockError:
                late += 1
            seconds.append(time.monotonic() - begun)
    os.write(1, json.dumps({"seconds": seconds, "late": late}).encode())


if __name__ == "__main__":
    main()
