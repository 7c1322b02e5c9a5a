"""RunActions: what a person asks for on a screen or by a verb, carried out."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from datetime import timedelta
from typing import assert_never

from anyio import to_thread

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.primitives.locking import LockTimeout
from orchestrator_tui.primitives.process_identity import host_name, send_signal
from orchestrator_tui.records.identifiers import InvalidIdentifier, RunKey, sanitize_task_id
from orchestrator_tui.records.life import RunnerRecord, RunnerVerdict
from orchestrator_tui.records.manifest import Manifest
from orchestrator_tui.records.paths import Roots, RunPaths, run_paths_in
from orchestrator_tui.records.requests import (
    NO_INPUTS,
    ActionResult,
    CancelRun,
    Done,
    KillRun,
    LaunchRun,
    Refused,
    Request,
    RestartRun,
    ResumeRun,
    RunInputs,
)
from orchestrator_tui.records.times import parse_time
from orchestrator_tui.runner.burial import bury
from orchestrator_tui.runner.killing import kill_run
from orchestrator_tui.runner.launch import (
    Job,
    LaunchFailed,
    LaunchRefused,
    ResumeJob,
    StartJob,
    launch_detached,
)
from orchestrator_tui.runner.reopening import (
    find_run,
    kept_env,
    read_manifest,
    words_of_missing_secrets,
)
from orchestrator_tui.runner.resume import ResumeRefused, check_quiet, last_activity
from orchestrator_tui.store.control import ActionKind, ControlRequest, read_control, request_action
from orchestrator_tui.store.discovery import locate_run
from orchestrator_tui.store.life import (
    current_runner,
    identity_in,
    probe_runner,
    read_beats,
    read_runner,
)
from orchestrator_tui.store.reading import BadContent, read_run

ANSWER_WITHIN = timedelta(seconds=5)  # a living runner looks twice a second
ACTOR = "orch-tui"


class RunActions:
    """Starts, resumes and cancels runs.

    Runs are started in processes of their own that outlive this one. What cannot be done is told,
    never raised.

    Args:
        roots: The folders of the repository; absolute.
        environ: The environment of everything that is started.
        clock: The time.
    """

    def __init__(
        self, roots: Roots, environ: Mapping[str, str], clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._roots = roots
        self._environ = environ
        self._clock = clock

    async def perform(self, request: Request) -> ActionResult:
        """Carry out one request; refusals are values, never exceptions."""
        try:
            match request:
                case LaunchRun():
                    job = StartJob(
                        request.pipeline_id,
                        request.task_id,
                        approval_policy=request.approval_policy,
                        inputs=request.inputs,
                    )
                    return await self._launch(job, f"Started {request.pipeline_id}")
                case ResumeRun():
                    return await self._launch(_resume_job(request), "Runs again")
                case RestartRun():
                    job = await to_thread.run_sync(
                        restart_job, self._roots, request.key, self._environ
                    )
                    return await self._launch(job, f"Started {job.pipeline_id} again")
                case CancelRun():
                    return await self._cancel(request)
                case KillRun():
                    return await kill_run(
                        self._roots, request, requested_by=self._who(), clock=self._clock
                    )
                case _:
                    assert_never(request)
        except (LaunchFailed, LaunchRefused, ResumeRefused, InvalidIdentifier) as error:
            return Refused(str(error))
        except (LockTimeout, OSError) as error:
            return Refused(f"The disk refuses: {error}")

    async def _launch(self, job: Job, message: str) -> ActionResult:
        key = await to_thread.run_sync(
            lambda: launch_detached(self._roots, job, environ=self._environ)
        )
        return Done(message, key)

    async def _cancel(self, request: CancelRun) -> ActionResult:
        ref = await to_thread.run_sync(find_run, self._roots, request.key)
        paths = run_paths_in(self._roots, request.key, ref.run_dir)
        manifest = await to_thread.run_sync(read_manifest, self._roots, ref)
        if manifest.is_terminal:
            return Refused(f"Run {request.key} has ended already: {manifest.status}.")
        runner = await to_thread.run_sync(probe_runner, paths)
        is_dead = runner.verdict in (RunnerVerdict.GONE, RunnerVerdict.REBOOTED)
        if is_dead:
            return await bury(self._roots, ref, paths, request.reason, self._clock)
        return await to_thread.run_sync(self._ask, request, paths, manifest, runner.verdict)

    def _ask(
        self, request: CancelRun, paths: RunPaths, manifest: Manifest, verdict: RunnerVerdict
    ) -> ActionResult:
        """Put the wish into control.json; a runner of ours that is deaf to it gets SIGTERM."""
        record = current_runner(paths, manifest.resume_events)
        if verdict is RunnerVerdict.UNKNOWN:
            self._check_somebody_listens(paths, manifest)
        is_deaf = verdict is RunnerVerdict.ALIVE and record and self._is_unheard(paths, record)
        if record and is_deaf and send_signal(identity_in(record), signal.SIGTERM):
            return Done(f"Its runner did not answer: sent SIGTERM to {record.pid}", request.key)
        request_action(
            paths,
            ActionKind.CANCEL,
            reason=request.reason,
            requested_by=self._who(),
            now=self._clock.now(),
            last_seen=record.control_seq if record else 0,
        )
        if record and record.cancel_rung:
            return Done("Asked again: what is left of it is killed now", request.key)
        where = f" on {record.host}" if verdict is RunnerVerdict.ELSEWHERE and record else ""
        return Done(f"Asked its runner{where} to stop", request.key)

    def _check_somebody_listens(self, paths: RunPaths, manifest: Manifest) -> None:
        """Refuse to leave a wish for nobody: a later resume by the Node original would obey it."""
        beats = read_beats(paths)
        seen = last_activity(manifest, beats.file, beats.log)
        try:
            check_quiet(manifest, seen, self._clock.now(), force=False)
        except ResumeRefused:
            return  # it shows signs of life, so somebody listens
        raise ResumeRefused(
            f"Run {paths.key} has no runner of this program and shows no sign of life: "
            "nobody would obey."
        )

    def _is_unheard(self, paths: RunPaths, record: RunnerRecord) -> bool:
        asked = read_control(paths)
        if not isinstance(asked, ControlRequest) or asked.action is not ActionKind.CANCEL:
            return False
        at = parse_time(asked.requested_at)
        is_late = at is not None and self._clock.now() - at > ANSWER_WITHIN
        return asked.seq > record.control_seq and is_late

    def _who(self) -> str:
        user = self._environ.get("USER") or str(os.getuid())
        return f"{ACTOR}:{user}@{host_name()}"


def restart_job(
    roots: Roots,
    key: RunKey,
    environ: Mapping[str, str],
    given: RunInputs = NO_INPUTS,
    *,
    complete: bool = True,
) -> StartJob:
    """Return the start of a new run with the inputs of one that was, and `given` on top.

    Unless it has to be `complete`, a secret that is not to be had is left out.

    Raises:
        LaunchRefused: There is no such run, it does not say what it ran, or a secret that it was
            given is not to be had.
    """
    ref = locate_run(roots, key.run_id, key.task_id)
    read = read_run(roots, ref) if ref and ref.key == key else None
    if ref is None or read is None:
        raise LaunchRefused(f"There is no run {key}.")
    if isinstance(read, BadContent):
        raise LaunchRefused(f"{read.path} cannot be used: {read.reason}.")
    manifest = read.manifest
    if not manifest.pipeline_id:
        raise LaunchRefused(f"Run {key.run_id} does not say which pipeline it ran.")
    record = read_runner(run_paths_in(roots, key, ref.run_dir))
    env = dict(given.env)
    words = words_of_missing_secrets(key, record, environ, given)
    if words and complete:
        raise LaunchRefused(words)
    if record is not None:
        env = {**kept_env(record, environ), **env}
    return StartJob(
        manifest.pipeline_id,
        sanitize_task_id(key.task_id),
        approval_policy=manifest.approval_policy,
        inputs=RunInputs(tuple(env.items()), given.note or (record.note if record else None)),
    )


def _resume_job(request: ResumeRun) -> ResumeJob:
    return ResumeJob(
        request.key.task_id,
        request.key.run_id,
        from_stage=request.from_stage,
        only_stage=request.only_stage,
        actor=ACTOR,
    )
