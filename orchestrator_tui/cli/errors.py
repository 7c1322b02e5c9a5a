"""orch-tui errors: why the stages of a run failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import click

from orchestrator_tui.cli.choosing import choose_run
from orchestrator_tui.cli.documents import errors_document
from orchestrator_tui.cli.exits import bad_usage, not_found, say
from orchestrator_tui.cli.looking import look_at
from orchestrator_tui.cli.options import (
    Format,
    chosen_run,
    format_option,
    run_option,
    with_settings,
)
from orchestrator_tui.cli.output import print_json, print_line
from orchestrator_tui.cli.report import card_lines
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.settings import Settings
from orchestrator_tui.state.run_view import ErrorCard, RunView, project_run

_FENCE: Final = "```"


@click.command("errors")
@click.argument("run", required=False)
@run_option
@click.option("--past", is_flag=True, help="Also of stages that have succeeded since.")
@format_option(Format.TEXT, Format.MD, Format.JSON)
@with_settings
def command(
    settings: Settings, run: str | None, run_flag: str | None, past: bool, form: str
) -> None:
    """Say why the stages of a run failed.

    RUN is a run id, a beginning or an end of one, @latest, @latest:PIPELINE or @failed.
    """
    wanted = chosen_run(run, run_flag)
    if wanted is None:
        raise bad_usage("name a run: orch-tui errors RUN, for example @failed")
    ref = choose_run(settings, wanted)
    looked = look_at(settings.roots, ref)
    if looked is None:
        raise not_found(f"no run {ref.key.run_id} in {settings.roots.runs}")
    view = project_run(looked.run, looked.detail, SYSTEM_CLOCK.now())
    cards = [card for card in view.errors if past or not card.is_past]
    style = Format(form)
    if style == Format.JSON:
        print_json(errors_document(view, cards))
        return
    for line in _text(cards) if style == Format.TEXT else markdown(view, cards):
        print_line(line)
    if not cards:
        say(f"no stage of run {view.row.run} has failed: {view.row.reason}")


def _text(cards: Sequence[ErrorCard]) -> Iterator[str]:
    for position, card in enumerate(cards):
        if position:
            yield ""
        for line in card_lines(card, all_lines=True):
            yield line.removeprefix("  ")
        if card.command:
            yield safe_text(f"  command: {card.command}")
        if card.path:
            yield safe_text(f"  file: {card.path}")


def markdown(view: RunView, cards: Sequence[ErrorCard]) -> Iterator[str]:
    """Yield the cards as safe lines of Markdown: a heading each, the error output as a block."""
    for position, card in enumerate(cards):
        if position:
            yield ""
        yield safe_text(f"### {view.row.pipeline}: stage {card.index} {card.stage_id} {card.words}")
        yield ""
        for label, text in (
            ("reason", card.reason),
            ("command", card.command),
            ("run", view.row.key.run_id),
            ("file", card.path),
        ):
            if text:
                yield f"- {label}: `{safe_text(text).replace('`', chr(39))}`"
        if card.stderr:
            yield ""
            yield f"stderr{f' ({safe_text(card.cut)})' if card.cut else ''}"
            yield ""
            yield from _block([safe_text(line) for line in card.stderr])


def _block(lines: Sequence[str]) -> Iterator[str]:
    """Yield lines as a code block whose fence none of them can end."""
    fence = _FENCE
    while any(line.lstrip().startswith(fence) for line in lines):
        fence += "`"
    yield fence
    yield from lines
    yield fence
