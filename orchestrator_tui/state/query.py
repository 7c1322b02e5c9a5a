"""The filter language: which runs a person wants to see."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.identifiers import run_id_time
from orchestrator_tui.state.fleet import RunState
from orchestrator_tui.state.formatting import DAY_S, HOUR_S, MINUTE_S
from orchestrator_tui.state.liveness import FINISHED, State, is_live
from orchestrator_tui.state.views import STATE_WORDS

PROBLEM_STATES: Final = frozenset(
    [State.AWAITING, State.PAUSED, State.LOST, State.STALLED, State.FAILED, State.UNKNOWN]
)
_ACTIVE = frozenset([State.RUNNING, State.STALLED, State.AWAITING, State.PAUSED, State.QUEUED])
_UNITS_S = {"s": 1, "m": MINUTE_S, "h": HOUR_S, "d": DAY_S, "w": 7 * DAY_S}
_LENGTH = re.compile(r"(\d{1,6})([smhdw])")


class Field(StrEnum):
    """What a term of a query looks at; the value is what stands before its colon."""

    TEXT = "text"
    STATE = "state"
    TASK = "task"
    PIPELINE = "pipeline"
    STAGE = "stage"
    RUN = "run"
    SINCE = "since"


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; `value` is lower-case, `states` belongs to STATE and `seconds` to SINCE."""

    field: Field
    value: str
    negated: bool = False
    states: frozenset[State] = frozenset()
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """Conditions that must all hold."""

    terms: tuple[Term, ...] = ()

    @property
    def is_dated(self) -> bool:
        """Whether the answer changes as time goes by, though no run does."""
        return any(term.field == Field.SINCE for term in self.terms)


@dataclass(frozen=True, slots=True)
class QueryProblem:
    """Why a text is no query, in plain words with the cure."""

    text: str


EVERYTHING: Final = Query()


def _state_words() -> dict[str, frozenset[State]]:
    words: dict[str, frozenset[State]] = {}
    for state, word in STATE_WORDS.items():
        for name in (state.value, word.long.lower(), word.short.lower()):
            words[name] = frozenset([state])
    groups = {"problem": PROBLEM_STATES, "active": _ACTIVE, "finished": FINISHED}
    return words | {"canceled": frozenset([State.CANCELLED])} | groups


STATE_NAMES: Final[Mapping[str, frozenset[State]]] = MappingProxyType(_state_words())


def _states(value: str) -> frozenset[State] | QueryProblem:
    if value in STATE_NAMES:
        return STATE_NAMES[value]
    found = {states for name, states in STATE_NAMES.items() if name.startswith(value)}
    if len(found) == 1:
        return found.pop()
    known = ", ".join(state.value for state in State)
    trouble = "fits more than one state" if found else "is no state"
    return QueryProblem(f"“{value}” {trouble}; states: {known}, problem, active, finished")


def _words(text: str) -> tuple[str, ...] | QueryProblem:
    """Split at spaces outside of double quotes; the quotes go, a doubled one does not escape."""
    words: list[str] = []
    word, quoted, begun = "", False, False
    for char in text:
        if char == '"':
            quoted, begun = not quoted, True
        elif char.isspace() and not quoted:
            if begun:
                words.append(word)
            word, begun = "", False
        else:
            word, begun = word + char, True
    if quoted:
        return QueryProblem('a quote is not closed; add "')
    return (*words, word) if begun else tuple(words)


def _term(word: str) -> Term | QueryProblem | None:
    negated = word.startswith("-")
    head, colon, rest = word.removeprefix("-").partition(":")
    if not colon:
        return Term(Field.TEXT, head.lower(), negated) if head else None
    try:
        field = Field(head.lower())
    except ValueError:
        known = ", ".join(f"{f.value}:" for f in Field)
        return QueryProblem(f"“{head}:” is no field; fields: {known}")
    value = rest.lower()
    if not value:
        return QueryProblem(f"“{head}:” needs a value")
    if field == Field.STATE:
        states = _states(value)
        if isinstance(states, QueryProblem):
            return states
        return Term(field, value, negated, states=states)
    if field == Field.SINCE:
        match = _LENGTH.fullmatch(value)
        if match is None:
            return QueryProblem(f"“{value}” is no length of time; write 30m, 24h or 7d")
        return Term(field, value, negated, seconds=int(match[1]) * _UNITS_S[match[2]])
    return Term(field, value, negated)


def parse_query(text: str) -> Query | QueryProblem:
    """Return the query in `text`, or what is wrong with it; never raises.

    Plain words are looked for in task, pipeline, run id, stage and summary; `state:`, `task:`,
    `pipeline:`, `stage:`, `run:` and `since:24h` look at one thing; `-` before a term turns it
    round, and alone says nothing; double quotes keep spaces. Case does not matter, all terms must
    hold. A state may be cut short while it is plain which one is meant.
    """
    words = _words(text)
    if isinstance(words, QueryProblem):
        return words
    terms: list[Term] = []
    for word in words:
        term = _term(word)
        if isinstance(term, QueryProblem):
            return term
        if term is not None:
            terms.append(term)
    return Query(tuple(terms))


Predicate: TypeAlias = Callable[[RunState, State], bool]


class _Holds(dict[str | None, bool]):
    """Tells whether texts hold a part, in whatever case; remembers the answer.

    Many runs have the same texts, and to look an answer up costs a tenth of finding it.
    """

    def __init__(self, part: str) -> None:
        super().__init__({None: False})
        self._part = part

    def __missing__(self, text: str) -> bool:
        found = self[text] = self._part in text.lower()
        return found


def _anywhere(part: str) -> Predicate:
    holds = _Holds(part)

    def is_asked_for(run: RunState, state: State) -> bool:
        task_id, run_id = run.key
        if holds[task_id] or part in run_id.lower():
            return True
        facts = run.facts
        return facts is not None and (
            holds[facts.pipeline_id]
            or holds[facts.pipeline_title]
            or holds[facts.stage_id]
            or holds[facts.summary]
        )

    return is_asked_for


def _since(limit: datetime) -> Predicate:
    def is_asked_for(run: RunState, state: State) -> bool:
        facts = run.facts
        if facts is not None:
            ended, updated = facts.completed_at, facts.updated_at
            if (ended is not None and ended >= limit) or (updated is not None and updated >= limit):
                return True
            beat, begun = facts.heartbeat_at, facts.started_at
            if (beat is not None and beat >= limit) or (begun is not None and begun >= limit):
                return True
            if is_live(run):
                return True
            if ended or updated or beat or begun:
                return False
        named = run_id_time(run.key.run_id)
        return named is not None and named >= limit

    return is_asked_for


def _predicate(term: Term, now: datetime) -> Predicate:
    """Return what tells whether a run is what one term asks for."""
    holds, value, states = _Holds(term.value), term.value, term.states
    match term.field:
        case Field.TEXT:
            return _anywhere(value)
        case Field.STATE:
            return lambda run, state: state in states
        case Field.TASK:
            return lambda run, state: holds[run.key.task_id]
        case Field.RUN:
            return lambda run, state: value in run.key.run_id.lower()
        case Field.PIPELINE:
            return lambda run, state: (
                run.facts is not None
                and (holds[run.facts.pipeline_id] or holds[run.facts.pipeline_title])
            )
        case Field.STAGE:
            return lambda run, state: run.facts is not None and holds[run.facts.stage_id]
        case Field.SINCE:
            return _since(_before(now, term.seconds))


def _before(now: datetime, seconds: int) -> datetime:
    try:
        return now - timedelta(seconds=seconds)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def predicates(query: Query, now: datetime) -> tuple[Predicate, ...]:
    """Return what tells of each term of a query whether a run is what it asks for.

    To be made for a pass over many: each remembers what it found.
    """
    return tuple(
        _not(_predicate(term, now)) if term.negated else _predicate(term, now)
        for term in query.terms
    )


def _not(holds: Predicate) -> Predicate:
    return lambda run, state: not holds(run, state)


def matches(run: RunState, state: State, query: Query, now: datetime) -> bool:
    """Tell whether a run in that state is what the query asks for.

    `since:` asks whether a run was written to within that time; one that has not ended always
    counts.
    """
    return all(holds(run, state) for holds in predicates(query, now))
