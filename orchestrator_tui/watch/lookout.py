"""Lookout: when to look at what; every look is a step that returns what was seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.primitives.files import FileSignature
from orchestrator_tui.records.facts import RunShape
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.paths import CONFIG_NAME, Roots
from orchestrator_tui.state.observations import (
    CheckoutSeen,
    ConfigSeen,
    Freshness,
    FreshnessSeen,
    Observation,
    RunSeen,
    RunVanished,
)
from orchestrator_tui.store.checkout import head_file, head_signature, read_branch
from orchestrator_tui.store.configuration import CONFIG_PATH_VARIABLE, load_config
from orchestrator_tui.store.configuration_memory import ConfigMemory
from orchestrator_tui.store.reading import reason_of
from orchestrator_tui.watch.changes import Change, ChangeKind, classify
from orchestrator_tui.watch.details import FocusedRuns
from orchestrator_tui.watch.index import RunIndex
from orchestrator_tui.watch.living import LivingRuns
from orchestrator_tui.watch.recollection import Recollection
from orchestrator_tui.watch.roster import Roster
from orchestrator_tui.watch.settling import SETTLED_AFTER
from orchestrator_tui.watch.source import Layer, NoticeSource


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often is looked without any notice, in seconds, and how much at once.

    `walk_s` bounds how late a missed notice is made up for, `tick_s` for files of a moment ago.
    """

    tick_s: float = 1.0
    walk_s: float = 5.0
    walk_polling_s: float = 2.0
    newborn_s: float = 0.05
    rest_s: float = 0.01  # between two batches: what comes meanwhile goes into one
    first_reads: int = 50
    reads: int = 250
    round_s: float = 8.0  # in which every manifest is looked at once
    keep_s: float = 60.0  # between two times that the index is kept
    unsettled: int = 250  # read again in each tick


# Above these numbers the folders looked at last are found by the walk alone: each watched folder
# takes memory of the kernel, and of those a user has only so many.
MAX_SHELVES: Final = 2000
MAX_RUN_FOLDERS: Final = 1000
_PART_OF_READ: Final = 50  # a batch grows to such a part of what was read before
_UNHEARD: Final = 5  # changes without any notice, after which none is waited for
_WITH_TICK: Final = 0.8  # of a tick: what is due so soon after it is looked at with it
_VERY_MANY: Final = 3000  # new runs are worth loading what reads them quicker
_SMALL_BATCHES: Final = 4  # so that the first rows are there quickly


class Lookout:
    """Sees all runs, first all there are, newest first, then what changes.

    Notices only make it quicker: whatever they miss is found by the next walk. Not safe for use by
    two threads at once, but for `focus` and `rescan`.
    """

    def __init__(
        self,
        roots: Roots,
        clock: Clock,
        source: NoticeSource,
        environ: Mapping[str, str] | None = None,
        cadence: Cadence | None = None,
        index: RunIndex | None = None,
        config_memory: ConfigMemory | None = None,
    ) -> None:
        self._roots = roots
        self._config_memory = config_memory
        self._clock = clock
        self._source = source
        self._environ = environ
        self._cadence = cadence or Cadence()
        self._roster = Roster(roots, clock)
        self._places = self._roster.places
        self._living = LivingRuns(roots, clock, self._roster)
        self._focused = FocusedRuns(roots, clock, self._places, environ or {})
        self._recollection = Recollection(index, self._roster, clock, self._cadence.keep_s)
        self._has_recalled = False  # something, which is on its way to the first frame
        self._backlog: list[RunKey] = []  # the last one is read next
        self._batches = 0
        self._has_very_many = False  # to be read, now or earlier
        self._wanted_focus: frozenset[RunKey] | None = None
        self._wants_walk, self._wants_rescan = True, False
        self._next_tick_s = self._next_walk_s = self._rested_s = clock.monotonic()
        self._shelves_of = -1  # the places' generation that is watched
        self._shelf_folders: frozenset[Path] = frozenset()
        self._run_folders: dict[Layer, frozenset[Path]] = {}
        self._has_walked = False
        self._unheard = 0  # changes that were seen by looking since the last notice
        self._config_signature: FileSignature | None = None
        self._config_rested: bool | None = None
        self._head_signature: FileSignature | None = None
        self._branch = ""
        self._freshness: Freshness | None = None
        self._told_freshness: Freshness | None = None

    def focus(self, keys: frozenset[RunKey]) -> None:
        """Choose the runs whose details are read too; may be called from any thread."""
        self._wanted_focus = keys
        self._source.wake()

    def rescan(self) -> None:
        """Ask for a full look at the disk; may be called from any thread."""
        self._wants_rescan = self._wants_walk = True
        self._source.wake()

    @property
    def is_scanning(self) -> bool:
        """Whether places are known that were not read yet."""
        return bool(self._backlog) or self._freshness is None

    def _recall(self) -> list[Observation]:
        """Take over the next piece of what was kept; with the first come the runs that go on."""
        seen: list[Observation] = []
        if not self._has_recalled:
            self._has_recalled = True
            for key in self._recollection.begin()[: self._cadence.first_reads]:
                seen += self._read(key)
        return seen + self._recollection.take()

    def keep_index(self) -> None:
        """Keep what was read of runs that have ended, if there is news, for the next start."""
        self._recollection.keep(self._living.keys(), len(self._backlog))

    def _keep_index_when_due(self) -> None:
        if self._recollection.is_keeping_due(len(self._backlog)):
            self.keep_index()

    def step(self) -> tuple[Observation, ...]:
        """Wait until there is something to look at, look, and return what is news."""
        seen: list[Observation] = []
        if not self._recollection.is_over:
            if self._config_rested is None and self._has_recalled:
                seen += self._look_at_config()  # a form may be asked for before all is recalled
            seen += self._recall()
            self._take_focus()
            seen += self._focused.look_when_due()
            if seen or not self._recollection.is_over:
                return tuple(seen)
        paths = self._source.wait(self._idle_s())
        pause_s = self._rested_s - self._clock.monotonic()
        if paths and pause_s > 0:
            paths |= self._source.wait(pause_s)
        if paths:
            self._unheard = 0
        for change in classify(paths, str(self._roots.runs)):
            seen += self._on_change(change)
        # One look a second for both: to wake costs more than to look.
        ahead_s = self._cadence.tick_s * _WITH_TICK if self._is_tick_due() else 0.0
        seen += self._on_time()
        seen += self._read_backlog()
        self._take_focus()
        seen += self._focused.look_when_due(ahead_s)
        seen += self._watch_runs()
        self._keep_index_when_due()
        self._has_walked = False
        told = self._tell_freshness()
        if seen or told:
            self._rested_s = self._clock.monotonic() + self._cadence.rest_s
        return (*seen, *told)

    def _idle_s(self) -> float:
        if self._backlog or self._wants_walk or self._wanted_focus is not None:
            return 0.0
        now_s = self._clock.monotonic()
        due_s = [
            self._next_tick_s - now_s,
            self._next_walk_s - now_s,
            self._living.due_in_s(),
            self._focused.due_in_s(),
        ]
        if self._roster.newborn():
            due_s.append(self._cadence.newborn_s)
        return max(0.0, min(due_s))

    def _on_change(self, change: Change) -> list[Observation]:
        key, task = change.key, change.task_id
        match change.kind:
            case ChangeKind.TASKS:
                self._wants_walk = True
                return []
            case ChangeKind.RUNS:
                return self._list(task) if task else []
            case ChangeKind.RUN | ChangeKind.MANIFEST:
                return self._read_now(key) if key else []
            case _:
                if key:
                    self._living.hasten(key)
                    self._focused.hasten(key)
                return []

    def _list(self, task: str) -> list[Observation]:
        """List a task of which a notice came; its folders' signatures may not show it yet."""
        is_new = task not in self._places.tasks
        if is_new and not _is_folder(self._roots.runs / task):
            return []
        self._places.shelves.relist(task)
        found, gone = self._roster.list_task(task)
        self._wants_walk |= is_new  # its folder is to be watched, too
        self._backlog += sorted(found, key=lambda key: key.run_id)
        return self._without(gone)

    def _read_now(self, key: RunKey) -> list[Observation]:
        if self._places.ref(key) is None:
            for shape in (RunShape.CLI, RunShape.MCP, RunShape.SUMMARY):
                folder = {RunShape.CLI: "cli", RunShape.MCP: "mcp"}.get(shape, "")
                if _is_folder(self._roots.runs / key.task_id / folder / key.run_id):
                    self._places.add(key, shape)
                    break
        self._focused.hasten(key)
        return self._read(key)

    def _read(self, key: RunKey, *, anew: bool = False) -> list[Observation]:
        return self._without(self._living.take(self._roster.read(key, anew=anew)))

    def _without(self, seen: list[Observation]) -> list[Observation]:
        for each in seen:
            if isinstance(each, RunVanished):
                self._living.drop(each.key)
        return seen

    def _on_time(self) -> list[Observation]:
        now_s = self._clock.monotonic()
        seen: list[Observation] = []
        if self._is_tick_due():
            self._next_tick_s = now_s + self._cadence.tick_s
            seen += self._look_at_config()
            seen += self._look_at_checkout()
            for key in (*self._focused.keys, *self._roster.unsettled()[: self._cadence.unsettled]):
                seen += self._read(key)
            seen += self._take_turns()
        for key in self._roster.newborn():
            seen += self._read(key)
        if self._wants_walk or now_s >= self._next_walk_s:
            seen += self._walk()
        looked_at = self._living.look_when_due()
        self._unheard += sum(isinstance(each, RunSeen) for each in looked_at)
        return seen + looked_at

    def _is_tick_due(self) -> bool:
        return self._clock.monotonic() >= self._next_tick_s

    def _take_turns(self) -> list[Observation]:
        """Look at a part of all manifests: nothing else tells that one that had ended goes on."""
        if self._backlog or self._freshness is None:
            return []
        count = 1 + int(len(self._places) * self._cadence.tick_s / self._cadence.round_s)
        seen: list[Observation] = []
        for key in self._roster.changed_by_turns(count):
            seen += self._read(key)
        return seen

    def _walk(self) -> list[Observation]:
        """Look at all folders."""
        self._wants_walk, self._has_walked = False, True
        if self._wants_rescan:
            self._wants_rescan = False
            self._places.forget_shelves()
        exists, problem = self._look_at_root()
        seen: list[Observation] = []
        if exists:
            found, gone = self._roster.list_all()
            if self._freshness is not None:
                self._unheard += len(found)
            problem = problem or self._places.problem
            self._backlog += reversed(found)
            seen += self._without(gone)
            if self._freshness is None:
                self._backlog = [*reversed(self._recollection.samples()), *self._backlog]
        seen += self._watch_shelves(exists)
        deafness = self._source.problem or self._deafness()
        self._next_walk_s = self._clock.monotonic() + self._walk_every_s(exists, bool(deafness))
        self._freshness = Freshness(
            mode="polling" if deafness else "watching",
            runs_exists=exists,
            problem=deafness or problem,
        )
        return seen

    def _deafness(self) -> str | None:
        """Say that no notices come, as in a container whose files another system writes.

        A change that is seen by looking may be seen before its notice comes; that so many are and
        no notice comes at all means that none will.
        """
        if self._unheard < _UNHEARD:
            return None
        return f"no notices come from here; looking every {self._cadence.walk_polling_s:g} s"

    def _walk_every_s(self, exists: bool, is_polling: bool) -> float:
        if not exists:
            return self._cadence.tick_s  # one look at one name, and nothing else tells of it
        return self._cadence.walk_polling_s if is_polling else self._cadence.walk_s

    def _look_at_root(self) -> tuple[bool, str | None]:
        try:
            return files.is_folder(self._roots.runs), None
        except OSError as error:
            return False, f"{self._roots.runs}: {reason_of(error)}"

    def _watch_shelves(self, exists: bool) -> list[Observation]:
        """Watch where runs appear; look again where that begins only now."""
        if not exists or not self._source.hears:
            folders = frozenset[Path]()
        elif self._places.generation != self._shelves_of or not self._shelf_folders:
            folders = self._places.newest_shelves(MAX_SHELVES) | {self._roots.runs}
        else:
            folders = self._shelf_folders
        self._shelves_of, self._shelf_folders = self._places.generation, folders
        seen: list[Observation] = []
        for folder in self._source.watch(Layer.SHELVES, folders):
            task = folder.parent.name if folder.name == "cli" else folder.name
            if folder != self._roots.runs:
                found, gone = self._roster.list_task(task)
                self._backlog += reversed(found)
                seen += self._without(gone)
            else:
                self._wants_walk = self._wants_walk or self._freshness is not None
        return seen

    def _watch_runs(self) -> list[Observation]:
        """Watch the folders of the runs that go on or are in focus; look again at new ones."""
        keys = {paths.run_dir: paths.key for paths in self._living.awake()}
        for key in self._roster.newborn():
            ref = self._places.ref(key)
            if ref is not None and _is_folder(ref.run_dir):
                keys[ref.run_dir] = key
        wanted = frozenset(list(keys)[:MAX_RUN_FOLDERS])
        seen: list[Observation] = []
        for folder in self._watch(Layer.RUNS, wanted):
            seen += self._read(keys[folder])
            self._living.hasten(keys[folder])
        self._watch(Layer.RESTING, self._focused.folders() - wanted)
        return seen

    def _watch(self, layer: Layer, wanted: frozenset[Path]) -> frozenset[Path]:
        """Watch these folders of runs; return those of which notices begin only now."""
        watched = self._run_folders.get(layer, frozenset())
        # To give up a folder can wait; only a new one may hide a change.
        if wanted <= watched and not (self._has_walked and wanted != watched):
            return frozenset()
        self._run_folders[layer] = wanted
        return self._source.watch(layer, wanted)

    def _look_at_config(self) -> list[Observation]:
        if self._environ is None:
            return []
        named = self._environ.get(CONFIG_PATH_VARIABLE, "").strip()
        try:
            signature = files.signature(self._roots.repo / (named or CONFIG_NAME))
        except OSError:
            signature = None
        if self._config_rested and signature == self._config_signature:
            return []
        self._config_signature = signature
        self._config_rested = signature is None or (
            abs(self._clock.now() - signature.modified_at) > SETTLED_AFTER
        )
        return [ConfigSeen(load_config(self._roots, self._environ, self._config_memory))]

    def _look_at_checkout(self) -> list[Observation]:
        head = head_file(self._roots.repo)
        signature = head_signature(head)
        if signature == self._head_signature:
            return []
        self._head_signature, before = signature, self._branch
        self._branch = read_branch(head)
        return [CheckoutSeen(self._branch)] if self._branch != before else []

    def _take_focus(self) -> None:
        wanted, self._wanted_focus = self._wanted_focus, None
        if wanted is not None:
            self._focused.choose(wanted)

    def _read_backlog(self) -> list[Observation]:
        if not self._backlog:
            return []
        cadence = self._cadence
        # What is shown after each batch takes the longer the more there is.
        count = max(cadence.reads, (len(self._places) - len(self._backlog)) // _PART_OF_READ)
        if self._batches < _SMALL_BATCHES:
            count = cadence.first_reads
        elif len(self._backlog) >= _VERY_MANY:
            self._has_very_many = True
        self._batches += 1
        keys = self._backlog[-count:][::-1]
        del self._backlog[-count:]
        seen: list[Observation] = []
        for reading in self._roster.read_many(keys, are_very_many=self._has_very_many):
            seen += self._without(self._living.take(reading))
        return seen

    def _tell_freshness(self) -> list[Observation]:
        if self._freshness is None:
            return []
        freshness = replace(self._freshness, scanning=bool(self._backlog))
        if freshness == self._told_freshness:
            return []
        self._told_freshness = freshness
        return [FreshnessSeen(freshness)]


def _is_folder(path: Path) -> bool:
    try:
        return files.is_folder(path)
    except OSError:
        return False
