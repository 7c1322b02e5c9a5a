"""Pipelines: the configuration as the verbs need it, or the reason why it cannot be used."""

from __future__ import annotations

from orchestrator_tui.cli.exits import bad_usage, not_found, say
from orchestrator_tui.records.paths import CONFIG_NAME
from orchestrator_tui.records.pipeline import ConfigProblem, OrchestratorConfig, Pipeline
from orchestrator_tui.records.program import PROGRAM
from orchestrator_tui.settings import Settings
from orchestrator_tui.store.configuration import load_config
from orchestrator_tui.store.configuration_memory import ConfigMemory


def load_pipelines(settings: Settings) -> OrchestratorConfig:
    """Return the configuration of the repository; what is doubtful in it is told.

    Raises:
        Stopped: There is none, or it cannot be used.
    """
    config = load_config(settings.roots, settings.environ, ConfigMemory.of_user())
    if config is None:
        raise bad_usage(
            f"no {CONFIG_NAME} in {settings.roots.repo}; "
            "write one, or name another repository with --repo"
        )
    if isinstance(config, ConfigProblem):
        raise bad_usage(config.text)
    for doubt in config.doubts:
        say(f"{PROGRAM}: {doubt}")
    return config


def choose_pipeline(config: OrchestratorConfig, wanted: str | None) -> Pipeline:
    """Return the pipeline of that id, or the default one where none is named.

    Raises:
        Stopped: There is no such pipeline, or it cannot be launched.
    """
    name = wanted or config.default_pipeline
    if name in config.problems:
        raise bad_usage(config.problems[name].text)
    pipeline = config.pipeline(name)
    if pipeline is None:
        raise not_found(_unknown(config, name, is_default=wanted is None))
    return pipeline


def _unknown(config: OrchestratorConfig, name: str, *, is_default: bool) -> str:
    """Return that there is no such pipeline, which there are, and why others are not."""
    known = ", ".join(p.id for p in config.pipelines) or "none"
    lines = [f"Pipeline '{name}' not found. There are: {known}"]
    if is_default:
        lines.append(f'None was named, and "defaultPipeline" of {CONFIG_NAME} means this one.')
    lines += [problem.text for problem in config.problems.values()]
    return "\n".join(lines)


def choose_target(pipeline: Pipeline, wanted: str | None) -> str:
    """Return the plan id, `pipeline:stage`, of the stage in focus; the first where none is named.

    Raises:
        Stopped: The pipeline has no such stage.
    """
    if wanted is None:
        return f"{pipeline.id}:{pipeline.stages[0].id}"
    stage_id = wanted.removeprefix(f"{pipeline.id}:")
    if all(stage.id != stage_id for stage in pipeline.stages):
        known = ", ".join(stage.id for stage in pipeline.stages)
        raise not_found(f"pipeline {pipeline.id} has no stage {wanted}; there are: {known}")
    return f"{pipeline.id}:{stage_id}"
