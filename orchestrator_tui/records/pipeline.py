"""What can be launched: pipelines, their stages and the project's own settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import TypeAlias

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.manifest import HEARTBEAT_INTERVAL_S

DEFAULT_PIPELINE = "diagnostics"  # the Node original's default


@dataclass(frozen=True, slots=True)
class CommandStage:
    """A shell command run by `/bin/sh -c`; `cwd` is relative to the repository's root."""

    id: str
    title: str
    command: str
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    timeout_ms: int | None = None
    allow_failure: bool = False
    summary_hint: str | None = None


@dataclass(frozen=True, slots=True)
class SubpipelineStage:
    """A stage that runs another pipeline of the same configuration as a child run."""

    id: str
    title: str
    pipeline: str
    optional: bool = False


Stage: TypeAlias = CommandStage | SubpipelineStage


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline with its stage sets already put in place."""

    id: str
    title: str
    stages: tuple[Stage, ...]
    description: str | None = None
    tags: tuple[str, ...] = ()
    guardrails_required: bool | None = None


@dataclass(frozen=True, slots=True)
class RunnerLimits:
    """The project's own limits, `orchTui` in the configuration; the reference's numbers else."""

    lock_attempts: int = 5
    lock_first_delay_ms: int = 100
    heartbeat_interval_s: int = HEARTBEAT_INTERVAL_S
    manifest_interval_s: int = 30
    buffer_bytes_per_stream: int = 64 * 1024
    stderr_bytes_in_error: int = 8 * 1024
    log_bytes_per_stage: int = 256 * 1024 * 1024
    masks_secrets: bool = True
    kill_grace_s: float = 10.0
    private_files: bool = False


@dataclass(frozen=True, slots=True)
class OrchestratorConfig:
    """What a `codex.orchestrator.json` offers.

    `pipelines` are those that passed every check. `problems` tells why the others cannot be
    launched, by pipeline id, or by place (`pipelines[2]`) where there is none. `doubts` tell of
    keys that change nothing and look like a slip.
    """

    pipelines: tuple[Pipeline, ...] = ()
    default_pipeline: str = DEFAULT_PIPELINE
    limits: RunnerLimits = RunnerLimits()
    problems: Mapping[str, ConfigProblem] = field(default_factory=lambda: MappingProxyType({}))
    doubts: tuple[str, ...] = ()

    def pipeline(self, pipeline_id: str) -> Pipeline | None:
        """Return the pipeline of that id, or None."""
        return next((p for p in self.pipelines if p.id == pipeline_id), None)


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """Why a configuration cannot be used: which file, where in it, and the cure, in one text."""

    path: str
    text: str
