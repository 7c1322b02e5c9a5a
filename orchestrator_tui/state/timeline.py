"""Timeline: when the stages of a run's present attempt ran, and when the rest may be expected."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.state.estimates import Estimate
from orchestrator_tui.state.run_view import StageRow, StageState

# Lengths of a scale's step, seconds: what people count in.
STEPS_S: Final = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
MOST_STEPS: Final = 6
_GOING: Final = (StageState.RUNNING, StageState.STALLED)


@dataclass(frozen=True, slots=True)
class Bar:
    """When one stage ran, in seconds since the first began; None where it did not, or not yet.

    From `end_s` to `expected_end_s` more is expected, after `begin_s` alone where nothing ran yet.
    """

    stage: StageRow
    begin_s: float | None
    end_s: float | None
    expected_end_s: float | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """The bars of a run in the order of its stages, on a scale of whole steps.

    `length_s` is where the scale ends, `step_s` how far its marks stand apart; `now_s` is how far
    the run has come, `expected_s` where it is expected to end, None where that is not known.
    """

    bars: tuple[Bar, ...]
    length_s: float
    step_s: int
    now_s: float
    expected_s: float | None


def timeline(stages: Sequence[StageRow]) -> Timeline | None:
    """Return when these stages ran and may run, None before the first has begun.

    Stages that are kept from an earlier attempt have no bar: they would stretch the scale by the
    time in which the run lay still.
    """
    ran = [stage for stage in stages if _has_run(stage)]
    starts = [stage.started_at for stage in ran if stage.started_at is not None]
    if not starts:
        return None
    first = min(starts)
    bars: list[Bar] = []
    cursor: float | None = None  # where the next stage may begin, None once nobody can tell
    is_going = any(stage.state in _GOING for stage in stages)
    for stage in stages:
        bar = _bar(stage, first, cursor)
        bars.append(bar)
        if stage.state in (*_GOING, StageState.PENDING):
            cursor = bar.expected_end_s
    ends = [bar.end_s for bar in bars if bar.end_s is not None]
    expected = [bar.expected_end_s for bar in bars if bar.expected_end_s is not None]
    now_s = max(ends, default=0.0)
    step_s = _step(max([now_s, *expected]))
    steps = -(-max([now_s, *expected, 1.0]) // step_s)
    return Timeline(tuple(bars), steps * step_s, step_s, now_s, cursor if is_going else None)


def _has_run(stage: StageRow) -> bool:
    return stage.state != StageState.KEPT and stage.elapsed_s is not None


def _bar(stage: StageRow, first: datetime, cursor: float | None) -> Bar:
    if _has_run(stage) and stage.started_at is not None and stage.elapsed_s is not None:
        begin_s = max(0.0, (stage.started_at - first).total_seconds())
        end_s = begin_s + stage.elapsed_s
        is_going = stage.state in _GOING
        return Bar(stage, begin_s, end_s, _expected(stage.usual, begin_s, end_s, is_going))
    if stage.state == StageState.PENDING and cursor is not None:
        expected = _expected(stage.usual, cursor, cursor, True)
        return Bar(stage, cursor if expected is not None else None, None, expected)
    return Bar(stage, None, None)


def _expected(usual: Estimate | None, begin_s: float, end_s: float, is_open: bool) -> float | None:
    return max(end_s, begin_s + usual.usual_s) if usual is not None and is_open else None


def _step(length_s: float) -> int:
    for step_s in STEPS_S:
        if length_s <= step_s * MOST_STEPS:
            return step_s
    return STEPS_S[-1] * int(-(-length_s // (STEPS_S[-1] * MOST_STEPS)))
