"""Why a run cannot be stopped or resumed now, in words for a menu entry that is greyed out."""

from __future__ import annotations

from orchestrator_tui.records.facts import RunShape
from orchestrator_tui.records.life import RunnerVerdict
from orchestrator_tui.state.fleet import RunState
from orchestrator_tui.state.liveness import FINISHED, State


def cancel_refusal(run: RunState, state: State) -> str | None:
    """Return why a run in that state cannot be stopped from here, None if it can."""
    if run.facts is None:
        return "its manifest cannot be read"
    if state in FINISHED:
        return "already ended"
    if run.facts.shape != RunShape.CLI:
        return "runs of this older layout cannot be stopped from here"
    if state == State.LOST and _verdict(run) is RunnerVerdict.UNKNOWN:
        return "no runner is left that could stop it"
    return None


def kill_refusal(run: RunState, state: State) -> str | None:
    """Return why the processes of a run cannot be killed from here, None if they can."""
    refusal = cancel_refusal(run, state)
    if refusal is not None:
        return refusal
    verdict = _verdict(run)
    if verdict is RunnerVerdict.ELSEWHERE:
        return f"other host {(run.runner and run.runner.host) or 'unknown'}: cannot signal"
    if verdict is RunnerVerdict.UNKNOWN:
        return "no runner.json names its processes: cannot signal"
    return None


def _verdict(run: RunState) -> RunnerVerdict:
    return run.runner.verdict if run.runner else RunnerVerdict.UNKNOWN


def resume_refusal(run: RunState, state: State) -> str | None:
    """Return why a run in that state cannot be resumed now, None if it can."""
    if run.facts is None:
        return "its manifest cannot be read"
    if run.facts.shape != RunShape.CLI:
        return "runs of this older layout cannot be resumed"
    if state == State.SUCCEEDED:
        return "every stage has succeeded"
    if state in FINISHED or state == State.LOST:
        return None
    verdict = _verdict(run)
    if state == State.STALLED and verdict == RunnerVerdict.UNKNOWN:
        return None
    if verdict == RunnerVerdict.ELSEWHERE:
        return f"it runs on host {(run.runner and run.runner.host) or 'unknown'}"
    return "it has not ended; cancel it first"
