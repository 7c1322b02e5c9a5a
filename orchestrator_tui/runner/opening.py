"""How this process becomes the one runner of a run, new or begun before."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.life_lock import LifeLock
from orchestrator_tui.records.identifiers import new_run_id
from orchestrator_tui.records.manifest import Manifest, RunStatus
from orchestrator_tui.records.paths import RunPaths, resolve_run_paths
from orchestrator_tui.records.pipeline import Pipeline
from orchestrator_tui.records.requests import NO_INPUTS, RunInputs
from orchestrator_tui.records.times import format_time
from orchestrator_tui.runner.context import RunContext
from orchestrator_tui.runner.live_run import LiveRun
from orchestrator_tui.store.bootstrap import create_run, new_resume_token, task_slug
from orchestrator_tui.store.manifests import new_manifest, save_manifest
from orchestrator_tui.store.reading import reason_of

ID_ATTEMPTS = 3  # two runs of one millisecond with the same four random bytes are rare enough

_log = logging.getLogger(__name__)


class NoRunFolder(OSError):
    """No folder for a run can be made; the text names where, why, and the cure."""

    def __init__(self, runs: Path, error: OSError) -> None:
        super().__init__(
            f"No run can be kept in {runs}: {reason_of(error)}. "
            "Make it a folder that you may write to, or name another by --runs-dir."
        )


def open_new_run(
    context: RunContext,
    pipeline: Pipeline,
    task_id: str,
    *,
    parent_run_id: str | None = None,
    approval_policy: str | None = None,
    inputs: RunInputs = NO_INPUTS,
) -> LiveRun:
    """Make the folder of a new run and become its runner.

    Raises:
        InvalidIdentifier: The task id may not become part of a path.
        NoRunFolder: The run's folder cannot be made.
        OSError: The environment refuses; a folder that was made says that the run failed.
    """
    try:
        paths, manifest = _create(context, pipeline, task_id, parent_run_id, approval_policy)
    except OSError as error:
        raise NoRunFolder(context.roots.runs, error) from error
    try:
        lock = LifeLock.hold(paths.runner_lock)
    except OSError as error:
        _give_up(context, paths, manifest, error)
        raise
    run = LiveRun(
        context.roots,
        paths,
        manifest,
        lock,
        intervals=context.intervals,
        inputs=inputs,
        clock=context.clock,
    )
    run.runner_file.update()
    return run


def _create(
    context: RunContext,
    pipeline: Pipeline,
    task_id: str,
    parent_run_id: str | None,
    approval_policy: str | None,
) -> tuple[RunPaths, Manifest]:
    roots = context.roots
    for attempt in range(1, ID_ATTEMPTS + 1):
        now = context.clock.now()
        run_id = new_run_id(now, os.urandom(4).hex())
        paths = resolve_run_paths(roots, task_id, run_id)
        manifest = new_manifest(
            roots,
            paths,
            pipeline,
            resume_token=new_resume_token(),
            now=now,
            task_slug=task_slug(roots, task_id),
            parent_run_id=parent_run_id,
            approval_policy=approval_policy,
            heartbeat_interval_s=context.config.limits.heartbeat_interval_s,
        )
        try:
            return create_run(roots, manifest, now, warn=_log.warning), manifest
        except FileExistsError:
            if attempt == ID_ATTEMPTS:
                raise
        except OSError as error:
            _give_up(context, paths, manifest, error)
            raise
    raise AssertionError("the last attempt returns or raises")


def _give_up(context: RunContext, paths: RunPaths, manifest: Manifest, error: OSError) -> None:
    now = context.clock.now()
    failed = replace(
        manifest,
        status=RunStatus.FAILED.value,
        status_detail="pipeline-failed",
        completed_at=format_time(now),
        summary=f"Execution error: {error}",
    )
    try:
        if files.is_folder(paths.run_dir):
            save_manifest(paths, failed, now)
    except OSError as second:
        _log.error("Run %s cannot say that it failed: %s", paths.key.run_id, second)


def reopen_run(
    context: RunContext,
    paths: RunPaths,
    manifest: Manifest,
    lock: LifeLock,
    control_seq: int,
    inputs: RunInputs,
) -> LiveRun:
    """Become the runner of a run that goes on, whose lock is held already.

    Args:
        context: Where and how.
        paths: The files of the run.
        manifest: As it shall be from now on; it is brought to disk here.
        lock: Held for the run.
        control_seq: The last request in control.json that counts as obeyed.
        inputs: What the run was given, at first and now.

    Raises:
        OSError: The environment refuses.
    """
    files.make_folder(paths.commands_dir)
    files.make_folder(paths.errors_dir)
    run = LiveRun(
        context.roots,
        paths,
        manifest,
        lock,
        intervals=context.intervals,
        control_seq=control_seq,
        inputs=inputs,
        clock=context.clock,
    )
    run.runner_file.update()
    run.manifest = save_manifest(paths, manifest, context.clock.now())
    return run
