"""Which runs a list shows, in which order, and how many there are of each kind."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import chain
from math import inf
from operator import attrgetter
from typing import Any, Final, TypeAlias

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
    Rank,
    SeenRuns,
    Sort,
    group_words,
    grouper,
    place_of,
    ranker,
)
from orchestrator_tui.state.query import EVERYTHING, Query, matches, predicates
from orchestrator_tui.state.trends import Trends

_REDATE_EVERY: Final = timedelta(minutes=1)  # how late a run may leave a `since:` list
_MANY: Final = 200  # runs; so many are taken in at once, rather than one by one
_SHARE: Final = 8  # where more than one in so many is new, all are sorted


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
    """A run, its place, and what it stands by in the order that is asked for."""

    __slots__ = ("group", "is_listed", "key", "place", "rank", "run")

    def __init__(self, run: RunState, place: Place) -> None:
        self.key = run.key  # nearer than in the run
        self.run = run
        self.place = place
        self.rank: Rank = 0.0
        self.group = ""
        self.is_listed = True


_Position: TypeAlias = tuple[Any, ...]  # compares with those of the same list alone


def _newest(entry: _Entry) -> _Position:
    return entry.place.started, entry.key


def _standing(entry: _Entry) -> _Position:
    return entry.group, entry.rank, entry.place.started, entry.key


class _Rows:
    """Entries in an order, and the names of their runs."""

    def __init__(self, entries: list[_Entry], position: Callable[[_Entry], _Position]) -> None:
        self.entries = entries
        self._position = position
        self._runs: list[RunKey] | None = None

    @property
    def runs(self) -> list[RunKey]:
        """The names in order, kept up once they have been asked for."""
        if self._runs is None:
            self._runs = [entry.key for entry in self.entries]
        return self._runs

    def add(self, entry: _Entry) -> None:
        """Put one in where it belongs."""
        index = bisect_left(self.entries, self._position(entry), key=self._position)
        self.entries.insert(index, entry)
        if self._runs is not None:
            self._runs.insert(index, entry.key)

    def with_many(self, fresh: list[_Entry]) -> _Rows:
        """Return these and others, none of which is here."""
        entries, begun = [], 0
        for entry in sorted(fresh, key=self._position):
            index = bisect_left(self.entries, self._position(entry), begun, key=self._position)
            entries += self.entries[begun:index]
            entries.append(entry)
            begun = index
        return _Rows(entries + self.entries[begun:], self._position)

    def without(self, entries: list[_Entry]) -> _Rows:
        """Return these but for some, wherever those stand."""
        gone = {id(entry) for entry in entries}
        return _Rows([entry for entry in self.entries if id(entry) not in gone], self._position)

    def index_of(self, entry: _Entry) -> int | None:
        """Return where an entry stands, None if it does not."""
        index = bisect_left(self.entries, self._position(entry), key=self._position)
        return index if self.entries[index : index + 1] == [entry] else None

    def remove(self, entry: _Entry) -> None:
        """Take one out, if it is there."""
        index = self.index_of(entry)
        if index is None:
            return
        del self.entries[index]
        if self._runs is not None:
            del self._runs[index]


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
        self._newest = _Rows([], _newest)  # what another order is made of
        self._all = _Rows([], _standing)
        self._listed = self._all  # the very same where no filter holds
        self._is_filtered = False  # else all entries are listed
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
        index = self._listed.index_of(entry) if entry else None
        if index is not None and self._asked.is_reversed:
            return len(self._listed.entries) - 1 - index
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
            if before.sort != asked.sort:
                self._rank(self._newest.entries, now)
            if before.group != asked.group:
                self._join_groups(self._newest.entries)
            self._sort()
        if is_sorted and before.query == asked.query and not is_dated:
            if before != asked:
                self._is_viewed = False
            return
        self._list(now)

    def _rank(self, entries: Iterable[_Entry], now: datetime) -> None:
        """Tell entries what they stand by in the order that is asked for."""
        rank_of = ranker(self._asked, now)
        for entry in entries:
            entry.rank = rank_of(entry.run, entry.place)

    def _join_groups(self, entries: Iterable[_Entry]) -> None:
        """Tell entries their groups."""
        group_of = grouper(self._asked.group)
        for entry in entries:
            entry.group = group_of(entry.run, entry.place) if group_of else ""

    def _sort(self) -> None:
        """Put all into the order that is asked for; sorting keeps the newest of one rank first."""
        entries = sorted(self._newest.entries, key=attrgetter("rank"))
        if self._asked.group != Group.NONE:
            groups: dict[str, list[_Entry]] = {}
            for entry in entries:
                if (group := groups.get(entry.group)) is not None:
                    group.append(entry)
                else:
                    groups[entry.group] = [entry]
            entries = list(chain.from_iterable(groups[name] for name in sorted(groups)))
        self._all = _Rows(entries, _standing)

    def _list(self, now: datetime) -> None:
        """Choose from all runs in order those that are asked for."""
        self._is_viewed, self._dated_at = False, now
        terms = self._asked.query.terms
        if terms or self._is_filtered:
            for entry in self._newest.entries:
                entry.is_listed = not terms
        self._is_filtered = bool(terms)
        self._listed = self._all
        if terms:
            fitting = self._newest.entries
            for fits in predicates(self._asked.query, now):
                fitting = [entry for entry in fitting if fits(entry.run, entry.place.state)]
            for entry in fitting:
                entry.is_listed = True
            listed = [entry for entry in self._all.entries if entry.is_listed]
            self._listed = _Rows(listed, _standing)
        self._grouped = Counter()
        if self._asked.group != Group.NONE:
            self._grouped.update(map(attrgetter("group"), self._listed.entries))

    def _take_many(self, changed: list[RunState], now: datetime) -> None:
        """Take in so many runs that each is not worth a search for its place."""
        # What is looked at in turn lies in turn in memory, which is twice as quick: newest first.
        changed = sorted(changed, key=attrgetter("key.run_id"), reverse=True)
        new = [run.key for run in changed if run.key not in self._entries]
        fresh = [self._note(run, place_of(run, now, self._seen)) for run in changed]
        self._rank(fresh, now)
        self._join_groups(fresh)
        newest, rows = self._newest, self._all
        if len(new) < len(changed):
            newest, rows = newest.without(fresh), rows.without(fresh)
        if len(fresh) * _SHARE > len(self._entries):
            self._newest = _Rows(sorted(newest.entries + fresh, key=_newest), _newest)
            self._sort()
        else:
            self._newest, self._all = newest.with_many(fresh), rows.with_many(fresh)
        self._list(now)
        self.arrived.update(key for key in new if self._entries[key].is_listed)

    def _put(self, run: RunState, now: datetime) -> None:
        asked, known = self._asked, self._entries.get(run.key)
        place = place_of(run, now, self._seen)
        rank = ranker(asked, now)(run, place)
        group_of = grouper(asked.group)
        group = group_of(run, place) if group_of else ""
        is_listed = not asked.query.terms or matches(run, place.state, asked.query, now)
        if known is not None:
            before = known.is_listed, known.group, known.rank, known.place.started
            if before == (is_listed, group, rank, place.started):
                self._note(run, place)
                return
            self._take_out(known)
        self._is_viewed = False
        entry = self._note(run, place)
        entry.rank, entry.group, entry.is_listed = rank, group, is_listed
        self._newest.add(entry)
        self._all.add(entry)
        if is_listed:
            if known is None:
                self.arrived.add(run.key)
            if self._listed is not self._all:
                self._listed.add(entry)
            if asked.group != Group.NONE:
                self._grouped[group] += 1

    def _take_out(self, entry: _Entry) -> None:
        self._newest.remove(entry)
        self._all.remove(entry)
        if self._listed is not self._all:
            self._listed.remove(entry)
        if entry.is_listed and self._asked.group != Group.NONE:
            self._grouped[entry.group] -= 1

    def _note(self, run: RunState, place: Place) -> _Entry:
        """Keep a run and its place, and count it; what it stands by is left as it was."""
        key = run.key
        entry = self._entries.get(key)
        before = entry.place if entry else None
        if entry is None:
            entry = self._entries[key] = _Entry(run, place)
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
        self._take_out(entry)
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
