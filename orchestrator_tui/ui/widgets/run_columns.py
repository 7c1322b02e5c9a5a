"""What a row of the run table shows by width: what is least needed goes first."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.estimates import PipelinePast
from orchestrator_tui.state.fleet import Fleet, RunState
from orchestrator_tui.state.formatting import DAY_S, HOUR_S, MINUTE_S, NO_TIME, elapsed
from orchestrator_tui.state.liveness import FINISHED, State
from orchestrator_tui.state.ordering import RunOrder
from orchestrator_tui.state.placing import Sort
from orchestrator_tui.state.views import RunRow, project_row
from orchestrator_tui.ui.look import run_look, symbol_of
from orchestrator_tui.ui.widgets.cells import fit, fit_name, fit_right

CURSOR, MARK, UNSEEN = ">", "+", "*"
LEAD_CELLS: Final = 3  # the cursor, the sign of a mark or of an unseen failure, a gap
TICKING: Final = ("state", "elapsed", "eta")  # they stand left, so that a tick draws little
SHARE_CELLS: Final = 5  # of ` 69% `
COARSE_S: Final = 5  # what is left is told in such steps, so that it does not flicker
MADE_ROWS: Final = 500  # that are kept; a screen has fewer
ENDED: Final = FINISHED | {State.LOST, State.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of so many cells; a click on its title sorts by `sort`."""

    name: str
    title: str
    cells: int
    sort: Sort | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """Text in the cells of one column, and the component class of its style, if any."""

    text: str
    style: str = ""


@lru_cache(maxsize=8)
def columns_for(width: int) -> tuple[Column, ...]:
    """Return the columns of a table of `width` cells, which is two less than the terminal has.

    State, stage and elapsed time are never cut; task and pipeline share what is left.
    """
    if width < 78:
        return _filled(width, 2, stage=6, pipeline=9)
    if width < 98:
        return _filled(width, 10, eta=8, stage=13, pipeline=14)
    if width < 118:
        return _filled(width, 10, eta=8, stage=16, pipeline=18, run=9)
    if width < 138:
        return _filled(width, 10, eta=8, stage=16, pipeline=18, run=9, progress=14, by=7)
    if width < 198:
        spare = width - 138
        return _filled(
            width, 12, eta=8, stage=16 + spare // 6, pipeline=18 + spare // 6, run=9,
            progress=18 + spare // 4, trend=7, by=8,
        )  # fmt: skip
    return _filled(
        width, 12, eta=8, stage=24, pipeline=24, run=9, progress=30, trend=7, by=8, host=12,
        summary=(width - 198) * 2 // 3 + 20,
    )  # fmt: skip


_TITLES: Final = {
    "eta": ("ETA/AGO", Sort.NEWEST),
    "task": ("TASK", Sort.TASK),
    "pipeline": ("PIPELINE", Sort.PIPELINE),
    "stage": ("STAGE", None),
    "run": ("RUN", None),
    "progress": ("PROGRESS/WHY", None),
    "trend": ("TREND", None),
    "by": ("BY", None),
    "host": ("HOST", None),
    "summary": ("SUMMARY", None),
}


def _filled(width: int, state: int, **cells: int) -> tuple[Column, ...]:
    # The last column of the screen is left to the scrollbar.
    task = width - LEAD_CELLS - state - 9 - sum(cells.values()) - 1
    cells["task"] = task
    return (
        Column("state", "STATE" if state > 2 else "", state, Sort.STATE),
        Column("elapsed", "ELAPSED", 9, Sort.DURATION),
        *(
            Column(name, title, cells[name], sort)
            for name, (title, sort) in _TITLES.items()
            if name in cells
        ),
    )


def column_at(width: int, x: int) -> Column | None:
    """Return the column under a cell of the table."""
    at = LEAD_CELLS
    for column in columns_for(width):
        at += column.cells
        if x < at:
            return column
    return None


def ticking_cells(width: int) -> int:
    """Return how many cells from the left a tick of the clock may change."""
    return LEAD_CELLS + sum(c.cells for c in columns_for(width) if c.name in TICKING)


def heads_text(width: int, sort: Sort, *, is_reversed: bool = False) -> str:
    """Return the titles, set like the cells below them."""
    text = " " * LEAD_CELLS
    for column in columns_for(width):
        title, space = column.title, "  "
        if column.sort == sort and title:
            title, space = f"{title}{'^' if is_reversed else 'v'}", " "
        to_right = column.name == "elapsed"
        text += fit_right(title + space, column.cells) if to_right else fit(title, column.cells)
    return text


@dataclass(frozen=True, slots=True)
class RowSigns:
    """What a row shows besides the run itself."""

    now: datetime
    trend: tuple[State, ...] = ()
    is_unseen: bool = False
    ascii_only: bool = False


def lead_cell(*, is_cursor: bool, is_marked: bool, is_unseen: bool) -> Cell:
    """Return the first cell of a row: the cursor, and the sign of a mark or an unseen failure."""
    sign = MARK if is_marked else UNSEEN if is_unseen else " "
    style = "key" if is_marked else "state--failed" if is_unseen else ""
    return Cell(f"{CURSOR if is_cursor else ' '}{sign} ", style)


@dataclass(frozen=True, slots=True)
class _Made:
    """The cells of a run that has ended, and what they were made from."""

    run: RunState
    past: PipelinePast | None
    trend: tuple[State, ...]
    is_unseen: bool
    width: int
    row: RunRow
    eta: str
    cells: tuple[Cell, ...]


class RowMaker:
    """Makes the cells of rows.

    Those of a run that has ended are made again only where they would differ: with each second most
    rows stay as they are.
    """

    def __init__(self, *, ascii_only: bool = False) -> None:
        self._ascii_only = ascii_only
        self._made: dict[RunKey, _Made] = {}

    def cells(
        self, fleet: Fleet, runs: RunOrder, key: RunKey, now: datetime, width: int
    ) -> tuple[Cell, ...]:
        """Return the cells of a run's row but the first; none of a run that is not there."""
        run = fleet.runs.get(key)
        if run is None:
            return ()
        past, is_unseen = fleet.past_of(run), runs.is_unseen(key)
        # Of a part of the runs it would be another one, to be taken back in a moment.
        trend = runs.trend(run) if fleet.is_read else ()
        made = self._made.get(key)
        if (
            made is not None
            and (made.run is run and made.past is past)
            and (made.trend, made.is_unseen, made.width) == (trend, is_unseen, width)
            and made.eta == eta_words(made.row, now)
        ):
            return made.cells
        row = project_row(run, now, past)
        signs = RowSigns(now, trend, is_unseen, self._ascii_only)
        cells = row_cells(row, width, signs)
        if row.state in FINISHED:  # how long another was not heard of grows with time
            if len(self._made) >= MADE_ROWS:
                self._made.clear()
            eta = eta_words(row, now)
            self._made[key] = _Made(run, past, trend, is_unseen, width, row, eta, cells)
        return cells


def row_cells(row: RunRow, width: int, signs: RowSigns) -> tuple[Cell, ...]:
    """Return the cells of a row."""
    columns = columns_for(width)
    return tuple(_cell(column, row, signs) for column in columns)


def _cell(column: Column, row: RunRow, signs: RowSigns) -> Cell:
    cells = column.cells
    match column.name:
        case "state":
            return _state_cell(row, cells, signs)
        case "elapsed":
            return Cell(fit_right(f"{row.elapsed}  ", cells))
        case "eta":
            return Cell(fit(eta_words(row, signs.now), cells), "" if row.left_s else "muted")
        case "task":
            task = fit_name(safe_text(row.task), cells - 1) + " "
            return Cell(task, "strong" if signs.is_unseen else "")
        case "pipeline":
            return Cell(fit_name(safe_text(row.pipeline), cells - 1) + " ")
        case "stage":
            words = row.stage_number if cells < 8 else row.stage
            return Cell(fit(safe_text(words), cells - 1) + " ")
        case "progress":
            return _progress_cell(row, cells, ascii_only=signs.ascii_only)
        case "trend":
            symbols = (symbol_of(run_look(s), ascii_only=signs.ascii_only) for s in signs.trend)
            return Cell(fit("".join(symbols), cells), "muted")
        case "run":
            return Cell(fit(safe_text(row.run), cells), "muted")
        case _:
            text = {"by": row.by, "host": row.host, "summary": row.summary}[column.name]
            return Cell(fit(safe_text(text), cells - 1) + " ", "muted")


def _state_cell(row: RunRow, cells: int, signs: RowSigns) -> Cell:
    look = run_look(row.state)
    symbol = symbol_of(look, ascii_only=signs.ascii_only)
    word = row.word.long if cells >= 12 else row.word.short
    label = symbol if cells <= 2 else f"{symbol} {safe_text(word)}"
    return Cell(fit(label, cells), f"state--{look.style}")


def _progress_cell(row: RunRow, cells: int, *, ascii_only: bool) -> Cell:
    if row.share is None or row.why:
        return Cell(fit(safe_text(row.why), cells - 1) + " ", "muted")
    text = bar(row.share, min(12, cells - SHARE_CELLS - 1), ascii_only=ascii_only)
    return Cell(fit(f"{text}{row.share:>4.0%}", cells), "state--running")


def bar(share: float, cells: int, *, ascii_only: bool) -> str:
    """Return a bar of `cells` cells, of which a share (0 to 1) is full."""
    full, empty = ("#", ".") if ascii_only else ("█", "░")
    done = int(share * cells)
    return full * done + empty * (cells - done)


def eta_words(row: RunRow, now: datetime) -> str:
    """Return what is left of a run that goes on, and of one that ended how long ago that was."""
    if row.left_s is not None:
        left_s = int(row.left_s)
        coarse_s = left_s - left_s % COARSE_S if left_s > 2 * COARSE_S else left_s
        return f"~{elapsed(coarse_s)}{'+' if left_s < 1 else ''}"
    if row.state not in ENDED or row.started_at is None:
        return NO_TIME
    moment = row.ended_at
    past_s = (now - (moment or row.started_at)).total_seconds()
    if moment is None:
        past_s -= row.elapsed_s or 0.0
    return ago_words(past_s)


def ago_words(seconds: float) -> str:
    """Return how long ago something was, in steps of a minute and more: `now`, `3h ago`, `329d`."""
    if seconds < MINUTE_S:
        return "now"
    if seconds < HOUR_S:
        return f"{int(seconds // MINUTE_S)}m ago"
    if seconds < 2 * DAY_S:
        return f"{int(seconds // HOUR_S)}h ago"
    if seconds < 1000 * DAY_S:
        days = int(seconds // DAY_S)
        return f"{days}d ago" if days < 100 else f"{days}d"  # else it would touch the next column
    return f"{int(seconds // (365 * DAY_S))}y ago"
