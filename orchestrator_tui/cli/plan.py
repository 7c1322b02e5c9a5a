"""orch-tui plan: what a pipeline would do."""

from __future__ import annotations

import click

from orchestrator_tui.cli.documents import PLAN_SCHEMA
from orchestrator_tui.cli.options import Format, format_option, with_settings
from orchestrator_tui.cli.output import print_json, print_text
from orchestrator_tui.cli.pipelines import choose_pipeline, choose_target, load_pipelines
from orchestrator_tui.records.manifest import CommandKind, JsonObject
from orchestrator_tui.records.pipeline import CommandStage, Pipeline, Stage
from orchestrator_tui.settings import Settings


@click.command("plan")
@click.argument("pipeline_id", metavar="[PIPELINE]", required=False)
@click.option("--task", metavar="ID", help="The task; else MCP_RUNNER_TASK_ID.")
@click.option("--target", "--target-stage", "target", metavar="STAGE", help="The stage in focus.")
@format_option(Format.TEXT, Format.JSON)
@with_settings
def command(settings: Settings, pipeline_id: str | None, target: str | None, form: str) -> None:
    """Show the stages of a pipeline without running them."""
    config = load_pipelines(settings)
    print_plan(choose_pipeline(config, pipeline_id), target, Format(form))


def print_plan(pipeline: Pipeline, target: str | None, form: Format) -> None:
    """Print a pipeline's stages as they would run.

    Raises:
        Stopped: The target is no stage of the pipeline.
    """
    target_id = choose_target(pipeline, target)
    if form == Format.JSON:
        print_json(plan_document(pipeline, target_id))
        return
    print_text(f"{pipeline.id}  {pipeline.title}")
    if pipeline.description:
        print_text(f"  {pipeline.description}")
    for index, stage in enumerate(pipeline.stages, 1):
        mark = "  <- target" if target and _plan_id(pipeline, stage) == target_id else ""
        print_text(f"  {index}/{len(pipeline.stages)} {stage.id}  {stage.title}{mark}")
        for line in _stage_lines(stage):
            print_text(f"      {line}")


def _stage_lines(stage: Stage) -> list[str]:
    if not isinstance(stage, CommandStage):
        return [f"sub-pipeline {stage.pipeline}{', optional' if stage.optional else ''}"]
    notes = [
        f"in {stage.cwd}" if stage.cwd else "",
        f"time-out {stage.timeout_ms} ms" if stage.timeout_ms else "",
        "may fail" if stage.allow_failure else "",
        f"sets {', '.join(sorted(stage.env))}" if stage.env else "",
    ]
    told = ", ".join(note for note in notes if note)
    return [f"$ {stage.command}", told] if told else [f"$ {stage.command}"]


def plan_document(pipeline: Pipeline, target_id: str) -> JsonObject:
    """Return what `plan --format json` prints: the Node original's keys and one more."""
    return {
        "pipeline": {
            "id": pipeline.id,
            "title": pipeline.title,
            "description": pipeline.description,
            "source": "user",
        },
        "stages": [_stage(index, stage) for index, stage in enumerate(pipeline.stages, 1)],
        "plan": {
            "items": [
                _item(pipeline, index, stage, target_id)
                for index, stage in enumerate(pipeline.stages)
            ],
            "targetId": target_id,
        },
        "targetId": target_id,
        "orch_tui": {"schema": PLAN_SCHEMA, "eta": None},
    }


def _plan_id(pipeline: Pipeline, stage: Stage) -> str:
    return f"{pipeline.id}:{stage.id}"


def _kind(stage: Stage) -> CommandKind:
    return CommandKind.COMMAND if isinstance(stage, CommandStage) else CommandKind.SUBPIPELINE


def _stage(index: int, stage: Stage) -> JsonObject:
    head = {"index": index, "id": stage.id, "title": stage.title, "kind": _kind(stage).value}
    if not isinstance(stage, CommandStage):
        return {**head, "pipeline": stage.pipeline, "optional": stage.optional}
    return {
        **head,
        "command": stage.command,
        "cwd": stage.cwd,
        "env": dict(stage.env) or None,
        "timeoutMs": stage.timeout_ms,
        "allowFailure": stage.allow_failure,
        "summaryHint": stage.summary_hint,
    }


def _item(pipeline: Pipeline, index: int, stage: Stage, target_id: str) -> JsonObject:
    return {
        "id": _plan_id(pipeline, stage),
        "description": stage.title,
        "requires_cloud": False,
        "requiresCloud": False,
        "runnable": True,
        "metadata": {
            "pipelineId": pipeline.id,
            "stageId": stage.id,
            "stageKind": _kind(stage).value,
            "index": index,
            "requiresCloud": False,
        },
        "selected": _plan_id(pipeline, stage) == target_id,
    }
