"""Roster: every place where a run may lie, and what was read there last."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import field
from datetime import timedelta
from functools import partial
from heapq import nlargest
from itertools import compress, islice
from pathlib import Path
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.primitives.files import FileSignature
from orchestrator_tui.records.facts import RunFacts, RunShape
from orchestrator_tui.records.identifiers import InvalidIdentifier, RunKey, sanitize_run_id
from orchestrator_tui.records.paths import Roots, is_temporary
from orchestrator_tui.records.stage_lengths import StageLengths, stage_lengths
from orchestrator_tui.state.liveness import is_terminal
from orchestrator_tui.state.observations import Observation, RunSeen, RunVanished, Unreadable
from orchestrator_tui.store.discovery import task_ids
from orchestrator_tui.store.facts_reading import UsualRun, read_usual, usual_run
from orchestrator_tui.store.reading import (
    MANIFEST_LIMIT_BYTES,
    MANIFEST_NAME,
    BadContent,
    ReadRun,
    RunRef,
    read_run,
    reason_of,
)
from orchestrator_tui.watch.index import Remembered, RememberedTask
from orchestrator_tui.watch.settling import has_rested
from orchestrator_tui.watch.shelves import CLI_FOLDER, MCP_FOLDER, OWN_FOLDER, Shelves

BAD_FOR_GOOD_S: Final = 3.0  # a torn manifest keeps the last good one for so long
YOUNG_FOR: Final = timedelta(seconds=10)  # how long a new folder is watched for its manifest
OLDER_EACH: Final = 6  # of so many looks at all folders one is at those of older layouts, too
NEWBORN_LIMIT: Final = 200  # of more new folders the rest waits for its turn

_FOLDERS: Final = (CLI_FOLDER, MCP_FOLDER, OWN_FOLDER)
_SHAPE_IN: Final = {
    CLI_FOLDER: RunShape.CLI,
    MCP_FOLDER: RunShape.MCP,
    OWN_FOLDER: RunShape.SUMMARY,
}
_FOLDER_OF: Final = {RunShape.CLI: "cli/", RunShape.MCP: "mcp/", RunShape.SUMMARY: ""}
_RANK: Final = {RunShape.CLI: 0, RunShape.MCP: 1, RunShape.SUMMARY: 2}


@dataclass(slots=True)
class _Place:
    """One place where a run may lie. `is_told` says that the fleet knows of it.

    `young_until_s` is monotonic: until then a place without a manifest may be one that begins.
    `facts` are those of a run that has ended, for the index.
    """

    shape: RunShape
    young_until_s: float | None = None
    signature: FileSignature | None = None
    is_settled: bool = False
    is_told: bool = False
    facts: RunFacts | None = None


@dataclass(slots=True)
class _Task:
    """The run ids of a task; `older` are those that do not lie in `cli`."""

    runs: set[str] = field(default_factory=set)
    older: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a manifest brought; `facts` is None where it could not be read or was not."""

    seen: tuple[Observation, ...] = ()
    facts: RunFacts | None = None


_NOTHING: Final = Reading()


class Roster:
    """Keeps the places of all runs; lists and reads only what changed since the last look.

    Never raises for what is on disk: folders that cannot be listed are told by `problem`.
    """

    def __init__(self, roots: Roots, clock: Clock) -> None:
        self._roots = roots
        self._runs = str(roots.runs)
        self._shown_runs = roots.relative(roots.runs)
        self._clock = clock
        self._places: dict[RunKey, _Place] = {}
        self._tasks: dict[str, _Task] = {}
        self._shelves = Shelves(roots, clock)
        self._unsettled: set[RunKey] = set()
        self._newborn: dict[RunKey, None] = {}
        self._expected: list[RunKey] = []  # known from before, and told as new by the next listing
        self._bad_since_s: dict[RunKey, float] = {}
        self._turn: Iterator[RunKey] = iter(())
        self.news = 0  # runs that ended, read since they were last kept
        self._looks = 0
        self._tasks_generation = 0

    @property
    def tasks(self) -> frozenset[str]:
        """The tasks that have a folder."""
        return frozenset(self._tasks)

    def ref(self, key: RunKey) -> RunRef | None:
        """Return where a run lies, None if its place is not known."""
        place = self._places.get(key)
        return None if place is None else self._ref(key, place.shape)

    def before(self, key: RunKey) -> tuple[RunRef, ...]:
        """Return where the runs of the same task lie that began before a run, newest first."""
        task = self._tasks.get(key.task_id)
        runs = sorted((r for r in task.runs if r < key.run_id), reverse=True) if task else []
        refs = (self.ref(RunKey(key.task_id, run)) for run in runs)
        return tuple(ref for ref in refs if ref is not None)

    def elsewhere_before(self, key: RunKey, limit: int) -> tuple[RunRef, ...]:
        """Return where the newest runs of other tasks lie that began before a run, newest first."""
        others = (k for k in self._places if k.task_id != key.task_id and k.run_id < key.run_id)
        keys = nlargest(limit, others, key=lambda other: other.run_id)
        return tuple(ref for ref in map(self.ref, keys) if ref is not None)

    def newborn(self) -> tuple[RunKey, ...]:
        """Return the places found a moment ago that have no manifest yet."""
        return tuple(islice(self._newborn, NEWBORN_LIMIT))

    def unsettled(self) -> tuple[RunKey, ...]:
        """Return the places whose manifest has to be read again though nothing tells of a change.

        They were written a moment ago, or could not be read.
        """
        return tuple(self._unsettled)

    def list_all(self) -> tuple[list[RunKey], list[Observation]]:
        """List what changed in all folders; return new places, newest first, and what vanished."""
        self._shelves.problem = None
        try:
            tasks = frozenset(task_ids(self._roots))
        except OSError as error:
            self._shelves.complain(self._roots.runs, error)
            return [], []
        gone: list[Observation] = []
        self._tasks_generation += self._tasks.keys() != tasks
        for task in self.tasks - tasks:
            gone += self._drop_task(task)
        older = self._looks % OLDER_EACH == 0
        self._looks += 1
        found, vanished = self._list(tasks, older=older)
        found += [key for key in self._expected if self._is_new_run(key)]
        self._expected.clear()
        found.sort(key=lambda key: key.run_id, reverse=True)
        return found, gone + vanished

    def list_task(self, task: str) -> tuple[list[RunKey], list[Observation]]:
        """List a task's folders that changed; return new places and what vanished."""
        return self._list((task,), older=True)

    def _list(self, tasks: Iterable[str], *, older: bool) -> tuple[list[RunKey], list[Observation]]:
        """List what changed; without `older` no folders that no program of today writes to."""
        wanted = [
            (task, folder)
            for task in tasks
            for folder in (_FOLDERS if older or not self._shelves.has_cli(task) else (CLI_FOLDER,))
        ]
        found: list[RunKey] = []
        gone: list[RunKey] = []
        for task in tasks:
            self._task(task)
        for task, folder in self._shelves.changed(wanted):
            names = self._shelves.names(task, folder)
            if names is None:
                continue
            known, shape = self._tasks[task], _SHAPE_IN[folder]
            for name in (names - known.runs) | (names & known.older):
                if not is_temporary(name):
                    found += self.add(RunKey(task, name), shape)
            had = known.runs - known.older if folder == CLI_FOLDER else known.older
            keys = [RunKey(task, name) for name in had - names]
            gone += [key for key in keys if self._places[key].shape is shape]
        return found, [seen for key in gone for seen in self._drop(key)]

    def add(self, key: RunKey, shape: RunShape) -> list[RunKey]:
        """Remember a place unless a better one is known; return its key, else nothing."""
        before = self._places.get(key)
        if before is not None and _RANK[before.shape] <= _RANK[shape]:
            return []
        if before is None and not _may_hold_run(key):
            return []
        is_told = before is not None and before.is_told
        self._places[key] = _Place(shape, is_told=is_told)
        task = self._task(key.task_id)
        task.runs.add(key.run_id)
        (task.older.discard if shape is RunShape.CLI else task.older.add)(key.run_id)
        return [key]

    def shelves(self, limit: int) -> frozenset[Path]:
        """Return where the next run of each task will appear, for at most `limit` tasks."""
        return self._shelves.newest(self._tasks, limit)

    @property
    def generation(self) -> int:
        """Another number for another answer of `shelves`."""
        return self._tasks_generation + self._shelves.generation

    @property
    def problem(self) -> str | None:
        """What could not be listed at the last look."""
        return self._shelves.problem

    def relist(self, task: str) -> None:
        """List a task's folders at the next look, whatever their signatures say."""
        self._shelves.relist(task)

    def forget_shelves(self) -> None:
        """List every folder at the next look, whatever their signatures say."""
        self._shelves.forget()
        self._looks = 0

    def recall(self, remembered: Sequence[Remembered]) -> list[RunSeen]:
        """Take over what was read before of runs whose manifest is still the same; return them.

        The others are told as new by the next listing.
        """
        places = self._places
        runs = [run for run in remembered if run.facts.key not in places]
        names = [_name(run.facts.key, RunShape.CLI) for run in runs]
        seen: list[RunSeen] = []
        for (facts, kept), signature in zip(runs, self._signatures(names), strict=False):
            key = facts.key
            if signature == kept:
                places[key] = _Place(RunShape.CLI, None, signature, True, True, facts)
                seen.append(RunSeen(facts))
            else:
                places[key] = _Place(RunShape.CLI)
                self._expected.append(key)
            self._task(key.task_id).runs.add(key.run_id)
        return seen

    def _task(self, task_id: str) -> _Task:
        task = self._tasks.get(task_id)
        if task is None:
            task = self._tasks[task_id] = _Task()
        return task

    def expect(self, keys: Iterable[RunKey]) -> None:
        """Remember the places of runs that went on; the next listing tells those not yet read."""
        for key in keys:
            self._expected += self.add(key, RunShape.CLI)

    def recall_tasks(self, remembered: Iterable[RememberedTask]) -> None:
        """Take folders for listed that are as they were; their runs have been recalled before."""
        for task_id, cli, own in remembered:
            if task_id in self._tasks:
                self._shelves.recall(task_id, CLI_FOLDER, cli)
                self._shelves.recall(task_id, OWN_FOLDER, own)

    def _signatures(self, names: Sequence[str]) -> list[FileSignature | None]:
        """Return the signatures of manifests; none while the folder of all runs is away."""
        try:
            return files.signatures(self._roots.runs, names)
        except OSError:
            return []

    def remembered(self) -> Iterator[Remembered]:
        """Yield what may be kept: what was read of runs that have ended."""
        self.news = 0
        for place in self._places.values():
            if place.facts is not None and place.is_settled and place.signature is not None:
                yield Remembered(place.facts, place.signature)

    def remembered_tasks(self, unfinished: Collection[RunKey]) -> Iterator[RememberedTask]:
        """Yield the tasks of which each place is kept, among these or as one that has ended."""
        others = {
            key.task_id
            for key, place in self._places.items()
            if (place.facts is None or not place.is_settled) and key not in unfinished
        }
        for task_id in self._tasks.keys() - others:
            cli = self._shelves.settled(task_id, CLI_FOLDER)
            own = self._shelves.settled(task_id, OWN_FOLDER)
            if cli is not None and own is not None:
                yield RememberedTask(task_id, cli, own)

    def forget(self, key: RunKey) -> None:
        """Read a manifest at the next look, whatever its signature says."""
        if key in self._places:
            self._places[key].signature = None

    def __len__(self) -> int:
        return len(self._places)

    def changed_by_turns(self, count: int) -> list[RunKey]:
        """Look at the manifests whose turn it is; return those to be read. Each comes in time."""
        turn = list(islice(self._turn, count))
        if len(turn) < count:
            self._turn = iter(tuple(self._places))
        keys = [key for key in turn if key in self._places]
        places = [self._places[key] for key in keys]
        names = [_name(key, place.shape) for key, place in zip(keys, places, strict=True)]
        return [
            key
            for key, place, signature in zip(keys, places, self._signatures(names), strict=False)
            if signature != place.signature or signature is None
        ]

    def read(self, key: RunKey, *, anew: bool = False) -> Reading:
        """Read a manifest if it changed since the last time, or in any case if `anew`."""
        place = self._places.get(key)
        if place is None:
            return _NOTHING
        ref = self._ref(key, place.shape)
        found: UsualRun | ReadRun | BadContent | None = None
        if place.signature is None:  # nothing to compare with, so that one opening tells all
            found = read_usual(self._roots, ref)
        if isinstance(found, UsualRun):
            signature: FileSignature | None = found.signature
        else:
            path = ref.manifest
            try:
                signature = files.signature(path)
            except OSError as error:
                bad = BadContent(self._roots.relative(path), reason_of(error))
                return self._bad(key, place, bad)
            if signature == place.signature and place.is_settled and not anew:
                return _NOTHING
            found = self._read_whole(ref)
        if isinstance(found, UsualRun | ReadRun):
            return self._take(key, place, found, signature)
        self._look_later(key, place, signature)
        if found is None:
            return self._absent(key, place, ref)
        return self._bad(key, place, found)

    def read_many(self, keys: Sequence[RunKey]) -> Iterator[Reading]:
        """Read manifests as `read` does, one after the other; new ones with less work for each."""
        are_new = [self._is_new_run(key) for key in keys]
        names = [_name(key, RunShape.CLI) for key in compress(keys, are_new)]
        contents = files.contents(self._roots.runs, names, MANIFEST_LIMIT_BYTES)
        for key, is_new in zip(keys, are_new, strict=True):
            found = next(contents) if is_new else None
            place = self._places.get(key)
            usual = found and usual_run(key, self._cli_folder(key.task_id), *found)
            if usual and place is not None:
                yield self._take(key, place, usual, usual.signature)
            else:
                yield self.read(key)

    def _is_new_run(self, key: RunKey) -> bool:
        place = self._places.get(key)
        return place is not None and place.signature is None and place.shape is RunShape.CLI

    def _cli_folder(self, task: str) -> str:
        return f"{self._shown_runs}/{task}/cli"

    def _take(
        self,
        key: RunKey,
        place: _Place,
        found: UsualRun | ReadRun,
        signature: FileSignature | None,
    ) -> Reading:
        before = place.facts
        self._look_later(key, place, signature)
        self._bad_since_s.pop(key, None)
        place.is_told = True
        if place.shape is RunShape.CLI and is_terminal(found.facts):
            place.facts = found.facts
            self.news += before != found.facts
        return Reading((RunSeen(found.facts, _stages(found)),), found.facts)

    def _look_later(self, key: RunKey, place: _Place, signature: FileSignature | None) -> None:
        """Take note of the version that was read, or of none, and when it has to be read again."""
        place.signature = signature
        place.is_settled = signature is not None and has_rested(signature, self._clock)
        place.facts = None
        self._note_settled(key, place)
        self._newborn.pop(key, None)

    def _read_whole(self, ref: RunRef) -> UsualRun | ReadRun | BadContent | None:
        if (usual := read_usual(self._roots, ref)) is not None:
            return usual
        found = read_run(self._roots, ref)
        # A write in place is over in a moment: one silent retry.
        return read_run(self._roots, ref) if isinstance(found, BadContent) else found

    def _absent(self, key: RunKey, place: _Place, ref: RunRef) -> Reading:
        if not place.is_told:
            if place.signature is None and self._is_young(place, ref):
                self._newborn[key] = None
            return _NOTHING
        if _exists(ref.run_dir):
            shown = self._roots.relative(ref.manifest)
            return self._bad(key, place, BadContent(shown, "manifest.json is missing"))
        return Reading(tuple(self._drop(key)))

    def _is_young(self, place: _Place, ref: RunRef) -> bool:
        now_s = self._clock.monotonic()
        if place.young_until_s is None:
            try:
                made = files.folder_signature(ref.run_dir)
            except OSError:
                made = None
            is_new = made is not None and self._clock.now() - made.modified_at < YOUNG_FOR
            place.young_until_s = now_s + YOUNG_FOR.total_seconds() if is_new else now_s
        return now_s < place.young_until_s

    def _bad(self, key: RunKey, place: _Place, bad: BadContent) -> Reading:
        """Tell that a manifest is unreadable, but not while it may only be in the writing."""
        now_s = self._clock.monotonic()
        since_s = self._bad_since_s.setdefault(key, now_s)
        is_old = place.signature is not None and place.is_settled and not place.is_told
        if now_s - since_s < BAD_FOR_GOOD_S and not is_old:
            place.is_settled = False
            self._unsettled.add(key)
            return _NOTHING
        place.is_told = True
        self._note_settled(key, place)
        return Reading((Unreadable(key, bad.path, bad.reason),))

    def _note_settled(self, key: RunKey, place: _Place) -> None:
        if place.signature is not None and not place.is_settled:
            self._unsettled.add(key)
        else:
            self._unsettled.discard(key)

    def _drop(self, key: RunKey) -> list[Observation]:
        place = self._places.pop(key)
        task = self._tasks[key.task_id]
        task.runs.discard(key.run_id)
        task.older.discard(key.run_id)
        self._unsettled.discard(key)
        self._newborn.pop(key, None)
        self._bad_since_s.pop(key, None)
        # What lies in another folder of the task under the same name shows up by listing again.
        self.relist(key.task_id)
        return [RunVanished(key)] if place.is_told else []

    def _drop_task(self, task: str) -> list[Observation]:
        gone = [RunKey(task, run) for run in sorted(self._tasks[task].runs)]
        seen = [each for key in gone for each in self._drop(key)]
        del self._tasks[task]
        self.relist(task)
        return seen

    def _ref(self, key: RunKey, shape: RunShape) -> RunRef:
        # One text makes a path in a third of the time that joining its parts takes; this runs for
        # every run that is read.
        folder = f"{self._runs}/{key.task_id}/{_FOLDER_OF[shape]}{key.run_id}"
        return RunRef(key, shape, Path(folder))


def _stages(found: UsualRun | ReadRun) -> Callable[[], StageLengths]:
    """Return what tells how long the stages took, which few runs are asked for."""
    if isinstance(found, UsualRun):
        return found.stages
    return partial(stage_lengths, found.manifest)


def _name(key: RunKey, shape: RunShape) -> str:
    return f"{key.task_id}/{_FOLDER_OF[shape]}{key.run_id}/{MANIFEST_NAME}"


def _may_hold_run(key: RunKey) -> bool:
    try:
        sanitize_run_id(key.run_id)
    except InvalidIdentifier:
        return False
    return True


def _exists(path: Path) -> bool:
    try:
        return files.exists(path)
    except OSError:
        return True
