"""ActivityScreen: what was done and told, and what happened while nobody looked."""

from __future__ import annotations

from datetime import datetime

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.state.away import Away
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.ordering import RunOrder
from orchestrator_tui.ui.asked import RunOpened, TextCopyAsked
from orchestrator_tui.ui.journal import Journal
from orchestrator_tui.ui.keymap import Hint, hint, typed_hint
from orchestrator_tui.ui.keys import ACTIVITY_KEYS
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.screens.base import AwayScreen
from orchestrator_tui.ui.widgets.activity_list import (
    ActivityDetail,
    ActivityList,
    ActivityRow,
    away_rows,
    row_of,
)
from orchestrator_tui.ui.widgets.bars import HeaderBar, HeaderView
from orchestrator_tui.ui.widgets.lines import Line, LineBlock, Span, entitle

_RUNS = hint("runs", "nav.runs")
_REST = (hint("help", "app.help"), hint("commands", "app.commands"))
_HINTS = (
    typed_hint("open the run", "enter"),
    hint("copy the line", "copy.line"),
    hint("filter", "find.filter"),
    _RUNS,
    *_REST,
)
_NOTHING = (_RUNS, *_REST)
_TYPING = (typed_hint("keep the filter", "enter"), hint("clear it", "find.clear"))


class NoActivity(LineBlock):
    """What is said where there is nothing to list."""

    def build(self, width: int, height: int) -> tuple[Line, ...]:
        """Return what would be listed here."""
        muted = "muted"
        return (
            (),
            (Span("   Nothing was done here yet.", "strong"),),
            (),
            (Span("   What you start, resume or cancel is listed with its command line", muted),),
            (Span("   and its result, also in the days to come. So are notices of runs", muted),),
            (Span("   and trouble in reading the disk, as long as the screen is open.", muted),),
            (),
            (Span("   1", "key"), Span("  back to the runs", muted)),
        )


class ActivityScreen(AwayScreen):
    """The lines of the journal, those of the time away on top."""

    TITLE = "Activity"
    BINDINGS = ACTIVITY_KEYS

    class LeaveAsked(Message):
        """The runs are wanted again."""

    def __init__(self, journal: Journal, *, clock: Clock, options: ScreenOptions) -> None:
        super().__init__()
        self._journal = journal
        self._clock = clock
        self._options = options
        self._order = RunOrder()
        self._fleet = Fleet()
        self._typed = ""
        self.away: Away | None = None

    def compose_body(self) -> ComposeResult:
        """Yield the lines, the line for a filter, and the selected one in full."""
        with Vertical(id="activity-pane", classes="pane"):
            yield ActivityList(ascii_only=self._options.ascii_only, id="activity")
            yield NoActivity()
            yield Input(placeholder="filter: words that stand in a line", compact=True)
        with Vertical(id="activity-detail", classes="pane"):
            yield ActivityDetail(ascii_only=self._options.ascii_only)

    def on_mount(self) -> None:
        """Give the lines the keys."""
        self.query_one(Input).display = False
        self.list.focus()
        self.show(self._fleet, self._clock.now())

    @property
    def list(self) -> ActivityList:
        """The list of lines."""
        return self.query_one(ActivityList)

    def show(self, fleet: Fleet, now: datetime) -> None:
        """Show the activity as it is at `now`."""
        self._fleet = fleet
        if not self.is_mounted:
            return
        rows = self._rows(now)
        self.list.take(rows)
        self.query_one("#activity-detail").display = bool(rows)
        self.list.display = bool(rows)
        self.query_one(NoActivity).display = not (rows or self._typed)
        total = len(self._journal.entries)
        title = f"Activity {total:,}" if total else "Activity"
        counted = title + (f"   filter: {self._typed}" if self._typed else "")
        entitle(self.query_one("#activity-pane"), counted, "newest first")
        self._show_bars(fleet, now)
        self._show_detail()

    def _rows(self, now: datetime) -> tuple[ActivityRow, ...]:
        away = away_rows(self.away, now) if self.away else ()
        words = self._typed.lower().split()
        away = tuple(row for row in away if all(word in row.line.lower() for word in words))
        return (*away, *(row_of(entry, now) for entry in self._journal.matching(self._typed)))

    def _show_bars(self, fleet: Fleet, now: datetime) -> None:
        counts = self._order.arrange(fleet, now).counts
        header = HeaderView(
            place=self._options.place,
            attention=counts.attention,
            running=counts.running,
            queued=counts.queued,
            failed=counts.failed,
            here="activity",
            ascii_only=self._options.ascii_only,
            is_read_only=self._options.read_only,
        )
        self.query_one(HeaderBar).show(header, now)
        hints: tuple[Hint, ...] = _HINTS if self.list.rows else _NOTHING
        hints = _TYPING if self.query_one(Input).display else hints
        self.show_footer(hints, fleet)

    def _show_detail(self) -> None:
        self.query_one(ActivityDetail).view = self.list.selected

    @on(ActivityList.Highlighted)
    def _highlighted(self, event: ActivityList.Highlighted) -> None:
        event.stop()
        self._show_detail()

    @on(ActivityList.Chosen)
    def _chosen(self, event: ActivityList.Chosen) -> None:
        event.stop()
        row = self.list.selected
        if row is not None and row.run in self._fleet.runs and row.run is not None:
            self.post_message(RunOpened(row.run))
        elif row is not None:
            words = "No run belongs to this line." if row.run is None else "That run is gone."
            self.notify(words, severity="warning", markup=False)

    # --- keys -------------------------------------------------------------------------------

    def action_copy(self) -> None:
        """Copy the command or the words of the selected line."""
        row = self.list.selected
        if row is None:
            self.notify("There is no line to copy.", severity="warning", markup=False)
        else:
            self.post_message(TextCopyAsked("the line", (row.line,)))

    def action_filter(self) -> None:
        """Begin to type a filter."""
        line = self.query_one(Input)
        line.display = True
        line.value = self._typed
        line.focus()
        self.show(self._fleet, self._clock.now())

    def action_back(self) -> None:
        """Clear the filter, or go back to the runs."""
        line = self.query_one(Input)
        if not line.display and not self._typed:
            self.post_message(self.LeaveAsked())
            return
        self._typed = ""
        self._end_typing()

    @on(Input.Changed)
    def _filtering(self, event: Input.Changed) -> None:
        if self.query_one(Input).display:
            self._typed = event.value
            self.show(self._fleet, self._clock.now())

    @on(Input.Submitted)
    def _filtered(self) -> None:
        self._end_typing()

    def _end_typing(self) -> None:
        self.query_one(Input).display = False
        self.list.display = True
        self.list.focus()
        self.show(self._fleet, self._clock.now())
