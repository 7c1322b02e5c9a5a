"""What a person can ask for; each request knows the command line that does the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from orchestrator_tui.records.identifiers import RunKey

PROGRAM = "orch-tui"
COMPLETE_VARIABLE = "_ORCH_TUI_COMPLETE"  # set by a shell that wants words to complete


@dataclass(frozen=True, slots=True)
class LaunchRun:
    """Start a new run of a pipeline."""

    pipeline_id: str
    task_id: str

    def argv(self) -> tuple[str, ...]:
        """Return the equal command line."""
        return (PROGRAM, "start", self.pipeline_id, "--task", self.task_id, "--detach")


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


Request: TypeAlias = LaunchRun | ResumeRun | CancelRun


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
