"""orch-tui status: how one run is doing, or all that are active."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click

from orchestrator_tui.cli.choosing import choose_run
from orchestrator_tui.cli.documents import STATUS_SCHEMA, status_document
from orchestrator_tui.cli.exits import Exit, not_found, say
from orchestrator_tui.cli.looking import LookedAt, look_at, look_at_unfinished
from orchestrator_tui.cli.options import (
    Format,
    chosen_run,
    format_option,
    run_option,
    with_settings,
)
from orchestrator_tui.cli.output import flush, print_json, print_json_line, print_line
from orchestrator_tui.cli.report import print_report
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.settings import Settings
from orchestrator_tui.state.liveness import State, derive_state
from orchestrator_tui.state.query import STATE_NAMES
from orchestrator_tui.state.run_view import project_run
from orchestrator_tui.store.reading import RunRef

ACTIVE = STATE_NAMES["active"]  # the others have come to an end, or will not by themselves


@click.command("status")
@click.argument("run", required=False)
@run_option
@click.option("--watch", is_flag=True, help="Look again until the run has ended.")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How often --watch looks.",
)
@click.option("--exit-status", is_flag=True, help="End with the status of the run.")
@format_option(Format.TEXT, Format.JSON, Format.JSONL)
@with_settings
def command(
    settings: Settings,
    run: str | None,
    run_flag: str | None,
    watch: bool,
    interval: float,
    exit_status: bool,
    form: str,
) -> int:
    """Say how a run is doing; without RUN all that are active.

    RUN is a run id, a beginning or an end of one, @latest, @latest:PIPELINE or @failed.
    """
    wanted = chosen_run(run, run_flag)
    ref = choose_run(settings, wanted) if wanted else None
    style = Format(form)
    shown: list[LookedAt] | None = None
    while True:
        looked = _look(settings, ref)
        states = [derive_state(each.run, SYSTEM_CLOCK.now()).state for each in looked]
        goes_on = watch and any(state in ACTIVE for state in states)
        if looked != shown and (style != Format.JSON or not goes_on):
            _print(settings, looked, ref is not None, style)
        shown = looked
        if not goes_on:
            return exit_of(states) if exit_status else Exit.DONE
        flush()
        time.sleep(interval)


def _look(settings: Settings, ref: RunRef | None) -> list[LookedAt]:
    """Return the run that was asked for, or all that have not ended."""
    if ref is not None:
        looked = look_at(settings.roots, ref)
        if looked is None:
            raise not_found(f"no run {ref.key.run_id} in {settings.roots.runs}")
        return [looked]
    now = SYSTEM_CLOCK.now()
    active = [
        looked
        for looked in look_at_unfinished(settings.roots)
        if derive_state(looked.run, now).state in ACTIVE
    ]
    return sorted(active, key=lambda looked: looked.run.key.run_id, reverse=True)


def _print(settings: Settings, looked: Sequence[LookedAt], is_one: bool, style: Format) -> None:
    now = SYSTEM_CLOCK.now()
    if style == Format.TEXT:
        for position, each in enumerate(looked):
            if position:
                print_line("")
            print_report(project_run(each.run, each.detail, now))
        if not looked:
            say(f"no active runs in {settings.roots.runs}")
        return
    documents = [status_document(each, now) for each in looked]
    if style == Format.JSONL:
        for document in documents:
            print_json_line(document)
    elif is_one:
        print_json(documents[0])
    else:
        print_json({"schema": STATUS_SCHEMA, "runs": documents})


def exit_of(states: Sequence[State]) -> Exit:
    """Return the exit status that tells the worst of some states."""
    if any(state in (State.FAILED, State.CANCELLED) for state in states):
        return Exit.FAILED
    if any(state in (State.LOST, State.STALLED, State.UNKNOWN) for state in states):
        return Exit.LOST
    if any(state in (State.AWAITING, State.PAUSED) for state in states):
        return Exit.WAITING
    return Exit.DONE
