"""orch-tui start: a new run of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence

import click

from orchestrator_tui.cli.exits import Exit
from orchestrator_tui.cli.options import Format, format_option, with_settings_to_act
from orchestrator_tui.cli.pipelines import choose_pipeline, load_pipelines
from orchestrator_tui.cli.plan import print_plan
from orchestrator_tui.cli.running import inputs_from, launch, run_options
from orchestrator_tui.cli.screen import unusable_reason
from orchestrator_tui.runner.launch import StartJob
from orchestrator_tui.settings import Settings


@click.command("start")
@click.argument("pipeline_id", metavar="[PIPELINE]", required=False)
@click.option("--task", metavar="ID", help="The task; else MCP_RUNNER_TASK_ID, else 0101.")
@click.option("--parent-run", metavar="ID", help="The run that this one belongs to.")
@click.option("--approval-policy", metavar="TEXT", help="Kept in the manifest.")
@click.option("--execution-mode", type=click.Choice(["mcp"]), help="Only mcp.")
@click.option("--dry-run", is_flag=True, help="As `orch-tui plan`.")
@run_options
@format_option(Format.TEXT, Format.JSON)
@with_settings_to_act
def command(
    settings: Settings,
    pipeline_id: str | None,
    parent_run: str | None,
    approval_policy: str | None,
    execution_mode: str | None,
    dry_run: bool,
    detach: bool,
    env: Sequence[str],
    note: str | None,
    interactive: bool,
    runtime_mode: str | None,
    form: str,
) -> int:
    """Start a run of a pipeline and wait for its end; Ctrl-C cancels it, twice kills it.

    Stages are told on standard error, output goes to the stream that it came from. Ends with 0 if
    the run succeeded, with 1 if not.
    """
    config = load_pipelines(settings)
    pipeline = choose_pipeline(config, pipeline_id)
    if dry_run:
        print_plan(pipeline, None, Format(form))
        return Exit.DONE
    job = StartJob(
        pipeline.id, settings.task_id, parent_run, approval_policy, inputs_from(env, note)
    )
    on_screen = interactive and unusable_reason() is None
    return launch(settings, config, job, detach=detach, on_screen=on_screen, form=Format(form))
