"""orch-tui errors: why the stages of a run failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import click

from orchestrator_tui.cli.choosing import choose_run
from orchestrator_tui.cli.error_document import errors_document
from orchestrator_tui.cli.exits import bad_usage, not_found, say
from orchestrator_tui.cli.looking import LookedAt, look_at, look_closely
from orchestrator_tui.cli.options import (
    Format,
    chosen_run,
    format_option,
    run_option,
    with_settings,
)
from orchestrator_tui.cli.output import print_json, print_line
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.settings import Settings
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.run_view import ErrorCard, RunView, project_run
from orchestrator_tui.store.configuration import load_config
from orchestrator_tui.store.configuration_memory import ConfigMemory
from orchestrator_tui.ui.card_text import headline, output_words, told_lines, told_of

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
    view = _view(settings, looked)
    cards = [card for card in view.errors if past or not card.is_past]
    style = Format(form)
    if style == Format.JSON:
        print_json(errors_document(view, cards))
        return
    for line in _text(view, cards) if style == Format.TEXT else markdown(view, cards):
        print_line(line)
    if not cards:
        say(f"no stage of run {view.row.run} has failed: {view.row.reason}")


def _view(settings: Settings, looked: LookedAt) -> RunView:
    """Return what is known of a run, with what the configuration still says of its stages."""
    detail = look_closely(settings, looked)
    fleet = Fleet(config=load_config(settings.roots, settings.environ, ConfigMemory.of_user()))
    pipeline = fleet.pipeline_of(looked.run)
    return project_run(looked.run, detail, SYSTEM_CLOCK.now(), pipeline=pipeline)


def _text(view: RunView, cards: Sequence[ErrorCard]) -> Iterator[str]:
    for position, card in enumerate(cards):
        if position:
            yield ""
        yield safe_text(headline(card))
        for told in told_of(card, view):
            yield safe_text(f"  {told.label:<8} {told.text}")
        if card.output:
            yield safe_text(f"  {card.output_name}   {output_words(card)}")
        kept = [line for line in told_lines(card) if line.strip()]
        for line in kept:
            yield f"    {safe_text(line)}"


def markdown(view: RunView, cards: Sequence[ErrorCard]) -> Iterator[str]:
    """Yield the cards as safe lines of Markdown: a heading each, the error output as a block."""
    for position, card in enumerate(cards):
        if position:
            yield ""
        yield safe_text(f"### {view.row.pipeline}: stage {card.index} {card.stage_id} {card.words}")
        yield ""
        for label, text in (
            *((told.label, told.text) for told in told_of(card, view)),
            ("run", view.row.key.run_id),
        ):
            yield f"- {label}: `{safe_text(text).replace('`', chr(39))}`"
        if card.output:
            cut = f" ({safe_text(card.cut)})" if card.cut and card.stderr else ""
            yield ""
            yield f"{card.output_name}{cut}"
            yield ""
            yield from _block([safe_text(line) for line in told_lines(card)])


def _block(lines: Sequence[str]) -> Iterator[str]:
    """Yield lines as a code block whose fence none of them can end."""
    fence = _FENCE
    while any(line.lstrip().startswith(fence) for line in lines):
        fence += "`"
    yield fence
    yield from lines
    yield fence
