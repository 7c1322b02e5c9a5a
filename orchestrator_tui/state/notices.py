"""Notices: what has to be told at once of runs that were seen to go on here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import FINISHED, State, is_live
from orchestrator_tui.state.views import RunRow, project_row

WORTH_TELLING_AFTER_S: Final = 60.0  # who starts a shorter run still looks at it
_TOLD: Final = FINISHED | {State.LOST, State.AWAITING, State.STALLED}
# A run that stalls and goes on again and again is told of once in so long.
AGAIN_AFTER_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Notice:
    """A run that ended, stalled, was lost or waits; its texts need not be safe for a terminal."""

    key: RunKey
    state: State
    name: str
    word: str
    pipeline: str
    reason: str

    @property
    def words(self) -> str:
        """The run, and in a second line its state and why."""
        return f"{self.name}\n{self.word}: {self.reason}"

    @property
    def is_grave(self) -> bool:
        """Whether somebody has to look at the run."""
        return self.state not in (State.SUCCEEDED, State.CANCELLED)

    def facts(self) -> dict[str, str]:
        """Return what a program that is told of it gets, by name."""
        return {
            "ORCH_TUI_RUN_ID": self.key.run_id,
            "ORCH_TUI_TASK": self.key.task_id,
            "ORCH_TUI_PIPELINE": self.pipeline,
            "ORCH_TUI_STATE": self.state.value,
            "ORCH_TUI_REASON": self.reason,
        }


def notice_of(row: RunRow) -> Notice:
    """Return what is told of a run."""
    name = " / ".join(part for part in (row.task, row.pipeline, row.run) if part)
    return Notice(row.key, row.state, name, row.word.long, row.pipeline, row.reason)


def follow(
    known: Mapping[RunKey, State | None], fleet: Fleet, now: datetime
) -> tuple[dict[RunKey, State | None], tuple[Notice, ...]]:
    """Return the live runs with their states at `now`, and what is new of those that were known.

    A run is known with None before its first state; then only its end is news, for it may have
    waited or been lost for long.
    """
    live: dict[RunKey, State | None] = {}
    told: list[Notice] = []
    for key, before in known.items():
        run = fleet.runs.get(key)
        if run is None:
            continue
        row = project_row(run, now)
        goes_on = is_live(run)
        if goes_on:
            live[key] = row.state
        is_news = row.state != before and (before is not None or not goes_on)
        is_long = row.elapsed_s is not None and row.elapsed_s > WORTH_TELLING_AFTER_S
        if is_news and is_long and row.state in _TOLD:
            told.append(notice_of(row))
    return live, tuple(told)
