"""Places: every place where a run may lie, as listed last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from heapq import nlargest
from pathlib import Path
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.primitives.files import FileSignature
from orchestrator_tui.records.facts import RunFacts, RunShape
from orchestrator_tui.records.identifiers import InvalidIdentifier, RunKey, sanitize_run_id
from orchestrator_tui.records.paths import Roots, is_temporary
from orchestrator_tui.store.discovery import task_ids
from orchestrator_tui.store.reading import MANIFEST_NAME, RunRef
from orchestrator_tui.watch.shelves import CLI_FOLDER, MCP_FOLDER, OWN_FOLDER, Shelves

OLDER_EACH: Final = 6  # of so many looks at all folders one is at those of older layouts, too

_FOLDERS: Final = (CLI_FOLDER, MCP_FOLDER, OWN_FOLDER)
_SHAPE_IN: Final = {
    CLI_FOLDER: RunShape.CLI,
    MCP_FOLDER: RunShape.MCP,
    OWN_FOLDER: RunShape.SUMMARY,
}
_FOLDER_OF: Final = {RunShape.CLI: "cli/", RunShape.MCP: "mcp/", RunShape.SUMMARY: ""}
_RANK: Final = {RunShape.CLI: 0, RunShape.MCP: 1, RunShape.SUMMARY: 2}


@dataclass(slots=True)
class Place:
    """One place where a run may lie, and what was read there last.

    `is_settled` says that the signature tells every change since, `is_told` that the fleet knows of
    it. `facts` are those of a run that has ended, for the next start. `young_until_s` is monotonic:
    until then a place without a manifest may be one that begins.
    """

    shape: RunShape
    signature: FileSignature | None = None
    is_settled: bool = False
    is_told: bool = False
    facts: RunFacts | None = None
    young_until_s: float | None = None


@dataclass(slots=True)
class _Task:
    """The run ids of a task; `older` are those that do not lie in `cli`."""

    runs: set[str] = field(default_factory=set)
    older: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Listing:
    """What changed: `found` are places to be read, `gone` those forgotten as they are no more."""

    found: list[RunKey] = field(default_factory=list)
    gone: list[tuple[RunKey, Place]] = field(default_factory=list)


class Places:
    """Keeps where all runs lie; lists only the folders that changed since the last look.

    Never raises for what is on disk: folders that cannot be listed are told by `problem`.
    """

    def __init__(self, roots: Roots, clock: Clock) -> None:
        self._roots = roots
        self._runs = str(roots.runs)
        self.by_key: Final[dict[RunKey, Place]] = {}
        self.shelves: Final = Shelves(roots, clock)
        self._tasks: dict[str, _Task] = {}
        self._expected: list[RunKey] = []
        self._looks = 0
        self._tasks_generation = 0

    def __len__(self) -> int:
        return len(self.by_key)

    @property
    def tasks(self) -> frozenset[str]:
        """The tasks that have a folder."""
        return frozenset(self._tasks)

    @property
    def problem(self) -> str | None:
        """What could not be listed at the last look."""
        return self.shelves.problem

    @property
    def generation(self) -> int:
        """Another number for another answer of `newest_shelves`."""
        return self._tasks_generation + self.shelves.generation

    def newest_shelves(self, limit: int) -> frozenset[Path]:
        """Return where the next run of each task will appear, for at most `limit` tasks."""
        return self.shelves.newest(self._tasks, limit)

    def ref(self, key: RunKey) -> RunRef | None:
        """Return where a run lies, None if its place is not known."""
        place = self.by_key.get(key)
        return None if place is None else self.ref_in(key, place.shape)

    def ref_in(self, key: RunKey, shape: RunShape) -> RunRef:
        """Return where a run of this shape lies."""
        # One text makes a path in a third of the time that joining its parts takes; this runs for
        # every run that is read.
        folder = f"{self._runs}/{key.task_id}/{_FOLDER_OF[shape]}{key.run_id}"
        return RunRef(key, shape, Path(folder))

    def before(self, key: RunKey) -> tuple[RunRef, ...]:
        """Return where the runs of the same task lie that began before a run, newest first."""
        task = self._tasks.get(key.task_id)
        runs = sorted((r for r in task.runs if r < key.run_id), reverse=True) if task else []
        refs = (self.ref(RunKey(key.task_id, run)) for run in runs)
        return tuple(ref for ref in refs if ref is not None)

    def elsewhere_before(self, key: RunKey, limit: int) -> tuple[RunRef, ...]:
        """Return where the newest runs of other tasks lie that began before a run, newest first."""
        others = (k for k in self.by_key if k.task_id != key.task_id and k.run_id < key.run_id)
        keys = nlargest(limit, others, key=lambda other: other.run_id)
        return tuple(ref for ref in map(self.ref, keys) if ref is not None)

    def is_unread(self, key: RunKey) -> bool:
        """Tell whether a run lies where those of today do, and has not been read there."""
        place = self.by_key.get(key)
        return place is not None and place.signature is None and place.shape is RunShape.CLI

    def unchanged(self, names: Sequence[str], before: Sequence[FileSignature | None]) -> list[bool]:
        """Tell of manifests whether they have the signatures they had.

        Nothing is told while the folder of all runs is away.
        """
        try:
            return files.unchanged(self._roots.runs, names, before)
        except OSError:
            return []

    def list_all(self) -> Listing:
        """List what changed in all folders; new places come newest first."""
        self.shelves.problem = None
        try:
            tasks = frozenset(task_ids(self._roots))
        except OSError as error:
            self.shelves.complain(self._roots.runs, error)
            return Listing()
        gone: list[tuple[RunKey, Place]] = []
        self._tasks_generation += self._tasks.keys() != tasks
        for task in self.tasks - tasks:
            gone += self._drop_task(task)
        older = self._looks % OLDER_EACH == 0
        self._looks += 1
        listing = self._list(tasks, older=older)
        found = [*listing.found, *filter(self.is_unread, self._expected)]
        self._expected.clear()
        found.sort(key=lambda key: key.run_id, reverse=True)
        return Listing(found, gone + listing.gone)

    def list_task(self, task: str) -> Listing:
        """List a task's folders that changed."""
        return self._list((task,), older=True)

    def _list(self, tasks: Iterable[str], *, older: bool) -> Listing:
        """List what changed; without `older` no folders that no program of today writes to."""
        wanted = [
            (task, folder)
            for task in tasks
            for folder in (_FOLDERS if older or not self.shelves.has_cli(task) else (CLI_FOLDER,))
        ]
        found: list[RunKey] = []
        gone: list[RunKey] = []
        for task in tasks:
            self._task(task)
        for task, folder in self.shelves.changed(wanted):
            names = self.shelves.names(task, folder)
            if names is None:
                continue
            known, shape = self._tasks[task], _SHAPE_IN[folder]
            for name in (names - known.runs) | (names & known.older):
                if not is_temporary(name):
                    found += self.add(RunKey(task, name), shape)
            had = known.runs - known.older if folder == CLI_FOLDER else known.older
            keys = [RunKey(task, name) for name in had - names]
            gone += [key for key in keys if self.by_key[key].shape is shape]
        return Listing(found, [(key, self.drop(key)) for key in gone])

    def add(self, key: RunKey, shape: RunShape) -> list[RunKey]:
        """Remember a place unless a better one is known; return its key, else nothing."""
        before = self.by_key.get(key)
        if before is None:
            if not _may_hold_run(key):
                return []
            self.by_key[key] = Place(shape)
        elif _RANK[shape] < _RANK[before.shape]:
            self.by_key[key] = Place(shape, is_told=before.is_told)
        else:
            return []
        task = self._task(key.task_id)
        task.runs.add(key.run_id)
        (task.older.discard if shape is RunShape.CLI else task.older.add)(key.run_id)
        return [key]

    def put(self, places: Mapping[RunKey, Place]) -> None:
        """Remember these places of today's layout, whatever was known of them before."""
        self.by_key.update(places)
        tasks = self._tasks
        for task_id, run_id in places:
            (tasks.get(task_id) or self._task(task_id)).runs.add(run_id)

    def _task(self, task_id: str) -> _Task:
        task = self._tasks.get(task_id)
        if task is None:
            task = self._tasks[task_id] = _Task()
        return task

    def expect(self, keys: Iterable[RunKey]) -> None:
        """Have the next listing tell these as found, as far as they have not been read then."""
        self._expected += keys

    def drop(self, key: RunKey) -> Place:
        """Forget a place that is gone; return it."""
        place = self.by_key.pop(key)
        task = self._tasks[key.task_id]
        task.runs.discard(key.run_id)
        task.older.discard(key.run_id)
        # What lies in another folder of the task under the same name shows up by listing again.
        self.shelves.relist(key.task_id)
        return place

    def _drop_task(self, task: str) -> list[tuple[RunKey, Place]]:
        keys = [RunKey(task, run) for run in sorted(self._tasks[task].runs)]
        gone = [(key, self.drop(key)) for key in keys]
        del self._tasks[task]
        self.shelves.relist(task)
        return gone

    def forget_shelves(self) -> None:
        """List every folder at the next look, whatever their signatures say."""
        self.shelves.forget()
        self._looks = 0


def cli_manifest_names(keys: Iterable[RunKey]) -> list[str]:
    """Return what `manifest_name` does of each for runs of today's layout."""
    return [f"{task_id}/cli/{run_id}/{MANIFEST_NAME}" for task_id, run_id in keys]


def manifest_name(key: RunKey, shape: RunShape) -> str:
    """Return the name of a run's manifest below the folder of all runs."""
    return f"{key.task_id}/{_FOLDER_OF[shape]}{key.run_id}/{MANIFEST_NAME}"


def _may_hold_run(key: RunKey) -> bool:
    try:
        sanitize_run_id(key.run_id)
    except InvalidIdentifier:
        return False
    return True
