"""Away: what became of the runs since somebody last looked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.facts import RunFacts
from orchestrator_tui.state.failure import failure_reason
from orchestrator_tui.state.fleet import Fleet, RunState
from orchestrator_tui.state.formatting import age, number
from orchestrator_tui.state.liveness import FINISHED, State, is_live, newest_activity
from orchestrator_tui.state.views import RunRow, moment_of, project_row

# Ended well, ended badly, then what wants somebody: the order in which it is told.
_WORDS: Final = {
    State.SUCCEEDED: "succeeded",
    State.FAILED: "failed",
    State.LOST: "lost",
    State.CANCELLED: "cancelled",
    State.AWAITING: "waiting",
    State.STALLED: "stalled",
}
_Pipeline: TypeAlias = tuple[str, str | None]  # a task, and one of its pipelines
_LISTED: Final = (State.FAILED, State.LOST, State.AWAITING, State.STALLED)


@dataclass(frozen=True, slots=True)
class AwayRun:
    """A run to look at: its row, when it came to where it is, and a remark in a few words."""

    row: RunRow
    at: datetime | None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Away:
    """What happened after `since`; `runs` are those to look at, the gravest first."""

    since: datetime
    counts: tuple[tuple[State, int], ...] = ()
    runs: tuple[AwayRun, ...] = ()


def away_of(fleet: Fleet, since: datetime, until: datetime, now: datetime) -> Away:
    """Return what ended between two moments, and what was waiting or without life at `now`.

    `until` is when somebody came back: what happens after that is seen as it happens.
    """
    pairs = ((run, _row_since(run, since, until, now)) for run in fleet.runs.values())
    rows = [(run, row) for run, row in pairs if row is not None]
    counts = Counter(row.state for _, row in rows)
    earlier = _of_same_pipeline(
        fleet, {_pipeline_of(run) for run, row in rows if row.state is State.FAILED}
    )
    found = [
        AwayRun(row, moment_of(run, row.state), _remark(earlier, run, row, now))
        for run, row in rows
        if row.state in _LISTED
    ]
    found.sort(key=lambda each: (_LISTED.index(each.row.state), -_stamp(each.at), each.row.key))
    return Away(
        since, tuple((state, counts[state]) for state in _WORDS if counts[state]), (*found,)
    )


def _stamp(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


def _row_since(run: RunState, since: datetime, until: datetime, now: datetime) -> RunRow | None:
    facts = run.facts
    if facts is None:
        return None
    if is_live(run):
        row = project_row(run, now)
        if row.state is State.LOST:
            at = moment_of(run, row.state)
            return row if at is not None and since < at <= until else None
        return row if row.state in _LISTED else None
    ended = facts.completed_at or facts.updated_at
    if ended is None or not since < ended <= until:
        return None
    row = project_row(run, now)
    return row if row.state in FINISHED else None


def _pipeline_of(run: RunState) -> _Pipeline:
    return run.key.task_id, run.facts.pipeline_id if run.facts else None


def _of_same_pipeline(fleet: Fleet, wanted: set[_Pipeline]) -> dict[_Pipeline, list[RunFacts]]:
    """Return the runs of these tasks and pipelines that succeeded or failed, in one pass."""
    found: dict[_Pipeline, list[RunFacts]] = {each: [] for each in wanted}
    for run in fleet.runs.values() if wanted else ():
        if run.facts is not None and run.facts.status in ("succeeded", "failed"):
            found.get(_pipeline_of(run), []).append(run.facts)
    return found


def _remark(
    earlier: Mapping[_Pipeline, list[RunFacts]], run: RunState, row: RunRow, now: datetime
) -> str:
    facts = run.facts
    if facts is None:
        return ""
    if row.state is State.FAILED:
        return "same as before" if _fails_alike(earlier[_pipeline_of(run)], facts) else ""
    seen = newest_activity(facts, run.beats)
    at = facts.stage_started_at if row.state is State.AWAITING else seen.at if seen else None
    return age((now - at).total_seconds()) if at is not None else ""


def _fails_alike(earlier: Iterable[RunFacts], facts: RunFacts) -> bool:
    """Tell whether the last run before, of those of its task and pipeline, failed alike."""
    begun = facts.started_at
    before = [
        other
        for other in earlier
        if begun is not None and other.started_at is not None and other.started_at < begun
    ]
    last = max(before, key=lambda other: _stamp(other.started_at), default=None)
    if last is None or last.status != "failed":
        return False
    return failure_reason(last) == failure_reason(facts)


def away_words(away: Away, now: datetime) -> str:
    """Return it in one line; empty where nothing happened. `away.since` and `now` are local.

    `since 18:10 yesterday: 4 succeeded, 1 failed (same as before), 1 waiting 9 h`
    """
    if not away.counts:
        return ""
    parts = [_counted(away, state, count) for state, count in away.counts]
    return f"since {since_words(away.since, now)}: {', '.join(parts)}"


def _counted(away: Away, state: State, count: int) -> str:
    text = f"{number(count)} {_WORDS[state]}"
    remarks = [each.remark for each in away.runs if each.row.state is state]
    if state is State.FAILED:
        alike = sum(bool(remark) for remark in remarks)
        same = "same as before" if alike == count else f"{number(alike)} same as before"
        return f"{text} ({same})" if alike else text
    return f"{text} {remarks[0]}" if count == 1 and remarks and remarks[0] else text


def since_words(since: datetime, now: datetime) -> str:
    """Return a local moment as it is said: `18:10`, `18:10 yesterday`, `18:10 on Nov 21`."""
    clock = f"{since:%H:%M}"
    if since.date() == now.date():
        return clock
    if since.date() == (now - timedelta(days=1)).date():
        return f"{clock} yesterday"
    return f"{clock} on {since:%b %d}" if since.year == now.year else f"{since:%Y-%m-%d}"
