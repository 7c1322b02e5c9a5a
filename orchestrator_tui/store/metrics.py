"""Metrics: one line for each ended run in a task's `metrics.json`, which the Node original shares.

The file is a list of JSON lines despite its name. Who does not get its lock leaves the line in
`metrics.pending/`, and the next one who does takes it along.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from datetime import timedelta
from pathlib import Path

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.primitives.files import Durability, EntryKind
from orchestrator_tui.primitives.locking import FileLock, LockRetry, LockTimeout
from orchestrator_tui.records.identifiers import InvalidIdentifier
from orchestrator_tui.records.manifest import TERMINAL, CommandStatus, JsonObject, Manifest
from orchestrator_tui.records.paths import Roots, TaskPaths, resolve_run_paths, resolve_task_paths
from orchestrator_tui.records.times import format_time, parse_time
from orchestrator_tui.store.guardrails import guardrail_status
from orchestrator_tui.store.json_text import BadJson, decode_json, encode_document, encode_line
from orchestrator_tui.store.reading import BadContent, read_object

# docs/formats.md, locks: the Node original's numbers for this lock
METRICS_RETRY = LockRetry(attempts=4, first_delay_s=0.05, factor=2.0, max_delay_s=0.2)
BATCH_LINES = 500
BATCH_BYTES = 1024 * 1024
ABANDONED_AFTER = timedelta(seconds=300)
_PENDING_LIMIT_BYTES = 16 * 1024 * 1024
_METRICS_LIMIT_BYTES = 64 * 1024 * 1024
_PASSES = 2  # the second takes what the first made ready
_UNSAFE_IN_NAME = re.compile(r"[^a-zA-Z0-9._-]+")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MetricsOutcome:
    """What became of a run's line: appended, or left at `pending` for the next run to append.

    `merged_run_ids` are those whose waiting lines were appended along with it.
    """

    is_recorded: bool
    pending: Path | None = None
    merged_run_ids: tuple[str, ...] = ()


def metrics_entry(manifest: Manifest, recorded_at: str) -> JsonObject:
    """Return the line of an ended run, under the names that the Node original's aggregates read."""
    started, completed = parse_time(manifest.started_at), parse_time(manifest.completed_at)
    duration_s = None
    if started is not None and completed is not None:
        duration_s = max(0.0, (completed - started).total_seconds())
    statuses = [command.status for command in manifest.commands]
    return {
        "run_id": manifest.run_id,
        "task_id": manifest.task_id,
        "pipeline_id": manifest.pipeline_id,
        "status": manifest.status,
        "started_at": manifest.started_at,
        "completed_at": manifest.completed_at,
        "duration_seconds": duration_s,
        "commands_passed": statuses.count(CommandStatus.SUCCEEDED),
        "commands_failed": statuses.count(CommandStatus.FAILED),
        "guardrails_present": guardrail_status(manifest).is_present,
        "recorded_at": recorded_at,
        "artifact_path": manifest.artifact_root,
        "child_runs": len(manifest.child_runs),
        "control_plane_status": "unknown",
        "scheduler_mode": None,
        "instance_stats": [],
        "privacy_mode": None,
        "privacy_log_path": None,
        "privacy_event_count": 0,
        "privacy_events": [],
        "handle_count": 0,
    }


def record_metrics(
    roots: Roots,
    manifest: Manifest,
    *,
    clock: Clock = SYSTEM_CLOCK,
    retry: LockRetry = METRICS_RETRY,
    sleep: Callable[[float], None] = time.sleep,
) -> MetricsOutcome:
    """Append the line of an ended run, or leave it for the next run if the lock is not free.

    Lines that earlier runs left are appended first, and their manifests then say so. The caller
    sets `metrics_recorded` in the manifest of this run.

    Raises:
        InvalidIdentifier: The manifest's ids may not become part of a path.
        OSError: The environment refuses.
    """
    paths = resolve_task_paths(roots, manifest.task_id or "")
    line = encode_line(metrics_entry(manifest, format_time(clock.now())))
    lock = FileLock(
        paths.metrics_lock, task_id=manifest.task_id or "", retry=retry, clock=clock, sleep=sleep
    )
    try:
        lock.acquire()
    except LockTimeout:
        return MetricsOutcome(False, _leave_pending(paths, manifest.run_id or "", line, clock))
    try:
        merged = merge_pending(paths, clock)
        files.append_record(paths.metrics, line, durable=True)
        merged += merge_pending(paths, clock)
    finally:
        lock.release()
    others = tuple(dict.fromkeys(run_id for run_id in merged if run_id != manifest.run_id))
    _confirm(roots, manifest.task_id or "", others)
    return MetricsOutcome(True, merged_run_ids=others)


def merge_pending(paths: TaskPaths, clock: Clock) -> tuple[str, ...]:
    """Append the lines that earlier runs left, and return their run ids; hold the metrics lock.

    A file is removed once its lines are appended, so a crash in between repeats lines; readers take
    the last of each run. What is not a metrics line is left out.

    Raises:
        OSError: The environment refuses.
    """
    merged: list[str] = []
    for _ in range(_PASSES):
        _adopt_abandoned(paths.metrics_pending_dir, clock)
        waiting = _names(paths.metrics_pending_dir, ".jsonl")
        if not waiting:
            break
        batch = _Batch(paths.metrics)
        for name in waiting:
            path = paths.metrics_pending_dir / name
            lines = _lines(path)
            if lines is None:
                continue
            for line, run_id in _entries(lines):
                batch.add(line)
                merged.append(run_id)
            batch.finished.append(path)
        batch.flush()
    return tuple(merged)


def read_metrics(roots: Roots, task_id: str) -> tuple[JsonObject, ...]:
    """Return a task's metrics, one entry a run, in the order of their last lines.

    A run that was resumed has several lines; the last one counts.

    Raises:
        InvalidIdentifier: The id may not become part of a path.
        OSError: The file is there and cannot be read.
    """
    path = resolve_task_paths(roots, task_id).metrics
    try:
        content = files.read_bytes(path, limit_bytes=_METRICS_LIMIT_BYTES, root=roots.runs)
    except FileNotFoundError:
        return ()
    latest: dict[str, JsonObject] = {}
    for line in content.splitlines():
        if (entry := _entry(line)) is not None:
            run_id = entry["run_id"]
            latest.pop(run_id, None)
            latest[run_id] = entry
    return tuple(latest.values())


@dataclass
class _Batch:
    """Lines on their way into the metrics file, and the files that they came from."""

    target: Path
    lines: list[bytes] = field(default_factory=list)
    size_bytes: int = 0
    finished: list[Path] = field(default_factory=list)

    def add(self, line: bytes) -> None:
        size = len(line) + 1
        if self.lines and (len(self.lines) >= BATCH_LINES or self.size_bytes + size > BATCH_BYTES):
            self.flush()
        self.lines.append(line)
        self.size_bytes += size

    def flush(self) -> None:
        if self.lines:
            files.append_record(self.target, b"\n".join(self.lines), durable=True)
        for path in self.finished:
            files.remove(path)
        self.lines, self.finished, self.size_bytes = [], [], 0


def _leave_pending(paths: TaskPaths, run_id: str, line: bytes, clock: Clock) -> Path:
    stamp_ms = int(clock.now().timestamp() * 1000)
    safe_id = _UNSAFE_IN_NAME.sub("_", run_id)
    path = paths.metrics_pending_dir / f"{safe_id}-{stamp_ms}-{uuid.uuid4()}.jsonl"
    # This name, and no other, is what the Node original picks up if we die before the rename.
    unfinished = path.with_name(f"{path.name}.tmp")
    files.make_folder(paths.metrics_pending_dir)
    files.append_record(unfinished, line, durable=True)
    files.rename(unfinished, path)
    return path


def _adopt_abandoned(folder: Path, clock: Clock) -> None:
    """Finish what a writer that died left: a whole file gets its name, any other is removed."""
    for name in _names(folder, ".tmp"):
        path = folder / name
        signature = files.signature(path)
        if signature is None or clock.now() - signature.modified_at <= ABANDONED_AFTER:
            continue
        lines = _lines(path)
        if lines is None:
            continue
        if lines and all(_entry(line) is not None for line in lines):
            files.rename(path, path.with_name(name.removesuffix(".tmp")))
        else:
            files.remove(path)


def _names(folder: Path, ending: str) -> list[str]:
    try:
        entries = files.list_folder(folder)
    except FileNotFoundError:
        return []
    return [e.name for e in entries if e.kind is EntryKind.FILE and e.name.endswith(ending)]


def _lines(path: Path) -> list[bytes] | None:
    """Return the lines of a waiting file, None if it cannot be read: one such stops nobody."""
    try:
        content = files.read_bytes(path, limit_bytes=_PENDING_LIMIT_BYTES, root=path.parent)
    except FileNotFoundError:
        return []
    except OSError as error:
        _log.warning("Waiting metrics are passed over: %s", error)
        return None
    return [line for line in content.splitlines() if line.strip()]


def _entries(lines: Iterable[bytes]) -> Iterator[tuple[bytes, str]]:
    for line in lines:
        if (entry := _entry(line)) is not None:
            yield line, entry["run_id"]


def _entry(line: bytes) -> JsonObject | None:
    """Return a line as an entry if it has the texts that every reader relies on."""
    try:
        value = decode_json(line)
    except BadJson:
        return None
    if not isinstance(value, dict):
        return None
    texts = (value.get(name) for name in ("run_id", "status", "recorded_at"))
    return value if all(isinstance(text, str) and text.strip() for text in texts) else None


def _confirm(roots: Roots, task_id: str, run_ids: Iterable[str]) -> None:
    """Let the manifests of runs whose waiting lines were appended say that they are recorded."""
    for run_id in run_ids:
        try:
            _confirm_one(roots, resolve_run_paths(roots, task_id, run_id).manifest)
        except (InvalidIdentifier, OSError) as error:
            _log.warning("Run %s does not say that its metrics are recorded: %s", run_id, error)


def _confirm_one(roots: Roots, path: Path) -> None:
    document = read_object(roots, path)
    if document is None or isinstance(document, BadContent):
        return
    if document.get("status") in TERMINAL and document.get("metrics_recorded") is False:
        content = encode_document({**document, "metrics_recorded": True})
        files.write_atomic(path, content, durability=Durability.FILE)
