"""Processes that record runs: several at once, or one that is killed at every step.

Usage: python -m tests.store.recorders REPO at-once RUN=MINUTE...
       python -m tests.store.recorders FOLDER killed
The first records runs of task `t` when a line comes on standard input, and prints the seconds that
each took and how many did not get the lock. The second makes one
repository for each step and moment in FOLDER, kills a process there, and prints what it killed.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from orchestrator_tui.primitives.steps import Step
from orchestrator_tui.records.manifest import JsonObject, Manifest
from orchestrator_tui.records.paths import Roots, resolve_run_paths
from orchestrator_tui.store.coordinator import PersistenceCoordinator
from orchestrator_tui.store.manifests import save_manifest
from orchestrator_tui.store.metrics import record_metrics
from orchestrator_tui.store.task_state import TaskStateStore, TaskStateStoreLockError
from tests.fault_plans import Killing, Watching, When, installed

TASK = "t"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def summary(run_id: str, minute: int = 0) -> JsonObject:
    """Return the least that is a summary of a run."""
    return {
        "taskId": TASK,
        "runId": run_id,
        "build": {"success": True},
        "timestamp": f"2026-01-01T{12 + minute // 60:02d}:{minute % 60:02d}:00.000Z",
    }


def finish(repo: Path, run_id: str = "second") -> None:
    """Write all that is on disk of a run that has ended."""
    roots = Roots.of(repo)
    paths = resolve_run_paths(roots, TASK, run_id)
    manifest = Manifest(run_id=run_id, task_id=TASK, status="succeeded")
    save_manifest(paths, manifest, NOON)
    record_metrics(roots, manifest)
    coordinator = PersistenceCoordinator(
        roots, TaskStateStore(roots), on_warning=print, on_error=_raise
    )
    coordinator.handle_run_completed(summary(run_id, 1))


def prepared(repo: Path) -> Path:
    """Make a repository in which one run has ended and another is about to."""
    for run_id in ("first", "second"):
        resolve_run_paths(Roots.of(repo), TASK, run_id).run_dir.mkdir(parents=True)
    finish(repo, "first")
    return repo


def _raise(error: Exception) -> None:
    raise error


def kill_in_a_child(repo: Path, plan: Killing) -> bool:
    """Finish a run in a child of this process; tell whether it was killed."""
    child = os.fork()
    if child == 0:
        with installed(plan):
            finish(repo)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def kill_everywhere(root: Path) -> list[JsonObject]:
    """Kill a process at every step of finishing a run; a write is also killed half-way."""
    model = prepared(root / "model")
    counted = shutil.copytree(model, root / "counted", symlinks=True)
    plan = Watching()
    with installed(plan):
        finish(counted)
    killed: list[JsonObject] = []
    for number, (step, _) in enumerate(plan.seen, 1):
        # after a step is before the next one
        for when in (When.BEFORE, When.HALFWAY) if step is Step.WRITE else (When.BEFORE,):
            repo = shutil.copytree(model, root / f"{number}-{when}", symlinks=True)
            if kill_in_a_child(repo, Killing(number, when)):
                killed.append({"repo": repo.name, "number": number, "when": when.value})
    return killed


def record_at_once(repo: Path, runs: list[str]) -> None:
    """Record runs one after the other, in a rush with other processes."""
    store = TaskStateStore(Roots.of(repo))
    answer("ready")
    sys.stdin.readline()
    seconds, late = [], 0
    for run in runs:
        run_id, _, minute = run.partition("=")
        begun = time.monotonic()
        try:
            store.record_run(summary(run_id, int(minute)))
        except TaskStateStoreLockError:
            late += 1
        seconds.append(time.monotonic() - begun)
    answer(json.dumps({"seconds": seconds, "late": late}))


def answer(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(place: Path, how: str, *runs: str) -> None:
    if how == "killed":
        sys.stdout.write(json.dumps(kill_everywhere(place)))
    else:
        record_at_once(place, list(runs))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
