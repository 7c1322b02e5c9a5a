"""PersistenceCoordinator: all that other tools read of an ended run, whatever fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import Durability
from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.paths import Roots, resolve_run_paths
from orchestrator_tui.store.json_text import encode_unended
from orchestrator_tui.store.run_summary import short_summary
from orchestrator_tui.store.task_state import TaskStateStoreLockError

Listener = Callable[[JsonObject], None]
Subscribe = Callable[[Listener], Callable[[], None]]


class RunHistory(Protocol):
    """Keeps the runs of a task; `TaskStateStore` is one."""

    def record_run(self, summary: JsonObject) -> None:
        """Add a run."""
        ...


def write_summary_copy(roots: Roots, summary: JsonObject) -> None:
    """Write the short copy of a run's summary to `.runs/<task>/<run>/manifest.json`.

    Raises:
        InvalidIdentifier: An id in the summary may not become part of a path.
        OSError: The environment refuses.
    """
    paths = resolve_run_paths(roots, _text(summary, "taskId"), _text(summary, "runId"))
    files.make_folder(paths.summary_manifest.parent)
    content = encode_unended(short_summary(summary))
    files.write_atomic(paths.summary_manifest, content, durability=Durability.FILE)


class PersistenceCoordinator:
    """Writes the copy of an ended run's summary, then its history: each whatever the other does.

    Nothing is raised. If both fail, the error of the copy is the one that is told; the other is a
    warning. A lock that was not free loses nothing, since the run waits for the next writer.

    Args:
        roots: Where the files lie.
        history: Takes the run last, because it may have to wait for other writers.
        write_copy: Writes the copy.
        on_warning: Called with what the person should know though the run is safe.
        on_error: Called with the first error of an ended run, at most once a run.
        subscribe: How to hear of ended runs, for `start`; gives a function that ends it.
    """

    def __init__(
        self,
        roots: Roots,
        history: RunHistory,
        *,
        write_copy: Callable[[Roots, JsonObject], None] = write_summary_copy,
        on_warning: Callable[[str], None],
        on_error: Callable[[Exception], None],
        subscribe: Subscribe | None = None,
    ) -> None:
        self._roots = roots
        self._history = history
        self._write_copy = write_copy
        self._on_warning = on_warning
        self._on_error = on_error
        self._subscribe = subscribe
        self._unsubscribe: Callable[[], None] | None = None

    def start(self) -> None:
        """Hear of ended runs from now on; again does nothing."""
        if self._unsubscribe is None and self._subscribe is not None:
            self._unsubscribe = self._subscribe(self.handle_run_completed)

    def stop(self) -> None:
        """Hear of no more ended runs; again does nothing."""
        unsubscribe, self._unsubscribe = self._unsubscribe, None
        if unsubscribe is not None:
            unsubscribe()

    def handle_run_completed(self, summary: JsonObject) -> None:
        """Write all that has to be on disk of an ended run; returns when it is, never raises."""
        # The copy first: the history may wait for its lock, the copy waits for nobody.
        copy_error = self._try(lambda: self._write_copy(self._roots, summary))
        history_error = self._try(lambda: self._history.record_run(summary))
        error = copy_error or history_error
        if isinstance(history_error, TaskStateStoreLockError):
            self._on_warning(
                f"{history_error}; the run is queued and will be added by the next one"
            )
        elif history_error is not None and error is not history_error:
            self._on_warning(str(history_error))
        if error is not None:
            self._on_error(error)

    @staticmethod
    def _try(write: Callable[[], None]) -> Exception | None:
        try:
            write()
        except Exception as error:
            return error
        return None


def _text(summary: JsonObject, name: str) -> str:
    value = summary.get(name)
    return value if isinstance(value, str) else ""
