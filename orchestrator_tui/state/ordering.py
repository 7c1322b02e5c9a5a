"""Which runs a list shows, in which order, and how many there are of each kind."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.fleet import Fleet, RunState
from orchestrator_tui.state.liveness import FINISHED, State, is_live, state_of
from orchestrator_tui.state.query import EVERYTHING, PROBLEM_STATES, Query, matches
from orchestrator_tui.state.views import moment_of, run_length_s

# A run that ended or fell silent badly longer ago than this no longer asks for attention.
ATTENTION_SPAN: Final = timedelta(hours=24)
_REDATE_EVERY: Final = timedelta(minutes=1)  # how late a run may leave a `since:` list
_LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)
_SINKING: Final = frozenset([State.LOST, State.FAILED, State.UNKNOWN])


class Sort(StrEnum):
    """The orders of a list of runs."""

    ATTENTION = "attention"
    NEWEST = "newest"
    TASK = "task"
    PIPELINE = "pipeline"
    STATE = "state"
    DURATION = "duration"


# Runs that wait for a person first, then what went wrong, then what goes on, then the past.
_RANKS: Final = {
    State.AWAITING: 0,
    State.PAUSED: 1,
    State.LOST: 2,
    State.STALLED: 3,
    State.FAILED: 4,
    State.UNKNOWN: 5,
    State.RUNNING: 6,
    State.QUEUED: 7,
    State.SUCCEEDED: 8,
    State.CANCELLED: 8,
}
_PAST: Final = 8


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
class FleetView:
    """A list of runs: the keys that the query asks for in order, and counts over all runs."""

    keys: tuple[RunKey, ...] = ()
    counts: FleetCounts = FleetCounts()


_SortKey: TypeAlias = tuple[int, str, float, RunKey]


class _Place(NamedTuple):
    """What is remembered of a run; `drifts` tells that time alone may change it."""

    state: State
    wants_attention: bool
    listed: bool
    drifts: bool
    sort_key: _SortKey


def live_keys(fleet: Fleet) -> frozenset[RunKey]:
    """Return the runs whose rows change as time goes by: those that have not ended."""
    return frozenset(run.key for run in fleet.runs.values() if is_live(run))


def _stamp(moment: datetime | None) -> float:
    return (moment or _LONG_AGO).timestamp()


def _sort_key(
    run: RunState, state: State, moment: datetime | None, now: datetime, sort: Sort, rank: int
) -> _SortKey:
    started = -_stamp(run.facts.started_at if run.facts and run.facts.started_at else moment)
    match sort:
        case Sort.ATTENTION:
            # What runs stands with the oldest first, so that a new run moves no row above it.
            order = -started if state in (State.RUNNING, State.QUEUED) else -_stamp(moment)
            return (rank, "", order, run.key)
        case Sort.NEWEST:
            return (0, "", started, run.key)
        case Sort.TASK:
            return (0, run.key.task_id, started, run.key)
        case Sort.PIPELINE:
            pipeline = (run.facts and run.facts.pipeline_id) or ""
            return (0 if pipeline else 1, pipeline, started, run.key)
        case Sort.STATE:
            return (_RANKS[state], state.value, started, run.key)
        case Sort.DURATION:
            length_s = run_length_s(run, state, now)
            return (0, "", -1.0 * (length_s if length_s is not None else -1.0), run.key)


def _place(run: RunState, now: datetime, query: Query, sort: Sort) -> _Place:
    state = state_of(run, now)
    moment = moment_of(run, state)
    past = state in _SINKING and (moment is None or now - moment > ATTENTION_SPAN)
    rank = _PAST if past else _RANKS[state]
    attention = state in PROBLEM_STATES and not past
    return _Place(
        state=state,
        wants_attention=attention,
        listed=not query.terms or matches(run, state, query, now),
        drifts=(is_live(run) or attention) and not past,
        sort_key=_sort_key(run, state, moment, now, sort, rank),
    )


class RunOrder:
    """Keeps a list of runs in order while the fleet changes.

    A memory only: what it returns is what a new one would return, but that a run may leave a
    `since:` list up to a minute late. It looks again at the runs that changed and at those that
    time alone may change, so that a change among 100,000 finished runs costs no sort.
    """

    def __init__(self) -> None:
        self._asked: tuple[Query, Sort] | None = None
        self._dated_at = _LONG_AGO
        self._arranged_at = _LONG_AGO
        self._fleet = Fleet()
        self._places: dict[RunKey, _Place] = {}
        self._sorted: list[_SortKey] = []
        self._drifting: set[RunKey] = set()
        self._states: Counter[State] = Counter()
        self._attention = 0
        self._view = FleetView()

    def arrange(
        self, fleet: Fleet, now: datetime, query: Query = EVERYTHING, sort: Sort = Sort.ATTENTION
    ) -> FleetView:
        """Return the runs to list at `now` (aware), in order, and the counts over all runs.

        Attention order: waiting for approval, paused, lost, stalled, failed, unreadable or unknown
        (each newest first); running and queued, longest first; then the past, newest first. Lost,
        failed and unknown runs join the past when their last sign is more than 24 h old, so that
        old failures do not crowd the top. Equal views are the same value.
        """
        redate = now < self._arranged_at or (
            query.is_dated and now - self._dated_at >= _REDATE_EVERY
        )
        changed = None if redate or self._asked != (query, sort) else self._changed(fleet)
        self._arranged_at = now
        if changed is None:
            self._begin(fleet, now, query, sort)
        else:
            for run in changed:
                self._put(run, _place(run, now, query, sort))
            for key in tuple(self._drifting):
                run = fleet.runs[key]
                self._put(run, _place(run, now, query, sort))
        self._fleet = fleet
        return self._viewed()

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

    def _begin(self, fleet: Fleet, now: datetime, query: Query, sort: Sort) -> None:
        self._asked, self._dated_at = (query, sort), now
        self._places = {key: _place(run, now, query, sort) for key, run in fleet.runs.items()}
        places = self._places.values()
        self._sorted = sorted(place.sort_key for place in places if place.listed)
        self._drifting = {key for key, place in self._places.items() if place.drifts}
        self._states = Counter(place.state for place in places)
        self._attention = sum(place.wants_attention for place in places)

    def _put(self, run: RunState, place: _Place) -> None:
        before = self._places.get(run.key)
        if before == place:
            return
        if before is not None:
            self._states[before.state] -= 1
            self._attention -= before.wants_attention
            if before.listed:
                del self._sorted[bisect_left(self._sorted, before.sort_key)]
        self._places[run.key] = place
        self._states[place.state] += 1
        self._attention += place.wants_attention
        if place.listed:
            insort(self._sorted, place.sort_key)
        if place.drifts:
            self._drifting.add(run.key)
        else:
            self._drifting.discard(run.key)

    def _viewed(self) -> FleetView:
        view = FleetView(
            keys=tuple(map(itemgetter(3), self._sorted)),
            counts=FleetCounts(
                attention=self._attention,
                running=self._states[State.RUNNING],
                queued=self._states[State.QUEUED],
                failed=self._states[State.FAILED],
                finished=sum(self._states[state] for state in FINISHED),
                total=len(self._places),
            ),
        )
        if view != self._view:
            self._view = view
        return self._view


def order_runs(
    fleet: Fleet, now: datetime, query: Query = EVERYTHING, sort: Sort = Sort.ATTENTION
) -> tuple[RunKey, ...]:
    """Return the runs to list, in order, as `RunOrder.arrange` describes it."""
    return RunOrder().arrange(fleet, now, query, sort).keys
