"""History: the runs of a task as `runs.json` lists them, merged and rebuilt; nothing is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from pathlib import Path
from typing import Any

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import EntryKind
from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.paths import NOT_RUNS, Roots, resolve_task_paths
from orchestrator_tui.store.json_text import encode_unended
from orchestrator_tui.store.older_shapes import is_run_summary
from orchestrator_tui.store.reading import BadContent, parse_object, read_object

# Every run adds about 5 kB, and whoever writes must read all of it: this is 25,000 runs.
HISTORY_LIMIT_BYTES = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class History:
    """The runs of one task, ordered by their timestamps; `others` are keys that nobody knows."""

    task_id: str
    runs: tuple[JsonObject, ...] = ()
    others: JsonObject = field(default_factory=dict)

    def merged(self, summaries: Iterable[JsonObject]) -> History:
        """Return the history with these runs in it.

        A run that is there already is replaced. Of equal timestamps the later comer stands later.
        """
        fresh = {summary.get("runId"): summary for summary in summaries}
        kept = [run for run in self.runs if run.get("runId") not in fresh]
        ordered = sorted([*kept, *fresh.values()], key=timestamp_of)
        return History(self.task_id, tuple(ordered), self.others)

    def content(self) -> bytes:
        """Return the file: two spaces of indent, no newline at the end."""
        last = timestamp_of(self.runs[-1]) if self.runs else ""
        document: JsonObject = {"taskId": self.task_id, "lastRunAt": last, "runs": list(self.runs)}
        return encode_unended(document | self.others)


@dataclass(frozen=True, slots=True)
class Corrupt:
    """A `runs.json` that cannot be used; `salvaged` are those of its runs that still can."""

    reason: str
    salvaged: tuple[JsonObject, ...] = ()


def read_history(roots: Roots, task_id: str) -> History | Corrupt:
    """Return a task's history from `runs.json`, or else from a `state.json` that still holds it.

    Before December 2025 the history lay in `state.json`, where metrics lie now; it counts only if
    it names the task and lists runs.

    Raises:
        UnsuitableFile: What lies there is no regular file, or larger than a history may be.
        OSError: The environment refuses.
    """
    paths = resolve_task_paths(roots, task_id)
    document = read_document(roots, paths.runs_json)
    if document is None:
        legacy = read_document(roots, paths.state_json)
        found = _interpret(task_id, legacy) if isinstance(legacy, dict) else None
        return found if isinstance(found, History) else History(task_id)
    if isinstance(document, BadContent):
        return Corrupt(document.reason)
    return _interpret(task_id, document)


def read_document(roots: Roots, path: Path) -> JsonObject | BadContent | None:
    """Return the object in a file below the outputs, why there is none, or None if absent.

    Raises:
        OSError: The file may not be read; that is no bad content, and must not be set aside.
    """
    try:
        content = files.read_bytes(path, limit_bytes=HISTORY_LIMIT_BYTES, root=roots.out)
    except FileNotFoundError:
        return None
    return parse_object(content, roots.relative(path))


def rebuilt(roots: Roots, task_id: str, salvaged: Iterable[JsonObject]) -> History:
    """Return a history made of the summaries that lie beside the runs, and of salvaged ones.

    Raises:
        OSError: The task's folder is there and cannot be listed.
    """
    task_dir = resolve_task_paths(roots, task_id).task_dir
    names = [name for name in _folders(task_dir) if name not in NOT_RUNS]
    places = [task_dir / name / "manifest.json" for name in names]
    cli = task_dir / "cli"
    places += [cli / name / "run-summary.json" for name in _folders(cli)]
    found = (read_object(roots, place) for place in places)
    summaries = [item for item in found if isinstance(item, dict) and is_run_summary(item)]
    return History(task_id).merged([*salvaged, *summaries])


def _interpret(task_id: str, document: JsonObject) -> History | Corrupt:
    runs = document.get("runs")
    if not isinstance(runs, list):
        return Corrupt("it has no list of runs")
    usable = tuple(run for run in runs if _is_run(run, task_id))
    if document.get("taskId") != task_id:
        return Corrupt(f"it is of task {str(document.get('taskId'))[:80]!r}", usable)
    if len(usable) != len(runs):
        return Corrupt("some of its runs are not runs", usable)
    known = {"taskId", "lastRunAt", "runs"}
    others = {name: value for name, value in document.items() if name not in known}
    return History(task_id, usable, others)


def _is_run(run: Any, task_id: str) -> bool:
    if not isinstance(run, dict) or run.get("taskId", task_id) != task_id:
        return False
    return isinstance(run.get("runId", ""), str)  # some runs of the Node original have none


def timestamp_of(run: JsonObject) -> str:
    """Return the time by which a run is ordered, empty where it has none."""
    value = run.get("timestamp")
    return value if isinstance(value, str) else ""


def _folders(path: Path) -> list[str]:
    try:
        entries = files.list_folder(path)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [entry.name for entry in entries if entry.kind is EntryKind.FOLDER]
