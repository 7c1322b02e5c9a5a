"""Trends: how the last runs of a pipeline ended, in one task and in all."""

from __future__ import annotations

from bisect import insort
from typing import Final, TypeAlias

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.fleet import RunState
from orchestrator_tui.state.liveness import FINISHED, State
from orchestrator_tui.state.views import moment_of

TREND_RUNS: Final = 5
_KEPT: Final = 2 * TREND_RUNS  # so that a few that vanish leave enough
_ENOUGH: Final = 2  # finished runs of a task; with fewer those of all tasks tell more
_TOLD: Final = FINISHED | {State.LOST}

_Ended: TypeAlias = tuple[float, RunKey, State]


class Trends:
    """The newest finished runs of each pipeline, kept up run by run."""

    def __init__(self) -> None:
        self._ended: dict[tuple[str, str], list[_Ended]] = {}

    def put(self, run: RunState, state: State, before: State | None) -> None:
        """Take in a run's state, and the one that was taken in before."""
        pipeline = run.facts.pipeline_id if run.facts else None
        if not pipeline or (state == before and state not in _TOLD):
            return
        for name in ((pipeline, run.key.task_id), (pipeline, "")):
            kept = self._ended.setdefault(name, [])
            if before in _TOLD:
                kept[:] = [each for each in kept if each[1] != run.key]
            if state in _TOLD:
                moment = moment_of(run, state)
                insort(kept, (moment.timestamp() if moment else 0.0, run.key, state))
                del kept[:-_KEPT]

    def drop(self, run: RunState, before: State) -> bool:
        """Take out a run that is gone; tell whether too few are left to tell the trend of."""
        pipeline = run.facts.pipeline_id if run.facts else None
        if not pipeline or before not in _TOLD:
            return False
        names = ((pipeline, run.key.task_id), (pipeline, ""))
        for name in names:
            kept = self._ended.get(name, [])
            kept[:] = [each for each in kept if each[1] != run.key]
        return any(len(self._ended.get(name, ())) < TREND_RUNS for name in names)

    def of(self, run: RunState) -> tuple[State, ...]:
        """Return how the last runs of a run's pipeline ended, oldest first.

        Those in the same task, or in all where there are too few.
        """
        pipeline = run.facts.pipeline_id if run.facts else None
        if not pipeline:
            return ()
        own = self._ended.get((pipeline, run.key.task_id), [])
        told = own if len(own) >= _ENOUGH else self._ended.get((pipeline, ""), own)
        return tuple(state for _, _, state in told[-TREND_RUNS:])
