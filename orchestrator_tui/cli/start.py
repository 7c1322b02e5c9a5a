"""orch-tui start: a new run of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence

import click

from orchestrator_tui.cli.exits import Exit, bad_usage, refused
from orchestrator_tui.cli.options import Format, format_option, with_settings_to_act
from orchestrator_tui.cli.pipelines import choose_pipeline, choose_target, load_pipelines
from orchestrator_tui.cli.plan import print_plan
from orchestrator_tui.cli.running import inputs_from, launch, run_detached, run_options
from orchestrator_tui.cli.screen import unusable_reason
from orchestrator_tui.runner.launch import StartJob
from orchestrator_tui.settings import Settings


@click.command("start")
@click.argument("pipeline_id", metavar="[PIPELINE]", required=False)
@click.option("--task", metavar="ID", help="The task; else MCP_RUNNER_TASK_ID, else 0101.")
@click.option("--parent-run", metavar="ID", help="The run that this one belongs to.")
@click.option("--approval-policy", metavar="TEXT", help="Kept in the manifest.")
@click.option("--execution-mode", type=click.Choice(["mcp"]), help="Only mcp.")
@click.option("--if-idle", is_flag=True, help="Refuse while another run of the task is active.")
@click.option(
    "--wait-for", metavar="STAGE", help="Return once this stage is over; the run goes on."
)
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(min=0), metavar="SECONDS", help="Of --wait-for."
)
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
    if_idle: bool,
    wait_for: str | None,
    timeout_s: float | None,
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
    the run succeeded, with 1 if not. With --wait-for the run is on its own, as with --detach, and
    the exit status is that of `orch-tui wait RUN --for stage:STAGE`: 124 if the time was up.
    """
    if timeout_s is not None and wait_for is None:
        raise bad_usage("--timeout bounds --wait-for; a stage has timeoutMs in the configuration")
    config = load_pipelines(settings)
    pipeline = choose_pipeline(config, pipeline_id)
    if dry_run:
        print_plan(pipeline, None, Format(form))
        return Exit.DONE
    stage_id = choose_target(pipeline, wait_for).partition(":")[2] if wait_for else None
    if if_idle:
        _refuse_if_busy(settings)
    job = StartJob(
        pipeline.id, settings.task_id, parent_run, approval_policy, inputs_from(env, note)
    )
    if stage_id is not None:
        from orchestrator_tui.cli.wait import wait_for_stage

        return wait_for_stage(
            settings, run_detached(settings, job, Format(form)), stage_id, timeout_s
        )
    on_screen = interactive and unusable_reason() is None
    return launch(settings, config, job, detach=detach, on_screen=on_screen, form=Format(form))


def _refuse_if_busy(settings: Settings) -> None:
    # Only now: a start that does not ask for it waits for none of what this loads.
    from orchestrator_tui.cli.active import active_keys

    busy = [key for key in active_keys(settings) if key.task_id == settings.task_id]
    if busy:
        names = ", ".join(key.short for key in busy)
        raise refused(f"task {settings.task_id} has an active run ({names}); nothing was started")
