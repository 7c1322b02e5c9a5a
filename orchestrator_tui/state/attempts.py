"""Attempts: a run begins once and goes on after each resume; when each of these began."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orchestrator_tui.records.manifest import Manifest, accepted_resumes
from orchestrator_tui.records.times import parse_time


def attempt_starts(manifest: Manifest) -> tuple[datetime, ...]:
    """Return when a run began and when it was resumed, oldest first, as far as known."""
    started = parse_time(manifest.started_at)
    begun = [started] if started is not None else []
    return (*begun, *sorted(accepted_resumes(manifest.resume_events)))


def attempt_of(starts: Sequence[datetime], moment: datetime | None) -> int:
    """Return in which attempt, from 1, something happened; the last where that is not known."""
    if moment is None or not starts:
        return max(1, len(starts))
    return max(1, sum(start <= moment for start in starts))


def stage_numbers(indexes: Sequence[int]) -> str:
    """Return stage numbers in as few words as they need: `1-3`, `1-2, 4`, empty for none."""
    parts: list[str] = []
    run: list[int] = []
    for index in [*sorted(indexes), 0]:
        if run and index != run[-1] + 1:
            parts += [f"{run[0]}-{run[-1]}"] if len(run) > 1 else [str(run[0])]
            run = []
        run.append(index)
    return ", ".join(parts)
