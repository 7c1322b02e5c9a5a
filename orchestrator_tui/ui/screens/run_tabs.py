"""The tabs of a run: which there are, in their order; one that holds nothing is left out."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator_tui.state.event_words import RunEvent
from orchestrator_tui.state.plan_view import PlanView
from orchestrator_tui.state.relatives import Relative
from orchestrator_tui.state.run_view import RunView

LOG, ERRORS, TIMELINE, PLAN = "tab-log", "tab-errors", "tab-timeline", "tab-plan"
MANIFEST, EVENTS = "tab-manifest", "tab-events"
RELATIVES, ARTIFACTS = "tab-children", "tab-artifacts"

Tab = tuple[str, str]  # its id and its words


def tabs_of(
    view: RunView | None,
    plan: PlanView | None,
    events: Sequence[RunEvent],
    kin: Sequence[Relative],
) -> tuple[Tab, ...]:
    """Return the tabs of a run.

    Failures of an earlier attempt stand last: they are not what a person looks for first.
    """
    if view is None:
        return ((LOG, "Log"), (MANIFEST, "Manifest"))
    present = [card for card in view.errors if not card.is_past]
    files = len(view.artifacts.files)
    tabs = (
        (LOG, "Log"),
        (ERRORS, f"Errors {len(view.errors)}" if present else ""),
        (TIMELINE, "Timeline" if any(s.elapsed_s is not None for s in view.stages) else ""),
        (PLAN, "Plan" if plan is not None and plan.rows else ""),
        (MANIFEST, "Manifest"),
        (EVENTS, "Events" if events else ""),
        (RELATIVES, _kin_words(kin)),
        (ARTIFACTS, f"Artifacts {files}" if files else ""),
        (ERRORS, f"Past errors {len(view.errors)}" if view.errors and not present else ""),
    )
    return tuple((tab, words) for tab, words in tabs if words)


def _kin_words(kin: Sequence[Relative]) -> str:
    children = sum(not each.is_parent for each in kin)
    return f"Children {children}" if children else "Parent" if kin else ""
