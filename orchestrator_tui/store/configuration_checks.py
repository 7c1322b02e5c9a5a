"""Configuration checks: what is wrong in a configuration, told per pipeline, with the cure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.paths import CONFIG_NAME
from orchestrator_tui.records.pipeline import (
    DEFAULT_PIPELINE,
    CommandStage,
    ConfigProblem,
    OrchestratorConfig,
    Pipeline,
    RunnerLimits,
    Stage,
    SubpipelineStage,
)
from orchestrator_tui.store.configuration_doubts import doubts_about
from orchestrator_tui.store.configuration_shapes import (
    ShapeProblem,
    check_command,
    check_limits,
    check_pipeline,
    check_subpipeline,
)

MAX_NESTING = 32  # pipelines within pipelines; far beyond what anybody means
_RUNTIME_MODES = ("cli", "appserver")
_KINDS = ("command", "subpipeline")


def config_of(document: JsonObject, shown: str) -> OrchestratorConfig | ConfigProblem:
    """Return what a parsed configuration offers, or why it cannot be used; `shown` is its path."""
    try:
        _check_whole(document)
        limits = _limits(document)
    except _Problem as problem:
        return _told(shown, str(problem))
    drafts = _Drafts()
    for position, entry in enumerate(document.get("pipelines") or []):
        drafts.add(position, entry, document.get("stageSets") or {})
    drafts.follow_subpipelines()
    return OrchestratorConfig(
        pipelines=tuple(drafts.good()),
        default_pipeline=document.get("defaultPipeline") or DEFAULT_PIPELINE,
        limits=limits,
        problems=MappingProxyType(
            {name: _told(shown, text) for name, text in drafts.problems_in_order()}
        ),
        doubts=tuple(f"{shown}: {text}" for text in doubts_about(document)),
    )


def _told(shown: str, text: str) -> ConfigProblem:
    # some of the Node original's texts name the file themselves
    return ConfigProblem(shown, text if text.startswith(f"{shown} ") else f"{shown}: {text}")


class _Problem(ValueError):
    """What is wrong, without the file's name."""


def _check_whole(document: JsonObject) -> None:
    pipelines = document.get("pipelines")
    if pipelines is not None and not isinstance(pipelines, list):
        raise _Problem('"pipelines" must be an array; write a list of pipelines')
    stage_sets = document.get("stageSets")
    if stage_sets and not isinstance(stage_sets, dict):
        raise _Problem(f"{CONFIG_NAME} stageSets must be an object of stage arrays.")
    default = document.get("defaultPipeline")
    if default is not None and not isinstance(default, str):
        raise _Problem('"defaultPipeline" is not a text; name a pipeline by its id')
    mode = document.get("runtimeMode")
    if isinstance(mode, str) and mode.strip().lower() not in _RUNTIME_MODES:
        raise _Problem(
            f'Invalid {CONFIG_NAME} runtimeMode "{mode}". Expected one of: cli, appserver.'
        )


def _limits(document: JsonObject) -> RunnerLimits:
    entry = document.get("orchTui")
    if entry is None:
        return RunnerLimits()
    if not isinstance(entry, dict):
        raise _Problem('"orchTui" is not an object; write limits by name')
    try:
        return check_limits(entry)
    except ShapeProblem as problem:
        raise _Problem(f"orchTui: {problem}") from None


@dataclass
class _Drafts:
    """Pipelines while they are checked: those that passed so far, and what is wrong with others."""

    passed: dict[str, Pipeline] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)

    def add(self, position: int, entry: Any, stage_sets: JsonObject) -> None:
        """Check one pipeline by itself."""
        name = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not name:
            place = f"pipelines[{position}]"
            self.places[place] = position
            self.problems[place] = f'{place}: "id" is missing; give the pipeline an id'
            return
        if name in self.places:
            self.passed.pop(name, None)
            self.problems[name] = (
                f'pipeline "{name}" is there twice, pipelines[{self.places[name]}] and '
                f"pipelines[{position}]; give one of them another id"
            )
            return
        self.places[name] = position
        try:
            self.passed[name] = _pipeline(entry, name, stage_sets)
        except _Problem as problem:
            self.problems[name] = str(problem)

    def follow_subpipelines(self) -> None:
        """Find sub-pipelines that are missing, cannot be used, or lead back to where they began."""
        own_problems = dict(self.problems)
        safe: set[str] = set()
        for name in tuple(self.passed):
            if problem := self._problem_below((name,), own_problems, safe):
                self.problems[name] = problem

    def problems_in_order(self) -> list[tuple[str, str]]:
        """Return the problems by pipeline, in the file's order."""
        return sorted(self.problems.items(), key=lambda item: self.places[item[0]])

    def good(self) -> Iterator[Pipeline]:
        """Yield the pipelines without a problem, in the file's order."""
        return (pipeline for name, pipeline in self.passed.items() if name not in self.problems)

    def _problem_below(
        self, chain: tuple[str, ...], own_problems: Mapping[str, str], safe: set[str]
    ) -> str | None:
        here = chain[-1]
        if here in safe:
            return None
        if len(chain) > MAX_NESTING:
            return f'pipeline "{chain[0]}" nests more than {MAX_NESTING} pipelines; unfold some'
        for index, stage in enumerate(self.passed[here].stages, 1):
            if not isinstance(stage, SubpipelineStage):
                continue
            way = " → ".join((*chain, stage.pipeline))
            place = f'pipeline "{here}", stage {index} ("{stage.id}")'
            if stage.pipeline in chain:
                return f"{place}: would run without end: {way}; remove one of these stages"
            if stage.pipeline in own_problems:
                return f"{place}: cannot run ({way}): {own_problems[stage.pipeline]}"
            if stage.pipeline not in self.passed:
                return f"{place}: Pipeline '{stage.pipeline}' not found. Correct its id, or add it"
            if problem := self._problem_below((*chain, stage.pipeline), own_problems, safe):
                return problem
        safe.add(here)
        return None


def _pipeline(entry: JsonObject, name: str, stage_sets: JsonObject) -> Pipeline:
    try:
        shape = check_pipeline(entry)
    except ShapeProblem as problem:
        raise _Problem(f'pipeline "{name}": {problem}') from None
    if not shape.stages:
        raise _Problem(f'pipeline "{name}": "stages" is empty; list at least one stage')
    stages = tuple(_stages(name, shape.stages, stage_sets))
    _refuse_repeated_ids(name, stages)
    return Pipeline(
        id=name,
        title=shape.title or name,
        stages=stages,
        description=shape.description,
        tags=tuple(shape.tags),
        guardrails_required=shape.guardrails_required,
    )


def _stages(name: str, entries: list[Any], stage_sets: JsonObject) -> Iterator[Stage]:
    for index, entry in enumerate(entries, 1):
        if isinstance(entry, dict) and entry.get("kind") == "stage-set":
            ref = entry.get("ref")
            for inner_index, inner in enumerate(_stage_set(name, ref, stage_sets), 1):
                yield _stage(f'stage set "{ref}", used by pipeline "{name}"', inner_index, inner)
        else:
            yield _stage(f'pipeline "{name}"', index, entry)


def _stage_set(name: str, ref: object, stage_sets: JsonObject) -> list[Any]:
    stages = stage_sets.get(ref) if isinstance(ref, str) else None
    if stages is None:
        raise _Problem(
            f'Pipeline "{name}" references unknown stage set "{ref}". '
            "Add it to stageSets, or remove the reference"
        )
    if not isinstance(stages, list):
        raise _Problem(f'Stage set "{ref}" must be an array. Pipeline "{name}" uses it')
    if any(isinstance(stage, dict) and stage.get("kind") == "stage-set" for stage in stages):
        raise _Problem(
            f'Stage set "{ref}" cannot include stage-set references. Pipeline "{name}" uses it: '
            "put the stages themselves into the set"
        )
    return stages


def _stage(where: str, index: int, entry: Any) -> Stage:
    if not isinstance(entry, dict):
        raise _Problem(f"{where}, stage {index} is not an object; write an object with kind and id")
    name = entry.get("id")
    place = f"{where}, stage {index}" + (f' ("{name}")' if isinstance(name, str) and name else "")
    kind = entry.get("kind")
    if kind is not None and kind not in _KINDS:
        raise _Problem(
            f'{place}: "kind" is {str(kind)[:40]!r}, which is not known; '
            "write command, subpipeline or stage-set"
        )
    try:
        if kind == "subpipeline":
            return _subpipeline_stage(entry)
        return _command_stage(entry)
    except ShapeProblem as problem:
        raise _Problem(f"{place}: {problem}") from None


def _command_stage(entry: JsonObject) -> CommandStage:
    shape = check_command(entry)
    return CommandStage(
        id=shape.id,
        title=shape.title or shape.id,
        command=shape.command,
        cwd=shape.cwd,
        env=MappingProxyType(dict(shape.env)),
        timeout_ms=whole_timeout_ms(shape.timeout_ms),
        allow_failure=shape.allow_failure,
        summary_hint=shape.summary_hint,
    )


def _subpipeline_stage(entry: JsonObject) -> SubpipelineStage:
    shape = check_subpipeline(entry)
    return SubpipelineStage(
        id=shape.id,
        title=shape.title or shape.id,
        pipeline=shape.pipeline,
        optional=shape.optional,
    )


def whole_timeout_ms(value: float | None) -> int | None:
    """Return a limit in whole milliseconds; None for absent, zero, negative and endless ones."""
    if value is None or not math.isfinite(value):
        return None
    whole = math.trunc(value)
    return whole if whole > 0 else None


def _refuse_repeated_ids(name: str, stages: tuple[Stage, ...]) -> None:
    seen: dict[str, int] = {}
    for index, stage in enumerate(stages, 1):
        if stage.id in seen:
            raise _Problem(
                f'pipeline "{name}", stage {index}: the id "{stage.id}" is that of stage '
                f"{seen[stage.id]} too; give one of them another id"
            )
        seen[stage.id] = index
