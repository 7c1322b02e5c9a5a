"""RunTable: the runs as rows; draws what is visible and repaints what changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import State
from orchestrator_tui.state.views import RunRow, project_row
from orchestrator_tui.ui.keys import LIST_KEYS
from orchestrator_tui.ui.look import STATE_STYLES, run_look, symbol_of
from orchestrator_tui.ui.widgets.cells import fit, fit_name, fit_right, when


@dataclass(frozen=True, slots=True, eq=False)
class TableView:
    """What the table shows: runs in order, and the time that ages are counted to."""

    fleet: Fleet
    order: tuple[RunKey, ...]
    now: datetime


EMPTY = TableView(Fleet(), (), datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Columns:
    """Cells given to each column; 0 leaves one out. The sum is the width of the table."""

    state: int
    elapsed: int
    task: int
    pipeline: int
    stage: int
    run: int = 0
    started: int = 0
    reason: int = 0

    @property
    def full_words(self) -> bool:
        """Whether states are written out."""
        return self.state >= 12


MARKER_CELLS = 2
LEAD_COLUMNS = 2  # state and elapsed time: what a tick of the clock changes, so it stands left


@dataclass(frozen=True, slots=True)
class Cell:
    """Text in the cells of one column, and the component class of its style, if any."""

    text: str
    style: str = ""


def columns_for(width: int) -> Columns:
    """Return the columns of a table of `width` cells; what is least needed goes first."""
    if width < 78:
        free = width - MARKER_CELLS - 2 - 9 - 6
        pipeline = min(16, free // 3)
        return Columns(state=2, elapsed=9, task=free - pipeline, pipeline=pipeline, stage=6)
    if width < 138:
        run = 9 if width >= 98 else 0
        started = 11 if width >= 118 else 0
        free = width - MARKER_CELLS - 10 - 9 - run - started
        stage = min(24, free * 28 // 100)
        pipeline = min(26, (free - stage) * 42 // 100)
        return Columns(10, 9, free - stage - pipeline, pipeline, stage, run, started)
    free = width - MARKER_CELLS - 12 - 9 - 9 - 11
    task, pipeline, stage = min(34, free // 4), min(24, free // 5), min(24, free // 5)
    return Columns(
        12, 9, task, pipeline, stage, run=9, started=11, reason=free - task - pipeline - stage
    )


def pinned(order: tuple[RunKey, ...], key: RunKey | None, index: int) -> tuple[RunKey, ...]:
    """Return `order` with `key` at `index`, all others in their order around it.

    So the selected row never moves by itself, while every other row is where its state puts it.
    """
    if key is None or order[index : index + 1] == (key,) or key not in order:
        return order
    others = [k for k in order if k != key]
    others.insert(min(index, len(others)), key)
    return tuple(others)


class ColumnHeads(Widget):
    """The line of titles above the rows."""

    DEFAULT_CSS = "ColumnHeads { height: 1; }"

    def render_line(self, y: int) -> Strip:
        """Return the titles, set like the cells below them."""
        c = columns_for(self.size.width)
        text = " " * MARKER_CELLS + fit("STATE" if c.state > 2 else "", c.state)
        text += fit_right("ELAPSED  ", c.elapsed) + fit("TASK", c.task)
        text += fit("PIPELINE", c.pipeline) + fit("STAGE", c.stage)
        text += fit("RUN", c.run) + fit("STARTED", c.started) + fit("WHY", c.reason)
        return Strip([Segment(text, self.rich_style)], self.size.width)


class RunTable(ScrollView, can_focus=True):
    """The runs; the cursor stays on its run and the run on its row until the user moves."""

    COMPONENT_CLASSES = STATE_STYLES | {"muted", "strong", "cursor-line", "cursor-line-blurred"}
    DEFAULT_CSS = "RunTable { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }"
    BINDINGS = LIST_KEYS

    view: reactive[TableView] = reactive(EMPTY, init=False, repaint=False)

    class RunHighlighted(Message):
        """The cursor is on another run; None where there are none."""

        def __init__(self, key: RunKey | None) -> None:
            super().__init__()
            self.key = key

    class RunChosen(Message):
        """A run was opened by enter or a click on the selected row."""

        def __init__(self, key: RunKey) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, ascii_only: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ascii_only = ascii_only
        self._order: tuple[RunKey, ...] = ()
        self._index = 0
        self._selected: RunKey | None = None
        self._wanted: RunKey | None = None
        self._painted: dict[int, tuple[Cell, ...]] = {}
        self._styles: dict[str, Style] = {}

    @property
    def selected(self) -> RunKey | None:
        """The run that the cursor is on."""
        return self._selected

    def select(self, key: RunKey) -> None:
        """Put the cursor on a run, now or as soon as it is listed."""
        if key in self._order:
            self._wanted = None
            self._go_to(self._order.index(key))
        else:
            self._wanted = key

    def unpin(self) -> None:
        """Let the selected row go to where its state puts it."""
        self._order = self.view.order
        self._show_order(self._index_of(self._selected))

    def watch_view(self, old: TableView, new: TableView) -> None:
        """Show another view; only rows that differ are painted again."""
        if new.order is not old.order:
            self._take_order(new.order)
        else:
            self._repaint_changed()

    def _take_order(self, order: tuple[RunKey, ...]) -> None:
        if self._wanted is not None and self._wanted in order:
            wanted, self._wanted = self._wanted, None
            self._order = order
            self._show_order(order.index(wanted))
        else:
            self._order = pinned(order, self._selected, self._index)
            self._show_order(self._index_of(self._selected))

    def _index_of(self, key: RunKey | None) -> int:
        if key is None or self._order[self._index : self._index + 1] == (key,):
            return self._index
        return self._order.index(key) if key in self._order else self._index

    def _show_order(self, index: int) -> None:
        """Show the order as it is now, with the cursor on the row at `index`."""
        self._index = max(0, min(index, len(self._order) - 1))
        selected = self._order[self._index] if self._order else None
        self.virtual_size = Size(self.size.width, len(self._order))
        self._keep_visible()
        self._repaint_changed()
        if selected != self._selected:
            self._selected = selected
            self.post_message(self.RunHighlighted(selected))

    def _row(self, index: int) -> RunRow | None:
        if not 0 <= index < len(self._order):
            return None
        run = self.view.fleet.runs.get(self._order[index])
        return project_row(run, self.view.now, self.view.fleet.past_of(run)) if run else None

    def _repaint_changed(self) -> None:
        top, columns = self.scroll_offset.y, columns_for(self.size.width)
        lead = MARKER_CELLS + columns.state + columns.elapsed
        for y in range(self.size.height):
            row = self._row(top + y)
            cells, painted = self._cells(row) if row else (), self._painted.get(y, ())
            if cells == painted:
                continue
            ticked = bool(cells and painted) and cells[LEAD_COLUMNS:] == painted[LEAD_COLUMNS:]
            self.refresh(Region(0, y, lead if ticked else self.size.width, 1))

    def _keep_visible(self) -> None:
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if self._index < top:
            self.scroll_to(y=self._index, animate=False)
        elif self._index >= top + height:
            self.scroll_to(y=self._index - height + 1, animate=False)

    def _go_to(self, index: int) -> None:
        if not self._order:
            return
        old = self._index
        self._index = max(0, min(index, len(self._order) - 1))
        self._selected = self._order[self._index]
        if self._order is not self.view.order:
            self._order = pinned(self.view.order, self._selected, self._index)
        self._keep_visible()
        self._repaint_changed()
        for moved in {old, self._index}:
            self.refresh(Region(0, moved - self.scroll_offset.y, self.size.width, 1))
        self.post_message(self.RunHighlighted(self._selected))

    def action_move(self, rows: int) -> None:
        """Move the cursor by some rows."""
        self._go_to(self._index + rows)

    def action_move_to(self, end: str) -> None:
        """Move the cursor to the `first` or `last` row."""
        self._go_to(0 if end == "first" else len(self._order) - 1)

    def action_page(self, pages: float) -> None:
        """Move the cursor by a part of the visible height."""
        self._go_to(self._index + int(pages * max(1, self.size.height - 1)))

    def on_resize(self, event: events.Resize) -> None:
        """Fit the rows to the new width."""
        self.virtual_size = Size(event.size.width, len(self._order))
        self._painted.clear()
        self._keep_visible()

    def on_click(self, event: events.Click) -> None:
        """Select the row under the mouse; a second click opens it."""
        index = self.scroll_offset.y + event.y
        if index >= len(self._order):
            return
        if index == self._index and event.chain > 1 and self._selected is not None:
            self.post_message(self.RunChosen(self._selected))
        else:
            self._go_to(index)

    def notify_style_update(self) -> None:
        """Forget styles of the theme before."""
        self._styles.clear()
        self._painted.clear()
        super().notify_style_update()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show by the cursor's line whether keys go here."""
        super().watch_has_focus(has_focus)
        self.refresh(Region(0, self._index - self.scroll_offset.y, self.size.width, 1))

    def _style(self, name: str) -> Style:
        if name not in self._styles:
            self._styles[name] = self.get_component_rich_style(name, partial=True)
        return self._styles[name]

    def render_line(self, y: int) -> Strip:
        """Return one visible row."""
        index = self.scroll_offset.y + y
        row = self._row(index)
        base = self.rich_style
        if row is None:
            self._painted.pop(y, None)
            return Strip([Segment(" " * self.size.width, base)], self.size.width)
        cells = self._painted[y] = self._cells(row)
        here = index == self._index
        if here:
            base += self._style("cursor-line" if self.has_focus else "cursor-line-blurred")
        segments = [Segment(">" + " " if here else "  ", base)]
        segments += [
            Segment(c.text, base + self._style(c.style) if c.style else base) for c in cells
        ]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def _cells(self, row: RunRow) -> tuple[Cell, ...]:
        c, look = columns_for(self.size.width), run_look(row.state)
        symbol = symbol_of(look, ascii_only=self._ascii_only)
        word = row.word.long if c.full_words else row.word.short
        is_symbol_only = c.state <= 2
        label = symbol if is_symbol_only else f"{symbol} {safe_text(word)}"
        stage = row.stage_number if is_symbol_only else row.stage
        # A running run's reason is its last heartbeat: it would repaint the row each second.
        why = " ".join(row.badges) if row.state == State.RUNNING else row.reason
        return (
            Cell(fit(label, c.state), f"state--{look.style}"),
            Cell(fit_right(f"{row.elapsed}  ", c.elapsed)),
            Cell(fit_name(safe_text(row.task), c.task - 1) + " "),
            Cell(fit_name(safe_text(row.pipeline), c.pipeline - 1) + " "),
            Cell(fit(safe_text(stage), c.stage - 1) + " "),
            Cell(fit(safe_text(row.run), c.run), "muted"),
            Cell(fit(when(row.started_at, self.view.now), c.started), "muted"),
            # The last column of the screen is left to the scrollbar.
            Cell(fit(safe_text(why), c.reason - 1), "muted"),
        )
