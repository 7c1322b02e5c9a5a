"""RunRow: what one line of a table shows of a run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.facts import RunFacts, RunShape
from orchestrator_tui.records.identifiers import RunKey, run_id_time
from orchestrator_tui.records.life import RunnerVerdict
from orchestrator_tui.state.estimates import PipelinePast, glance, is_slow
from orchestrator_tui.state.failure import exit_words
from orchestrator_tui.state.fleet import RunState
from orchestrator_tui.state.formatting import elapsed
from orchestrator_tui.state.liveness import (
    FINISHED,
    DerivedState,
    State,
    derive_state,
    is_live,
    newest_activity,
)

STATUS_WORD_LENGTH = 10  # cells of the widest state word; a foreign status is cut to it


@dataclass(frozen=True, slots=True)
class StateWord:
    """The word of a state for wide screens, and the one of at most seven cells."""

    long: str
    short: str


STATE_WORDS: Final[Mapping[State, StateWord]] = MappingProxyType(
    {
        State.SUCCEEDED: StateWord("SUCCEEDED", "OK"),
        State.FAILED: StateWord("FAILED", "FAIL"),
        State.CANCELLED: StateWord("CANCELLED", "CANCEL"),
        State.LOST: StateWord("LOST", "LOST"),
        State.STALLED: StateWord("STALLED", "STALL"),
        State.AWAITING: StateWord("APPROVAL", "APPROVE"),
        State.PAUSED: StateWord("PAUSED", "PAUSED"),
        State.QUEUED: StateWord("QUEUED", "QUEUE"),
        State.RUNNING: StateWord("RUNNING", "RUN"),
        State.UNKNOWN: StateWord("UNKNOWN", "UNKNOWN"),
    }
)
CANCELLING_WORD: Final = StateWord("CANCELLING", "ENDING")


@dataclass(frozen=True, slots=True)
class RunRow:
    """All texts that a table shows of a run, not yet safe for a terminal.

    `stage` is `4/5 test`, `stage_number` is `4/5` and `stage_name` is `test`; all are empty where
    no stage is known. `elapsed_s` is None where the start is not known or still to come.
    `is_ticking` tells that the row is another one a second later. `left_s` and `share` are guessed
    for a run that goes on: what is left, and what is done of it. `why` is the reason where there is
    little room, empty while nothing is wrong. `by` tells who runs it: `me`, `node` for a runner of
    the Node original, or a host; empty where that is not known.
    """

    key: RunKey
    state: State
    word: StateWord
    reason: str
    badges: tuple[str, ...]
    task: str
    pipeline: str
    run: str
    stage: str
    stage_number: str
    stage_name: str
    stages_done: int
    stage_of: int
    elapsed: str
    elapsed_s: float | None
    started_at: datetime | None
    ended_at: datetime | None
    summary: str
    parent_run_id: str | None
    is_ticking: bool
    left_s: float | None = None
    share: float | None = None
    why: str = ""
    by: str = ""
    host: str = ""


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """Return the length between two moments, 0 for an end before the start, None if one is."""
    if start is None or end is None:
        return None
    seconds = (end - start).total_seconds()
    return seconds if seconds > 0 else 0.0


def run_length_s(run: RunState, state: State, now: datetime) -> float | None:
    """Return for how many seconds the present attempt of a run has gone or went on.

    The time in which a run lay still before it was resumed is no work. A lost run lasts until its
    last sign of life: what came after is not known.
    """
    facts = run.facts
    if facts is None or state is State.QUEUED:
        return None
    begun = facts.resumed_at or facts.started_at
    if state in FINISHED:
        end = facts.completed_at or facts.updated_at
        if end is not None and begun is not None and end < begun:
            begun = facts.started_at
    elif state in (State.LOST, State.UNKNOWN):
        seen = newest_activity(facts, run.beats)
        end = seen.at if seen else facts.updated_at
    else:
        end = now
    return seconds_between(begun, end)


def moment_of(run: RunState, state: State) -> datetime | None:
    """Return when a run came to where it is: its end, its last sign of life, or its start."""
    facts = run.facts
    if facts is None:
        return run_id_time(run.key.run_id)
    if state in FINISHED:
        moment = facts.completed_at or facts.updated_at or facts.started_at
    elif state in (State.LOST, State.UNKNOWN):
        seen = newest_activity(facts, run.beats)
        moment = seen.at if seen else facts.updated_at or facts.started_at
    else:
        moment = facts.started_at
    return moment or run_id_time(run.key.run_id)


def project_row(run: RunState, now: datetime, past: PipelinePast | None = None) -> RunRow:
    """Return what a table shows of a run at `now` (aware); `past` is that of its pipeline."""
    derived = derive_state(run, now)
    facts = run.facts or RunFacts(run.key, RunShape.OTHER, folder="")
    length_s = run_length_s(run, derived.state, now)
    slow = derived.state == State.RUNNING and is_slow(facts, past, now)
    number, name = _stage(facts, derived.state)
    word = _word(facts, derived)
    goes_on = derived.state in (State.RUNNING, State.QUEUED) and word != CANCELLING_WORD
    left = glance(facts, past, now) if goes_on else None
    return RunRow(
        key=run.key,
        state=derived.state,
        word=word,
        reason=derived.reason,
        badges=(*derived.badges, *(("SLOW",) if slow else ())),
        task=run.key.task_id,
        pipeline=facts.pipeline_id or facts.pipeline_title or "",
        run=run.key.short,
        stage=f"{number} {name}".strip(),
        stage_number=number,
        stage_name=name,
        stages_done=facts.stages_done,
        stage_of=facts.stage_of,
        elapsed=elapsed(length_s),
        elapsed_s=length_s,
        started_at=facts.started_at,
        ended_at=facts.completed_at if derived.state in FINISHED else None,
        summary=facts.summary or "",
        parent_run_id=facts.parent_run_id,
        is_ticking=is_live(run),
        left_s=left.left_s if left else None,
        share=left.share if left else None,
        why=_why(facts, derived),
        by=_by(run),
        host=(run.runner and run.runner.host) or "",
    )


def _why(facts: RunFacts, derived: DerivedState) -> str:
    match derived.state:
        case State.FAILED if facts.exit_code is not None or facts.stage_summary:
            return exit_words(facts.exit_code, facts.stage_summary)
        case State.SUCCEEDED | State.CANCELLED | State.QUEUED | State.RUNNING:
            return " ".join(badge for badge in derived.badges if badge != "CANCELLING")
        case _:
            return derived.reason


def _by(run: RunState) -> str:
    runner = run.runner
    if runner is None or runner.verdict == RunnerVerdict.UNKNOWN:
        return "node" if is_live(run) else ""
    return (runner.host or "other") if runner.verdict == RunnerVerdict.ELSEWHERE else "me"


def _word(facts: RunFacts, derived: DerivedState) -> StateWord:
    if "CANCELLING" in derived.badges:
        return CANCELLING_WORD
    if derived.state == State.UNKNOWN and facts.status:
        foreign = facts.status.upper()[:STATUS_WORD_LENGTH]
        return StateWord(foreign, foreign[:7])
    return STATE_WORDS[derived.state]


def _stage(facts: RunFacts, state: State) -> tuple[str, str]:
    if facts.stage_of == 0:
        return "", ""
    if state == State.QUEUED:
        return f"0/{facts.stage_of}", ""
    if state == State.SUCCEEDED:
        return f"{facts.stages_done}/{facts.stage_of}", ""
    return f"{facts.stage_index}/{facts.stage_of}", facts.stage_id or ""
