"""Farewell: what is printed when the screens are closed: which runs keep going."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import State
from orchestrator_tui.state.ordering import live_keys
from orchestrator_tui.state.views import project_row

FAREWELL_NAMES: Final = 4  # runs named when the screen is closed
KEEPS_GOING: Final = frozenset(
    [State.RUNNING, State.QUEUED, State.STALLED, State.AWAITING, State.PAUSED]
)


def farewell_lines(fleet: Fleet, now: datetime, program: str) -> tuple[str, ...]:
    """Return which runs keep going and how to come back, as `program` is called; none if none."""
    rows = [project_row(fleet.runs[key], now) for key in live_keys(fleet)]
    going = [row for row in rows if row.state in KEEPS_GOING]
    if not going:
        return ()
    names = [
        f"{row.run} {row.pipeline}{' (ending)' if 'CANCELLING' in row.badges else ''}"
        for row in sorted(going, key=lambda row: row.key)
    ]
    more = [f"and {len(names) - FAREWELL_NAMES} more"] if len(names) > FAREWELL_NAMES else []
    listed = ", ".join([safe_text(name) for name in names[:FAREWELL_NAMES]] + more)
    verb = "run keeps" if len(going) == 1 else "runs keep"
    return (
        f"{len(going)} {verb} going: {listed}",
        f"Return: {program}   Stop one: {program} cancel RUN",
    )
