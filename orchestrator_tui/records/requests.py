"""What a person can ask for; each request knows the command line that does the same."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TypeAlias

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.program import PROGRAM
from orchestrator_tui.records.secrets import is_secret


@dataclass(frozen=True, slots=True)
class RunInputs:
    """What a run is given besides its pipeline: variables for its commands, and a note."""

    env: tuple[tuple[str, str], ...] = ()
    note: str | None = None


NO_INPUTS = RunInputs()


@dataclass(frozen=True, slots=True)
class LaunchRun:
    """Start a new run of a pipeline."""

    pipeline_id: str
    task_id: str
    approval_policy: str | None = None
    inputs: RunInputs = NO_INPUTS

    def argv(self) -> tuple[str, ...]:
        """Return the equal command line."""
        given: list[str] = []
        if self.approval_policy:
            given += ["--approval-policy", self.approval_policy]
        for name, value in self.inputs.env:
            given += ["--env", f"{name}={value}"]
        if self.inputs.note:
            given += ["--note", self.inputs.note]
        return (PROGRAM, "start", self.pipeline_id, "--task", self.task_id, *given, "--detach")


@dataclass(frozen=True, slots=True)
class StartConditions:
    """What is known of the place before a run is started there; None where it is not.

    `dirty` is the number of files that are not committed as they are, `free_bytes` what the disk
    has left for runs, `tasks` the ids in `tasks/index.json`.
    """

    dirty: int | None = None
    free_bytes: int | None = None
    tasks: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ResumeRun:
    """Run the stages of a run again that did not succeed.

    `from_stage` runs that stage and all after it, `only_stage` that one alone; both are stage ids.
    """

    key: RunKey
    from_stage: str | None = None
    only_stage: str | None = None

    def argv(self) -> tuple[str, ...]:
        """Return the equal command line."""
        chosen: tuple[str, ...] = ()
        if self.from_stage is not None:
            chosen = ("--from", self.from_stage)
        elif self.only_stage is not None:
            chosen = ("--only", self.only_stage)
        return (PROGRAM, "resume", self.key.run_id, *chosen, "--detach")


@dataclass(frozen=True, slots=True)
class CancelRun:
    """Ask a run to stop; its runner ends the running command with SIGTERM, later SIGKILL."""

    key: RunKey
    reason: str | None = None

    def argv(self) -> tuple[str, ...]:
        """Return the equal command line."""
        reason = ("--reason", self.reason) if self.reason else ()
        return (PROGRAM, "cancel", self.key.run_id, *reason)


@dataclass(frozen=True, slots=True)
class KillRun:
    """End everything that a run started at once, by SIGKILL; it is then cancelled."""

    key: RunKey
    reason: str | None = None

    def argv(self) -> tuple[str, ...]:
        """Return the equal command line."""
        reason = ("--reason", self.reason) if self.reason else ()
        return (PROGRAM, "cancel", self.key.run_id, "--force", "--yes", *reason)


@dataclass(frozen=True, slots=True)
class RestartRun:
    """Start a new run with the pipeline, the task and the other inputs of one that was."""

    key: RunKey

    def argv(self) -> tuple[str, ...]:
        """Return the equal command line."""
        return (PROGRAM, "restart", self.key.run_id, "--detach")


Request: TypeAlias = LaunchRun | ResumeRun | RestartRun | CancelRun | KillRun


def _shown(request: Request) -> str:
    """Return a command line in which a secret is a variable of the shell that will read it."""
    words = [shlex.quote(word) for word in request.argv()]
    if isinstance(request, LaunchRun):
        for name, value in request.inputs.env:
            if is_secret(name, value):
                words[words.index(shlex.quote(f"{name}={value}"))] = f'{name}="${name}"'
    return " ".join(words)


def command_line(requests: Sequence[Request]) -> str:
    """Return one line of shell that does what one or more requests do.

    Verbs that take several runs get all of them; others are called in a loop, where the calls
    differ in the run alone, or else one after the other. Values that look secret are not in it.
    """
    lines = [_shown(request) for request in requests]
    keyed = [request for request in requests if not isinstance(request, LaunchRun)]
    if len(requests) < 2 or len(keyed) < len(requests):
        return "; ".join(lines)
    ids = [request.key.run_id for request in keyed]
    marks = [tuple("$run" if w == r.key.run_id else w for w in r.argv()) for r in keyed]
    if len(set(marks)) > 1:
        return "; ".join(lines)
    if all(isinstance(request, CancelRun | KillRun) for request in keyed):
        at = marks[0].index("$run")
        return shlex.join((*marks[0][:at], *ids, *marks[0][at + 1 :]))
    call = shlex.join(marks[0]).replace("'$run'", "$run")
    return f"for run in {shlex.join(ids)}; do {call}; done"


@dataclass(frozen=True, slots=True)
class Done:
    """A request was carried out; `key` is the run that it concerns."""

    message: str
    key: RunKey | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A request was not carried out, and nothing was changed; `reason` says why and the cure."""

    reason: str


ActionResult: TypeAlias = Done | Refused
