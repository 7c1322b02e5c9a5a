"""Notices: what has to be told at once of runs that were seen to go on here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import State, is_live
from orchestrator_tui.state.views import project_row

WORTH_TELLING_AFTER_S: Final = 60.0  # who starts a shorter run still looks at it
_TOLD: Final = frozenset([State.FAILED, State.LOST, State.AWAITING])


@dataclass(frozen=True, slots=True)
class Notice:
    """A run that failed, was lost or waits; `words` need not be safe for a terminal."""

    key: RunKey
    words: str


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
            name = " / ".join(part for part in (row.task, row.pipeline, row.run) if part)
            told.append(Notice(key, f"{name}\n{row.word.long}: {row.reason}"))
    return live, tuple(told)
