"""Recollection: what was read before is taken over from the index, and kept for the next start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Final

from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.records.facts import RunFacts, RunShape
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.estimates import SAMPLES_KEPT, has_length
from orchestrator_tui.state.observations import Observation, RunsRecalled
from orchestrator_tui.watch.index import (
    UNFINISHED_LIMIT,
    Remembered,
    RememberedRuns,
    RememberedTask,
    RememberedTasks,
    RunIndex,
    Unfinished,
)
from orchestrator_tui.watch.places import Place, cli_manifest_names
from orchestrator_tui.watch.roster import Roster
from orchestrator_tui.watch.shelves import CLI_FOLDER, OWN_FOLDER

_KEPT_A_SECOND: Final = 500  # so large an index is kept so much less often
# While others are still to be read, so many new ones are kept, and so many times what was kept
# before: each time takes as long as what it keeps.
_KEPT_WHILE_READING: Final = 10_000
_KEPT_TIMES: Final = 3
_NEWS_SHARE: Final = 1000  # one of so many runs has to be news


class Recollection:
    """Takes over from an index the runs that are as they were; keeps it when there is news.

    It is kept `keep_s` seconds after the last time at the earliest. Without an index nothing is
    taken over or kept.
    """

    def __init__(self, index: RunIndex | None, roster: Roster, clock: Clock, keep_s: float) -> None:
        self._index = index
        self._roster = roster
        self._places = roster.places
        self._clock = clock
        self._keep_s = keep_s
        self._pieces = iter(()) if index is None else index.recall()
        self.is_over = index is None  # whether all was taken over
        self._sampled: Counter[str] = Counter()
        self._samples: list[RunKey] = []
        self._kept_s: float | None = None

    def begin(self) -> tuple[RunKey, ...]:
        """Return the runs that had not ended, newest first; call it before `take`."""
        piece = next(self._pieces, None)
        if not isinstance(piece, Unfinished):
            self._end()
            return ()
        for key in piece.keys:
            self._places.expect(self._places.add(key, RunShape.CLI))
        return piece.keys

    def take(self) -> list[Observation]:
        """Take over the next piece; tell the runs of it whose manifest is still the same.

        The others are told as found by the next listing.
        """
        piece = next(self._pieces, None)
        if isinstance(piece, RememberedTasks):
            self._take_tasks(piece.tasks)
            piece = None
        if piece is None or isinstance(piece, Unfinished):
            self._end()
            return []
        recalled = self._take_runs(piece)
        self._want_samples(recalled)
        return [RunsRecalled(recalled)] if recalled else []

    def _end(self) -> None:
        self.is_over = True
        self._pieces = iter(())  # what was begun holds a megabyte of the file

    def _take_runs(self, remembered: RememberedRuns) -> tuple[RunFacts, ...]:
        places, known = self._places, self._places.by_key
        keys = [facts.key for facts in remembered.facts]
        are_same = places.unchanged(cli_manifest_names(keys), remembered.signatures)
        found: dict[RunKey, Place] = {}
        recalled: list[RunFacts] = []
        cli = RunShape.CLI
        for key, facts, signature, is_same in zip(keys, *remembered, are_same, strict=False):
            if key in known:
                continue
            if is_same:
                found[key] = Place(cli, signature, True, True, facts)
                recalled.append(facts)
            else:
                found[key] = Place(cli)
                places.expect((key,))
        places.put(found)
        return tuple(recalled)

    def _take_tasks(self, remembered: Sequence[RememberedTask]) -> None:
        """Take folders for listed that are as they were."""
        tasks = self._places.tasks
        for task_id, cli, own in remembered:
            if task_id in tasks:
                self._places.shelves.recall(task_id, CLI_FOLDER, cli)
                self._places.shelves.recall(task_id, OWN_FOLDER, own)

    def _want_samples(self, recalled: Sequence[RunFacts]) -> None:
        """Have runs read again whose stages tell how long their pipeline takes."""
        wanted = self._sampled
        for facts in recalled:
            pipeline_id = facts.pipeline_id
            if pipeline_id and wanted[pipeline_id] < SAMPLES_KEPT and has_length(facts):
                wanted[pipeline_id] += 1
                self._samples.append(facts.key)

    def samples(self) -> list[RunKey]:
        """Return once the runs that are to be read though they are as they were, newest first.

        Their stages tell how long their pipeline takes, which is not kept.
        """
        samples, self._samples = self._samples, []
        for key in samples:
            self._roster.forget(key)
        return samples

    def keep(self, living: Sequence[RunKey], unread: int) -> None:
        """Keep what was read of runs that have ended, if there is news, for the next start.

        `living` are the runs that go on, newest first; `unread` is how many are yet to be read.
        """
        if not unread:
            self._kept_s = self._clock.monotonic()
        if self._index is not None and self._roster.news:
            unfinished = self._unfinished(living)
            tasks = self._tasks(frozenset(unfinished))
            self._index.keep(self._ended(), unfinished, tasks)
            self._roster.news = 0

    def is_keeping_due(self, unread: int) -> bool:
        """Tell whether there is enough news and enough time has gone by to keep it again."""
        news, count = self._roster.news, len(self._places)
        if unread:
            # A person may leave before all is read, and shall not begin at the beginning again.
            kept = count - unread - news
            return news >= max(_KEPT_WHILE_READING, _KEPT_TIMES * kept)
        if news * _NEWS_SHARE < max(1, count):
            return False
        every_s = max(self._keep_s, count / _KEPT_A_SECOND)
        return self._kept_s is None or self._clock.monotonic() - self._kept_s >= every_s

    def _unfinished(self, living: Sequence[RunKey]) -> tuple[RunKey, ...]:
        """Return as many of the runs that go on as the index keeps; none of 2025."""
        refs = ((key, self._places.ref(key)) for key in living)
        keys = (key for key, ref in refs if ref is not None and ref.shape is RunShape.CLI)
        return tuple(islice(keys, UNFINISHED_LIMIT))

    def _ended(self) -> Iterator[Remembered]:
        for place in self._places.by_key.values():
            if place.facts is not None and place.is_settled and place.signature is not None:
                yield Remembered(place.facts, place.signature)

    def _tasks(self, unfinished: Collection[RunKey]) -> Iterator[RememberedTask]:
        """Yield the tasks of which each place is kept, among these or as one that has ended."""
        others = {
            key.task_id
            for key, place in self._places.by_key.items()
            if (place.facts is None or not place.is_settled) and key not in unfinished
        }
        for task_id in self._places.tasks - others:
            cli = self._places.shelves.settled(task_id, CLI_FOLDER)
            own = self._places.shelves.settled(task_id, OWN_FOLDER)
            if cli is not None and own is not None:
                yield RememberedTask(task_id, cli, own)
