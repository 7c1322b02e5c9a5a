"""Configuration shapes: what pydantic checks of one stage, one pipeline, and the own limits.

Imported only when a configuration is read: building these models takes longer than the first look
at the runs may.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from orchestrator_tui.records.pipeline import RunnerLimits

Name = Annotated[str, Field(min_length=1)]
VariableName = Annotated[str, Field(pattern=r"^[^=\x00]+$")]
VariableValue = Annotated[str, Field(pattern=r"^[^\x00]*$")]

_DEFAULTS = RunnerLimits()
_CURES = {
    "kind": 'write "kind": "command" or "kind": "subpipeline"',
    "id": "give it an id, a short text that no other has",
    "command": "write the shell command as a text",
    "pipeline": "name the pipeline to run, by its id",
    "ref": "name one of stageSets",
    "stages": "list at least one stage",
    "cwd": "write a folder, relative to the repository",
    "env": 'write names and texts, such as {"CI": "1"}',
    "timeoutMs": "write a number of milliseconds",
}
_COMPLAINTS = {
    "missing": "is missing",
    "string_type": "is not a text",
    "string_too_short": "is empty",
    "bool_type": "is neither true nor false",
    "int_type": "is not a whole number",
    "float_type": "is not a number",
    "list_type": "is not a list",
    "dict_type": "is not an object",
    "model_type": "is not an object",
    "string_pattern_mismatch": "holds a character that may not stand there",
}


class _Shape(BaseModel):
    # Built when first used: most configurations need two of these models.
    model_config = ConfigDict(
        strict=True, extra="ignore", frozen=True, alias_generator=to_camel, defer_build=True
    )

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nulls(cls, given: Any) -> Any:
        # null means absent: it never overrides a default
        if isinstance(given, Mapping):
            return {name: value for name, value in given.items() if value is not None}
        return given


ShapeT = TypeVar("ShapeT", bound=_Shape)


def keys_of(shape: type[_Shape]) -> frozenset[str]:
    """Return the keys that an object of a shape may have, as they stand in the file."""
    return frozenset(field.alias or name for name, field in shape.model_fields.items())


class CommandShape(_Shape):
    """A stage that runs a shell command."""

    kind: Literal["command"]
    id: Name
    title: str = ""
    command: Name
    cwd: Name | None = None
    env: dict[VariableName, VariableValue] = {}
    timeout_ms: float | None = None
    allow_failure: bool = False
    summary_hint: str | None = None


class SubpipelineShape(_Shape):
    """A stage that runs another pipeline."""

    kind: Literal["subpipeline"]
    id: Name
    title: str = ""
    pipeline: Name
    optional: bool = False


class PipelineShape(_Shape):
    """A pipeline, its stages not yet checked."""

    id: Name
    title: str = ""
    stages: list[Any]
    description: str | None = None
    tags: list[str] = []
    guardrails_required: bool | None = None


class LogsShape(_Shape):
    """What is kept of the output of a run."""

    max_bytes_per_stage: int = Field(_DEFAULTS.log_bytes_per_stage, ge=64 * 1024)
    mask_secrets: bool = _DEFAULTS.masks_secrets


class LimitsShape(_Shape):
    """The project's own limits, each within bounds that keep the files of a run sound."""

    lock_attempts: int = Field(_DEFAULTS.lock_attempts, ge=1, le=100)
    lock_first_delay_ms: int = Field(_DEFAULTS.lock_first_delay_ms, ge=1, le=10_000)
    # Readers call a run stale after 30 s, so at least two beats must fit in.
    heartbeat_interval_seconds: int = Field(_DEFAULTS.heartbeat_interval_s, ge=1, le=15)
    manifest_interval_seconds: int = Field(_DEFAULTS.manifest_interval_s, ge=1, le=3600)
    buffer_bytes_per_stream: int = Field(_DEFAULTS.buffer_bytes_per_stream, ge=1024, le=2**26)
    # Readers of error files stop at 64 KiB.
    stderr_bytes_in_error: int = Field(_DEFAULTS.stderr_bytes_in_error, ge=256, le=48 * 1024)
    logs: LogsShape = Field(default_factory=LogsShape)
    kill_grace_seconds: float = Field(_DEFAULTS.kill_grace_s, ge=0, le=3600)
    private_files: bool = _DEFAULTS.private_files

    def limits(self) -> RunnerLimits:
        """Return the limits under the names that the program uses."""
        return RunnerLimits(
            lock_attempts=self.lock_attempts,
            lock_first_delay_ms=self.lock_first_delay_ms,
            heartbeat_interval_s=self.heartbeat_interval_seconds,
            manifest_interval_s=self.manifest_interval_seconds,
            buffer_bytes_per_stream=self.buffer_bytes_per_stream,
            stderr_bytes_in_error=self.stderr_bytes_in_error,
            log_bytes_per_stage=self.logs.max_bytes_per_stage,
            masks_secrets=self.logs.mask_secrets,
            kill_grace_s=self.kill_grace_seconds,
            private_files=self.private_files,
        )


class ShapeProblem(ValueError):
    """An object of the configuration has a wrong shape; the text says where in it, and the cure."""


def check_command(entry: Mapping[str, Any]) -> CommandShape:
    """Return a command stage; raises ShapeProblem."""
    return _checked(CommandShape, entry)


def check_subpipeline(entry: Mapping[str, Any]) -> SubpipelineShape:
    """Return a sub-pipeline stage; raises ShapeProblem."""
    return _checked(SubpipelineShape, entry)


def check_pipeline(entry: Mapping[str, Any]) -> PipelineShape:
    """Return a pipeline; raises ShapeProblem."""
    return _checked(PipelineShape, entry)


def check_limits(entry: Mapping[str, Any]) -> RunnerLimits:
    """Return the own limits, defaults for what is absent or null; raises ShapeProblem."""
    return _checked(LimitsShape, entry).limits()


def _checked(shape: type[ShapeT], entry: Mapping[str, Any]) -> ShapeT:
    try:
        return shape.model_validate(entry)
    except ValidationError as error:
        raise ShapeProblem(_explained(error)) from None


def _explained(error: ValidationError) -> str:
    first, *others = error.errors(include_url=False, include_context=False)
    place = [str(part) for part in first["loc"]]
    name = place[0] if place else ""
    shown = ".".join(part for part in place if part != "[key]")
    complaint = _COMPLAINTS.get(first["type"]) or first["msg"].replace("Input s", "s")
    cure = f"; {_CURES[name]}" if name in _CURES else ""
    elsewhere = {str(other["loc"][0]) for other in others if other["loc"]} - {name}
    more = f" (also wrong: {', '.join(sorted(elsewhere))})" if elsewhere else ""
    return f'"{shown}" {complaint}{cure}{more}'
