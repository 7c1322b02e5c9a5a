"""orch-tui cancel: runs stop, with everything that they started."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import anyio
import click

from orchestrator_tui.cli.active import active_keys
from orchestrator_tui.cli.choosing import choose_run
from orchestrator_tui.cli.documents import CANCEL_SCHEMA
from orchestrator_tui.cli.exits import Exit, bad_usage, refused, say
from orchestrator_tui.cli.list import wanted_query
from orchestrator_tui.cli.looking import look_at
from orchestrator_tui.cli.options import Format, format_option, run_option, with_settings_to_act
from orchestrator_tui.cli.output import print_json, print_text
from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.requests import CancelRun, Done, KillRun
from orchestrator_tui.runner.actions import RunActions
from orchestrator_tui.settings import Settings
from orchestrator_tui.state.formatting import counted
from orchestrator_tui.state.liveness import is_terminal
from orchestrator_tui.store.discovery import locate_run

LOOK_S: Final = 0.1  # between two looks whether a run has ended


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of the wish to cancel one run."""

    key: RunKey
    accepted: bool
    message: str
    ended: bool = False


@click.command("cancel")
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@run_option
@click.option("--reason", metavar="TEXT", help="Kept with the run.")
@click.option("--all", "every", is_flag=True, help="All active runs.")
@click.option("--filter", "query", metavar="Q", help="The active runs that a filter lets through.")
@click.option("--force", is_flag=True, help="SIGKILL at once, their runners too if need be.")
@click.option("--yes", is_flag=True, help="Do not ask; --all, --filter and --force do.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the end; 0 does not wait.",
)
@format_option(Format.TEXT, Format.JSON)
@with_settings_to_act
def command(
    settings: Settings,
    runs: Sequence[str],
    run_flag: str | None,
    reason: str | None,
    every: bool,
    query: str | None,
    force: bool,
    yes: bool,
    wait_s: float,
    form: str,
) -> int:
    """Stop runs, and everything that they started.

    RUN is a run id, a beginning or an end of one, @latest, @latest:PIPELINE or @failed. Their
    commands get SIGTERM, and SIGKILL if they do not end. With --force they get SIGKILL at once,
    and a runner that does not answer gets it too; a run on another host cannot be signalled.
    """
    wanted = [*runs, *([run_flag] if run_flag else [])]
    if [every, query is not None, bool(wanted)].count(True) != 1:
        raise bad_usage("name one or more runs, or --filter Q, or --all")
    keys = (
        [choose_run(settings, text).key for text in wanted]
        if wanted
        else active_keys(settings, wanted_query(query or ""))
    )
    if (force or not wanted) and keys and not yes:
        _confirm(keys, "kill" if force else "cancel")
    request = KillRun if force else CancelRun
    asked = anyio.run(_ask_all, settings, [request(key, reason) for key in dict.fromkeys(keys)])
    answers = _awaited(settings, asked, wait_s)
    _print(answers, Format(form))
    return Exit.DONE if all(answer.accepted for answer in answers) else Exit.REFUSED


def _confirm(keys: Sequence[RunKey], what: str) -> None:
    for key in keys:
        say(f"  {key}")
    if not sys.stdin.isatty():
        raise refused(f"this would {what} {counted(len(keys), 'run')}; add --yes")
    these = "this run" if len(keys) == 1 else f"these {len(keys)} runs"
    click.confirm(f"{what.capitalize()} {these}?", abort=True, err=True)


async def _ask_all(settings: Settings, requests: Sequence[CancelRun | KillRun]) -> list[Answer]:
    actions = RunActions(settings.roots, settings.environ)
    return [await _ask(actions, request) for request in requests]


async def _ask(actions: RunActions, request: CancelRun | KillRun) -> Answer:
    result = await actions.perform(request)
    if isinstance(result, Done):
        return Answer(request.key, accepted=True, message=result.message)
    return Answer(request.key, accepted=False, message=result.reason)


def _awaited(settings: Settings, asked: Sequence[Answer], wait_s: float) -> list[Answer]:
    """Return the answers once all those runs have ended, or the time is up."""
    deadline = SYSTEM_CLOCK.monotonic() + wait_s
    answers: list[Answer] = []
    for answer in asked:
        ended = answer.accepted and _has_ended(settings, answer.key)
        while answer.accepted and not ended and SYSTEM_CLOCK.monotonic() < deadline:
            time.sleep(LOOK_S)
            ended = _has_ended(settings, answer.key)
        done = answer.message if answer.message.startswith("Killed") else "cancelled"
        answers.append(replace(answer, message=done, ended=True) if ended else answer)
    return answers


def _has_ended(settings: Settings, key: RunKey) -> bool:
    ref = locate_run(settings.roots, key.run_id, key.task_id)
    looked = look_at(settings.roots, ref) if ref else None
    return looked is None or looked.run.facts is None or is_terminal(looked.run.facts)


def _print(answers: Sequence[Answer], form: Format) -> None:
    if form == Format.JSON:
        print_json(
            {
                "schema": CANCEL_SCHEMA,
                "runs": [
                    {
                        "run_id": answer.key.run_id,
                        "task_id": answer.key.task_id,
                        "accepted": answer.accepted,
                        "ended": answer.ended,
                        "message": answer.message,
                    }
                    for answer in answers
                ],
            }
        )
        return
    for answer in answers:
        run_id = answer.key.run_id
        told = answer.message if run_id in answer.message else f"{run_id}  {answer.message}"
        print_text(told) if answer.accepted else say(f"orch-tui: {told}")
