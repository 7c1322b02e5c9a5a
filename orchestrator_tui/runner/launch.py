"""Start a runner process that outlives us, and wait for its ready word."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.records.requests import NO_INPUTS, RunInputs
from orchestrator_tui.runner.environment import environment_of_no_run
from orchestrator_tui.store.detached import DETACHED

READY_TIMEOUT_S = 5.0  # a runner that says nothing for so long is given up
END_TIMEOUT_S = 2.0
LAST_WORDS_BYTES = 4096
REPLY_BYTES = 64 * 1024


class LaunchFailed(Exception):
    """A runner did not come up; the text ends with what it said last."""


class LaunchRefused(Exception):
    """A runner came up and refused the request, as the text says; nothing was changed."""


@dataclass(frozen=True, slots=True)
class StartJob:
    """A new run of a pipeline."""

    pipeline_id: str | None
    task_id: str
    parent_run_id: str | None = None
    approval_policy: str | None = None
    inputs: RunInputs = NO_INPUTS


@dataclass(frozen=True, slots=True)
class ResumeJob:
    """A run that goes on; fields as those of `resume_foreground`."""

    task_id: str
    run_id: str
    from_stage: str | None = None
    only_stage: str | None = None
    token: str | None = None
    actor: str = "cli"
    reason: str = "manual-resume"
    force: bool = False
    inputs: RunInputs = NO_INPUTS

    @property
    def key(self) -> RunKey:
        """The run."""
        return RunKey(self.task_id, self.run_id)


Job: TypeAlias = StartJob | ResumeJob


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a detached runner gets on its standard input."""

    roots: Roots
    job: Job
    ready_fd: int

    def to_json(self) -> bytes:
        """Return the assignment as one JSON document."""
        document = {
            "repo": str(self.roots.repo),
            "runs": str(self.roots.runs),
            "out": str(self.roots.out),
            "verb": "start" if isinstance(self.job, StartJob) else "resume",
            "job": asdict(self.job),
            "ready_fd": self.ready_fd,
        }
        return json.dumps(document).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Assignment:
        """Return the assignment in a JSON document that `to_json` made."""
        document: dict[str, Any] = json.loads(content)
        roots = Roots(*(Path(document[name]) for name in ("repo", "runs", "out")))
        job_class = StartJob if document["verb"] == "start" else ResumeJob
        given = document["job"].pop("inputs")
        inputs = RunInputs(tuple((n, value) for n, value in given["env"]), given["note"])
        return cls(roots, job_class(**document["job"], inputs=inputs), document["ready_fd"])


def launch_detached(
    roots: Roots,
    job: Job,
    *,
    environ: Mapping[str, str],
    timeout_s: float = READY_TIMEOUT_S,
) -> RunKey:
    """Start a runner in a session of its own and return its run once it is under way.

    It survives the end of this process and of the terminal. Until its run has a folder, what it
    says goes to memory that both share, so no file is left of a runner that never came up.

    Args:
        roots: The folders of the repository; absolute.
        job: What to run.
        environ: The environment of the runner and so of all its commands.
        timeout_s: Seconds until a silent runner is ended and given up.

    Raises:
        LaunchRefused: It refused: a bad configuration, an unknown pipeline, a run that is busy.
        LaunchFailed: It did not come up.
    """
    ready_read, ready_write = os.pipe()
    words = os.memfd_create("orch-tui-runner")
    try:
        try:
            runner = _spawn(roots, job, ready_write, words, environ)
        except OSError as error:
            raise LaunchFailed(f"{sys.executable} cannot be started: {error}") from error
        finally:
            os.close(ready_write)
        _reap_later(runner)
        reply = _reply(ready_read, timeout_s)
        if reply is None:
            _give_up(runner)
            raise LaunchFailed(_failure(runner, words, timeout_s))
    finally:
        os.close(ready_read)
        os.close(words)
    if "refused" in reply:
        raise LaunchRefused(reply["refused"])
    return RunKey(reply["task_id"], reply["run_id"])


def _spawn(
    roots: Roots, job: Job, ready_fd: int, words: int, environ: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    label = (
        ["start", job.pipeline_id or "", job.task_id]
        if isinstance(job, StartJob)
        else ["resume", job.task_id, job.run_id]
    )
    runner = subprocess.Popen(
        [sys.executable, *DETACHED, *label],
        stdin=subprocess.PIPE,
        stdout=words,
        stderr=words,
        cwd=roots.repo,
        # Started by a stage, it is still no process of that stage's run.
        env=environment_of_no_run(environ),
        start_new_session=True,
        pass_fds=(ready_fd,),
    )
    assert runner.stdin is not None
    try:
        with runner.stdin as stdin:
            stdin.write(Assignment(roots, job, ready_fd).to_json())
    except BrokenPipeError:
        return runner  # it died at once; its last words will tell
    return runner


def _reap_later(runner: subprocess.Popen[bytes]) -> None:
    """Collect the runner's exit status whenever it ends: a zombie would look alive to some."""
    threading.Thread(target=runner.wait, name=f"reap runner {runner.pid}", daemon=True).start()


def _reply(ready_read: int, timeout_s: float) -> dict[str, str] | None:
    """Return the one line that a runner sends; None if it died or said nothing in time."""
    deadline = SYSTEM_CLOCK.monotonic() + timeout_s
    received = b""
    poller = select.poll()
    poller.register(ready_read, select.POLLIN)
    while not received.endswith(b"\n"):
        left_s = deadline - SYSTEM_CLOCK.monotonic()
        if left_s <= 0 or not poller.poll(left_s * 1000):
            return None
        chunk = os.read(ready_read, REPLY_BYTES)
        if not chunk:
            return None
        received += chunk
    reply: dict[str, str] = json.loads(received)
    return reply


def _give_up(runner: subprocess.Popen[bytes]) -> None:
    """End a runner that said nothing: SIGTERM lets it finish its manifest, SIGKILL does not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            runner.send_signal(number)
            runner.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            continue
        return


def _failure(runner: subprocess.Popen[bytes], words: int, timeout_s: float) -> str:
    said = os.pread(words, os.fstat(words).st_size, 0)[-LAST_WORDS_BYTES:]
    text = said.decode("utf-8", "replace").strip()
    how = (
        f"was ended after {timeout_s:g} s without a word"
        if runner.returncode is None or runner.returncode < 0
        else f"ended at once with exit code {runner.returncode}"
    )
    return f"The runner {how}: {text or 'it said nothing'}"
