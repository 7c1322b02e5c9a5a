"""A run that ends in a repository where one has ended already, and what has to hold afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.steps import FaultPlan
from orchestrator_tui.records.manifest import JsonObject, Manifest
from orchestrator_tui.records.paths import Roots, resolve_run_paths, resolve_task_paths
from orchestrator_tui.records.times import format_time
from orchestrator_tui.store.coordinator import PersistenceCoordinator
from orchestrator_tui.store.manifests import save_manifest
from orchestrator_tui.store.metrics import read_metrics, record_metrics
from orchestrator_tui.store.task_state import TaskStateStore
from tests.fault_plans import Watching, installed

TASK = "t"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
Setting = Callable[[Path], None]


def summary(run_id: str, minute: int = 0) -> JsonObject:
    """Return the least that is a summary of a run; it ended so many minutes after noon."""
    return {
        "taskId": TASK,
        "runId": run_id,
        "build": {"success": True},
        "timestamp": format_time(NOON + timedelta(minutes=minute)),
    }


def finish(repo: Path, run_id: str = "second", minute: int = 1) -> None:
    """Write all that is on disk of a run that has ended.

    Raises:
        OSError: The disk refuses; as much as could be written is there.
    """
    roots = Roots.of(repo)
    paths = resolve_run_paths(roots, TASK, run_id)
    manifest = Manifest(run_id=run_id, task_id=TASK, status="succeeded")
    save_manifest(paths, manifest, NOON)
    record_metrics(roots, manifest)
    coordinator = PersistenceCoordinator(
        roots, TaskStateStore(roots), on_warning=lambda text: None, on_error=_raise
    )
    coordinator.handle_run_completed(summary(run_id, minute))


def _raise(error: Exception) -> None:
    raise error


def prepared(repo: Path) -> Path:
    """Make a repository in which one run has ended and another is about to."""
    for run_id in ("first", "second"):
        resolve_run_paths(Roots.of(repo), TASK, run_id).run_dir.mkdir(parents=True)
    finish(repo, "first", 0)
    return repo


# --- what may be there already -------------------------------------------------------------------


def plain(repo: Path) -> None:
    """Nothing more is there."""


def with_dead_locks(repo: Path) -> None:
    """Somebody died with both locks and their guards in his hands."""
    task = resolve_task_paths(Roots.of(repo), TASK)
    for lock in (task.lock, task.metrics_lock):
        for path in (lock, lock.with_name(f"{lock.name}.acquire")):
            path.write_text("")
            os.utime(path, (1_600_000_000, 1_600_000_000))


def with_waiting_runs(repo: Path) -> None:
    """Runs wait that did not get the lock."""
    task = resolve_task_paths(Roots.of(repo), TASK)
    task.pending_dir.mkdir(parents=True, exist_ok=True)
    (task.pending_dir / "early.json").write_text(json.dumps(summary("early", 0)))
    task.metrics_pending_dir.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"run_id": "early", "task_id": TASK})
    (task.metrics_pending_dir / "early-1-a.jsonl").write_text(line + "\n")


def with_torn_metrics(repo: Path) -> None:
    """The last line of the metrics lacks its end."""
    with resolve_task_paths(Roots.of(repo), TASK).metrics.open("a") as metrics:
        metrics.write('{"run_id": "torn", "ta')


def with_long_history(repo: Path) -> None:
    """Many runs have ended before."""
    history = resolve_task_paths(Roots.of(repo), TASK).runs_json
    document = json.loads(history.read_text())
    old = {**document["runs"][0], "timestamp": "2025-12-31T12:00:00.000Z"}
    document["runs"] = [{**old, "runId": f"old-{n}"} for n in range(200)] + document["runs"]
    history.write_text(json.dumps(document, indent=2))


def with_earlier_try(repo: Path) -> None:
    """The same run was recorded already, by a runner that died right after it."""
    finish(repo)


SETTINGS: tuple[Setting, ...] = (
    plain,
    with_dead_locks,
    with_waiting_runs,
    with_torn_metrics,
    with_long_history,
    with_earlier_try,
)


@dataclass(frozen=True, slots=True)
class Model:
    """A repository to be copied for each trial, and how many steps a run's end takes there."""

    name: str
    repo: Path
    plan: Watching

    def copy(self, place: Path) -> Path:
        """Make the repository of one trial."""
        return Path(shutil.copytree(self.repo, place, symlinks=True, copy_function=_copy))


def _copy(source: str, target: str) -> None:
    shutil.copy2(source, target)  # times too: the age of a lock counts


def models(folder: Path) -> Iterator[Model]:
    """Make every model and count its steps."""
    for setting in SETTINGS:
        repo = prepared(folder / setting.__name__)
        setting(repo)
        plan = Watching()
        model = Model(setting.__name__, repo, plan)
        counted = model.copy(folder / f"{setting.__name__}-counted")
        with installed(plan):
            finish(counted)
        shutil.rmtree(counted)
        yield model


# --- one trial -----------------------------------------------------------------------------------


def in_a_child(work: Callable[[], object]) -> int:
    """Do the work in a child of this process and return how it ended, as `os.waitpid` tells it."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except OSError:
            status = 2
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]


def is_killed(status: int) -> bool:
    """Tell whether a child ended by SIGKILL."""
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def finish_under(repo: Path, plan: FaultPlan) -> None:
    """End the second run while `plan` decides over each step."""
    with installed(plan):
        finish(repo)


def faults_after(repo: Path, *, is_over: bool = False) -> list[str]:
    """Return what is wrong in a repository in which a run's end was cut off.

    First with what lies there, then with what lies there once another run has ended.

    Args:
        repo: The repository.
        is_over: Whether the run's end was told to be complete.
    """
    roots = Roots.of(repo)
    task = resolve_task_paths(roots, TASK)
    faults = torn(repo)
    if faults:  # nobody can go on from there
        return faults
    waits = (task.pending_dir / "second.json").exists()
    was_listed = waits or "second" in _listed(task.runs_json)
    was_measured = _is_measured(repo, "second")
    litter = [path for path in repo.rglob("*.tmp") if path.parent != task.metrics_pending_dir]
    if len(litter) > 1:
        faults.append(f"{len(litter)} temporary files are left")
    resolve_run_paths(roots, TASK, "third").run_dir.mkdir(parents=True)
    try:
        finish(repo, "third", 2)
    except Exception as error:
        return [*faults, f"the next run cannot be recorded: {error!r}"]
    faults += torn(repo)
    listed = _listed(task.runs_json)
    expected = {"first", "third"} | ({"second"} if was_listed or is_over else set())
    faults += [f"run {name} is lost" for name in sorted(expected - set(listed))]
    if len(listed) != len(set(listed)):
        faults.append("a run is there twice")
    measured = {row["run_id"] for row in read_metrics(roots, TASK)}
    expected = {"first", "third"} | ({"second"} if was_measured or is_over else set())
    faults += [f"the metrics of run {name} are lost" for name in sorted(expected - measured)]
    for path in (task.lock, task.metrics_lock):
        faults += [
            f"{name.name} is stuck"
            for name in path.parent.glob(f"{path.name}*")
            if name.name != f"{path.name}.flock"
        ]
    if any(task.pending_dir.glob("*.json")):
        faults.append("a run still waits")
    return faults


def torn(repo: Path) -> list[str]:
    """Return which documents a reader would find in part."""
    found = []
    for path in repo.rglob("*.json"):
        if path.name == "metrics.json" or path.name.startswith("."):
            continue
        try:
            json.loads(path.read_bytes())
        except ValueError:
            found.append(f"{path.name} is torn")
    return found


def _listed(history: Path) -> list[str]:
    return [run["runId"] for run in json.loads(history.read_text())["runs"]]


def _is_measured(repo: Path, run_id: str) -> bool:
    rows = list(read_metrics(Roots.of(repo), TASK))
    waiting = resolve_task_paths(Roots.of(repo), TASK).metrics_pending_dir
    kept = "".join(path.read_text() for path in waiting.glob("*.jsonl")) if waiting.exists() else ""
    return run_id in {row["run_id"] for row in rows} or f'"{run_id}"' in kept


# --- seeded faults -------------------------------------------------------------------------------


def writing_in_place() -> AbstractContextManager[object]:
    """Take the protection out: documents are truncated and written anew where they lie."""

    def write(path: Path, content: bytes, **_: object) -> None:
        path.write_bytes(b"")
        files.append_record(path, content)

    return patch.object(files, "write_atomic", write)


@contextmanager
def without_sync() -> Iterator[None]:
    """Take the protection out: nothing is ever synced."""
    with patch.object(os, "fsync", lambda descriptor: None):
        yield
