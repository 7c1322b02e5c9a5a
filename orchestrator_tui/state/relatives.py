"""Relatives: the run that started a run, and the runs that it started."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.run_view import RunView
from orchestrator_tui.state.views import RunRow, project_row


@dataclass(frozen=True, slots=True)
class Relative:
    """A run that belongs to another; `row` is None where no manifest of it was seen.

    `told` is what the other run's manifest says of it.
    """

    key: RunKey
    is_parent: bool
    row: RunRow | None
    told: str = ""


def kin_in(fleet: Fleet, key: RunKey) -> tuple[RunKey, ...]:
    """Return the runs that name a run as their parent, and the parent it names; looks at all."""
    run = fleet.runs.get(key)
    parent = run.facts.parent_run_id if run and run.facts else None
    return tuple(
        other.key
        for other in fleet.runs.values()
        if (parent is not None and other.key.run_id == parent)
        or (other.facts is not None and other.facts.parent_run_id == key.run_id)
    )


def relatives(
    fleet: Fleet, view: RunView, kin: Iterable[RunKey], now: datetime
) -> tuple[Relative, ...]:
    """Return the parent of a run, then the runs that it started, oldest first.

    Args:
        fleet: Knows how they are.
        view: The run, whose manifest names those of its sub-pipelines.
        kin: What `kin_in` found.
        now: The time.
    """
    own, parent_id = view.row.key, view.row.parent_run_id
    parents = [key for key in kin if key.run_id == parent_id]
    if parent_id and not parents:
        parents = [RunKey(own.task_id, parent_id)]
    told = {child.key: f"{child.pipeline} {child.status}" for child in view.children}
    found = {key for key in kin if key.run_id != parent_id} | set(told)
    found |= {stage.child for stage in view.stages if stage.child is not None}
    found.discard(own)
    children = sorted(found, key=lambda key: key.run_id)
    return (
        *(_relative(fleet, key, now, is_parent=True) for key in parents[:1]),
        *(_relative(fleet, key, now, told=told.get(key, "")) for key in children),
    )


def _relative(
    fleet: Fleet, key: RunKey, now: datetime, *, is_parent: bool = False, told: str = ""
) -> Relative:
    run = fleet.runs.get(key)
    row = project_row(run, now, fleet.past_of(run)) if run is not None else None
    return Relative(key, is_parent, row, told)
