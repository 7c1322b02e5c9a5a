"""derive_state: what a run is doing, and why one may say so."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.facts import RunFacts
from orchestrator_tui.records.life import Beats, Runner, RunnerVerdict
from orchestrator_tui.records.manifest import (
    HEARTBEAT_STALE_AFTER_S,
    TERMINAL,
    CommandStatus,
    RunStatus,
)
from orchestrator_tui.state.cancelling import is_cancelling, ladder_words
from orchestrator_tui.state.failure import failure_reason, stage_place
from orchestrator_tui.state.fleet import RunState
from orchestrator_tui.state.formatting import age, counted, elapsed
from orchestrator_tui.state.reducer import GONE_ENOUGH

# Without a runner.json only the age of the last beat can tell; docs/architecture.md, liveness.
LOST_AFTER_S: Final = 600.0
LOST_AFTER_STALE_TIMES: Final = 10
QUIET_AFTER_S: Final = 120.0  # without a new line in its log, though its heart beats
QUIET: Final = "QUIET"  # the badge, before how long
QUIET_STEP_S: Final = 10  # the badge counts in these, so that it is not another one each second
CLOCK_SKEW_S: Final = 60.0  # a beat further ahead than this is told as a wrong clock


class State(StrEnum):
    """What a run is doing; the value is the word of `orch-tui list --format json`."""

    QUEUED = "queued"
    RUNNING = "running"
    STALLED = "stalled"
    LOST = "lost"
    AWAITING = "awaiting_approval"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


FINISHED: Final = frozenset([State.SUCCEEDED, State.FAILED, State.CANCELLED])
_TERMINAL_STATES: Final = {
    "succeeded": State.SUCCEEDED,
    "failed": State.FAILED,
    "cancelled": State.CANCELLED,
    "canceled": State.CANCELLED,
}


class BeatSource(StrEnum):
    """Where a sign of life was found; the values are the Node original's words."""

    MANIFEST = "manifest"
    HEARTBEAT_FILE = "heartbeat_file"
    RUNNER_LOG = "runner_log"


@dataclass(frozen=True, slots=True)
class Activity:
    """The newest sign of life of a run."""

    at: datetime
    source: BeatSource


@dataclass(frozen=True, slots=True)
class ActivityReport:
    """What `status --format json` says of a run's life; None where nothing can be said."""

    observed_at: datetime | None
    observed_source: BeatSource | None
    stale_threshold_seconds: int | None
    age_seconds: int | None
    stale: bool | None


@dataclass(frozen=True, slots=True)
class DerivedState:
    """A state, the reason for it in plain words, and badges for what else holds."""

    state: State
    reason: str
    badges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Pulse:
    """How long a run has been silent; `ahead_s` is by how much its clock runs ahead of ours."""

    age_s: float | None
    ahead_s: float
    stale_after_s: float
    from_beat: bool

    @property
    def is_stale(self) -> bool:
        return self.age_s is not None and self.age_s > self.stale_after_s

    @property
    def is_silent_for_good(self) -> bool:
        limit = max(LOST_AFTER_S, LOST_AFTER_STALE_TIMES * self.stale_after_s)
        return self.age_s is not None and self.age_s > limit

    @property
    def silence(self) -> str:
        """Say since when nothing was heard."""
        kind = "heartbeat" if self.from_beat else "sign of life"
        return f"no {kind} for {age(self.age_s or 0.0)}"


def newest_activity(facts: RunFacts, beats: Beats) -> Activity | None:
    """Return the newest sign of life, or None; on equal times the manifest's comes first."""
    newest: Activity | None = None
    for at, source in (
        (facts.heartbeat_at, BeatSource.MANIFEST),
        (beats.file, BeatSource.HEARTBEAT_FILE),
        (beats.log, BeatSource.RUNNER_LOG),
    ):
        if at is not None and (newest is None or at > newest.at):
            newest = Activity(at, source)
    return newest


def activity_report(facts: RunFacts, beats: Beats, now: datetime) -> ActivityReport:
    """Return the Node original's view of a run's life.

    Only a run in progress with a threshold has an age; it is floored, and stale when it is more
    than the threshold.
    """
    seen = newest_activity(facts, beats)
    threshold = facts.stale_after_s or None
    age_s: int | None = None
    if facts.status == RunStatus.IN_PROGRESS and seen is not None and threshold is not None:
        age_s = max(0, int((now - seen.at).total_seconds()))
    return ActivityReport(
        observed_at=seen.at if seen else None,
        observed_source=seen.source if seen else None,
        stale_threshold_seconds=threshold,
        age_seconds=age_s,
        stale=None if age_s is None or threshold is None else age_s > threshold,
    )


def is_terminal(facts: RunFacts) -> bool:
    """Tell whether the manifest says that the run has ended."""
    return (facts.status or "").lower() in TERMINAL


def is_live(run: RunState) -> bool:
    """Tell whether a run's state depends on the time: its manifest has no last word."""
    return run.facts is not None and not is_terminal(run.facts)


def state_of(run: RunState, now: datetime) -> State:
    """Return the state alone, without its reason: quick for runs that have ended."""
    ended = run.facts is not None and _TERMINAL_STATES.get((run.facts.status or "").lower())
    return ended or derive_state(run, now).state


def derive_state(run: RunState, now: datetime) -> DerivedState:
    """Return what a run is doing at `now` (aware), why, and the badges; never raises.

    First match wins: what the manifest says for good; unknown words; a runner that is gone or, for
    runs without runner.json alone, silent for long; queued; stalled; waiting; running.
    """
    facts = run.facts
    if facts is None:
        return DerivedState(State.UNKNOWN, _unreadable_reason(run) or "not read yet")
    status = (facts.status or "").lower()
    ended = _TERMINAL_STATES.get(status)
    if ended is not None:
        return DerivedState(ended, _end_reason(ended, facts), _file_badges(run, facts))
    if status not in (RunStatus.QUEUED, RunStatus.IN_PROGRESS):
        told = f"unknown status “{facts.status}”" if facts.status else "manifest.json has no status"
        return DerivedState(State.UNKNOWN, told, _file_badges(run, facts))
    pulse = _pulse(facts, run.beats, now)
    state, reason = _living(run, facts, pulse)
    if state != State.LOST and (ending := ladder_words(run, now)):
        reason = ending
    return DerivedState(state, reason, _badges(run, facts, state, pulse, now))


def _unreadable_reason(run: RunState) -> str | None:
    if run.unreadable is None:
        return None
    name = run.unreadable.path.rpartition("/")[2] or "manifest.json"
    return f"{name} cannot be read: {run.unreadable.reason}"


def _end_reason(state: State, facts: RunFacts) -> str:
    if state == State.FAILED:
        return failure_reason(facts)
    if state == State.CANCELLED:
        place = stage_place(facts)
        return f"cancelled at stage {place}" if place else "cancelled"
    if facts.stage_of:
        return f"{facts.stages_done} of {counted(facts.stage_of, 'stage')} done"
    return "succeeded"


def _pulse(facts: RunFacts, beats: Beats, now: datetime) -> _Pulse:
    seen = newest_activity(facts, beats)
    at = seen.at if seen else facts.updated_at or facts.started_at
    offset_s = 0.0 if at is None else (now - at).total_seconds()
    return _Pulse(
        age_s=None if at is None else max(0.0, offset_s),
        ahead_s=max(0.0, -offset_s),
        stale_after_s=float(facts.stale_after_s or HEARTBEAT_STALE_AFTER_S),
        from_beat=seen is not None,
    )


def _living(run: RunState, facts: RunFacts, pulse: _Pulse) -> tuple[State, str]:
    verdict = run.runner.verdict if run.runner else RunnerVerdict.UNKNOWN
    lost = _lost_reason(run, verdict, pulse)
    if lost is not None:
        place = stage_place(facts)
        return State.LOST, f"{lost}, last stage {place}" if place else lost
    if _is_queued(facts):
        return State.QUEUED, _queued_reason(facts, pulse)
    if pulse.is_stale:
        return State.STALLED, _stalled_reason(run.runner, verdict, pulse)
    if waiting := _waiting_text(run):
        return State.AWAITING, waiting
    if run.waiting.paused:
        return State.PAUSED, run.waiting.reason or "paused"
    if pulse.age_s is None and verdict != RunnerVerdict.ALIVE:
        return State.UNKNOWN, "in progress, but without a heartbeat or any time"
    return State.RUNNING, _running_reason(run.runner, verdict, pulse)


def _named(runner: Runner | None, kind: str = "runner") -> str:
    return f"{kind} {runner.pid}" if runner and runner.pid is not None else kind


def _lost_reason(run: RunState, verdict: RunnerVerdict, pulse: _Pulse) -> str | None:
    if verdict == RunnerVerdict.REBOOTED:
        return "the machine was restarted since"
    if verdict == RunnerVerdict.GONE and run.gone_probes >= GONE_ENOUGH:
        return f"{_named(run.runner, 'runner process')} is gone"
    if verdict == RunnerVerdict.UNKNOWN and pulse.is_silent_for_good:
        return pulse.silence
    return None


def _is_queued(facts: RunFacts) -> bool:
    if (facts.status or "").lower() == RunStatus.QUEUED:
        return True
    nothing_begun = facts.stages_done == 0 and facts.stage_started_at is None
    return facts.stage_of > 0 and nothing_begun and facts.stage_status == CommandStatus.PENDING


def _queued_reason(facts: RunFacts, pulse: _Pulse) -> str:
    first = f"waits to start stage {facts.stage_id}" if facts.stage_id else "waits to start"
    return f"{first}, {pulse.silence}" if pulse.is_stale else first


def _stalled_reason(runner: Runner | None, verdict: RunnerVerdict, pulse: _Pulse) -> str:
    match verdict:
        case RunnerVerdict.ALIVE:
            return f"{_named(runner)} alive, {pulse.silence}"
        case RunnerVerdict.ELSEWHERE:
            return f"on host {(runner and runner.host) or 'unknown'}, {pulse.silence}"
        case RunnerVerdict.GONE:
            return f"{_named(runner)} was not found, {pulse.silence}"
        case _:
            return pulse.silence


def _running_reason(runner: Runner | None, verdict: RunnerVerdict, pulse: _Pulse) -> str:
    if verdict == RunnerVerdict.GONE:
        return f"{_named(runner)} was not found, looking again"
    if pulse.age_s is not None and pulse.from_beat:
        return f"heartbeat {age(pulse.age_s)} ago"
    if verdict == RunnerVerdict.ALIVE:
        return f"{_named(runner)} alive"
    return f"last written {age(pulse.age_s or 0.0)} ago"


def _waiting_text(run: RunState) -> str | None:
    parts = []
    if run.waiting.confirmations > 0:
        parts.append(f"{counted(run.waiting.confirmations, 'confirmation')} open")
    if run.waiting.questions > 0:
        parts.append(f"{counted(run.waiting.questions, 'question')} queued")
    return ", ".join(parts) or None


def _file_badges(run: RunState, facts: RunFacts) -> tuple[str, ...]:
    badges = []
    if facts.resumes:
        badges.append(f"RESUMED x{facts.resumes}")
    if facts.problems or run.unreadable is not None:
        badges.append("DIRTY")
    return tuple(badges)


def _quiet_badge(run: RunState, facts: RunFacts, now: datetime) -> str | None:
    """Return `QUIET 2:10` for a stage that has written nothing for long; a child's log is its own.

    Without a log nothing can be said: other runners may write theirs elsewhere.
    """
    written = run.beats.log
    if written is None or facts.stage_status != CommandStatus.RUNNING or facts.stage_is_run:
        return None
    newest = max(written, facts.stage_started_at or written)
    silent_s = int((now - newest).total_seconds())
    if silent_s < QUIET_AFTER_S:
        return None
    return f"{QUIET} {elapsed(silent_s - silent_s % QUIET_STEP_S)}"


def _badges(
    run: RunState, facts: RunFacts, state: State, pulse: _Pulse, now: datetime
) -> tuple[str, ...]:
    badges = []
    runner = run.runner
    if is_cancelling(run) and state != State.LOST:
        badges.append("CANCELLING")
    if run.waiting.paused and state != State.PAUSED:
        badges.append("PAUSED")
    if _waiting_text(run) and state != State.AWAITING:
        badges.append("APPROVAL")
    if state == State.RUNNING and (quiet := _quiet_badge(run, facts, now)):
        badges.append(quiet)
    badges.extend(_file_badges(run, facts))
    if pulse.ahead_s > CLOCK_SKEW_S:
        badges.append("CLOCK")
    if runner is not None and runner.verdict == RunnerVerdict.ELSEWHERE:
        badges.append(f"REMOTE {runner.host or 'unknown'}")
    return tuple(badges)
