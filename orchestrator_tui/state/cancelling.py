"""How far the ending of a run has come, rung by rung, as disk tells it."""

from __future__ import annotations

import math
from datetime import datetime
from enum import StrEnum

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.life import RunnerVerdict
from orchestrator_tui.state.fleet import RunState
from orchestrator_tui.state.formatting import elapsed


class RungState(StrEnum):
    """Where a rung of the ladder stands."""

    DONE = "done"
    NOW = "now"
    TO_COME = "to come"


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of ending a run; `at` is when it was taken, `when` how long it takes yet."""

    state: RungState
    words: str
    at: datetime | None = None
    when: str = ""


def is_cancelling(run: RunState) -> bool:
    """Tell whether the end of a run was asked for and has not come."""
    rung = run.runner.cancel_rung if run.runner else None
    return run.waiting.cancelling or rung is not None


def ladder(run: RunState, now: datetime) -> tuple[Rung, ...]:
    """Return the rungs of a run whose end was asked for; none of another run."""
    if not is_cancelling(run):
        return ()
    runner = run.runner
    asked_at = run.waiting.asked_at
    if runner is None or runner.verdict is RunnerVerdict.UNKNOWN:
        return (
            Rung(RungState.DONE, "asked the runner to stop", asked_at),
            Rung(RungState.NOW, "it ends the run", when="after this stage"),
        )
    times, rung = runner.cancel_times, runner.cancel_rung
    if rung is None:
        waited = _for(asked_at, now)
        heard = Rung(RungState.NOW, "its runner has not answered", asked_at, waited)
        return (heard, Rung(RungState.TO_COME, "SIGTERM"), Rung(RungState.TO_COME, "SIGKILL"))
    asked = Rung(RungState.DONE, "asked the runner to stop", times.asked_at or asked_at)
    grace_s = times.grace_s
    if rung == "asked":
        return (
            asked,
            Rung(RungState.NOW, "SIGTERM to its processes"),
            Rung(RungState.TO_COME, "SIGKILL to what is left"),
        )
    if rung == "term":
        gone_s = (now - times.term_at).total_seconds() if times.term_at else 0.0
        of = f"{elapsed(gone_s)} of {elapsed(grace_s)}" if grace_s else elapsed(gone_s)
        left = f"in {elapsed(max(0, math.ceil(grace_s - gone_s)))}" if grace_s else ""
        return (
            asked,
            Rung(RungState.NOW, "SIGTERM sent", times.term_at, of),
            Rung(RungState.TO_COME, "SIGKILL to what is left", when=left),
        )
    return (
        asked,
        Rung(RungState.DONE, "SIGTERM sent", times.term_at),
        Rung(RungState.NOW, "SIGKILL sent", times.kill_at, _for(times.kill_at, now)),
    )


def ladder_words(run: RunState, now: datetime) -> str | None:
    """Return the ladder on one line, None where the run is not being ended."""
    rungs = ladder(run, now)
    present = next((rung for rung in rungs if rung.state is RungState.NOW), None)
    if present is None:
        return None
    to_come = next((r for r in rungs if r.state is RungState.TO_COME and r.when), None)
    told = f"{present.words} {present.when}".strip()
    return f"{told}, SIGKILL {to_come.when}" if to_come else told


def _for(since: datetime | None, now: datetime) -> str:
    return f"for {elapsed((now - since).total_seconds())}" if since else ""
