"""The detached runner process; `python -m orchestrator_tui.runner` has its task on standard input.

Its arguments are only for those who look at the process table.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from types import FrameType

import anyio

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.allocation import keep_memory
from orchestrator_tui.primitives.garbage import look_among_the_new
from orchestrator_tui.primitives.process_identity import own_identity
from orchestrator_tui.records.identifiers import InvalidIdentifier
from orchestrator_tui.records.paths import CONFIG_NAME, RunPaths
from orchestrator_tui.records.pipeline import ConfigProblem, OrchestratorConfig
from orchestrator_tui.runner.context import UnknownPipeline
from orchestrator_tui.runner.execution import RunOutcome
from orchestrator_tui.runner.foreground import resume_foreground, start_foreground
from orchestrator_tui.runner.launch import LAST_WORDS_BYTES, Assignment, StartJob
from orchestrator_tui.runner.resume import ResumeRefused
from orchestrator_tui.store.configuration import load_config
from orchestrator_tui.store.configuration_memory import ConfigMemory

REFUSED_STATUS = 4  # docs/interop.md, exit statuses

_log = logging.getLogger(__name__)


class ReadyWord:
    """The one line that whoever launched this process waits for."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        os.set_inheritable(descriptor, False)

    def started(self, paths: RunPaths) -> None:
        """Say that the run is under way; from now on all words go to `runner.out`."""
        _speak_into(paths)
        _log.info("Process %d runs %s", own_identity().pid, paths.key)
        self._send(task_id=paths.key.task_id, run_id=paths.key.run_id)

    def refused(self, reason: str) -> None:
        """Say why nothing was done."""
        self._send(refused=reason)

    def _send(self, **reply: str) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        try:
            os.write(descriptor, json.dumps(reply).encode() + b"\n")
        except BrokenPipeError:
            _log.info("Whoever launched this run is gone")
        finally:
            os.close(descriptor)


def _speak_into(paths: RunPaths) -> None:
    """Send this process's words to the run's folder, those it said before too."""
    try:
        descriptor = files.open_descriptor(paths.runner_output, create=True)
    except OSError as error:
        _log.warning("%s cannot be written: %s", paths.runner_output, error)
        return
    os.lseek(descriptor, 0, os.SEEK_END)
    os.write(descriptor, _said_so_far())
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(descriptor, stream.fileno())
    os.close(descriptor)


def _said_so_far() -> bytes:
    try:
        return os.pread(sys.stderr.fileno(), LAST_WORDS_BYTES, 0)
    except OSError:  # not the launcher's memory but a terminal or a pipe, which keep their words
        return b""


def _config_of(assignment: Assignment) -> OrchestratorConfig:
    config = load_config(assignment.roots, os.environ, ConfigMemory.of_user())
    if config is None:
        raise UnknownPipeline(f"There is no {CONFIG_NAME} in {assignment.roots.repo}.")
    if isinstance(config, ConfigProblem):
        raise UnknownPipeline(config.text)
    return config


async def _work(assignment: Assignment, ready: ReadyWord) -> RunOutcome:
    look_among_the_new()  # all is loaded now, the event loop too
    config, job = _config_of(assignment), assignment.job
    if isinstance(job, StartJob):
        return await start_foreground(
            assignment.roots,
            config,
            job.pipeline_id,
            job.task_id,
            on_started=ready.started,
            parent_run_id=job.parent_run_id,
            approval_policy=job.approval_policy,
            inputs=job.inputs,
        )
    return await resume_foreground(
        assignment.roots,
        config,
        job.key,
        from_stage=job.from_stage,
        only_stage=job.only_stage,
        token=job.token,
        actor=job.actor,
        reason=job.reason,
        force=job.force,
        inputs=job.inputs,
        on_started=ready.started,
    )


def _outlive_the_terminal(number: int, frame: FrameType | None) -> None:
    """Go on: a detached run has no terminal to lose."""


def main() -> int:
    """Do what standard input says and return the exit status."""
    logging.Formatter.converter = time.gmtime  # as in all other files of a run
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)sZ %(levelname)s %(message)s",
    )
    # A handler, for commands would inherit SIG_IGN and outlive terminals of their own.
    signal.signal(signal.SIGHUP, _outlive_the_terminal)
    assignment = Assignment.from_json(sys.stdin.buffer.read())
    ready = ReadyWord(assignment.ready_fd)
    keep_memory()
    try:
        outcome = anyio.run(_work, assignment, ready)
    except (UnknownPipeline, ResumeRefused, InvalidIdentifier, OSError) as error:
        ready.refused(str(error))
        _log.error("%s", error)
        return REFUSED_STATUS
    _log.info("Run %s: %s", outcome.key, outcome.manifest.status)
    return outcome.exit_status
