"""Happenings: what is new between two views of a run, for people and for programs; pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.times import format_time
from orchestrator_tui.state.liveness import State
from orchestrator_tui.state.run_view import RunView, StageRow, StageState

EVENT_SCHEMA_VERSION: Final = 1
ACTOR: Final = "orch-tui"
# Told only where something happened to them: not what was done before, or is still to come.
_SILENT: Final = frozenset([StageState.PENDING, StageState.KEPT, StageState.CANCELLED])
_ENDS: Final = frozenset([State.SUCCEEDED, State.FAILED, State.CANCELLED, State.LOST])
# Words of the Node original's events.jsonl where it has one.
_STATE_EVENTS: Final = {
    State.SUCCEEDED: "run_completed",
    State.FAILED: "run_failed",
    State.CANCELLED: "run_canceled",
    State.STALLED: "heartbeat_lost",
    State.AWAITING: "waiting",
    State.PAUSED: "run_paused",
}
_STAGE_EVENTS: Final = {
    StageState.RUNNING: "step_started",
    StageState.FAILED: "step_failed",
}


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a run, or with `stage` to one of its stages."""

    event: str
    at: datetime
    view: RunView
    stage: StageRow | None = None

    def document(self, seq: int) -> dict[str, Any]:
        """Return it as a line of `events.jsonl` would have it; `seq` counts from 1."""
        key = self.view.row.key
        return {
            "schema_version": EVENT_SCHEMA_VERSION,
            "seq": seq,
            "timestamp": format_time(self.at),
            "task_id": key.task_id,
            "run_id": key.run_id,
            "event": self.event,
            "actor": ACTOR,
            "payload": self._payload(),
        }

    def _payload(self) -> dict[str, Any]:
        row, stage = self.view.row, self.stage
        if stage is None:
            return {
                "state": row.state.value,
                "reason": row.reason,
                "attempt": self.view.attempt,
                "elapsed_s": row.elapsed_s,
            }
        return {
            "stage_id": stage.id,
            "stage_index": stage.index,
            "of": len(self.view.stages),
            "state": stage.state.value,
            "word": stage.word,
            "elapsed_s": stage.elapsed_s,
        }


def happenings(before: RunView | None, after: RunView, now: datetime) -> Iterator[Happening]:
    """Yield what is new since `before`, in order; all there is where nothing was seen before.

    A run's end comes after the ends of its stages, everything else of it before them.
    """
    has_changed = before is None or before.row.state != after.row.state
    event = _STATE_EVENTS.get(after.row.state, "state_changed")
    is_end = after.row.state in _ENDS
    if before is None:
        yield Happening("run_started", after.row.started_at or now, after)
    if has_changed and not is_end and not (before is None and event == "state_changed"):
        yield Happening(event, now, after)
    known = {stage.index: stage.state for stage in before.stages} if before else {}
    for stage in after.stages:
        if known.get(stage.index, StageState.PENDING) != stage.state:
            yield from _of_stage(stage, after, now)
    if has_changed and is_end:
        yield Happening(event, after.row.ended_at or now, after)


def _of_stage(stage: StageRow, view: RunView, now: datetime) -> Iterator[Happening]:
    if stage.state in _SILENT or stage.started_at is None:
        return
    event = _STAGE_EVENTS.get(stage.state, "step_completed")
    if stage.state in (StageState.STALLED, StageState.INTERRUPTED):
        event = "step_started"  # the state of the run tells the rest
    at = stage.started_at if event == "step_started" else stage.ended_at
    yield Happening(event, at or now, view, stage)
