"""run_pipeline: stages in order, sub-pipelines as child runs, and an end that is always written."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import anyio
from anyio import to_thread

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.identifiers import InvalidIdentifier, RunKey
from orchestrator_tui.records.manifest import ChildRun, CommandStatus, Manifest, RunStatus
from orchestrator_tui.records.paths import RunPaths
from orchestrator_tui.records.pipeline import CommandStage, Pipeline, SubpipelineStage
from orchestrator_tui.records.requests import RunInputs
from orchestrator_tui.runner.context import RunContext, UnknownPipeline
from orchestrator_tui.runner.control import Order
from orchestrator_tui.runner.environment import run_environment
from orchestrator_tui.runner.finishing import end_leftovers, finish, note_crash, note_outcome
from orchestrator_tui.runner.git_note import GitNote
from orchestrator_tui.runner.live_run import LiveRun
from orchestrator_tui.runner.opening import open_new_run
from orchestrator_tui.runner.process_tree import TreeScope
from orchestrator_tui.runner.resume import without_failure_lines
from orchestrator_tui.runner.stage_entry import begin_entry, end_entry, entry_of, run_command
from orchestrator_tui.store.events import EventName

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """A run that is over, as its manifest says it; `signal_number` is set if a signal ended it."""

    key: RunKey
    manifest: Manifest
    paths: RunPaths
    signal_number: int | None = None

    @property
    def exit_status(self) -> int:
        """0 for success, 1 for failed or cancelled, 128 + n if the runner was told by a signal."""
        if self.signal_number is not None:
            return 128 + self.signal_number
        return 0 if self.manifest.status == RunStatus.SUCCEEDED else 1


async def run_pipeline(
    run: LiveRun, pipeline: Pipeline, positions: tuple[int, ...], context: RunContext
) -> RunOutcome:
    """Run the stages at these positions, from 1, and bring the end of the run to disk.

    However it ends, the manifest says so. An error in the program itself ends the run as failed and
    is logged; cancellation from outside ends it as cancelled, and passes on.
    """
    scope = TreeScope()
    stop: Order | None = None
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run.beat_until_cancelled, name="heartbeat")
            tasks.start_soon(run.listen_until_cancelled, name="control")
            git = GitNote(run, context.environ)
            tasks.start_soon(git.take, name="git")
            await _begin(run)
            await _run_stages(run, pipeline, positions, context)
            stop = run.control.close()
            if stop is None:
                await git.wait_a_moment()
            tasks.cancel_scope.cancel()
    except Exception as error:
        stop = run.control.close()
        note_crash(run, error)
        _log.exception("Run %s ends by an error of the runner", run.paths.key.run_id)
    except BaseException:
        stop = run.control.close() or Order.from_outside()
        raise
    finally:
        with anyio.CancelScope(shield=True):
            await _end(run, pipeline, context, scope, stop)
    number = stop.signal_number if stop is not None else None
    return RunOutcome(run.paths.key, run.manifest, run.paths, number)


async def _begin(run: LiveRun) -> None:
    run.change(status=RunStatus.IN_PROGRESS.value)
    await run.save_with_beat()
    payload = {
        "pipeline_id": run.manifest.pipeline_id,
        "pipeline_title": run.manifest.pipeline_title,
        "status": run.manifest.status,
        "manifest_path": str(run.paths.manifest),
        "log_path": str(run.paths.runner_log),
    }
    await run.emit(EventName.RUN_STARTED, payload)


async def _run_stages(
    run: LiveRun, pipeline: Pipeline, positions: tuple[int, ...], context: RunContext
) -> None:
    given = {**context.environ, **dict(run.inputs.env)}
    env = run_environment(given, run.roots, run.paths, pipeline.id)
    for index in positions:
        await run.obey_news_before_stage()
        if run.control.stop is not None or run.control.pause is not None:
            await run.tell()
        await run.hold_while_paused()
        if run.control.stop is not None:
            return
        if not await _run_stage(run, pipeline, index, context, env):
            return
    await run.tell()


async def _run_stage(
    run: LiveRun, pipeline: Pipeline, index: int, context: RunContext, env: Mapping[str, str]
) -> bool:
    stage = pipeline.stages[index - 1]
    if isinstance(stage, CommandStage):
        return await run_command(run, stage, index, context, env)
    return await _run_subpipeline(run, stage, index, context)


async def _end(
    run: LiveRun, pipeline: Pipeline, context: RunContext, scope: TreeScope, stop: Order | None
) -> None:
    if stop is not None:
        await end_leftovers(scope, run.intervals.signal_grace_s)
    note_outcome(run, stop)
    await finish(run, pipeline, context.config.limits)
    await run.close()


async def _run_subpipeline(
    run: LiveRun, stage: SubpipelineStage, index: int, context: RunContext
) -> bool:
    """Run another pipeline as a child run of the same task; tell whether the run may go on."""
    await begin_entry(run, index, log_path=None)
    try:
        pipeline = context.pipeline(stage.pipeline)
        child = await to_thread.run_sync(
            lambda: open_new_run(
                context,
                pipeline,
                run.paths.key.task_id,
                parent_run_id=run.paths.key.run_id,
                approval_policy=run.manifest.approval_policy,
                inputs=RunInputs(run.inputs.env),
            )
        )
    except (UnknownPipeline, InvalidIdentifier, OSError) as error:
        return await _fail_to_start(run, stage, index, str(error))
    run.change_stage(index, sub_run_id=child.paths.key.run_id)
    await run.save()
    await run.control.adopt(child.control)
    try:
        positions = tuple(range(1, len(pipeline.stages) + 1))
        outcome = await run_pipeline(child, pipeline, positions, context)
    finally:
        run.control.release()
    return await _end_subpipeline(run, stage, index, outcome)


async def _fail_to_start(run: LiveRun, stage: SubpipelineStage, index: int, why: str) -> bool:
    message = f"Sub-pipeline error: {why}"
    status = CommandStatus.SKIPPED if stage.optional else CommandStatus.FAILED
    run.add_summary_line(message)
    if not stage.optional:
        run.change(status_detail=f"subpipeline:{stage.pipeline}:error")
    await end_entry(run, index, status, summary=message)
    return stage.optional


async def _end_subpipeline(
    run: LiveRun, stage: SubpipelineStage, index: int, outcome: RunOutcome
) -> bool:
    status = _status_of(stage, outcome, was_stopped=run.control.stop is not None)
    if status is CommandStatus.SUCCEEDED:
        run.manifest = without_failure_lines(run.manifest, entry_of(run, index), stage.pipeline)
    elif status is CommandStatus.FAILED and run.control.stop is None:
        run.add_summary_line(f"Sub-pipeline '{stage.pipeline}' failed.")
        run.change(status_detail=f"subpipeline:{stage.pipeline}:failed")
    child = ChildRun(
        run_id=outcome.key.run_id,
        pipeline_id=stage.pipeline,
        status=outcome.manifest.status or "",
        manifest=run.roots.relative(outcome.paths.manifest),
    )
    run.change(child_runs=(*run.manifest.child_runs, child))
    told = f"Sub-pipeline '{stage.pipeline}' {outcome.manifest.status}."
    await end_entry(run, index, status, summary=outcome.manifest.summary or told)
    return status is not CommandStatus.FAILED


def _status_of(stage: SubpipelineStage, outcome: RunOutcome, *, was_stopped: bool) -> CommandStatus:
    if outcome.manifest.status == RunStatus.SUCCEEDED:
        return CommandStatus.SUCCEEDED
    # A skipped stage counts as done, and what was stopped shall run again.
    return CommandStatus.SKIPPED if stage.optional and not was_stopped else CommandStatus.FAILED
