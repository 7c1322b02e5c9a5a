"""orch-tui restart: a new run of the same pipeline for the same task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import click

from orchestrator_tui.cli.choosing import choose_run
from orchestrator_tui.cli.exits import bad_usage, refused
from orchestrator_tui.cli.options import (
    Format,
    chosen_run,
    format_option,
    run_option,
    with_settings_to_act,
)
from orchestrator_tui.cli.pipelines import choose_pipeline, load_pipelines
from orchestrator_tui.cli.running import inputs_from, launch, run_options
from orchestrator_tui.cli.screen import unusable_reason
from orchestrator_tui.records.identifiers import sanitize_task_id
from orchestrator_tui.runner.actions import restart_job
from orchestrator_tui.runner.launch import LaunchRefused
from orchestrator_tui.settings import Settings


@click.command("restart")
@click.argument("run", required=False)
@run_option
@click.option("--from", "from_stage", metavar="STAGE", help="Refused: see orch-tui resume --from.")
@run_options
@format_option(Format.TEXT, Format.JSON)
@with_settings_to_act
def command(
    settings: Settings,
    run: str | None,
    run_flag: str | None,
    from_stage: str | None,
    detach: bool,
    env: Sequence[str],
    note: str | None,
    interactive: bool,
    runtime_mode: str | None,
    form: str,
) -> int:
    """Start a new run with the pipeline, task, approval policy, variables and note of another one.

    RUN is a run id, a beginning or an end of one, @latest, @latest:PIPELINE or @failed. Ends with 0
    if the new run succeeded, with 1 if not.
    """
    wanted = chosen_run(run, run_flag)
    if wanted is None:
        raise bad_usage("name a run: orch-tui restart RUN, for example @latest")
    if from_stage is not None:
        raise bad_usage(
            "a new run begins with its first stage; "
            f"orch-tui resume {wanted} --from {from_stage} goes on in the old one"
        )
    ref = choose_run(settings, wanted)
    try:
        job = restart_job(settings.roots, ref.key, settings.environ, inputs_from(env, note))
    except LaunchRefused as error:
        raise refused(str(error)) from error
    same = replace(settings, task_id=sanitize_task_id(job.task_id))
    config = load_pipelines(same)
    choose_pipeline(config, job.pipeline_id)  # says which there are, if it is not there any more
    on_screen = interactive and unusable_reason() is None
    return launch(same, config, job, detach=detach, on_screen=on_screen, form=Format(form))
