"""Values that the tests of the pure core start from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator_tui.records.facts import RunFacts, RunShape
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import Beats, Runner, RunnerVerdict
from orchestrator_tui.state.fleet import Fleet, RunState
from orchestrator_tui.state.observations import RunSeen
from orchestrator_tui.state.reducer import observe

NOW = datetime(2026, 11, 22, 14, 32, 7, tzinfo=UTC)
NO_BEATS = Beats()
KEY = RunKey("0951-tui-log-view", "2026-11-22T14-27-55-120Z-c2d9e410")


def ago(**length: float) -> datetime:
    """Return the moment that long before `NOW`: `ago(minutes=3)`."""
    return NOW - timedelta(**length)


def facts(key: RunKey = KEY, **changes: Any) -> RunFacts:
    """Return the facts of a run in its fourth of five stages."""
    given: dict[str, Any] = {
        "shape": RunShape.CLI,
        "folder": f".runs/{key.task_id}/cli",
        "status": "in_progress",
        "pipeline_id": "diagnostics",
        "started_at": ago(minutes=4, seconds=12),
        "updated_at": ago(seconds=1),
        "heartbeat_at": ago(seconds=0.8),
        "stale_after_s": 30,
        "stage_index": 4,
        "stage_of": 5,
        "stage_id": "test",
        "stage_status": "running",
        "stage_started_at": ago(minutes=2, seconds=45),
        "stages_done": 3,
    }
    return RunFacts(key=key, **(given | changes))


def run(
    *,
    beats: Beats = NO_BEATS,
    runner: Runner | None = None,
    gone_probes: int = 0,
    **changes: Any,
) -> RunState:
    """Return what is known of that run."""
    return RunState(KEY, facts(**changes), beats=beats, runner=runner, gone_probes=gone_probes)


def alive(pid: int = 48122) -> Runner:
    """Return a runner that holds its lock."""
    return Runner(RunnerVerdict.ALIVE, pid=pid, host="here")


def gone(pid: int = 48122) -> Runner:
    """Return a runner that was not found."""
    return Runner(RunnerVerdict.GONE, pid=pid, host="here")


def fleet_of(*seen: RunFacts) -> Fleet:
    """Return a fleet in which these manifests were read."""
    return observe(Fleet(), tuple(RunSeen(each) for each in seen))
