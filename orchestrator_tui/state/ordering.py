"""Which runs a list shows, in which order, and how many there are of each kind."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from datetime import datetime, timedelta
from math import inf
from operator import attrgetter
from typing import Final

from orchestrator_tui.dataclass import dataclass
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
    sorter,
)
from orchestrator_tui.state.query import EVERYTHING, Query, matcher, matches
from orchestrator_tui.state.trends import Trends

_REDATE_EVERY: Final = timedelta(minutes=1)  # how late a run may leave a `since:` list
_KEY: Final = attrgetter("key")
_MANY: Final = 200  # runs; above it all are sorted rather than each put into its place


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


class _Entry:
    """A run, its place, and its sort key in the order that is asked for."""

    __slots__ = ("key", "place", "run")

    def __init__(self, run: RunState, place: Place, key: SortKey) -> None:
        self.run = run
        self.place = place
        self.key = key


class _Rows:
    """Entries in order of their sort keys; beside them the sort keys, and the names of the runs."""

    def __init__(self, entries: list[_Entry]) -> None:
        self.entries = entries
        self.ordered = [entry.key for entry in entries]
        self.runs: list[RunKey] = [key[-1] for key in self.ordered]

    def add(self, entry: _Entry) -> None:
        """Put one in where it belongs."""
        index = bisect_left(self.ordered, entry.key)
        self.entries.insert(index, entry)
        self.ordered.insert(index, entry.key)
        self.runs.insert(index, entry.run.key)

    def index_of(self, key: SortKey) -> int | None:
        """Return where a sort key stands, None if it does not."""
        index = bisect_left(self.ordered, key)
        return index if self.ordered[index : index + 1] == [key] else None

    def remove(self, index: int) -> None:
        """Take one out."""
        del self.entries[index], self.ordered[index], self.runs[index]


class RunOrder:
    """Keeps a list of runs in order while the fleet changes.

    A memory only: what it returns is what a new one would return, but that a run may leave a
    `since:` list up to a minute late. It looks again at the runs that changed and at those that
    time alone may change. Another filter sorts nothing, another order works out no state anew.

    Attributes:
        arrived: The listed runs that came since `acknowledge`.
    """

    def __init__(self) -> None:
        self.arrived: set[RunKey] = set()
        self._asked = Asked()
        self._seen = NOTHING_SEEN
        self._dated_at = LONG_AGO
        self._arranged_at = LONG_AGO
        self._fleet = Fleet()
        self._entries: dict[RunKey, _Entry] = {}
        self._all = _Rows([])
        self._listed = self._all  # the very same where no filter holds
        self._grouped: Counter[str] = Counter()
        self._trends = Trends()
        self._ticking: set[RunKey] = set()
        self._problems: set[RunKey] = set()
        self._fades_at = inf  # when the first problem is one no longer, or sooner
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
        changed, gone = fleet.runs.changes_since(self._fleet.runs)
        self._fleet = fleet
        again = self._to_place_again(now, seen)
        was_set_back = now < self._arranged_at
        self._arranged_at, self._seen = now, seen
        for key in gone:
            self._drop(key)
        if was_set_back or len(changed) > _MANY:
            self._take_many(list(fleet.runs.values()) if was_set_back else changed, now)
        else:
            for run in changed:
                self._put(run, now)
        for key in again:
            if (entry := self._entries.get(key)) is not None:
                self._put(entry.run, now)
        self._ask(asked, now)
        return self._viewed()

    def _to_place_again(self, now: datetime, seen: SeenRuns) -> set[RunKey]:
        """Return the runs whose place may be another one later though they are the same."""
        if seen is not self._seen or now.timestamp() >= self._fades_at:
            self._fades_at = inf  # to be worked out from those that are placed again
            return self._ticking | self._problems
        return set(self._ticking)

    def acknowledge(self) -> bool:
        """Take the runs that arrived for known; tell whether there were any."""
        had, self.arrived = bool(self.arrived), set()
        return had

    def position(self, key: RunKey) -> int | None:
        """Return where a run stands in the list; None if it is not listed."""
        entry = self._entries.get(key)
        index = self._listed.index_of(entry.key) if entry else None
        if index is not None and self._asked.is_reversed:
            return len(self._listed.runs) - 1 - index
        return index

    def is_unseen(self, key: RunKey) -> bool:
        """Tell whether a run failed or was lost of late and nobody looked at it."""
        entry = self._entries.get(key)
        return entry is not None and entry.place.is_unseen

    def trend(self, run: RunState) -> tuple[State, ...]:
        """Return how the last runs of a run's pipeline ended, oldest first."""
        return self._trends.of(run)

    def _ask(self, asked: Asked, now: datetime) -> None:
        """Sort anew where another order is asked for, filter anew where another filter is."""
        before, self._asked = self._asked, asked
        is_sorted = (before.sort, before.group) == (asked.sort, asked.group)
        is_dated = asked.query.is_dated and now - self._dated_at >= _REDATE_EVERY
        if not is_sorted:
            key_of = sorter(asked, now)
            for entry in self._all.entries:
                entry.key = key_of(entry.run, entry.place)
            self._all = _Rows(sorted(self._all.entries, key=_KEY))
        if is_sorted and before.query == asked.query and not is_dated:
            if before != asked:
                self._is_viewed = False
            return
        self._list(now)

    def _list(self, now: datetime) -> None:
        """Choose from all runs in order those that are asked for."""
        self._is_viewed, self._dated_at = False, now
        self._listed = self._all
        if self._asked.query.terms:
            fits = matcher(self._asked.query, now)
            self._listed = _Rows(
                [each for each in self._all.entries if fits(each.run, each.place.state)]
            )
        self._grouped = Counter()
        if self._asked.group != Group.NONE:
            self._grouped.update(each[0] for each in self._listed.ordered)

    def _take_many(self, changed: list[RunState], now: datetime) -> None:
        """Take in so many runs that sorting them all is quicker than finding the place of each."""
        key_of = sorter(self._asked, now)
        new = [run.key for run in changed if run.key not in self._entries]
        fresh = [self._note(run, now) for run in changed]
        for entry in fresh:
            entry.key = key_of(entry.run, entry.place)
        kept = self._all.entries
        if len(new) < len(changed):
            others = {id(entry) for entry in fresh}
            kept = [entry for entry in kept if id(entry) not in others]
        # What is kept stands in order, so that this merges rather than sorts.
        self._all = _Rows(sorted(kept + sorted(fresh, key=_KEY), key=_KEY))
        self._list(now)
        self.arrived.update(key for key in new if self._is_listed(self._entries[key]))

    def _put(self, run: RunState, now: datetime) -> None:
        known = self._entries.get(run.key)
        was_listed = known is not None and self._is_listed(known)
        before = known.key if known else None
        entry = self._note(run, now)
        after = sorter(self._asked, now)(run, entry.place)
        query = self._asked.query
        is_listed = not query.terms or matches(run, entry.place.state, query, now)
        if before == after and was_listed == is_listed:
            return
        self._is_viewed = False
        if known is not None:
            self._take_out(known, was_listed)
        entry.key = after
        self._all.add(entry)
        if is_listed:
            if known is None:
                self.arrived.add(run.key)
            if self._listed is not self._all:
                self._listed.add(entry)
            if self._asked.group != Group.NONE:
                self._grouped[after[0]] += 1

    def _is_listed(self, entry: _Entry) -> bool:
        return self._listed is self._all or self._listed.index_of(entry.key) is not None

    def _take_out(self, entry: _Entry, was_listed: bool) -> None:
        for rows in {id(each): each for each in (self._all, self._listed)}.values():
            index = rows.index_of(entry.key)
            if index is not None:
                rows.remove(index)
        if was_listed and self._asked.group != Group.NONE:
            self._grouped[entry.key[0]] -= 1

    def _note(self, run: RunState, now: datetime) -> _Entry:
        """Work out a run's place, and count it; its sort key is left as it was."""
        key, place = run.key, place_of(run, now, self._seen)
        entry = self._entries.get(key)
        before = entry.place if entry else None
        if entry is None:
            entry = self._entries[key] = _Entry(run, place, ())
        entry.run, entry.place = run, place
        self._trends.put(run, place.state, before.state if before else None)
        if place.is_problem:
            self._fades_at = min(self._fades_at, place.fades_at)
        if before != place:
            self._is_viewed = False
            self._count(before, -1)
            self._count(place, 1)
            (self._ticking.add if place.is_ticking else self._ticking.discard)(key)
            (self._problems.add if place.is_problem else self._problems.discard)(key)
        return entry

    def _count(self, place: Place | None, by: int) -> None:
        if place is not None:
            self._states[place.state] += by
            self._attention += by * place.wants_attention

    def _drop(self, key: RunKey) -> None:
        entry = self._entries.pop(key)
        self.arrived.discard(key)
        self._is_viewed = False
        self._take_out(entry, self._is_listed(entry))
        self._count(entry.place, -1)
        self._ticking.discard(key)
        self._problems.discard(key)
        if self._trends.drop(entry.run, entry.place.state):
            self._trends = Trends()
            for each in self._entries.values():
                self._trends.put(each.run, each.place.state, None)

    def _viewed(self) -> FleetView:
        if self._is_viewed:
            return self._view
        self._is_viewed = True
        keys = tuple(self._listed.runs)
        view = FleetView(
            keys=keys[::-1] if self._asked.is_reversed else keys,
            counts=FleetCounts(
                attention=self._attention,
                running=self._states[State.RUNNING],
                queued=self._states[State.QUEUED],
                failed=self._states[State.FAILED],
                finished=sum(self._states[state] for state in FINISHED),
                total=len(self._entries),
            ),
            groups=self._groups(self._asked),
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
