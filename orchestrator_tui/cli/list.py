"""orch-tui list: all runs, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import click
from rich.cells import cell_len

from orchestrator_tui.cli.documents import list_document
from orchestrator_tui.cli.exits import bad_usage, say
from orchestrator_tui.cli.looking import look_at_all
from orchestrator_tui.cli.options import Format, format_option, with_settings
from orchestrator_tui.cli.output import (
    ascii_only,
    coloured,
    column_widths,
    cut,
    cut_middle,
    padded,
    print_json,
    print_json_line,
    print_line,
    width,
)
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.settings import Settings
from orchestrator_tui.state.fleet import Fleet, RunState
from orchestrator_tui.state.formatting import short_age
from orchestrator_tui.state.ordering import RunOrder
from orchestrator_tui.state.placing import Sort
from orchestrator_tui.state.query import EVERYTHING, Field, Query, QueryProblem, Term, parse_query
from orchestrator_tui.state.views import RunRow, project_row
from orchestrator_tui.ui.look import run_look, symbol_of

HEADINGS = ("STATE", "RUN", "TASK", "PIPELINE", "STAGE", "TIME", "AGE", "REASON")
GAP: Final = "  "
# Columns that give up cells where a line is too long, in this order, and what each keeps.
SHRINKING: Final = ((7, 0), (3, 8), (2, 8), (4, 5))


@click.command("list")
@click.option("--state", "states", multiple=True, metavar="STATE", help="Also active, problem.")
@click.option("--task", "only_task", metavar="TEXT", help="Runs of tasks with this in their id.")
@click.option("--pipeline", metavar="TEXT", help="Runs of pipelines with this in their name.")
@click.option("--since", metavar="LENGTH", help="Runs written to in the last 30m, 24h, 7d.")
@click.option("--filter", "query", metavar="Q", default="", help="A filter as on the screen.")
@click.option(
    "--sort",
    type=click.Choice([sort.value for sort in Sort]),
    default=Sort.NEWEST.value,
    show_default=True,
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most N runs.")
@format_option(Format.TEXT, Format.JSON, Format.JSONL)
@with_settings
def command(
    settings: Settings,
    states: Sequence[str],
    only_task: str | None,
    pipeline: str | None,
    since: str | None,
    query: str,
    sort: str,
    limit: int | None,
    form: str,
) -> None:
    """List runs, newest first."""
    terms = [*wanted_query(query).terms, *_state_terms(states)]
    terms += [
        Term(field, value.lower())
        for field, value in ((Field.TASK, only_task), (Field.PIPELINE, pipeline))
        if value
    ]
    if since:
        terms += wanted_query(f'since:"{since}"').terms
    print_runs(settings, Query(tuple(terms)), Sort(sort), limit, Format(form))


def wanted_query(text: str) -> Query:
    """Return the filter that was written.

    Raises:
        Stopped: It is none.
    """
    query = parse_query(text)
    if isinstance(query, QueryProblem):
        raise bad_usage(query.text)
    return query


def _state_terms(states: Sequence[str]) -> list[Term]:
    """Return one term that any of the states fits; none where no state was named."""
    named = [term for state in states for term in wanted_query(f'state:"{state}"').terms]
    if not named:
        return []
    return [
        Term(
            Field.STATE,
            ",".join(term.value for term in named),
            states=frozenset().union(*(term.states for term in named)),
        )
    ]


def print_runs(
    settings: Settings,
    query: Query = EVERYTHING,
    sort: Sort = Sort.NEWEST,
    limit: int | None = None,
    form: Format = Format.TEXT,
) -> None:
    """Print the runs that the query asks for."""
    fleet = look_at_all(settings.roots)
    now = SYSTEM_CLOCK.now()
    keys = RunOrder().arrange(fleet, now, query, sort).keys[:limit]
    runs = [fleet.runs[key] for key in keys]
    match form:
        case Format.JSON:
            print_json(list_document(runs, now))
        case Format.JSONL:
            for document in list_document(runs, now)["runs"]:
                print_json_line(document)
        case Format.TEXT | Format.MD:  # the latter is not offered
            _print_table(runs, now)
            if not runs:
                say(_nothing(settings, fleet, query))


def _nothing(settings: Settings, fleet: Fleet, query: Query) -> str:
    if fleet.runs and query.terms:
        return f"none of the {len(fleet.runs)} runs in {settings.roots.runs} fits"
    return f"no runs in {settings.roots.runs}; --repo names another repository"


def _print_table(runs: Sequence[RunState], now: datetime) -> None:
    if not runs:
        return
    plain = ascii_only()
    rows = [project_row(run, now) for run in runs]
    cells = [HEADINGS, *(_cells(row, now, plain) for row in rows)]
    widths = _fitting(column_widths(cells), width())
    print_line(_line(HEADINGS, widths).rstrip())
    for row, texts in zip(rows, cells[1:], strict=True):
        line = _line(texts, widths)
        head = line[: len(padded(cut(texts[0], widths[0]), widths[0]))]
        print_line((coloured(head, row.state) + line[len(head) :]).rstrip())


def _cells(row: RunRow, now: datetime, plain: bool) -> tuple[str, ...]:
    look = run_look(row.state)
    begun = short_age((now - row.started_at).total_seconds()) if row.started_at else "--"
    told = " ".join((row.reason, *row.badges))
    texts = (row.run, row.task, row.pipeline, row.stage, row.elapsed, begun, told)
    return (
        f"{symbol_of(look, ascii_only=plain)} {row.word.long}",
        *(safe_text(text) for text in texts),
    )


def _fitting(widths: list[int], room: int | None) -> list[int]:
    """Return the widths of the columns in a line of `room` cells; None: as long as it wants."""
    if room is None:
        return widths
    fitting = list(widths)
    excess = sum(fitting) + len(GAP) * (len(fitting) - 1) - room
    for column, least in SHRINKING:
        given_up = max(0, min(excess, fitting[column] - least))
        fitting[column] -= given_up
        excess -= given_up
    return fitting


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    shown = [
        padded((cut_middle if position in (2, 3) else cut)(text, cells), cells)
        for position, (text, cells) in enumerate(zip(texts, widths, strict=True))
    ]
    room = width()
    line = GAP.join(shown)
    return cut(line.rstrip(), room) if room is not None and cell_len(line) > room else line
