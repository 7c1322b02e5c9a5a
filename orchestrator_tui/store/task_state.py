"""TaskStateStore: the history of a task's runs, which several writers of two languages share."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.primitives.files import Durability, EntryKind
from orchestrator_tui.primitives.locking import DEFAULT_RETRY, FileLock, LockRetry, LockTimeout
from orchestrator_tui.records.identifiers import sanitize_run_id, sanitize_task_id
from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.paths import Roots, TaskPaths, is_temporary, resolve_task_paths
from orchestrator_tui.store.history import (
    HISTORY_LIMIT_BYTES,
    History,
    read_document,
    read_history,
    rebuilt,
)
from orchestrator_tui.store.history_splice import seal, sealed_content, spliced
from orchestrator_tui.store.json_text import encode_document
from orchestrator_tui.store.reading import BadContent
from orchestrator_tui.store.sweeping import sweep_orphans

_log = logging.getLogger(__name__)


class TaskStateStoreLockError(LockTimeout):
    """The lock of a task's history was not free in any attempt; the run waits in `.pending/`."""

    def __init__(self, task_id: str, timeout: LockTimeout) -> None:
        super().__init__(timeout.path, timeout.attempts, timeout.diagnostics)
        self.task_id = task_id

    def __str__(self) -> str:
        return (
            f"Failed to acquire task state lock for {self.task_id} after {self.attempts} attempts: "
            f"{self.diagnostics}"
        )


class TaskStateStore:
    """Adds runs to `out/<task>/runs.json`.

    A run is first written to `out/<task>/.pending/`. Whoever gets the lock merges all that waits
    there by run id, and removes it only once the history was read back with it. So no crash and no
    exhausted lock loses a run. A history that cannot be read is set aside and rebuilt.

    Args:
        roots: Where the files lie.
        retry: How often and how long to try for the lock.
        clock: Stamps what is set aside.
        sleep: Waits between attempts.
        on_retry: Called before each wait with the failed attempt's number and the delay in s.
        on_rebuilt: Called with a text when a history was set aside and rebuilt.
    """

    def __init__(
        self,
        roots: Roots,
        *,
        retry: LockRetry = DEFAULT_RETRY,
        clock: Clock = SYSTEM_CLOCK,
        sleep: Callable[[float], None] = time.sleep,
        on_retry: Callable[[int, float], None] | None = None,
        on_rebuilt: Callable[[str], None] | None = None,
    ) -> None:
        self._roots = roots
        self._retry = retry
        self._clock = clock
        self._sleep = sleep
        self._on_retry = on_retry
        self._on_rebuilt = on_rebuilt or _log.warning

    def record_run(self, summary: JsonObject) -> None:
        """Add a run to its task's history, or replace it there.

        Once this returns the run is in the history; once the first step is done it is at least
        waiting for the next writer.

        Raises:
            InvalidIdentifier: `taskId` or `runId` may not become part of a path.
            TaskStateStoreLockError: The lock was not free; the run waits.
            OSError: The environment refuses.
        """
        task_id = sanitize_task_id(_text(summary, "taskId"))
        run_id = sanitize_run_id(_text(summary, "runId"))
        paths = resolve_task_paths(self._roots, task_id)
        files.make_folder(paths.pending_dir)
        files.write_atomic(
            paths.pending_dir / f"{run_id}.json",
            encode_document(summary),
            durability=Durability.FULL,
        )
        self._fold(task_id, paths)

    def fold_pending(self, task_id: str) -> bool:
        """Merge the runs that wait, if any do; return whether there were some.

        Raises:
            InvalidIdentifier: The id may not become part of a path.
            TaskStateStoreLockError: The lock was not free; the runs wait on.
            OSError: The environment refuses.
        """
        paths = resolve_task_paths(self._roots, task_id)
        if not _waiting(paths):
            return False
        self._fold(task_id, paths)
        return True

    def _fold(self, task_id: str, paths: TaskPaths) -> None:
        lock = FileLock(
            paths.lock,
            task_id=task_id,
            retry=self._retry,
            clock=self._clock,
            sleep=self._sleep,
            on_retry=self._on_retry,
        )
        try:
            lock.acquire()
        except LockTimeout as timeout:
            raise TaskStateStoreLockError(task_id, timeout) from timeout
        try:
            self._fold_locked(task_id, paths, lock)
        finally:
            lock.release()
        try:
            for folder in (paths.runs_json.parent, paths.pending_dir):
                sweep_orphans(folder, self._clock.now())
        except OSError as error:  # the run is recorded; litter can wait
            _log.warning("Old temporary files stay where they are: %s", error)

    def _fold_locked(self, task_id: str, paths: TaskPaths, lock: FileLock) -> None:
        waiting = self._read_waiting(paths)
        if not waiting:
            return
        content, is_only_runs = self._with(task_id, paths, tuple(waiting.values()))
        if not lock.still_held():
            lost = LockTimeout(paths.lock, 1, f"the lock {paths.lock} was taken away meanwhile")
            raise TaskStateStoreLockError(task_id, lost)
        files.write_atomic(paths.runs_json, content, durability=Durability.FULL)
        found, written = files.read_range(
            paths.runs_json, 0, HISTORY_LIMIT_BYTES + 1, root=self._roots.out
        )
        if written == content:
            if is_only_runs:
                seal(paths, found)
            for path in waiting:
                files.remove(path)

    def _with(
        self, task_id: str, paths: TaskPaths, summaries: tuple[JsonObject, ...]
    ) -> tuple[bytes, bool]:
        """Return the history with these runs in it, and whether it holds nothing else."""
        sealed = sealed_content(self._roots, paths)
        if sealed is not None:
            content = spliced(sealed, task_id, summaries, is_sealed=True)
            if content is not None:
                return content, True
        history = self._sound_history(task_id, paths).merged(summaries)
        return history.content(), not history.others

    def _sound_history(self, task_id: str, paths: TaskPaths) -> History:
        found = read_history(self._roots, task_id)
        if isinstance(found, History):
            return found
        aside = self._set_aside(paths.runs_json)
        history = rebuilt(self._roots, task_id, found.salvaged)
        shown = self._roots.relative(paths.runs_json)
        self._on_rebuilt(
            f"{shown} could not be used ({found.reason}); it is kept as {aside.name} "
            f"and was rebuilt from {len(history.runs)} runs"
        )
        return history

    def _read_waiting(self, paths: TaskPaths) -> dict[Path, JsonObject]:
        """Return the runs that wait; a file that holds none is set aside."""
        found: dict[Path, JsonObject] = {}
        for path in _waiting(paths):
            try:
                document = read_document(self._roots, path)
            except OSError as error:
                _log.warning("A waiting run is passed over: %s", error)
                continue
            if document is None:
                continue
            if isinstance(document, BadContent) or not isinstance(document.get("runId"), str):
                self._set_aside(path)
                continue
            found[path] = document
        return found

    def _set_aside(self, path: Path) -> Path:
        aside = path.with_name(f"{path.name}.corrupt-{_stamp(self._clock.now())}")
        files.rename(path, aside)
        return aside


def _waiting(paths: TaskPaths) -> list[Path]:
    try:
        entries = files.list_folder(paths.pending_dir)
    except FileNotFoundError:
        return []
    return [
        paths.pending_dir / entry.name
        for entry in entries
        if entry.kind is EntryKind.FILE
        and entry.name.endswith(".json")
        and not is_temporary(entry.name)
    ]


def _text(summary: JsonObject, name: str) -> str:
    value = summary.get(name)
    return value if isinstance(value, str) else ""


def _stamp(now: datetime) -> str:
    return now.strftime("%Y%m%dT%H%M%S%fZ")
