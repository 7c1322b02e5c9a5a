"""Running: what `start` and `resume` share; here until the run is over, or launched and left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import anyio
import anyio.to_thread
import click

from orchestrator_tui.cli.documents import run_document
from orchestrator_tui.cli.exits import Exit, Stopped, bad_usage, refused, say
from orchestrator_tui.cli.looking import look_at
from orchestrator_tui.cli.narrating import Narrator
from orchestrator_tui.cli.options import Format
from orchestrator_tui.cli.output import print_json, print_line
from orchestrator_tui.cli.screen import open_on
from orchestrator_tui.primitives.allocation import keep_memory
from orchestrator_tui.primitives.garbage import look_among_the_new, look_for_none
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.pipeline import OrchestratorConfig
from orchestrator_tui.records.requests import RunInputs
from orchestrator_tui.records.times import parse_time
from orchestrator_tui.runner.context import UnknownPipeline
from orchestrator_tui.runner.execution import RunOutcome
from orchestrator_tui.runner.foreground import start_foreground
from orchestrator_tui.runner.launch import (
    Job,
    LaunchFailed,
    LaunchRefused,
    StartJob,
    launch_detached,
)
from orchestrator_tui.runner.opening import NoRunFolder
from orchestrator_tui.runner.resume import ResumeRefused
from orchestrator_tui.settings import Settings
from orchestrator_tui.state.run_view import RunView
from orchestrator_tui.state.views import seconds_between
from orchestrator_tui.store.discovery import locate_run

LOOK_S: Final = 0.25  # between two looks for stages that have begun or ended

Begin = Callable[[Narrator, dict[str, str]], Awaitable[RunOutcome]]
Verb = Callable[..., Any]


def run_options(verb: Verb) -> Verb:
    """Add what verbs that run share: --detach, --env, --note, and the Node original's modes."""
    for option in reversed(
        [
            click.option("--detach", is_flag=True, help="Print the run id and return."),
            click.option("--env", multiple=True, metavar="NAME=VALUE", help="For the commands."),
            click.option("--note", metavar="TEXT", help="Kept in runner.json."),
            click.option(
                "--interactive/--no-interactive",
                "--ui/--no-ui",
                "interactive",
                default=False,
                help="Open the screen on the run, where there is a terminal.",
            ),
            click.option("--runtime-mode", type=click.Choice(["cli"]), help="Only cli."),
        ]
    ):
        verb = option(verb)
    return verb


def inputs_from(variables: Sequence[str], note: str | None) -> RunInputs:
    """Return what --env and --note give a run.

    Raises:
        Stopped: A variable is not of the form NAME=VALUE.
    """
    env: dict[str, str] = {}
    for variable in variables:
        name, equals, value = variable.partition("=")
        if not (name and equals):
            raise bad_usage(f"--env {variable} is not of the form NAME=VALUE")
        env[name] = value
    return RunInputs(tuple(env.items()), note or None)


def launch(
    settings: Settings,
    config: OrchestratorConfig,
    job: StartJob,
    *,
    detach: bool,
    on_screen: bool,
    form: Format,
) -> int:
    """Start a new run as it was asked for: here until its end, on its own, or on the screen.

    Raises:
        Stopped: It was refused, or did not come up.
    """
    if detach or on_screen:
        key = run_detached(settings, job, form)
        return open_on(settings, key) if on_screen and not detach else Exit.DONE

    async def begin(narrator: Narrator, environ: dict[str, str]) -> RunOutcome:
        return await start_foreground(
            settings.roots,
            config,
            job.pipeline_id,
            job.task_id,
            environ=environ,
            on_output=narrator.output,
            on_started=narrator.started,
            parent_run_id=job.parent_run_id,
            approval_policy=job.approval_policy,
            inputs=job.inputs,
        )

    return run_here(settings, begin, form)


def run_here(settings: Settings, begin: Begin, form: Format) -> int:
    """Run until the end, telling what happens, and return the exit status.

    Raises:
        Stopped: The run was refused, or its folder cannot be made.
    """
    keep_memory()
    look_for_none()  # while the event loop is loaded
    narrator = Narrator(settings.roots, with_output=form == Format.TEXT)
    try:
        outcome = anyio.run(_narrated, narrator, begin, dict(settings.environ))
    except (UnknownPipeline, ResumeRefused, NoRunFolder) as error:
        raise refused(str(error)) from error
    except OSError as error:
        raise Stopped(Exit.FAILED, str(error)) from error
    view = narrator.ended()
    if form == Format.JSON:
        print_json(
            run_document(
                outcome.manifest,
                settings.roots.relative(outcome.paths.manifest),
                duration_s=seconds_between(
                    parse_time(outcome.manifest.started_at),
                    parse_time(outcome.manifest.completed_at),
                ),
                error=_error(view, outcome),
            )
        )
    return outcome.exit_status


async def _narrated(narrator: Narrator, begin: Begin, environ: dict[str, str]) -> RunOutcome:
    look_among_the_new()

    async def keep_looking() -> None:
        while True:
            await anyio.sleep(LOOK_S)
            await anyio.to_thread.run_sync(narrator.look)

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep_looking, name="narrator")
            outcome = await begin(narrator, environ)
            tasks.cancel_scope.cancel()
    except* (UnknownPipeline, ResumeRefused, OSError) as group:
        raise group.exceptions[0] from None
    return outcome


def _error(view: RunView | None, outcome: RunOutcome) -> JsonObject | None:
    card = next((card for card in view.errors if not card.is_past), None) if view else None
    if card is None:
        return None
    files = {command.index: command.error_file for command in outcome.manifest.commands}
    return {
        "stage": card.stage_id,
        "text": f"{card.words}: {card.reason}",
        "error_file": files.get(card.index),
        "stderr": "\n".join(card.stderr),
    }


def run_detached(settings: Settings, job: Job, form: Format) -> RunKey:
    """Launch a run in a process of its own, print its id, and return its key.

    Raises:
        Stopped: It was refused, or its runner did not come up.
    """
    try:
        key = launch_detached(settings.roots, job, environ=settings.environ)
    except LaunchRefused as error:
        raise refused(str(error)) from error
    except LaunchFailed as error:
        raise Stopped(Exit.FAILED, str(error)) from error
    if form == Format.TEXT:
        print_line(key.run_id)
        say(f"it runs on its own; orch-tui logs {key.short} --follow shows its output")
        return key
    ref = locate_run(settings.roots, key.run_id, key.task_id)
    looked = look_at(settings.roots, ref) if ref else None
    if ref is None or looked is None:
        raise Stopped(Exit.FAILED, f"run {key} vanished")
    manifest = settings.roots.relative(ref.manifest)
    print_json(run_document(looked.manifest, manifest, duration_s=None))
    return key
