"""Signs of life around a manifest: its runner, its beats, what it waits for, its stage errors."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from orchestrator_tui.dataclass import dataclass


class RunnerVerdict(StrEnum):
    """What is known of the process that runs a run."""

    ALIVE = "alive"  # it holds its liveness lock, or its pid and start time match
    GONE = "gone"  # same host and boot, and neither holds
    REBOOTED = "rebooted"  # its host was started anew since
    ELSEWHERE = "elsewhere"  # another host: nobody here can tell
    UNKNOWN = "unknown"  # no runner.json, so a run of the Node original


@dataclass(frozen=True, slots=True)
class CancelTimes:
    """When each rung of ending a run was reached; `grace_s` lies between SIGTERM and SIGKILL."""

    asked_at: datetime | None = None
    term_at: datetime | None = None
    kill_at: datetime | None = None
    grace_s: float | None = None


@dataclass(frozen=True, slots=True)
class LivingProcess:
    """A process of a run that lives now; `name` is what it calls itself, not yet safe."""

    pid: int
    name: str


@dataclass(frozen=True, slots=True)
class Runner:
    """What runner.json and the probe of its lock say; `cancel_rung` is how far a cancel has come.

    `cancel_rung` is None, `asked`, `term` or `kill`.
    """

    verdict: RunnerVerdict
    pid: int | None = None
    host: str | None = None
    version: str | None = None
    cancel_rung: str | None = None
    cancel_times: CancelTimes = CancelTimes()


@dataclass(frozen=True, slots=True)
class Beats:
    """Signs of life besides the manifest: the `.heartbeat` file and the newest log entry, UTC."""

    file: datetime | None = None
    log: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a run waits for: open confirmations, queued questions, a pause or a cancel asked for."""

    confirmations: int = 0
    questions: int = 0
    paused: bool = False
    cancelling: bool = False
    reason: str | None = None
    asked_at: datetime | None = None  # when the cancel was asked for


@dataclass(frozen=True, slots=True)
class StageError:
    """One `errors/NN-slug.json`; `stderr` is what was kept of `stderr_bytes` bytes, not yet safe.

    `stderr_bytes` is None where the writer did not tell; `truncated` is the writer's word.
    """

    index: int
    stage_id: str
    path: str
    reason: str
    command: str | None = None
    exit_code: int | None = None
    signal: str | None = None
    timed_out: bool = False
    timeout_ms: int | None = None
    stderr: str = ""
    stderr_bytes: int | None = None
    truncated: bool = False
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GitFacts:
    """At which commit a run began; texts are whatever the repository says, not yet safe.

    `branch` is None for a detached head, `commit` before the first commit. `dirty` counts the files
    that were not committed as they were, `changed` names the first of them.
    """

    branch: str | None = None
    commit: str | None = None
    dirty: int = 0
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunnerRecord:
    """What runner.json says: the process that runs a run, so that nobody else is taken for it.

    `start_ticks` is field 22 of /proc/<pid>/stat; with `boot_id` it names one process for good.
    `stage_pgid` and `stage_start_ticks` name the running command's session leader. `git` is None
    until it is known, and where there is no repository. `env` are the variables that the run was
    given; the value of one that looks secret is None, for it is kept nowhere.
    """

    pid: int
    pgid: int
    start_ticks: int | None
    boot_id: str | None
    pid_ns: int | None
    host: str
    version: str
    started_at: str
    state: str = "running"
    stage_pgid: int | None = None
    stage_start_ticks: int | None = None
    cancel_rung: str | None = None
    cancel_asked_at: str | None = None
    cancel_term_at: str | None = None
    cancel_kill_at: str | None = None
    cancel_grace_s: float | None = None
    control_seq: int = 0
    note: str | None = None
    env: tuple[tuple[str, str | None], ...] = ()
    git: GitFacts | None = None
