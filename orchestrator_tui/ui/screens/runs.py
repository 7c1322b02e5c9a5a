"""RunsScreen: all runs, those that need someone first, with a preview of the selected one."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import state_of
from orchestrator_tui.state.ordering import FleetCounts, FleetView, RunOrder
from orchestrator_tui.state.placing import resumes_of
from orchestrator_tui.state.refusals import cancel_refusal
from orchestrator_tui.state.run_view import project_run
from orchestrator_tui.ui.asked import AgainAsked, CancelAsked, CopyAsked, KillAsked, RunOpened
from orchestrator_tui.ui.early_frame import FEW_RUNS, HANDFUL
from orchestrator_tui.ui.keymap import Hint, hint, named_keys, typed_hint
from orchestrator_tui.ui.keys import RUNS_KEYS
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.ports import Memory
from orchestrator_tui.ui.screens.listing import ListingScreen
from orchestrator_tui.ui.seen_runs import SeenFailures
from orchestrator_tui.ui.widgets.bars import HeaderBar, HeaderView
from orchestrator_tui.ui.widgets.column_heads import ColumnHeads
from orchestrator_tui.ui.widgets.empty_runs import EmptyRuns, EmptyView
from orchestrator_tui.ui.widgets.lines import entitle
from orchestrator_tui.ui.widgets.run_cursor import TableView
from orchestrator_tui.ui.widgets.run_preview import RunPreview
from orchestrator_tui.ui.widgets.run_table import RunTable

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
    hint("drop a term", "find.drop"),
    HELP,
)
MARKED_HINTS = (
    hint("again", "run.again"),
    hint("cancel", "run.cancel"),
    hint("force kill", "run.kill"),
    hint("copy ids", "copy.menu"),
    hint("mark", "mark.one"),
    hint("no marks", "find.clear"),
    HELP,
)
FILTER_HINTS = (typed_hint("keep the filter", "enter"), hint("clear it", "find.clear"))

# Up to so many runs the table is low and the preview gets the room: in a wide terminal, in any.
SETTLED_S: Final = 0.15  # the cursor has come to rest: holding a key reads no log for each row
ZOOMS: Final = ("", "-no-preview", "-no-table")


class RunsScreen(ListingScreen):
    """The home screen."""

    TITLE = "Runs"
    leads_to_log = True
    BINDINGS = RUNS_KEYS

    class RunHighlighted(Message):
        """Another run is selected."""

        def __init__(self, key: RunKey | None) -> None:
            super().__init__()
            self.key = key

    class RunSettled(Message):
        """The cursor has come to rest on the run that was highlighted last."""

    class StartAsked(Message):
        """A run is to be started."""

    class NamesAsked(Message):
        """The names of runs are to be copied."""

        def __init__(self, keys: tuple[RunKey, ...]) -> None:
            super().__init__()
            self.keys = keys

    class QuitAsked(Message):
        """The program is to be left."""

    def __init__(
        self, *, clock: Clock, options: ScreenOptions, memory: Memory | None = None
    ) -> None:
        super().__init__(options=options, memory=memory)
        self._clock = clock
        self._fleet = Fleet()
        self._order = RunOrder()
        self._seen = SeenFailures(memory)
        self._previewed: RunKey | None = None
        self._settling: Timer | None = None
        self._is_read = False
        self._gone_since: datetime | None = None

    def compose_body(self) -> ComposeResult:
        """Yield the table, the line for a filter, and the preview."""
        with Vertical(id="runs-pane", classes="pane"):
            yield ColumnHeads()
            yield RunTable(ascii_only=self._options.ascii_only, id="runs")
            yield EmptyRuns()
            yield Input(placeholder="filter: words, state:failed, task:, since:24h", compact=True)
        yield RunPreview(ascii_only=self._options.ascii_only, named=named_keys(self._options.keys))

    def on_mount(self) -> None:
        """Put the keys into the table."""
        self.query_one(Input).display = False
        self.query_one(RunTable).focus()
        self._listed()
        self._recall()

    @work(name="recall views and what was seen")
    async def _recall(self) -> None:
        await self._seen.recall()
        await self.recall_views()
        self.list_anew()

    # --- showing ----------------------------------------------------------------------------

    def list_anew(self) -> None:
        """List the runs that are asked for now."""
        self.show(self._fleet, self._clock.now())

    def show(self, fleet: Fleet, now: datetime) -> None:
        """Show the fleet as it is at `now`; runs whose folder has gone stay as they were."""
        fresh = fleet.freshness
        has_gone = bool(fresh and not fresh.runs_exists)
        if has_gone and not fleet.runs and self._fleet.runs:
            self._gone_since = self._gone_since or now
        else:
            self._fleet, self._gone_since = fleet, None
        if not self.is_mounted:
            return
        view = self._order.answer(self._fleet, now, self._listing.asked, self._seen.runs)
        if not self._is_read:  # what is read first did not just arrive
            self._order.acknowledge()
            self._is_read = fresh is not None and not fresh.scanning
        self.table.view = TableView(self._fleet, view.keys, now, view.groups, self._order)
        self.set_class(self._gone_since is not None, "-gone")
        self._show_bars(view, now)
        self._show_pane(view)
        self._show_preview(now)
        self._show_hints(fleet)

    def counts(self, fleet: Fleet, now: datetime) -> FleetCounts:
        """Return how many runs there are of each kind, whether this screen is on top or not."""
        if self._gone_since is not None:
            fleet = self._fleet
        return self._order.answer(fleet, now, self._listing.asked, self._seen.runs).counts

    def _show_bars(self, view: FleetView, now: datetime) -> None:
        counts = view.counts
        header = HeaderView(
            place=self._options.place,
            branch=self._fleet.branch,
            is_read_only=self._options.read_only,
            attention=counts.attention,
            running=counts.running,
            queued=counts.queued,
            failed=counts.failed,
            ascii_only=self._options.ascii_only,
        )
        self.query_one(HeaderBar).show(header, now)

    def _title(self, view: FleetView) -> str:
        shown, total = len(view.keys), view.counts.total
        parts = [f"Runs {shown:,}" if shown == total else f"Runs {shown:,} of {total:,}"]
        if self._gone_since is not None:
            gone = f"{self._gone_since.astimezone():%H:%M:%S}"
            parts.append(f"{self._options.runs_dir} is gone since {gone}; this is what was there")
        if new := len(self._unlooked()):
            parts.append(f"+{new:,} new")
        if marked := self.table.marked:
            hidden = sum(self._order.position(key) is None for key in marked)
            parts.append(f"{len(marked):,} marked{f', {hidden:,} not shown' if hidden else ''}")
        return "   ".join((*parts, *self._listing.words))

    def _unlooked(self) -> set[RunKey]:
        """Return the listed runs that arrived and stand where nobody sees them."""
        arrived = self._order.arrived
        away = arrived - self.table.in_sight() if arrived else arrived
        return {key for key in away if self._order.position(key) is not None}

    def _show_pane(self, view: FleetView) -> None:
        shown, total, fresh = len(view.keys), view.counts.total, self._fleet.freshness
        entitle(self.query_one("#runs-pane"), self._title(view), self._listing.order_words)
        table = self.query_one(RunTable)
        self.set_class(not shown, "-no-runs")
        self.set_class(shown <= FEW_RUNS, "-few")
        self.set_class(shown <= HANDFUL, "-handful")
        if table.display != bool(shown):
            table.display = bool(shown)
            if shown and self.focused is None:  # which a table that was hidden has lost
                table.focus()
        self.query_one(EmptyRuns).view = EmptyView(
            runs_dir=self._options.runs_dir,
            config_path=self._options.config_path,
            is_missing=bool(fresh and not fresh.runs_exists),
            is_reading=fresh is None or fresh.scanning,
            config=self._fleet.config,
            hidden=total,
            last_term=self._listing.last_term,
            problem=fresh.problem if fresh else None,
            is_shown=shown == 0,
        )

    def _show_preview(self, now: datetime) -> None:
        if self._previewed not in self._fleet.runs:
            self._previewed = self.table.selected
        key, fleet = self._previewed, self._fleet
        run = fleet.runs.get(key) if key else None
        detail = fleet.details.get(key) if key else None
        past = fleet.past_of(run) if run else None
        self.query_one(RunPreview).view = project_run(run, detail, now, past) if run else None

    def _show_hints(self, fleet: Fleet) -> None:
        self.show_footer(self._hints(), fleet)

    def _hints(self) -> tuple[Hint, ...]:
        """Return the bindings to name, those that do something now."""
        if self.query_one(Input).display:
            return FILTER_HINTS
        key = self.table.selected
        run = self._fleet.runs.get(key) if key else None
        if run is None:
            return NO_MATCH_HINTS if self._fleet.runs else NO_RUN_HINTS
        if self.table.marked:
            return MARKED_HINTS
        if cancel_refusal(run, state_of(run, self._clock.now())) is not None:
            return tuple(each for each in HINTS if "run.cancel" not in each.ids)
        return HINTS

    # --- the cursor -------------------------------------------------------------------------

    def select(self, key: RunKey) -> None:
        """Put the cursor on a run, now or when it appears."""
        if self.is_mounted:
            self.table.select(key)

    def resort(self) -> None:
        """Put the selected row where its state belongs."""
        self._acknowledge()
        self.table.unpin()

    @on(RunTable.Moved)
    def _acknowledge(self) -> None:
        """Take the rows that arrived for known."""
        if self._order.acknowledge():
            self.list_anew()

    @on(RunTable.RunHighlighted)
    def _highlighted(self, event: RunTable.RunHighlighted) -> None:
        event.stop()
        self.post_message(self.RunHighlighted(event.key))
        if self._settling is not None:
            self._settling.stop()
        if self._previewed is None or self._previewed not in self._fleet.runs:
            self._settle()
        else:
            self._settling = self.set_timer(SETTLED_S, self._settle)
        self._show_hints(self._fleet)

    def _settle(self) -> None:
        self._settling = None
        self._previewed = self.table.selected
        self._show_preview(self._clock.now())
        self.post_message(self.RunSettled())

    @on(RunTable.RunChosen)
    def _chosen(self, event: RunTable.RunChosen) -> None:
        event.stop()
        self.action_open()

    @on(RunTable.MarksChanged)
    def _marked_others(self) -> None:
        self.list_anew()

    # --- keys -------------------------------------------------------------------------------

    def _chosen_or_say(self) -> tuple[RunKey, ...]:
        keys = self.table.chosen
        words = "No run is selected."
        if self._gone_since is not None:
            keys, words = (), f"{self._options.runs_dir} is gone."
        if not keys:
            self.notify(words, severity="warning", markup=False)
        return keys

    def action_open(self) -> None:
        """Open the selected run."""
        if self._chosen_or_say() and (key := self.table.selected):
            self.post_message(RunOpened(key))

    def action_start(self) -> None:
        """Ask for a new run."""
        self.post_message(self.StartAsked())

    def action_again(self) -> None:
        """Ask how to run the chosen runs again."""
        if keys := self._chosen_or_say():
            self.post_message(AgainAsked(keys))

    def action_cancel(self) -> None:
        """Ask whether to cancel the chosen runs."""
        if keys := self._chosen_or_say():
            self.post_message(CancelAsked(keys))

    def action_kill(self) -> None:
        """Ask whether to kill the chosen runs."""
        if keys := self._chosen_or_say():
            self.post_message(KillAsked(keys))

    def action_copy(self) -> None:
        """Ask what of the selected run is to be copied; of several, copy the names."""
        keys = self._chosen_or_say()
        if len(keys) > 1:
            self.post_message(self.NamesAsked(keys))
        elif keys:
            self.post_message(CopyAsked(keys[0]))

    def action_mark(self) -> None:
        """Mark the selected run, or take its mark away."""
        self.table.toggle_mark()

    def action_mark_range(self) -> None:
        """Begin a range of marks, or end it."""
        self.table.mark_range()

    def saw(self, keys: tuple[RunKey, ...]) -> None:
        """Note that runs were looked at."""
        unseen = [key for key in keys if self._order.is_unseen(key)]
        for run in map(self._fleet.runs.get, unseen):
            if run is not None:
                self._seen.saw(run.key, resumes_of(run))
        if unseen and self.is_mounted:
            self._save_seen()

    def action_seen(self) -> None:
        """Take the chosen failures for seen; where all are, for new again."""
        keys = self._chosen_or_say()
        failed = [key for key in keys if key in self._seen.runs or self._order.is_unseen(key)]
        if keys and not failed:
            words = "Only what failed or was lost in the last day is new, or seen."
            self.notify(words, severity="warning", markup=False)
        if any(self._order.is_unseen(key) for key in failed):
            self.saw(tuple(failed))
        elif failed:
            for key in failed:
                self._seen.take_back(key)
            self._save_seen()
        self.list_anew()

    @work(name="save what was seen")
    async def _save_seen(self) -> None:
        await self._seen.save()

    def action_quit(self) -> None:
        """Leave the program."""
        self.post_message(self.QuitAsked())

    def action_zoom(self) -> None:
        """Show table and preview, the table alone, or the preview alone."""
        now = next((name for name in ZOOMS[1:] if self.has_class(name)), "")
        after = ZOOMS[(ZOOMS.index(now) + 1) % len(ZOOMS)]
        for name in ZOOMS[1:]:
            self.set_class(name == after, name)

    def action_compact(self) -> None:
        """Give the room of frames and most of the preview to the table, or back."""
        self.toggle_class("-compact")
