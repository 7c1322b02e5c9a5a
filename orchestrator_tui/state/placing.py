"""Where one run belongs in a list: its rank, its group, and whether somebody should look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.fleet import RunState
from orchestrator_tui.state.liveness import State, is_live, state_of
from orchestrator_tui.state.query import EVERYTHING, PROBLEM_STATES, Query, matches
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

SortKey: TypeAlias = tuple[str, int, str, float, RunKey]


class Place(NamedTuple):
    """What is remembered of a run; `drifts` tells that time or a look may change it."""

    state: State
    wants_attention: bool
    listed: bool
    drifts: bool
    sort_key: SortKey

    @property
    def is_unseen(self) -> bool:
        """Whether it went wrong of late and nobody looked at it."""
        return self.wants_attention and self.state in _SEEABLE


def place_of(run: RunState, now: datetime, asked: Asked, seen: SeenRuns = NOTHING_SEEN) -> Place:
    """Return where a run belongs at `now` (aware)."""
    state = state_of(run, now)
    moment = moment_of(run, state)
    past = state in _SINKING and (moment is None or now - moment > ATTENTION_SPAN)
    is_seen = state in _SEEABLE and seen.get(run.key) == resumes_of(run)
    rank = _PAST if past else _SEEN if is_seen else _RANKS[state]
    is_problem = state in PROBLEM_STATES and not past
    return Place(
        state=state,
        wants_attention=is_problem and not is_seen,
        listed=not asked.query.terms or matches(run, state, asked.query, now),
        drifts=is_problem or (is_live(run) and not past),
        sort_key=_sort_key(run, state, moment, now, asked, rank),
    )


def resumes_of(run: RunState) -> int:
    """Return how often a run was resumed: what was seen before counts no more after it."""
    return run.facts.resumes if run.facts else 0


def _stamp(moment: datetime | None) -> float:
    return (moment or LONG_AGO).timestamp()


def _sort_key(
    run: RunState, state: State, moment: datetime | None, now: datetime, asked: Asked, rank: int
) -> SortKey:
    group = _group(run, state, asked.group)
    started = -_stamp(run.facts.started_at if run.facts and run.facts.started_at else moment)
    match asked.sort:
        case Sort.ATTENTION:
            # What runs stands with the oldest first, so that a new run moves no row above it.
            order = -started if state in (State.RUNNING, State.QUEUED) else -_stamp(moment)
            return (group, rank, "", order, run.key)
        case Sort.NEWEST:
            return (group, 0, "", started, run.key)
        case Sort.TASK:
            return (group, 0, run.key.task_id, started, run.key)
        case Sort.PIPELINE:
            pipeline = (run.facts and run.facts.pipeline_id) or ""
            return (group, 0 if pipeline else 1, pipeline, started, run.key)
        case Sort.STATE:
            return (group, _RANKS[state], state.value, started, run.key)
        case Sort.DURATION:
            length_s = run_length_s(run, state, now)
            return (group, 0, "", -1.0 * (length_s if length_s is not None else -1.0), run.key)


def _group(run: RunState, state: State, group: Group) -> str:
    match group:
        case Group.NONE:
            return ""
        case Group.TASK:
            return run.key.task_id
        case Group.PIPELINE:
            return (run.facts and (run.facts.pipeline_id or run.facts.pipeline_title)) or ""
        case Group.STATE:
            return f"{_RANKS[state]}{state.value}"


def group_words(group: Group, name: str) -> str:
    """Return how a group is called, from the first part of its runs' sort keys."""
    if group == Group.STATE:
        return STATE_WORDS[State(name[1:])].long
    return name or f"no {group}"
