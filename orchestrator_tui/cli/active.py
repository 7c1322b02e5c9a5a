"""Which runs are active now, for verbs that act on those or stay away from them."""

from __future__ import annotations

from orchestrator_tui.cli.looking import look_at_unfinished
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.settings import Settings
from orchestrator_tui.state.liveness import derive_state
from orchestrator_tui.state.query import EVERYTHING, STATE_NAMES, Query, matches


def active_keys(settings: Settings, query: Query = EVERYTHING) -> list[RunKey]:
    """Return the runs that are active now and that a filter lets through."""
    now = SYSTEM_CLOCK.now()
    states = [
        (looked.run, derive_state(looked.run, now).state)
        for looked in look_at_unfinished(settings.roots)
    ]
    return [
        run.key
        for run, state in states
        if state in STATE_NAMES["active"] and matches(run, state, query, now)
    ]
