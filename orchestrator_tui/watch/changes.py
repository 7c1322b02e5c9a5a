"""classify: paths that changed become what is worth looking at; pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.identifiers import (
    InvalidIdentifier,
    RunKey,
    sanitize_run_id,
    sanitize_task_id,
)
from orchestrator_tui.records.paths import LOCAL_MCP, NOT_RUNS, is_temporary


class ChangeKind(StrEnum):
    """What a change may have touched."""

    TASKS = "tasks"  # the runs root itself: a task came or went
    RUNS = "runs"  # a task's folder: runs may have come or gone
    RUN = "run"  # a run's folder itself
    MANIFEST = "manifest"
    LIFE = "life"  # heartbeat, runner.json, its lock
    WAITING = "waiting"  # control.json, confirmations, questions, events
    LOG = "log"
    ERRORS = "errors"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing worth looking at; `task_id` is None for TASKS, `key` for TASKS and RUNS."""

    kind: ChangeKind
    task_id: str | None = None
    key: RunKey | None = None


_IN_RUN: Final = {
    "manifest.json": ChangeKind.MANIFEST,
    ".heartbeat": ChangeKind.LIFE,
    "runner.json": ChangeKind.LIFE,
    ".runner.lck": ChangeKind.LIFE,
    "control.json": ChangeKind.WAITING,
    "confirmations.json": ChangeKind.WAITING,
    "questions.json": ChangeKind.WAITING,
    "events.jsonl": ChangeKind.WAITING,
    "runner.ndjson": ChangeKind.LOG,
    "runner.log": ChangeKind.LOG,
    "commands": ChangeKind.LOG,
    "errors": ChangeKind.ERRORS,
}


def classify(paths: Iterable[str], runs_root: str) -> frozenset[Change]:
    """Return what the changed paths touch; what has no meaning is left out.

    Args:
        paths: Absolute paths, in any order, with repetitions.
        runs_root: The absolute path of the folder of all runs, as the paths begin with it.
    """
    root = runs_root.rstrip("/")
    found = (_classify(path, root) for path in paths)
    return frozenset(change for change in found if change is not None)


def _classify(path: str, root: str) -> Change | None:
    if path == root:
        return Change(ChangeKind.TASKS)
    if not path.startswith(f"{root}/"):
        return None
    task, *inside = path[len(root) + 1 :].split("/")
    if task == LOCAL_MCP or not _is_task(task) or any(is_temporary(part) for part in inside):
        return None
    match inside:
        case []:
            # Lock files lie beside the task folders and come and go with each finished run.
            is_lock = task.endswith((".lock", ".acquire", ".flock"))
            return None if is_lock else Change(ChangeKind.RUNS, task)
        case ["cli" | "mcp"]:
            return Change(ChangeKind.RUNS, task)
        case ["cli" | "mcp", run, *rest]:
            return _in_run(task, run, rest)
        case [name] if name in NOT_RUNS or name.startswith("metrics."):
            return None
        case [run, *rest] if run not in NOT_RUNS:
            return _in_run(task, run, rest)
        case _:
            return None


def _in_run(task: str, run: str, rest: list[str]) -> Change | None:
    key = _key(task, run)
    if key is None:
        return None
    match rest:
        case []:
            return Change(ChangeKind.RUN, task, key)
        case [name]:
            kind = _IN_RUN.get(name)
        case [("commands" | "errors") as folder, _]:
            kind = _IN_RUN[folder]
        case _:
            kind = None
    return Change(kind, task, key) if kind is not None else None


def _is_task(name: str) -> bool:
    try:
        sanitize_task_id(name)
    except InvalidIdentifier:
        return False
    return True


def _key(task: str, run: str) -> RunKey | None:
    try:
        return RunKey(task, sanitize_run_id(run))
    except InvalidIdentifier:
        return None
