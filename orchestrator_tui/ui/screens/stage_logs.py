"""What the screens of a run and of a log ask a `LogView` to show of its stages."""

from __future__ import annotations

from orchestrator_tui.records.logs import ALL_STAGES
from orchestrator_tui.state.liveness import QUIET, State
from orchestrator_tui.state.run_view import RunView, StageRow, StageState
from orchestrator_tui.ui.widgets.log_view import LogView

GROWING = frozenset([StageState.RUNNING, StageState.STALLED])


def is_growing(stage: StageRow) -> bool:
    """Tell whether more output of a stage may come."""
    return stage.state in GROWING and not stage.is_subpipeline


def quiet_words(view: RunView) -> str:
    """Return for how long the stage that runs has written nothing; empty if not for long."""
    badges = (badge.partition(QUIET) for badge in view.row.badges)
    return next((rest.strip() for before, found, rest in badges if found and not before), "")


def show_all_stages(log: LogView, view: RunView) -> None:
    """Show the logs of all stages one after the other; of a failed run from the first problem."""
    grows = any(is_growing(stage) for stage in view.stages)
    log.show(
        view.row.key,
        ALL_STAGES,
        live=grows,
        failed=view.row.state is State.FAILED,
        title=f"All {len(view.stages)} stages",
        quiet=quiet_words(view) if grows else "",
        empty="No output yet." if grows else "No stage has written anything.",
    )
