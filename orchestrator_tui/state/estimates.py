"""Estimates: how long a pipeline usually takes, and what is left of a run; always a guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.facts import RunFacts
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.manifest import RunStatus
from orchestrator_tui.records.stage_lengths import StageLengths
from orchestrator_tui.state.formatting import counted, elapsed

SAMPLES_KEPT: Final = 20  # succeeded runs of a pipeline that are counted, the newest
SAMPLES_NEEDED: Final = 3  # fewer tell nothing
USUAL, LONG = 0.5, 0.9  # the quantiles that are shown and warned of
MOST_SHARE: Final = 0.99  # a run that goes on is never said to be done


@dataclass(frozen=True, slots=True)
class Lengths:
    """How many seconds one succeeded run took, and each of its stages that succeeded, by id."""

    key: RunKey
    started_at: datetime
    run_s: float
    stages: StageLengths


@dataclass(frozen=True, slots=True)
class Estimate:
    """The usual (p50) and the long (p90) length of what was measured `samples` times, seconds."""

    usual_s: float
    long_s: float
    samples: int


@dataclass(frozen=True, slots=True)
class PipelinePast:
    """The newest succeeded runs of one pipeline, newest first, and what they let one expect."""

    samples: tuple[Lengths, ...]
    run: Estimate | None = None
    stages: Mapping[str, Estimate] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class StageProgress:
    """How far a stage has come; `elapsed_s` is None before it begins."""

    id: str
    is_done: bool
    elapsed_s: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is left of a run that goes on: seconds from 0 on, and the share done, below 1.

    `samples` is the smallest number of runs that any part of it was worked out from.
    """

    left_s: float
    share: float
    samples: int

    @property
    def words(self) -> str:
        """Say what is left: `~1:54 left`, or `~0:00+ left` where it takes longer than usual."""
        more = "+" if self.left_s < 1 else ""
        return f"~{elapsed(self.left_s)}{more} left"

    @property
    def grounds(self) -> str:
        """Say what the guess rests on: `p50 of 12 runs`."""
        return f"p50 of {counted(self.samples, 'run')}"


def lengths_of(facts: RunFacts, stages: StageLengths) -> Lengths | None:
    """Return how long a run and these stages of it took; None unless it succeeded in one go.

    The length of a resumed run holds the time in which it lay still, so it tells nothing.
    """
    started, ended = facts.started_at, facts.completed_at
    if not has_length(facts) or started is None or ended is None:
        return None
    return Lengths(facts.key, started, (ended - started).total_seconds(), stages)


def has_length(facts: RunFacts) -> bool:
    """Tell whether `lengths_of` has anything to return."""
    started, ended = facts.started_at, facts.completed_at
    if started is None or ended is None or ended < started or facts.resumes:
        return False
    return (facts.status or "").lower() == RunStatus.SUCCEEDED


def is_worth_a_sample(past: PipelinePast | None, facts: RunFacts) -> bool:
    """Tell whether a run is young enough to be among the samples, or is one already."""
    if past is None or len(past.samples) < SAMPLES_KEPT or facts.started_at is None:
        return True
    return facts.started_at >= past.samples[-1].started_at


def past_from(samples: Iterable[Lengths]) -> PipelinePast:
    """Return what the newest of these samples let one expect."""
    kept = sorted(samples, key=lambda lengths: (lengths.started_at, lengths.key), reverse=True)
    kept = kept[:SAMPLES_KEPT]
    stages: dict[str, list[float]] = {}
    for lengths in kept:
        for stage_id, length_s in lengths.stages:
            stages.setdefault(stage_id, []).append(length_s)
    known = {stage_id: estimate(lengths_s) for stage_id, lengths_s in stages.items()}
    return PipelinePast(
        samples=tuple(kept),
        run=estimate([lengths.run_s for lengths in kept]),
        stages=MappingProxyType({name: found for name, found in known.items() if found}),
    )


def estimate(lengths_s: Sequence[float]) -> Estimate | None:
    """Return what these lengths let one expect, None if they are too few."""
    if len(lengths_s) < SAMPLES_NEEDED:
        return None
    ordered = sorted(lengths_s)
    return Estimate(quantile(ordered, USUAL), quantile(ordered, LONG), len(ordered))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which a share (0 to 1) of sorted values lies, between neighbours.

    Raises:
        IndexError: There are no values.
    """
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def forecast(stages: Iterable[StageProgress], past: PipelinePast | None) -> Forecast | None:
    """Return what is left of a run with these stages; None where a stage's length is not known."""
    if past is None:
        return None
    worked_s, left_s, samples = 0.0, 0.0, SAMPLES_KEPT
    some_left = False
    for stage in stages:
        worked_s += stage.elapsed_s or 0.0
        if stage.is_done:
            continue
        expected = past.stages.get(stage.id)
        if expected is None:
            return None
        some_left = True
        left_s += max(0.0, expected.usual_s - (stage.elapsed_s or 0.0))
        samples = min(samples, expected.samples)
    if not some_left:
        return None
    total_s = worked_s + left_s
    share = worked_s / total_s if total_s else 0.0
    return Forecast(left_s, min(MOST_SHARE, share), samples)


def glance(facts: RunFacts, past: PipelinePast | None, now: datetime) -> Forecast | None:
    """Return what is left of a run that goes on, from the little that a list knows of it.

    The newest earlier run tells which stages come; None where it had another number of them.
    """
    if past is None or not past.samples or len(past.samples[0].stages) != facts.stage_of:
        return None
    ids = [stage_id for stage_id, _ in past.samples[0].stages]
    at = facts.stage_index - 1
    if not 0 <= at < len(ids) or ids[at] != facts.stage_id or facts.started_at is None:
        return None
    spent_s = seconds_since(facts.stage_started_at, now)
    done = [past.stages[name].usual_s for name in ids[:at] if name in past.stages]
    # The time of a resumed run holds that in which it lay still.
    worked_s = sum(done) + spent_s if facts.resumes else seconds_since(facts.started_at, now)
    stages = [StageProgress(name, False, spent_s if name == ids[at] else None) for name in ids[at:]]
    found = forecast(stages, past)
    if found is None:
        return None
    total_s = worked_s + found.left_s
    share = min(MOST_SHARE, worked_s / total_s) if total_s else 0.0
    return Forecast(found.left_s, share, found.samples)


def seconds_since(moment: datetime | None, now: datetime) -> float:
    """Return for how many seconds something has gone on, 0 where that is not known."""
    return max(0.0, (now - moment).total_seconds()) if moment else 0.0


def is_slow(facts: RunFacts, past: PipelinePast | None, now: datetime) -> bool:
    """Tell whether a run that goes on, or its stage, takes longer than nine of ten did."""
    if past is None:
        return False
    stage = past.stages.get(facts.stage_id or "") if facts.stage_status == "running" else None
    if stage and _has_passed(facts.stage_started_at, stage.long_s, now):
        return True
    whole = past.run if not facts.resumes else None
    return whole is not None and _has_passed(facts.started_at, whole.long_s, now)


def _has_passed(begun: datetime | None, length_s: float, now: datetime) -> bool:
    return begun is not None and (now - begun).total_seconds() > length_s
