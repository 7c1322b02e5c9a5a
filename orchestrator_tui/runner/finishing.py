"""How a run ends: its last status first, then all that other tools read of it."""

from __future__ import annotations

import logging

import anyio
from anyio import to_thread

from orchestrator_tui.primitives.locking import LockRetry, LockTimeout
from orchestrator_tui.records.manifest import STAGE_DONE, CommandStatus, RunStatus
from orchestrator_tui.records.paths import resolve_task_paths
from orchestrator_tui.records.pipeline import Pipeline, RunnerLimits
from orchestrator_tui.runner.control import Order
from orchestrator_tui.runner.live_run import CONTROL_FAILED, LiveRun
from orchestrator_tui.runner.process_tree import TreeScope, end_tree
from orchestrator_tui.runner.resume import STAGES_LEFT, settle_running
from orchestrator_tui.store.control import ActionKind
from orchestrator_tui.store.coordinator import PersistenceCoordinator
from orchestrator_tui.store.events import EventName
from orchestrator_tui.store.guardrails import with_guardrail_summary
from orchestrator_tui.store.metrics import record_metrics
from orchestrator_tui.store.run_summary import build_run_summary, write_run_summary
from orchestrator_tui.store.task_state import TaskStateStore

PIPELINE_FAILED = "pipeline-failed"  # docs/formats.md, status_detail
RUN_CANCELED = "run-canceled"  # docs/formats.md, status_detail
SAVE_DELAYS_S = (0.0, 0.2, 1.0)  # the last word of a run is worth three attempts

_log = logging.getLogger(__name__)


def note_outcome(run: LiveRun, stop: Order | None) -> None:
    """Put the last status of a run into its manifest; `stop` is what ended it early, if anything.

    A run has succeeded only if each of its stages has, or was skipped.
    """
    run.manifest = settle_running(run.manifest, run.clock.now())
    detail = run.manifest.status_detail
    open_stages = [c.id for c in run.manifest.commands if c.status not in STAGE_DONE]
    if stop is not None and stop.action is ActionKind.FAIL:
        status, detail = RunStatus.FAILED, stop.request.reason or CONTROL_FAILED
    elif stop is not None:
        status, detail = RunStatus.CANCELLED, RUN_CANCELED
    elif not open_stages:
        status, detail = RunStatus.SUCCEEDED, None
    else:
        status, detail = RunStatus.FAILED, detail or PIPELINE_FAILED
        if all(c.status != CommandStatus.FAILED for c in run.manifest.commands):
            run.add_summary_line(f"{STAGES_LEFT}{', '.join(open_stages)}.")
    run.change(status=status.value, status_detail=detail, completed_at=run.now())


def note_crash(run: LiveRun, error: BaseException) -> None:
    """Put the error that ended a run's execution into its manifest."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    run.add_summary_line(f"Execution error: {str(error) or type(error).__name__}")
    run.change(status_detail=run.manifest.status_detail or PIPELINE_FAILED)


async def end_leftovers(scope: TreeScope, grace_s: float) -> None:
    """End what the commands of a stopped run left in the background."""
    left = await to_thread.run_sync(lambda: end_tree(scope.members, grace_s=grace_s))
    if left:
        pids = ", ".join(str(process.pid) for process in left)
        _log.error("These processes of the run could not be ended: %s", pids)


async def finish(run: LiveRun, pipeline: Pipeline | None, limits: RunnerLimits) -> None:
    """Bring an ended run to disk whole: manifest, metrics, history, summary, in this order.

    A reader that sees the last status can rely on all stages; the rest follows within
    milliseconds. Whatever fails is told, and the next step is taken all the same.
    """
    for delay_s in SAVE_DELAYS_S:
        await anyio.sleep(delay_s)
        if await run.save_with_beat():
            break
    else:
        _log.error("Run %s ended and its manifest cannot say so", run.paths.key.run_id)
    await _record_metrics(run)
    await to_thread.run_sync(_write_summaries, run, pipeline, limits)
    await run.flush()
    await run.emit(EventName.RUN_COMPLETED, _completed(run))


async def _record_metrics(run: LiveRun) -> None:
    run.manifest = with_guardrail_summary(run.manifest)
    try:
        outcome = await to_thread.run_sync(
            lambda: record_metrics(run.roots, run.manifest, clock=run.clock)
        )
    except OSError as error:
        _log.warning("Metrics of run %s cannot be recorded: %s", run.paths.key.run_id, error)
        return
    run.change(metrics_recorded=outcome.is_recorded)


def _write_summaries(run: LiveRun, pipeline: Pipeline | None, limits: RunnerLimits) -> None:
    summary = build_run_summary(run.roots, run.paths, run.manifest, run.clock.now(), pipeline)
    _coordinator(run, limits).handle_run_completed(summary)
    try:
        write_run_summary(run.paths, summary)
    except OSError as error:
        _log.warning("Summary of run %s cannot be written: %s", run.paths.key.run_id, error)
        return
    run.change(run_summary_path=run.roots.relative(run.paths.run_summary))


def _coordinator(run: LiveRun, limits: RunnerLimits) -> PersistenceCoordinator:
    store = TaskStateStore(
        run.roots,
        retry=LockRetry.with_overrides(
            attempts=limits.lock_attempts, first_delay_s=limits.lock_first_delay_ms / 1000
        ),
        clock=run.clock,
        on_retry=lambda attempt, delay_s: _log.warning(
            "History of task %s is locked; attempt %d failed, next in %.0f ms",
            run.paths.key.task_id,
            attempt,
            delay_s * 1000,
        ),
        on_rebuilt=_log.warning,
    )
    return PersistenceCoordinator(
        run.roots, store, on_warning=_log.warning, on_error=_tell_lost_copy
    )


def _tell_lost_copy(error: Exception) -> None:
    if not isinstance(error, LockTimeout):  # that one is a warning, and told as such
        _log.error("The run's copy or history cannot be written: %s", error)


def _completed(run: LiveRun) -> dict[str, object]:
    task_paths = resolve_task_paths(run.roots, run.paths.key.task_id)
    return {
        "pipeline_id": run.manifest.pipeline_id,
        "status": run.manifest.status,
        "manifest_path": str(run.paths.manifest),
        "run_summary_path": run.manifest.run_summary_path,
        "metrics_path": str(task_paths.metrics),
        "summary": run.manifest.summary,
    }
