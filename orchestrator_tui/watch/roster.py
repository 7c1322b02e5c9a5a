"""Roster: what was read last at every place where a run may lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import compress, islice
from pathlib import Path
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.primitives.files import FileSignature
from orchestrator_tui.records.facts import RunFacts, RunShape
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.records.stage_lengths import StageLengths, stage_lengths
from orchestrator_tui.state.liveness import is_terminal
from orchestrator_tui.state.observations import Observation, RunSeen, RunVanished, Unreadable
from orchestrator_tui.store.facts_reading import UsualRun, read_usual, usual_run
from orchestrator_tui.store.reading import (
    MANIFEST_LIMIT_BYTES,
    BadContent,
    ReadRun,
    RunRef,
    read_run,
    reason_of,
)
from orchestrator_tui.watch.places import Listing, Place, Places, cli_manifest_names, manifest_name
from orchestrator_tui.watch.settling import has_rested_at, time_ns

BAD_FOR_GOOD_S: Final = 3.0  # a torn manifest keeps the last good one for so long
YOUNG_FOR: Final = timedelta(seconds=10)  # how long a new folder is watched for its manifest
NEWBORN_LIMIT: Final = 200  # of more new folders the rest waits for its turn


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a manifest brought; `facts` is None where it could not be read or was not."""

    seen: tuple[Observation, ...] = ()
    facts: RunFacts | None = None


_NOTHING: Final = Reading()


class Roster:
    """Reads the manifests of all runs; each again only if it changed since the last look.

    Never raises for what is on disk.
    """

    def __init__(self, roots: Roots, clock: Clock) -> None:
        self._roots = roots
        self._shown_runs = roots.relative(roots.runs)
        self._clock = clock
        self.places: Final = Places(roots, clock)
        self._places: Final = self.places.by_key
        self._unsettled: set[RunKey] = set()
        self._newborn: dict[RunKey, None] = {}
        self._bad_since_s: dict[RunKey, float] = {}
        self._turn: Iterator[RunKey] = iter(())
        self.news = 0  # runs that ended, read since they were last kept

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
        return self._take_listing(self.places.list_all())

    def list_task(self, task: str) -> tuple[list[RunKey], list[Observation]]:
        """List a task's folders that changed; return new places and what vanished."""
        return self._take_listing(self.places.list_task(task))

    def _take_listing(self, listing: Listing) -> tuple[list[RunKey], list[Observation]]:
        return listing.found, [seen for gone in listing.gone for seen in self._vanish(*gone)]

    def forget(self, key: RunKey) -> None:
        """Read a manifest at the next look, whatever its signature says."""
        if key in self._places:
            self._places[key].signature = None

    def changed_by_turns(self, count: int) -> list[RunKey]:
        """Look at the manifests whose turn it is; return those to be read. Each comes in time."""
        turn = list(islice(self._turn, count))
        if len(turn) < count:
            self._turn = iter(tuple(self._places))
        keys = [key for key in turn if key in self._places]
        places = [self._places[key] for key in keys]
        names = [manifest_name(key, place.shape) for key, place in zip(keys, places, strict=True)]
        are_same = self.places.unchanged(names, [place.signature for place in places])
        return [key for key, is_same in zip(keys, are_same, strict=False) if not is_same]

    def read(self, key: RunKey, *, anew: bool = False) -> Reading:
        """Read a manifest if it changed since the last time, or in any case if `anew`."""
        place = self._places.get(key)
        if place is None:
            return _NOTHING
        ref = self.places.ref_in(key, place.shape)
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

    def read_many(
        self, keys: Sequence[RunKey], *, are_very_many: bool = False
    ) -> Iterator[Reading]:
        """Read manifests as `read` does, one after the other; new ones with less work for each.

        If they are among very many, in less time still, once what does so is loaded.
        """
        are_new = [self.places.is_unread(key) for key in keys]
        names = cli_manifest_names(compress(keys, are_new))
        contents = files.contents(self._roots.runs, names, MANIFEST_LIMIT_BYTES)
        now_ns = time_ns(self._clock)
        for key, is_new in zip(keys, are_new, strict=True):
            found = next(contents) if is_new else None
            place = self._places.get(key)
            folder = self._cli_folder(key.task_id)
            usual = found and usual_run(key, folder, *found, is_of_many=are_very_many)
            if usual and place is not None:
                yield self._take(key, place, usual, usual.signature, now_ns)
            else:
                yield self.read(key)

    def _cli_folder(self, task: str) -> str:
        return f"{self._shown_runs}/{task}/cli"

    def _take(
        self,
        key: RunKey,
        place: Place,
        found: UsualRun | ReadRun,
        signature: FileSignature | None,
        now_ns: float | None = None,
    ) -> Reading:
        before = place.facts
        self._look_later(key, place, signature, now_ns)
        self._bad_since_s.pop(key, None)
        place.is_told = True
        if place.shape is RunShape.CLI and is_terminal(found.facts):
            place.facts = found.facts
            self.news += before != found.facts
        return Reading((RunSeen(found.facts, _stages(found)),), found.facts)

    def _look_later(
        self,
        key: RunKey,
        place: Place,
        signature: FileSignature | None,
        now_ns: float | None = None,
    ) -> None:
        """Take note of the version that was read, or of none, and when it has to be read again."""
        now_ns = time_ns(self._clock) if now_ns is None else now_ns
        place.signature = signature
        place.is_settled = signature is not None and has_rested_at(signature, now_ns)
        place.facts = None
        self._note_settled(key, place)
        self._newborn.pop(key, None)

    def _read_whole(self, ref: RunRef) -> UsualRun | ReadRun | BadContent | None:
        if (usual := read_usual(self._roots, ref)) is not None:
            return usual
        found = read_run(self._roots, ref)
        # A write in place is over in a moment: one silent retry.
        return read_run(self._roots, ref) if isinstance(found, BadContent) else found

    def _absent(self, key: RunKey, place: Place, ref: RunRef) -> Reading:
        if not place.is_told:
            if place.signature is None and self._is_young(place, ref):
                self._newborn[key] = None
            return _NOTHING
        if _exists(ref.run_dir):
            shown = self._roots.relative(ref.manifest)
            return self._bad(key, place, BadContent(shown, "manifest.json is missing"))
        return Reading(tuple(self._vanish(key, self.places.drop(key))))

    def _is_young(self, place: Place, ref: RunRef) -> bool:
        now_s = self._clock.monotonic()
        if place.young_until_s is None:
            try:
                made = files.folder_signature(ref.run_dir)
            except OSError:
                made = None
            is_new = made is not None and self._clock.now() - made.modified_at < YOUNG_FOR
            place.young_until_s = now_s + YOUNG_FOR.total_seconds() if is_new else now_s
        return now_s < place.young_until_s

    def _bad(self, key: RunKey, place: Place, bad: BadContent) -> Reading:
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

    def _note_settled(self, key: RunKey, place: Place) -> None:
        if place.signature is not None and not place.is_settled:
            self._unsettled.add(key)
        else:
            self._unsettled.discard(key)

    def _vanish(self, key: RunKey, place: Place) -> list[Observation]:
        """Forget what was read at a place that is no more; return what is to be told."""
        self._unsettled.discard(key)
        self._newborn.pop(key, None)
        self._bad_since_s.pop(key, None)
        return [RunVanished(key)] if place.is_told else []


def _stages(found: UsualRun | ReadRun) -> Callable[[], StageLengths]:
    """Return what tells how long the stages took, which few runs are asked for."""
    if isinstance(found, UsualRun):
        return found.stages
    return partial(stage_lengths, found.manifest)


def _exists(path: Path) -> bool:
    try:
        return files.exists(path)
    except OSError:
        return True
