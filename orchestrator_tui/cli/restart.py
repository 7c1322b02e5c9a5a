"""orch-tui restart: a new run of the same pipeline for the same task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import click

from orchestrator_tui.cli.choosing import choose_run
from orchestrator_tui.cli.exits import Exit, bad_usage, refused
from orchestrator_tui.cli.looking import look_at
from orchestrator_tui.cli.narrating import Narrator
from orchestrator_tui.cli.options import (
    Format,
    chosen_run,
    format_option,
    run_option,
    with_settings_to_act,
)
from orchestrator_tui.cli.pipelines import choose_pipeline, load_pipelines
from orchestrator_tui.cli.running import run_detached, run_here, run_options, with_variables
from orchestrator_tui.cli.screen import open_on, unusable_reason
from orchestrator_tui.records.identifiers import sanitize_task_id
from orchestrator_tui.runner.execution import RunOutcome
from orchestrator_tui.runner.foreground import start_foreground
from orchestrator_tui.runner.launch import StartJob
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
    interactive: bool,
    runtime_mode: str | None,
    form: str,
) -> int:
    """Start a new run with the pipeline, task and approval policy of another one.

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
    looked = look_at(settings.roots, ref)
    pipeline_id = looked.manifest.pipeline_id if looked else None
    if looked is None or not pipeline_id:
        raise refused(f"run {ref.key.run_id} does not say which pipeline it ran")
    policy = looked.manifest.approval_policy
    same = replace(settings, task_id=sanitize_task_id(ref.key.task_id))
    config = load_pipelines(same)
    pipeline = choose_pipeline(config, pipeline_id)
    environ = with_variables(same, env)
    on_screen = interactive and unusable_reason() is None
    if detach or on_screen:
        job = StartJob(pipeline.id, same.task_id, None, policy)
        key = run_detached(same, environ, job, Format(form))
        return open_on(same, key) if on_screen and not detach else Exit.DONE

    async def begin(narrator: Narrator, environ: dict[str, str]) -> RunOutcome:
        return await start_foreground(
            same.roots,
            config,
            pipeline.id,
            same.task_id,
            environ=environ,
            on_output=narrator.output,
            on_started=narrator.started,
            approval_policy=policy,
        )

    return run_here(same, environ, begin, Format(form))
