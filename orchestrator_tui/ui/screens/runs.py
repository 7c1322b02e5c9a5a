"""RunsScreen: all runs, those that need someone first, with a preview of the selected one."""

from __future__ import annotations

from datetime import datetime

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.ordering import FleetCounts, FleetView, RunOrder
from orchestrator_tui.state.placing import Sort
from orchestrator_tui.state.query import EVERYTHING, QueryProblem, parse_query
from orchestrator_tui.state.run_view import RunView, project_run
from orchestrator_tui.ui.keymap import Hint, hint, typed_hint
from orchestrator_tui.ui.keys import RUNS_KEYS
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.screens.base import RoomyScreen
from orchestrator_tui.ui.screens.copying import CopyAsked
from orchestrator_tui.ui.widgets.bars import HeaderBar, HeaderView
from orchestrator_tui.ui.widgets.empty_runs import EmptyRuns, EmptyView
from orchestrator_tui.ui.widgets.lines import entitle
from orchestrator_tui.ui.widgets.run_preview import RunPreview
from orchestrator_tui.ui.widgets.run_table import ColumnHeads, RunTable, TableView

START = hint("start", "run.start")
HELP = hint("help", "app.help")
HINTS = (
    START,
    hint("again", "run.again"),
    hint("cancel", "run.cancel"),
    hint("filter", "find.filter"),
    HELP,
    hint("quit (runs keep going)", "app.quit"),
    hint("open", "run.open"),
    hint("commands", "app.commands"),
)
NO_RUN_HINTS = (START, HELP, hint("quit", "app.quit"), hint("commands", "app.commands"))
NO_MATCH_HINTS = (
    START,
    hint("filter", "find.filter"),
    hint("clear the filter", "find.clear"),
    HELP,
)
FILTER_HINTS = (typed_hint("keep the filter", "enter"), hint("clear it", "find.clear"))

# Up to so many runs the table is low and the preview gets the room: in a wide terminal, in any.
FEW_RUNS, HANDFUL = 9, 4


class RunsScreen(RoomyScreen):
    """The home screen."""

    TITLE = "Runs"
    BINDINGS = RUNS_KEYS

    class RunHighlighted(Message):
        """Another run is selected."""

        def __init__(self, key: RunKey | None) -> None:
            super().__init__()
            self.key = key

    class RunOpened(Message):
        """A run is to be opened."""

        def __init__(self, key: RunKey) -> None:
            super().__init__()
            self.key = key

    class StartAsked(Message):
        """A run is to be started."""

    class AgainAsked(Message):
        """A run is to be run again."""

        def __init__(self, key: RunKey) -> None:
            super().__init__()
            self.key = key

    class CancelAsked(Message):
        """A run is to be cancelled."""

        def __init__(self, key: RunKey) -> None:
            super().__init__()
            self.key = key

    class QuitAsked(Message):
        """The program is to be left."""

    def __init__(self, *, clock: Clock, options: ScreenOptions) -> None:
        super().__init__()
        self._clock = clock
        self._options = options
        self._fleet = Fleet()
        self._order = RunOrder()
        self._typed = options.query
        self._query = EVERYTHING
        self._query_problem: str | None = None
        self._sort = Sort.ATTENTION
        self._problems_only = False
        self._ask()

    def compose_body(self) -> ComposeResult:
        """Yield the table, the line for a filter, and the preview."""
        with Vertical(id="runs-pane", classes="pane"):
            yield ColumnHeads()
            yield RunTable(ascii_only=self._options.ascii_only, id="runs")
            yield EmptyRuns()
            yield Input(placeholder="filter: words, state:failed, task:, since:24h", compact=True)
        yield RunPreview(ascii_only=self._options.ascii_only)

    def on_mount(self) -> None:
        """Put the keys into the table."""
        self.query_one(Input).display = False
        self.query_one(RunTable).focus()
        self.show(self._fleet, self._clock.now())

    # --- showing ----------------------------------------------------------------------------

    @property
    def table(self) -> RunTable:
        """The table of runs."""
        return self.query_one(RunTable)

    def show(self, fleet: Fleet, now: datetime) -> None:
        """Show the fleet as it is at `now`."""
        self._fleet = fleet
        if not self.is_mounted:
            return
        view = self._order.arrange(fleet, now, self._query, self._sort)
        self.table.view = TableView(fleet, view.keys, now)
        self._show_bars(fleet, view, now)
        self._show_pane(fleet, view)
        self._show_preview(fleet, now)

    def counts(self, fleet: Fleet, now: datetime) -> FleetCounts:
        """Return how many runs there are of each kind, whether this screen is on top or not."""
        return self._order.arrange(fleet, now, self._query, self._sort).counts

    def _ask(self) -> None:
        """Take what was typed as the query, or keep the last good one and say why."""
        asked = parse_query(f"{self._typed} state:problem" if self._problems_only else self._typed)
        if isinstance(asked, QueryProblem):
            self._query_problem = asked.text
        else:
            self._query, self._query_problem = asked, None

    def _ask_and_show(self) -> None:
        self._ask()
        self.show(self._fleet, self._clock.now())

    def _show_bars(self, fleet: Fleet, view: FleetView, now: datetime) -> None:
        counts = view.counts
        header = HeaderView(
            place=f"{self._options.place}{'  read-only' if self._options.read_only else ''}",
            attention=counts.attention,
            running=counts.running,
            queued=counts.queued,
            failed=counts.failed,
        )
        self.query_one(HeaderBar).show(header, f"{now.astimezone():%H:%M:%S}")

    def _show_pane(self, fleet: Fleet, view: FleetView) -> None:
        pane, fresh = self.query_one("#runs-pane"), fleet.freshness
        shown, total = len(view.keys), view.counts.total
        parts = [f"Runs {shown:,}" if shown == total else f"Runs {shown:,} of {total:,}"]
        if self._problems_only:
            parts.append("problems only")
        if self._query_problem:
            parts.append(f"filter: {self._query_problem}")
        elif self._typed:
            parts.append(f"filter: {self._typed}")
        entitle(pane, "   ".join(parts), f"sort: {self._sort}")
        table = self.query_one(RunTable)
        self.set_class(not shown, "-no-runs")
        self.set_class(shown <= FEW_RUNS, "-few")
        self.set_class(shown <= HANDFUL, "-handful")
        if table.display != bool(shown):
            table.display = bool(shown)
        self.query_one(EmptyRuns).view = EmptyView(
            runs_dir=self._options.runs_dir,
            config_path=self._options.config_path,
            is_missing=bool(fresh and not fresh.runs_exists),
            is_reading=fresh is None or fresh.scanning,
            config=fleet.config,
            hidden=total,
            is_shown=shown == 0,
        )

    def _show_preview(self, fleet: Fleet, now: datetime) -> None:
        key = self.table.selected
        run = fleet.runs.get(key) if key else None
        detail = fleet.details.get(key) if key else None
        past = fleet.past_of(run) if run else None
        view = project_run(run, detail, now, past) if run else None
        self.query_one(RunPreview).view = view
        self.show_footer(self._hints(view), fleet)

    def _hints(self, view: RunView | None) -> tuple[Hint, ...]:
        """Return the bindings to name, those that do something now."""
        if self.query_one(Input).display:
            return FILTER_HINTS
        if view is None:
            return NO_MATCH_HINTS if self._fleet.runs else NO_RUN_HINTS
        if view.cancel_refusal is not None:
            return tuple(each for each in HINTS if "run.cancel" not in each.ids)
        return HINTS

    def select(self, key: RunKey) -> None:
        """Put the cursor on a run, now or when it appears."""
        if self.is_mounted:
            self.table.select(key)

    def resort(self) -> None:
        """Put the selected row where its state belongs."""
        self.table.unpin()

    @on(RunTable.RunHighlighted)
    def _highlighted(self, event: RunTable.RunHighlighted) -> None:
        event.stop()
        self._show_preview(self._fleet, self._clock.now())
        self.post_message(self.RunHighlighted(event.key))

    @on(RunTable.RunChosen)
    def _chosen(self, event: RunTable.RunChosen) -> None:
        event.stop()
        self.post_message(self.RunOpened(event.key))

    # --- keys -------------------------------------------------------------------------------

    def _selected_or_say(self) -> RunKey | None:
        key = self.table.selected
        if key is None:
            self.notify("No run is selected.", severity="warning", markup=False)
        return key

    def action_open(self) -> None:
        """Open the selected run."""
        if key := self._selected_or_say():
            self.post_message(self.RunOpened(key))

    def action_start(self) -> None:
        """Ask for a new run."""
        self.post_message(self.StartAsked())

    def action_again(self) -> None:
        """Ask how to run the selected run again."""
        if key := self._selected_or_say():
            self.post_message(self.AgainAsked(key))

    def action_cancel(self) -> None:
        """Ask whether to cancel the selected run."""
        if key := self._selected_or_say():
            self.post_message(self.CancelAsked(key))

    def action_copy(self) -> None:
        """Ask what of the selected run is to be copied."""
        if key := self._selected_or_say():
            self.post_message(CopyAsked(key))

    def action_filter(self) -> None:
        """Begin to type a filter."""
        line = self.query_one(Input)
        line.display = True
        line.value = self._typed
        line.focus()
        self._show_preview(self._fleet, self._clock.now())

    @property
    def typed(self) -> str:
        """The filter as it was typed."""
        return self._typed

    def ask_for(self, query: str) -> None:
        """Show the runs that a filter lets through."""
        self._typed, self._problems_only = query, False
        self._ask_and_show()

    def action_problems(self) -> None:
        """Show only runs that need someone, or all."""
        self._problems_only = not self._problems_only
        self._ask_and_show()

    def action_sort(self) -> None:
        """Take the next sort order."""
        orders = list(Sort)
        self._sort = orders[(orders.index(self._sort) + 1) % len(orders)]
        self.show(self._fleet, self._clock.now())
        self.table.unpin()

    def action_clear(self) -> None:
        """Leave the filter line, or clear the filter."""
        line = self.query_one(Input)
        if not line.display:
            self._problems_only = False
        self._typed = ""
        line.display = False
        self.table.focus()
        self._ask_and_show()

    def action_quit(self) -> None:
        """Leave the program."""
        self.post_message(self.QuitAsked())

    def action_zoom(self) -> None:
        """Show or hide the preview."""
        self.toggle_class("-no-preview")

    @on(Input.Changed)
    def _filtering(self, event: Input.Changed) -> None:
        self._typed = event.value
        self._ask_and_show()

    @on(Input.Submitted)
    def _filtered(self) -> None:
        self.query_one(Input).display = False
        self.table.focus()
        self._show_preview(self._fleet, self._clock.now())
