"""Which runs a list shows, in which order, and how many there are of each kind."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from operator import itemgetter
from typing import Final

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.fleet import Fleet, RunState
from orchestrator_tui.state.liveness import FINISHED, State, is_live
from orchestrator_tui.state.placing import (
    LONG_AGO,
    NOTHING_SEEN,
    Asked,
    Group,
    Place,
    SeenRuns,
    Sort,
    SortKey,
    group_words,
    place_of,
)
from orchestrator_tui.state.query import EVERYTHING, Query
from orchestrator_tui.state.trends import Trends

_REDATE_EVERY: Final = timedelta(minutes=1)  # how late a run may leave a `since:` list


@dataclass(frozen=True, slots=True)
class FleetCounts:
    """How many runs there are; `attention` are those that a person should look at now."""

    attention: int = 0
    running: int = 0
    queued: int = 0
    failed: int = 0
    finished: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class RunGroup:
    """Runs that stand together in a list: `count` of them from the one at `start` on."""

    words: str
    start: int
    count: int


@dataclass(frozen=True, slots=True)
class FleetView:
    """A list of runs: the keys that are asked for in order, and counts over all runs."""

    keys: tuple[RunKey, ...] = ()
    counts: FleetCounts = FleetCounts()
    groups: tuple[RunGroup, ...] = ()


def live_keys(fleet: Fleet) -> frozenset[RunKey]:
    """Return the runs whose rows change as time goes by: those that have not ended."""
    return frozenset(run.key for run in fleet.runs.values() if is_live(run))


class RunOrder:
    """Keeps a list of runs in order while the fleet changes.

    A memory only: what it returns is what a new one would return, but that a run may leave a
    `since:` list up to a minute late. It looks again at the runs that changed and at those that
    time alone may change, so that a change among 100,000 finished runs costs no sort.
    """

    def __init__(self) -> None:
        self._asked: Asked | None = None
        self._seen = NOTHING_SEEN
        self._dated_at = LONG_AGO
        self._arranged_at = LONG_AGO
        self._fleet = Fleet()
        self._places: dict[RunKey, Place] = {}
        self._sorted: list[SortKey] = []
        self._grouped: Counter[str] = Counter()
        self._trends = Trends()
        self._drifting: set[RunKey] = set()
        self._states: Counter[State] = Counter()
        self._attention = 0
        self._view = FleetView()
        self._is_viewed = False

    def arrange(
        self,
        fleet: Fleet,
        now: datetime,
        query: Query = EVERYTHING,
        sort: Sort = Sort.ATTENTION,
        group: Group = Group.NONE,
    ) -> FleetView:
        """Return the runs to list at `now` (aware); see `answer`."""
        return self.answer(fleet, now, Asked(query, sort, group))

    def answer(
        self, fleet: Fleet, now: datetime, asked: Asked, seen: SeenRuns = NOTHING_SEEN
    ) -> FleetView:
        """Return the runs to list at `now` (aware), in order, and the counts over all runs.

        Attention order: waiting for approval, paused, lost, stalled, failed, unreadable or unknown
        (each newest first); running and queued, longest first; what failed or was lost and was
        seen; then the past, newest first. Lost, failed and unknown runs join the past when their
        last sign is more than 24 h old, so that old failures do not crowd the top. Equal views are
        the same value.
        """
        redate = now < self._arranged_at or (
            asked.query.is_dated and now - self._dated_at >= _REDATE_EVERY
        )
        changed = None if redate or self._asked != asked else self._changed(fleet)
        self._arranged_at, self._seen = now, seen
        if changed is None:
            self._begin(fleet, now, asked)
        else:
            for run in changed:
                self._put(run, place_of(run, now, asked, seen))
            for key in tuple(self._drifting):
                run = fleet.runs[key]
                self._put(run, place_of(run, now, asked, seen))
        self._fleet = fleet
        return self._viewed()

    def position(self, key: RunKey) -> int | None:
        """Return where a run stands in the list; None if it is not listed."""
        place = self._places.get(key)
        if place is None or not place.listed:
            return None
        index = bisect_left(self._sorted, place.sort_key)
        is_reversed = self._asked is not None and self._asked.is_reversed
        return len(self._sorted) - 1 - index if is_reversed else index

    def is_unseen(self, key: RunKey) -> bool:
        """Tell whether a run failed or was lost of late and nobody looked at it."""
        place = self._places.get(key)
        return place is not None and place.is_unseen

    def trend(self, run: RunState) -> tuple[State, ...]:
        """Return how the last runs of a run's pipeline ended, oldest first."""
        return self._trends.of(run)

    def _changed(self, fleet: Fleet) -> list[RunState] | None:
        """Return the runs that are not what they were, or None where one is missing."""
        old, new = self._fleet.runs, fleet.runs
        if old is new:
            return []
        if len(new) < len(old):
            return None
        # The reducer copies the map, so that runs stand in the same order in both; walking the two
        # together hashes no key.
        changed: list[RunState] = []
        values = iter(new.values())
        for before, after in zip(old.values(), islice(values, len(old)), strict=True):
            if before is not after:
                if before.key != after.key:
                    return None
                changed.append(after)
        changed.extend(values)
        return changed

    def _begin(self, fleet: Fleet, now: datetime, asked: Asked) -> None:
        self._asked, self._dated_at, self._is_viewed = asked, now, False
        runs = fleet.runs.items()
        self._places = {key: place_of(run, now, asked, self._seen) for key, run in runs}
        places = self._places.values()
        self._sorted = sorted(place.sort_key for place in places if place.listed)
        self._grouped = Counter()
        if asked.group != Group.NONE:
            self._grouped.update(key[0] for key in self._sorted)
        self._drifting = {key for key, place in self._places.items() if place.drifts}
        self._states = Counter(place.state for place in places)
        self._attention = sum(place.wants_attention for place in places)
        self._trends = Trends()
        for key, place in self._places.items():
            self._trends.put(fleet.runs[key], place.state, None)

    def _put(self, run: RunState, place: Place) -> None:
        before = self._places.get(run.key)
        self._trends.put(run, place.state, before.state if before else None)
        if before == place:
            return
        self._is_viewed = False
        if before is not None:
            self._states[before.state] -= 1
            self._attention -= before.wants_attention
            if before.listed:
                del self._sorted[bisect_left(self._sorted, before.sort_key)]
                self._grouped[before.sort_key[0]] -= 1
        self._places[run.key] = place
        self._states[place.state] += 1
        self._attention += place.wants_attention
        if place.listed:
            insort(self._sorted, place.sort_key)
            self._grouped[place.sort_key[0]] += 1
        if place.drifts:
            self._drifting.add(run.key)
        else:
            self._drifting.discard(run.key)

    def _viewed(self) -> FleetView:
        if self._is_viewed:
            return self._view
        self._is_viewed = True
        asked = self._asked or Asked()
        keys = tuple(map(itemgetter(-1), self._sorted))
        view = FleetView(
            keys=keys[::-1] if asked.is_reversed else keys,
            counts=FleetCounts(
                attention=self._attention,
                running=self._states[State.RUNNING],
                queued=self._states[State.QUEUED],
                failed=self._states[State.FAILED],
                finished=sum(self._states[state] for state in FINISHED),
                total=len(self._places),
            ),
            groups=self._groups(asked),
        )
        if view != self._view:
            self._view = view
        return self._view

    def _groups(self, asked: Asked) -> tuple[RunGroup, ...]:
        if asked.group == Group.NONE:
            return ()
        groups: list[RunGroup] = []
        start = 0
        for name in sorted(self._grouped, reverse=asked.is_reversed):
            if count := self._grouped[name]:
                groups.append(RunGroup(group_words(asked.group, name), start, count))
                start += count
        return tuple(groups)


def order_runs(
    fleet: Fleet, now: datetime, query: Query = EVERYTHING, sort: Sort = Sort.ATTENTION
) -> tuple[RunKey, ...]:
    """Return the runs to list, in order, as `RunOrder.arrange` describes it."""
    return RunOrder().arrange(fleet, now, query, sort).keys
