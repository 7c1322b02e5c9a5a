"""orch-tui resume: the stages of a run again that did not succeed."""

from __future__ import annotations

from collections.abc import Sequence

import click

from orchestrator_tui.cli.choosing import choose_run
from orchestrator_tui.cli.exits import Exit, bad_usage, refused
from orchestrator_tui.cli.narrating import Narrator
from orchestrator_tui.cli.options import (
    Format,
    chosen_run,
    format_option,
    run_option,
    with_settings_to_act,
)
from orchestrator_tui.cli.pipelines import load_pipelines
from orchestrator_tui.cli.running import inputs_from, run_detached, run_here, run_options
from orchestrator_tui.cli.screen import open_on, unusable_reason
from orchestrator_tui.records.facts import RunShape
from orchestrator_tui.runner.execution import RunOutcome
from orchestrator_tui.runner.foreground import resume_foreground
from orchestrator_tui.runner.launch import ResumeJob
from orchestrator_tui.settings import Settings


@click.command("resume")
@click.argument("run", required=False)
@run_option
@click.option("--token", metavar="TOKEN", help="The run's resume token, checked if it is given.")
@click.option("--actor", metavar="NAME", default="cli", show_default=True, help="Who asks.")
@click.option(
    "--reason", metavar="TEXT", default="manual-resume", show_default=True, help="And why."
)
@click.option("--from", "from_stage", metavar="STAGE", help="This stage and all after it.")
@click.option("--only", "only_stage", metavar="STAGE", help="This stage alone.")
@click.option("--force", is_flag=True, help="Even if it seems to be running, without a proof.")
@run_options
@format_option(Format.TEXT, Format.JSON)
@with_settings_to_act
def command(
    settings: Settings,
    run: str | None,
    run_flag: str | None,
    token: str | None,
    actor: str,
    reason: str,
    from_stage: str | None,
    only_stage: str | None,
    force: bool,
    detach: bool,
    env: Sequence[str],
    note: str | None,
    interactive: bool,
    runtime_mode: str | None,
    form: str,
) -> int:
    """Run the stages of a run again that did not succeed, and wait for the end.

    RUN is a run id, a beginning or an end of one, @latest, @latest:PIPELINE or @failed. Ends with 0
    if the run succeeded, with 1 if not.
    """
    wanted = chosen_run(run, run_flag)
    if wanted is None:
        raise bad_usage("name a run: orch-tui resume RUN, for example @failed")
    if from_stage is not None and only_stage is not None:
        raise bad_usage("choose one of --from and --only")
    ref = choose_run(settings, wanted)
    if ref.shape is not RunShape.CLI:
        raise refused(f"run {ref.key.run_id} is of an older layout and cannot be resumed")
    inputs = inputs_from(env, note)
    on_screen = interactive and unusable_reason() is None
    if detach or on_screen:
        job = ResumeJob(
            ref.key.task_id,
            ref.key.run_id,
            from_stage=from_stage,
            only_stage=only_stage,
            token=token,
            actor=actor,
            reason=reason,
            force=force,
            inputs=inputs,
        )
        key = run_detached(settings, job, Format(form))
        return open_on(settings, key) if on_screen and not detach else Exit.DONE
    config = load_pipelines(settings)

    async def begin(narrator: Narrator, environ: dict[str, str]) -> RunOutcome:
        return await resume_foreground(
            settings.roots,
            config,
            ref.key,
            from_stage=from_stage,
            only_stage=only_stage,
            token=token,
            actor=actor,
            reason=reason,
            force=force,
            inputs=inputs,
            environ=environ,
            on_output=narrator.output,
            on_started=narrator.started,
        )

    return run_here(settings, begin, Format(form))
