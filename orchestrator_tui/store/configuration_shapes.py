"""Configuration shapes: the fields of one stage, of one pipeline and of the own limits, checked.

The checks are plain code. A library of models takes longer to load and to build than a run of five
short stages takes altogether.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeVar

from orchestrator_tui.records.pipeline import CommandStage, RunnerLimits, SubpipelineStage

_DEFAULTS: Final = RunnerLimits()
_CURES: Final = {
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

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that a project may set under `orchTui`.

    `name` is its place there, `field` that in `RunnerLimits`, whose default also says whether the
    number has to be whole. Both bounds are allowed; `most` may be missing.
    """

    name: str
    field: str
    least: int
    most: int | None = None

    @property
    def default(self) -> int | float:
        """The number where the project sets none."""
        value: int | float = getattr(_DEFAULTS, self.field)
        return value


# Bounds keep the files of a run sound.
LIMITS: Final = (
    Limit("lockAttempts", "lock_attempts", 1, 100),
    Limit("lockFirstDelayMs", "lock_first_delay_ms", 1, 10_000),
    # Readers call a run stale after 30 s, so at least two beats must fit in.
    Limit("heartbeatIntervalSeconds", "heartbeat_interval_s", 1, 15),
    Limit("manifestIntervalSeconds", "manifest_interval_s", 1, 3600),
    Limit("bufferBytesPerStream", "buffer_bytes_per_stream", 1024, 2**26),
    # Readers of error files stop at 64 KiB.
    Limit("stderrBytesInError", "stderr_bytes_in_error", 256, 48 * 1024),
    Limit("logs.maxBytesPerStage", "log_bytes_per_stage", 64 * 1024),
    Limit("killGraceSeconds", "kill_grace_s", 0, 3600),
)


class ShapeProblem(ValueError):
    """An object of the configuration has a wrong shape; the text says where in it, and the cure."""


@dataclass(frozen=True, slots=True)
class PipelineShape:
    """A pipeline whose stages are not yet checked."""

    title: str | None
    stages: list[Any]
    description: str | None
    tags: tuple[str, ...]
    guardrails_required: bool | None


def check_command(entry: Mapping[str, Any]) -> CommandStage:
    """Return a stage that runs a shell command; raises ShapeProblem."""
    fields = _Fields(entry)
    fields.required("kind")
    stage = CommandStage(
        id=(name := fields.required("id")),
        title=fields.text("title") or name,
        command=fields.required("command"),
        cwd=fields.filled("cwd"),
        env=MappingProxyType(fields.variables("env")),
        timeout_ms=whole_timeout_ms(fields.number("timeoutMs")),
        allow_failure=fields.flag("allowFailure") or False,
        summary_hint=fields.text("summaryHint"),
    )
    fields.refuse_wrong()
    return stage


def check_subpipeline(entry: Mapping[str, Any]) -> SubpipelineStage:
    """Return a stage that runs another pipeline; raises ShapeProblem."""
    fields = _Fields(entry)
    stage = SubpipelineStage(
        id=(name := fields.required("id")),
        title=fields.text("title") or name,
        pipeline=fields.required("pipeline"),
        optional=fields.flag("optional") or False,
    )
    fields.refuse_wrong()
    return stage


def check_pipeline(entry: Mapping[str, Any]) -> PipelineShape:
    """Return a pipeline, whose id is known already; raises ShapeProblem."""
    fields = _Fields(entry)
    shape = PipelineShape(
        title=fields.text("title"),
        stages=fields.stages("stages"),
        description=fields.text("description"),
        tags=fields.texts("tags"),
        guardrails_required=fields.flag("guardrailsRequired"),
    )
    fields.refuse_wrong()
    return shape


def check_limits(entry: Mapping[str, Any]) -> RunnerLimits:
    """Return the own limits, defaults for what is absent or null; raises ShapeProblem."""
    fields = _Fields(entry)
    values: dict[str, Any] = {limit.field: fields.limit(limit) for limit in LIMITS}
    fields.refuse_wrong()
    return RunnerLimits(**values)


def whole_timeout_ms(value: float | None) -> int | None:
    """Return a limit in whole milliseconds; None for absent, zero, negative and endless ones."""
    if value is None or not math.isfinite(value):
        return None
    whole = math.trunc(value)
    return whole if whole > 0 else None


class _Fields:
    """The fields of one object; null means absent. What is wrong is collected, none of it raised.

    What a wrong field returns means nothing: `refuse_wrong` has the last word.
    """

    def __init__(
        self, given: Mapping[str, Any], outer: _Fields | None = None, place: str = ""
    ) -> None:
        self._given = given
        self._place = place
        self._wrong: list[tuple[str, str]] = [] if outer is None else outer._wrong

    def required(self, name: str) -> str:
        """Return a text that has to be there and may not be empty."""
        if self._given.get(name) is None:
            self._complain(name, "is missing")
        return self.filled(name) or ""

    def filled(self, name: str) -> str | None:
        """Return a text that may be absent but not empty."""
        text = self.text(name)
        if text == "":
            self._complain(name, "is empty")
        return text

    def text(self, name: str) -> str | None:
        """Return a text."""
        return self._of_kind(name, str, "is not a text")

    def flag(self, name: str) -> bool | None:
        """Return true or false."""
        return self._of_kind(name, bool, "is neither true nor false")

    def number(self, name: str) -> float | None:
        """Return a number; true and false are none."""
        value = self._given.get(name)
        if value is None:
            return None
        try:
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
        except OverflowError:
            pass
        self._complain(name, "is not a number")
        return None

    def limit(self, limit: Limit) -> float:
        """Return one of the own limits, within its bounds."""
        outer, _, name = limit.name.rpartition(".")
        fields = self._inner(outer) if outer else self
        if isinstance(limit.default, int):
            value: float | None = fields._whole(name)
        else:
            value = fields.number(name)
        if value is None:
            return limit.default
        if value < limit.least:
            fields._complain(name, f"should be greater than or equal to {limit.least}")
        elif limit.most is not None and value > limit.most:
            fields._complain(name, f"should be less than or equal to {limit.most}")
        return value

    def stages(self, name: str) -> list[Any]:
        """Return a list that has to be there, whatever it holds."""
        if self._given.get(name) is None:
            self._complain(name, "is missing")
        return self._of_kind(name, list, "is not a list") or []

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        items = self._of_kind(name, list, "is not a list") or []
        for index, item in enumerate(items):
            if not isinstance(item, str):
                self._complain(name, "is not a text", f".{index}")
        return tuple(items)

    def variables(self, name: str) -> dict[str, str]:
        """Return environment variables, none of which the system would refuse."""
        variables = self._of_kind(name, dict, "is not an object") or {}
        for variable, value in variables.items():
            if not isinstance(value, str):
                self._complain(name, "is not a text", f".{variable}")
            elif not variable or "=" in variable or "\0" in variable + value:
                self._complain(name, "holds a character that may not stand there", f".{variable}")
        return dict(variables)

    def refuse_wrong(self) -> None:
        """Raise ShapeProblem if any field was wrong; it tells the first, and names the others."""
        if not self._wrong:
            return
        shown, complaint = self._wrong[0]
        name = shown.partition(".")[0]
        cure = f"; {_CURES[name]}" if name in _CURES else ""
        elsewhere = {place.partition(".")[0] for place, _ in self._wrong} - {name}
        more = f" (also wrong: {', '.join(sorted(elsewhere))})" if elsewhere else ""
        raise ShapeProblem(f'"{shown}" {complaint}{cure}{more}')

    def _inner(self, name: str) -> _Fields:
        return _Fields(self._of_kind(name, dict, "is not an object") or {}, self, f"{name}.")

    def _whole(self, name: str) -> int | None:
        value = self._given.get(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        self._complain(name, "is not a whole number")
        return None

    def _of_kind(self, name: str, kind: type[T], complaint: str) -> T | None:
        value = self._given.get(name)
        if value is None or isinstance(value, kind):
            return value
        self._complain(name, complaint)
        return None

    def _complain(self, name: str, complaint: str, part: str = "") -> None:
        self._wrong.append((f"{self._place}{name}{part}", complaint))
