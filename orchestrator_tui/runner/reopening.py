"""How a run that began before goes on: every check first, then the first change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.life_lock import AlreadyHeld, LifeLock
from orchestrator_tui.primitives.process_identity import Presence, ProcessIdentity, presence
from orchestrator_tui.records.facts import RunShape
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import RunnerRecord
from orchestrator_tui.records.manifest import Manifest
from orchestrator_tui.records.paths import Roots, RunPaths, run_paths_in
from orchestrator_tui.records.pipeline import Pipeline
from orchestrator_tui.records.requests import NO_INPUTS, RunInputs
from orchestrator_tui.records.times import format_time
from orchestrator_tui.runner.context import RunContext, UnknownPipeline
from orchestrator_tui.runner.control import consumed_seq
from orchestrator_tui.runner.leftovers import find_leftovers
from orchestrator_tui.runner.live_run import LiveRun
from orchestrator_tui.runner.opening import reopen_run
from orchestrator_tui.runner.process_tree import end_tree
from orchestrator_tui.runner.resume import (
    ResumeRefused,
    check_quiet,
    check_stages,
    check_token,
    last_activity,
    resumed_manifest,
    stages_to_run,
)
from orchestrator_tui.runner.runner_file import ENDED
from orchestrator_tui.store.discovery import locate_run
from orchestrator_tui.store.life import current_runner, identity_in, read_beats, read_runner
from orchestrator_tui.store.reading import BadContent, RunRef, read_run, reason_of

TOKEN_LIMIT_BYTES = 4096
LEFTOVER_GRACE_S = 2.0


@dataclass(frozen=True, slots=True)
class ResumeChoice:
    """What runs again, who asks and why, and the token that person gave, if any.

    `force` passes over signs of life that prove nothing, and ends what a dead runner left behind.
    """

    from_stage: str | None = None
    only_stage: str | None = None
    token: str | None = None
    actor: str = "cli"
    reason: str = "manual-resume"
    force: bool = False
    inputs: RunInputs = NO_INPUTS


@dataclass(frozen=True, slots=True)
class Reopened:
    """A run that is ours now, and what is to be done in it."""

    run: LiveRun
    pipeline: Pipeline
    positions: tuple[int, ...]


def find_run(roots: Roots, key: RunKey) -> RunRef:
    """Return where a run lies that this program can work on.

    Raises:
        ResumeRefused: There is none, or only one of an older layout.
    """
    ref = locate_run(roots, key.run_id, key.task_id)
    if ref is None or ref.key != key:
        raise ResumeRefused(f"There is no run {key}.")
    if ref.shape is not RunShape.CLI:
        raise ResumeRefused(f"Run {key} is of an older layout that can only be looked at.")
    return ref


def read_manifest(roots: Roots, ref: RunRef) -> Manifest:
    """Return the manifest of a run.

    Raises:
        ResumeRefused: It cannot be read.
    """
    read = read_run(roots, ref)
    if isinstance(read, BadContent):
        raise ResumeRefused(f"{read.path} cannot be used: {read.reason}.")
    if read is None:
        raise ResumeRefused(f"Run {ref.key} is gone.")
    return read.manifest


def take_lock(paths: RunPaths) -> LifeLock:
    """Become the one process that may run a run.

    Raises:
        ResumeRefused: Another living process is, or its folder cannot be written to.
    """
    try:
        return LifeLock.hold(paths.runner_lock)
    except AlreadyHeld:
        raise _busy(paths) from None
    except OSError as error:
        raise ResumeRefused(
            f"Run {paths.key} cannot go on: {paths.run_dir}: {reason_of(error)}. "
            "Make it a folder that you may write to."
        ) from error


def reopen(context: RunContext, key: RunKey, choice: ResumeChoice) -> Reopened:
    """Become the runner of a run that has begun before, after every check.

    The checks come before the lock too: a lock file that a refused resume left in a run of another
    runner would make that runner look dead.

    Raises:
        ResumeRefused: It may not go on as asked; nothing was changed.
        OSError: The environment refuses.
    """
    ref = find_run(context.roots, key)
    paths = run_paths_in(context.roots, key, ref.run_dir)
    if LifeLock.is_held(paths.runner_lock):
        raise _busy(paths)
    _check(context, ref, paths, choice)
    lock = take_lock(paths)
    try:
        return _reopen_locked(context, ref, paths, lock, choice)
    except BaseException:
        lock.close()
        raise


def _busy(paths: RunPaths) -> ResumeRefused:
    record = read_runner(paths)
    who = f" by process {record.pid} on {record.host}" if record else ""
    return ResumeRefused(f"Run {paths.key} is being run{who}: wait until it ends, or cancel it.")


def _reopen_locked(
    context: RunContext, ref: RunRef, paths: RunPaths, lock: LifeLock, choice: ResumeChoice
) -> Reopened:
    manifest, pipeline, positions = _check(context, ref, paths, choice)
    if choice.force:
        record = current_runner(paths, manifest.resume_events)
        end_tree(lambda: _leftovers(paths, record), grace_s=LEFTOVER_GRACE_S)
    again = resumed_manifest(
        _completed(context.roots, paths, manifest, pipeline, format_time(context.clock.now())),
        positions,
        actor=choice.actor,
        reason=choice.reason,
        now=context.clock.now(),
    )
    inputs = _inputs(context, read_runner(paths), choice.inputs)
    run = reopen_run(context, paths, again, lock, consumed_seq(paths), inputs)
    return Reopened(run, pipeline, positions)


def _inputs(context: RunContext, record: RunnerRecord | None, given: RunInputs) -> RunInputs:
    """Return what a run was given before, and what it is given now on top of it."""
    if record is None:
        return given
    env = {**kept_env(record, context.environ), **dict(given.env)}
    return RunInputs(tuple(env.items()), given.note or record.note)


def kept_env(record: RunnerRecord, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a run was given; a secret's value is what `environ` says now."""
    kept: dict[str, str] = {}
    for name, value in record.env:
        now = environ.get(name) if value is None else value
        if now is not None:
            kept[name] = now
    return kept


def words_of_missing_secrets(
    key: RunKey, record: RunnerRecord | None, environ: Mapping[str, str], given: RunInputs
) -> str | None:
    """Return which variables a run was given that nobody can give it again, None if it has all."""
    if record is None:
        return None
    there = {**environ, **dict(given.env)}
    missing = [name for name, value in record.env if value is None and name not in there]
    if not missing:
        return None
    return (
        f"Run {key.short} was given {', '.join(missing)}, which is not kept as it looks "
        "secret: set it in the environment, or pass it with --env."
    )


def _check(
    context: RunContext, ref: RunRef, paths: RunPaths, choice: ResumeChoice
) -> tuple[Manifest, Pipeline, tuple[int, ...]]:
    """Return what is to be run again, after every check; changes nothing."""
    manifest = read_manifest(context.roots, ref)
    pipeline = _pipeline_of(context, manifest)
    check_token(paths.key.run_id, manifest, _token_file(paths), choice.token)
    check_stages(manifest, pipeline)
    positions = stages_to_run(manifest, from_stage=choice.from_stage, only_stage=choice.only_stage)
    words = words_of_missing_secrets(paths.key, read_runner(paths), context.environ, choice.inputs)
    if words:
        raise ResumeRefused(words)
    record = current_runner(paths, manifest.resume_events)
    if not _is_known_dead(record):
        beats = read_beats(paths)
        seen = last_activity(manifest, beats.file, beats.log)
        check_quiet(manifest, seen, context.clock.now(), force=choice.force)
    if not choice.force:
        _refuse_leftovers(_leftovers(paths, record))
    return manifest, pipeline, positions


def _pipeline_of(context: RunContext, manifest: Manifest) -> Pipeline:
    if manifest.pipeline_id is None:
        raise ResumeRefused("Its manifest names no pipeline; start a new run.")
    try:
        return context.pipeline(manifest.pipeline_id)
    except UnknownPipeline as error:
        raise ResumeRefused(str(error)) from error


def _token_file(paths: RunPaths) -> str | None:
    try:
        content = files.read_bytes(
            paths.resume_token, limit_bytes=TOKEN_LIMIT_BYTES, root=paths.run_dir
        )
    except OSError:  # absent or unusable: then the manifest must have it
        return None
    return content.decode("utf-8", "replace")


def _is_known_dead(record: RunnerRecord | None) -> bool:
    """Tell whether the last runner is proven to be over; the free lock proves it only here."""
    if record is None:
        return False
    return record.state == ENDED or presence(identity_in(record)) in (
        Presence.GONE,
        Presence.REBOOTED,
    )


def _leftovers(paths: RunPaths, record: RunnerRecord | None) -> tuple[ProcessIdentity, ...]:
    """Return what a runner of this program left running; one that ended properly left it be."""
    if record is None or record.state == ENDED:
        return ()
    return find_leftovers(paths, record)


def _refuse_leftovers(left: tuple[ProcessIdentity, ...]) -> None:
    if left:
        pids = ", ".join(str(process.pid) for process in left)
        raise ResumeRefused(
            f"Its runner died and left processes that still run ({pids}): "
            "cancel the run to end them, or use --force."
        )


def _completed(
    roots: Roots, paths: RunPaths, manifest: Manifest, pipeline: Pipeline, now: str
) -> Manifest:
    """Return a manifest in which nothing is missing that readers of every kind rely on."""
    return replace(
        manifest,
        run_id=manifest.run_id or paths.key.run_id,
        task_id=manifest.task_id or paths.key.task_id,
        task_slug=manifest.task_slug or paths.key.task_id,
        pipeline_title=manifest.pipeline_title or pipeline.title,
        started_at=manifest.started_at or now,
        artifact_root=manifest.artifact_root or roots.relative(paths.run_dir),
        compat_path=manifest.compat_path or roots.relative(paths.mcp_pointer.parent),
        log_path=manifest.log_path or roots.relative(paths.runner_log),
    )
