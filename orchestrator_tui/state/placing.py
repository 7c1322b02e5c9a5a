"""Where one run belongs in a list: its rank, its group, and whether somebody should look at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from math import inf
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.fleet import RunState
from orchestrator_tui.state.liveness import State, is_live, state_of
from orchestrator_tui.state.query import EVERYTHING, PROBLEM_STATES, Query
from orchestrator_tui.state.views import STATE_WORDS, moment_of, run_length_s

# A run that ended or fell silent badly longer ago than this no longer asks for attention.
ATTENTION_SPAN: Final = timedelta(hours=24)
LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)
_SINKING: Final = frozenset([State.LOST, State.FAILED, State.UNKNOWN])
_SEEABLE: Final = frozenset([State.LOST, State.FAILED])  # to have seen it is all that one can do


class Sort(StrEnum):
    """The orders of a list of runs."""

    ATTENTION = "attention"
    NEWEST = "newest"
    TASK = "task"
    PIPELINE = "pipeline"
    STATE = "state"
    DURATION = "duration"


class Group(StrEnum):
    """What the runs of a list may be put together by."""

    NONE = "none"
    TASK = "task"
    PIPELINE = "pipeline"
    STATE = "state"


# How often each run had been resumed when a person saw that it had failed or was lost.
SeenRuns: TypeAlias = Mapping[RunKey, int]
NOTHING_SEEN: Final[SeenRuns] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Asked:
    """Which runs a list shows, in which order, and by what they are put together."""

    query: Query = EVERYTHING
    sort: Sort = Sort.ATTENTION
    group: Group = Group.NONE
    is_reversed: bool = False


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
    State.SUCCEEDED: 9,
    State.CANCELLED: 9,
}
_SEEN, _PAST = 8, 9

_STATES: Final = {
    state: number
    for number, state in enumerate(sorted(State, key=lambda each: (_RANKS[each], each.value)))
}
# One number for rank and time is compared in a third of the time that two take; times lie closer
# together than this, and a thousandth of a second still counts.
_APART_S: Final = 1e12
_AFTER_ALL: Final = "\U0010ffff"

# What an order sorts by first; those of one list compare with one another, and no others.
Rank: TypeAlias = float | str


class Place(NamedTuple):
    """What is remembered of a run, whatever list is asked for.

    Attributes:
        order: The place in attention order, the smaller the sooner.
        started: Seconds before the epoch, so that the newest is the smallest.
        is_problem: It went wrong of late or waits, whether seen or not.
        fades_at: When a problem is one no longer, in seconds since the epoch.
        is_ticking: Time alone may change its state or length.
    """

    state: State
    order: float
    started: float
    wants_attention: bool
    is_problem: bool
    fades_at: float
    is_ticking: bool

    @property
    def is_unseen(self) -> bool:
        """Whether it went wrong of late and nobody looked at it."""
        return self.wants_attention and self.state in _SEEABLE


def place_of(run: RunState, now: datetime, seen: SeenRuns = NOTHING_SEEN) -> Place:
    """Return where a run belongs at `now` (aware)."""
    state = state_of(run, now)
    moment = moment_of(run, state)
    at = _stamp(moment)
    is_sinking = state in _SINKING
    past = is_sinking and (moment is None or now - moment > ATTENTION_SPAN)
    is_seen = state in _SEEABLE and seen.get(run.key) == resumes_of(run)
    is_problem = state in PROBLEM_STATES and not past
    begun = run.facts.started_at if run.facts else None
    started = -_stamp(begun) if begun else -at
    rank = _PAST if past else _SEEN if is_seen else _RANKS[state]
    # What runs stands with the oldest first, so that a new run moves no row above it.
    among = -started if state in (State.RUNNING, State.QUEUED) else -at
    return Place(
        state=state,
        order=rank * _APART_S + among,
        started=started,
        wants_attention=is_problem and not is_seen,
        is_problem=is_problem,
        fades_at=at + ATTENTION_SPAN.total_seconds() if is_problem and is_sinking else inf,
        is_ticking=not past and is_live(run),
    )


def ranker(asked: Asked, now: datetime) -> Callable[[RunState, Place], Rank]:
    """Return what tells by what the order that is asked for sorts a run first.

    Runs of one rank stand with the newest first, then by their names.
    """
    return _RANKERS.get(asked.sort) or partial(_by_duration, now)


def _by_pipeline(run: RunState, place: Place) -> Rank:
    return (run.facts and run.facts.pipeline_id) or _AFTER_ALL


def _by_duration(now: datetime, run: RunState, place: Place) -> Rank:
    length_s = run_length_s(run, place.state, now)
    return 1.0 if length_s is None else -length_s


_RANKERS: Final[Mapping[Sort, Callable[[RunState, Place], Rank]]] = {
    Sort.ATTENTION: lambda run, place: place.order,
    Sort.NEWEST: lambda run, place: 0.0,
    Sort.TASK: lambda run, place: run.key.task_id,
    Sort.PIPELINE: _by_pipeline,
    Sort.STATE: lambda run, place: _STATES[place.state],
}


def resumes_of(run: RunState) -> int:
    """Return how often a run was resumed: what was seen before counts no more after it."""
    return run.facts.resumes if run.facts else 0


def _stamp(moment: datetime | None) -> float:
    return (moment or LONG_AGO).timestamp()


def grouper(group: Group) -> Callable[[RunState, Place], str] | None:
    """Return what names the group that a run is in, None where runs are not put together.

    `group_words` says such a name in words.
    """
    return _GROUPERS.get(group)


_GROUP_OF_STATE: Final = {state: f"{_RANKS[state]}{state.value}" for state in State}
_GROUPERS: Final[Mapping[Group, Callable[[RunState, Place], str]]] = {
    Group.TASK: lambda run, place: run.key.task_id,
    Group.PIPELINE: lambda run, place: (
        (run.facts and (run.facts.pipeline_id or run.facts.pipeline_title)) or ""
    ),
    Group.STATE: lambda run, place: _GROUP_OF_STATE[place.state],
}


def group_words(group: Group, name: str) -> str:
    """Return how a group is called that `grouper` named."""
    if group == Group.STATE:
        return STATE_WORDS[State(name[1:])].long
    return name or f"no {group}"
