"""A stage's entry in the manifest, from its start to its end, and the events that tell of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from anyio import to_thread

from orchestrator_tui.records.manifest import CommandRecord, CommandStatus, JsonObject
from orchestrator_tui.records.pipeline import CommandStage
from orchestrator_tui.runner.command_stage import StagePlace, StageResult, run_command_stage
from orchestrator_tui.runner.context import RunContext
from orchestrator_tui.runner.environment import stage_environment
from orchestrator_tui.runner.live_run import LiveRun
from orchestrator_tui.runner.process import Cause, Endings, SpawnFailed
from orchestrator_tui.runner.resume import without_failure_lines
from orchestrator_tui.store.events import EventName
from orchestrator_tui.store.manifests import (
    REASON_ALLOWED,
    REASON_FAILED,
    append_command_error,
)

_log = logging.getLogger(__name__)


def entry_of(run: LiveRun, index: int) -> CommandRecord:
    """Return the entry of the stage at a position from 1."""
    return run.manifest.commands[index - 1]


async def begin_entry(run: LiveRun, index: int, *, log_path: str | None) -> None:
    """Bring to disk that a stage runs, then tell it."""
    run.change_stage(
        index,
        status=CommandStatus.RUNNING.value,
        started_at=run.now(),
        completed_at=None,
        exit_code=None,
        summary=None,
        error_file=None,
        log_path=log_path,
    )
    run.tell_later(EventName.STEP_STARTED, _step(entry_of(run, index)))
    await run.tell()


async def end_entry(
    run: LiveRun, index: int, status: CommandStatus, *, goes_on: bool = False, **changes: Any
) -> None:
    """Bring to disk how a stage ended, then tell it.

    Where the run goes on, the next stage's beginning brings both to disk in one file.
    """
    run.change_stage(index, status=status.value, completed_at=run.now(), **changes)
    entry = entry_of(run, index)
    failed = status is CommandStatus.FAILED
    event = EventName.STEP_FAILED if failed else EventName.STEP_COMPLETED
    ended = {"exit_code": entry.exit_code, "summary": entry.summary, "sub_run_id": entry.sub_run_id}
    run.tell_later(event, {**_step(entry), **ended})
    if not goes_on:
        await run.tell()


async def run_command(
    run: LiveRun, stage: CommandStage, index: int, context: RunContext, env: Mapping[str, str]
) -> bool:
    """Run a command as the stage at a position from 1; tell whether the run may go on."""
    log_path = run.paths.stage_log(index, stage.id)
    await begin_entry(run, index, log_path=run.roots.relative(log_path))
    place = StagePlace(
        index=index,
        # joined to an absolute folder, the repository's root has no say
        cwd=run.roots.repo / (stage.cwd or ""),
        env=stage_environment(env, stage.env),
        log_path=log_path,
        runner_log=run.paths.runner_log,
        umask=context.command_umask,
    )
    try:
        result = await run_command_stage(
            stage,
            place,
            _endings(run),
            limits=context.config.limits,
            clock=run.clock,
            on_output=context.on_output,
            on_spawn=run.runner_file.note_command,
            on_end=run.look_for_news,
        )
    except SpawnFailed as error:
        await _fail_to_start(run, stage, index, str(error))
        return False
    await _end_command(run, stage, index, result, context)
    return result.status is not CommandStatus.FAILED


def _endings(run: LiveRun) -> Endings:
    def grace_s() -> float:
        stop = run.control.stop
        by_signal = stop is not None and stop.signal_number is not None
        return run.intervals.signal_grace_s if by_signal else run.intervals.stop_grace_s

    return Endings(
        stop=run.control.stopped,
        stop_grace_s=grace_s,
        hurry=run.control.hurry,
        on_rung=run.runner_file.note_rung,
        timeout_grace_s=run.intervals.timeout_grace_s,
    )


async def _fail_to_start(run: LiveRun, stage: CommandStage, index: int, why: str) -> None:
    message = f"Execution error: {why}"
    run.add_summary_line(message)
    run.change(status_detail=f"stage:{stage.id}:error")
    await end_entry(run, index, CommandStatus.FAILED, summary=message)


async def _end_command(
    run: LiveRun, stage: CommandStage, index: int, result: StageResult, context: RunContext
) -> None:
    error_file = None
    if result.error is not None:
        limit_bytes = context.config.limits.stderr_bytes_in_error
        error_file = await _write_error(run, index, result, limit_bytes)
    if result.status is CommandStatus.FAILED and result.cause is not Cause.STOPPED:
        run.add_summary_line(f"Stage '{stage.title}' failed with exit code {result.exit_code}.")
        run.change(status_detail=f"stage:{stage.id}:failed")
    if result.status is CommandStatus.SUCCEEDED:
        run.manifest = without_failure_lines(run.manifest, entry_of(run, index), "")
    await end_entry(
        run,
        index,
        result.status,
        goes_on=result.status is not CommandStatus.FAILED,
        exit_code=result.exit_code,
        summary=result.summary,
        error_file=error_file,
    )


async def _write_error(
    run: LiveRun, index: int, result: StageResult, limit_bytes: int
) -> str | None:
    """Write a stage's error file and return its path; None, and a word, if the disk refuses."""
    allowed = result.status is CommandStatus.SKIPPED
    try:
        return await to_thread.run_sync(
            lambda: append_command_error(
                run.roots,
                run.paths,
                entry_of(run, index),
                reason=REASON_ALLOWED if allowed else REASON_FAILED,
                details=result.error or {},
                now=run.clock.now(),
                limit_bytes=limit_bytes,
            )
        )
    except OSError as error:
        _log.warning("Error file of stage %d cannot be written: %s", index, error)
        return None


def _step(entry: CommandRecord) -> JsonObject:
    return {
        "stage_id": entry.id,
        "stage_index": entry.index,
        "title": entry.title,
        "kind": entry.kind,
        "status": entry.status,
        "log_path": entry.log_path,
    }
