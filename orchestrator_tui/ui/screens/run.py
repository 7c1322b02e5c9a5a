"""RunScreen: one run; its stages and their logs, its failures, its manifest."""

from __future__ import annotations

from datetime import datetime

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus, Resize
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Input

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.logs import ALL_STAGES
from orchestrator_tui.records.manifest import Manifest
from orchestrator_tui.state.event_words import RunEvent
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import State
from orchestrator_tui.state.plan_view import PlanView, project_plan
from orchestrator_tui.state.relatives import Relative, kin_in, relatives
from orchestrator_tui.state.run_view import RunView, StageRow, StageState, project_run
from orchestrator_tui.ui.asked import AgainAsked, CancelAsked, CopyAsked, FileAsked, RunOpened
from orchestrator_tui.ui.card_text import error_line
from orchestrator_tui.ui.keymap import Hint, Named, hint, named_keys, typed_hint
from orchestrator_tui.ui.keys import RUN_KEYS
from orchestrator_tui.ui.ports import LogSource
from orchestrator_tui.ui.screens.base import OneRunScreen
from orchestrator_tui.ui.screens.run_tabs import (
    ARTIFACTS,
    ERRORS,
    EVENTS,
    LOG,
    MANIFEST,
    PLAN,
    RELATIVES,
    TIMELINE,
    Tab,
    tabs_of,
)
from orchestrator_tui.ui.screens.stage_logs import is_growing, quiet_words, show_all_stages
from orchestrator_tui.ui.widgets.artifacts_pane import ArtifactsPane
from orchestrator_tui.ui.widgets.bars import FooterBar, TooSmall
from orchestrator_tui.ui.widgets.cells import fit
from orchestrator_tui.ui.widgets.events_pane import EventsPane
from orchestrator_tui.ui.widgets.failure_card import FailureCard
from orchestrator_tui.ui.widgets.lines import Line, LineBlock, Span, entitle
from orchestrator_tui.ui.widgets.log_marks import LogMarks
from orchestrator_tui.ui.widgets.log_view import LogView
from orchestrator_tui.ui.widgets.manifest_text import ManifestText
from orchestrator_tui.ui.widgets.picking_pane import PickingPane
from orchestrator_tui.ui.widgets.plan_pane import PlanPane
from orchestrator_tui.ui.widgets.reading_pane import ReadingPane
from orchestrator_tui.ui.widgets.relatives_pane import RelativesPane
from orchestrator_tui.ui.widgets.run_header import (
    RunCrumb,
    RunPulse,
    RunReason,
    TabStrip,
    TabsView,
)
from orchestrator_tui.ui.widgets.stage_list import RunFactsPanel, StageHeads, StageLegend, StageList
from orchestrator_tui.ui.widgets.timeline_pane import TimelinePane, TimelineStrip

MOST_PROBLEM_LINES = 3
NARROW_COLUMNS = 80  # below this only one pane has room
VANISHED = "this run's folder is gone; shown is what was seen last"
_EMPTY_LOGS = {
    StageState.PENDING: "This stage has not started.",
    StageState.RUNNING: "No output yet.",
    StageState.STALLED: "No output yet.",
    StageState.SKIPPED: "This stage was skipped.",
    StageState.CANCELLED: "This stage did not start before the run was cancelled.",
}
_ACTS = (hint("again", "run.again"), hint("cancel", "run.cancel"))
_LOG_HINTS = (
    hint("search", "find.search"),
    hint("problem", "find.next_problem", "find.previous_problem"),
    hint("follow", "log.follow"),
)
_MORE_LOG_HINTS = (
    hint("wrap", "log.wrap"),
    hint("streams", "log.streams"),
    hint("zoom", "pane.zoom"),
    hint("all stages", "log.all_stages"),
)
_TABS = hint("tabs", "pane.previous_tab", "pane.next_tab")
_PANE_HINTS = (hint("pane", "pane.next"), _TABS, hint("zoom", "pane.zoom"))
_WAYS_OUT = (hint("back", "nav.back"), hint("help", "app.help"))


class RunProblems(LineBlock):
    """What is wrong with the files of the run."""

    view: reactive[tuple[str, ...]] = reactive((), init=False, repaint=False)

    def watch_view(self, _old: tuple[str, ...], new: tuple[str, ...]) -> None:
        """Take as many rows as needed, none without problems."""
        self.display = bool(new)
        self.styles.height = min(MOST_PROBLEM_LINES, len(new))
        self.rebuild()

    def build(self, width: int, height: int) -> tuple[Line, ...]:
        """Return a line a problem."""
        return tuple(
            (Span(fit(f" ! {safe_text(problem)}", width), "state--stalled"),)
            for problem in self.view
        )


class RunScreen(OneRunScreen):
    """The screen of one run; it shows what it is given and asks the app for everything else."""

    TITLE = "Run"
    BINDINGS = RUN_KEYS

    view: reactive[RunView | None] = reactive(None, init=False, repaint=False)

    def __init__(
        self,
        key: RunKey,
        logs: LogSource,
        *,
        marks: LogMarks | None = None,
        ascii_only: bool = False,
        named: Named | None = None,
    ) -> None:
        super().__init__()
        self.key = key
        self._named = named_keys() if named is None else named
        self._logs = logs
        self._marks = marks
        self._ascii_only = ascii_only
        self._manifest: Manifest | None = None
        self._events: tuple[RunEvent, ...] = ()
        self._fleet = Fleet()
        self._plan: PlanView | None = None
        self._kin: tuple[Relative, ...] = ()
        self._kin_keys: tuple[RunKey, ...] = ()
        self._searched: object = None
        self._is_placed = False
        self._followed = 0  # the stage whose growing end is shown; 0 while none is
        self._is_zoomed = False
        self._has_all = False  # the logs of all stages are shown as one
        self._is_narrow = False

    def compose(self) -> ComposeResult:
        """Yield two lines of header, the tabs' contents, and the footer."""
        self.fit_first()
        ascii_only = self._ascii_only
        with Horizontal(id="run-top"):
            yield RunCrumb()
            yield RunPulse(ascii_only=ascii_only)
        with Horizontal(id="run-tabs"):
            yield TabStrip()
            yield RunReason()
        yield RunProblems()
        with ContentSwitcher(initial=LOG, id="run-body"):
            with Vertical(id=LOG):
                with Horizontal(id="log-panes"):
                    with Vertical(id="stages", classes="pane"):
                        yield StageHeads()
                        yield StageList(ascii_only=ascii_only)
                        yield StageLegend(ascii_only=ascii_only)
                        yield RunFactsPanel()
                    yield LogView(self._logs, marks=self._marks)
                yield TimelineStrip(id="strip", classes="pane", ascii_only=ascii_only)
            yield FailureCard(self._named, id=ERRORS, classes="pane", ascii_only=ascii_only)
            yield TimelinePane(id=TIMELINE, classes="pane", ascii_only=ascii_only)
            yield PlanPane(self._named, id=PLAN, classes="pane", ascii_only=ascii_only)
            yield ManifestText(id=MANIFEST, classes="pane")
            yield EventsPane(id=EVENTS, classes="pane")
            yield RelativesPane(id=RELATIVES, classes="pane", ascii_only=ascii_only)
            yield ArtifactsPane(id=ARTIFACTS, classes="pane", ascii_only=ascii_only)
        yield FooterBar()
        yield TooSmall()

    def on_mount(self) -> None:
        """Show what is known already."""
        self.query_one(RunProblems).display = False
        self.query_one(RunCrumb).view = str(self.key)
        entitle(self.query_one(ManifestText), "Manifest", "")
        self._is_narrow = self.app.size.width < NARROW_COLUMNS
        self._focus_pane(self._panes()[-1 if self._is_narrow else 0])
        for pane in self.query(ReadingPane).results(ReadingPane):
            # Only after it was laid out is it known whether there is anything to page.
            self.watch(pane, "show_vertical_scrollbar", self._show_footer, init=False)
        if self.view is not None:
            self._show(self.view)

    # --- showing ----------------------------------------------------------------------------

    def show(self, fleet: Fleet, now: datetime) -> None:
        """Show the run as it is at `now`; one that is gone stays as it was seen last."""
        run, detail = fleet.runs.get(self.key), fleet.details.get(self.key)
        self._fleet = fleet
        if detail is not None:
            self._manifest, self._events = detail.manifest, detail.events
        if run is not None:
            past, pipeline = fleet.past_of(run), fleet.pipeline_of(run)
            view = project_run(run, detail, now, past, pipeline)
            self._plan = project_plan(view, pipeline) if view.is_loaded else None
            self._look_for_kin(fleet, view, now)
            self.view = view
        elif self.is_mounted:
            self.query_one(RunProblems).view = (VANISHED,)
        if self.is_mounted:
            self.query_one(ManifestText).manifest = self._manifest
            self.query_one(EventsPane).view = self._events
            self.query_one(RelativesPane).view = self._kin
            self._show_footer()

    def _look_for_kin(self, fleet: Fleet, view: RunView, now: datetime) -> None:
        """Find parent and children; all runs are gone through only when some run changed."""
        if self._searched is not fleet.runs:
            self._searched, self._kin_keys = fleet.runs, kin_in(fleet, self.key)
        self._kin = relatives(fleet, view, self._kin_keys, now)

    def watch_view(self, _old: RunView | None, new: RunView | None) -> None:
        """Hand the view to the panes."""
        if self.is_mounted and new is not None:
            self._show(new)

    def _show(self, view: RunView) -> None:
        self.query_one(RunCrumb).view = view.title
        self.query_one(RunPulse).view = view
        self.query_one(RunReason).view = view
        self.query_one(RunProblems).view = view.problems
        self.query_one(StageList).view = view.stages
        self.query_one(StageHeads).view = view.stages
        self.query_one(StageLegend).view = view.stages
        self.query_one(RunFactsPanel).view = view.facts
        self.query_one(FailureCard).view = view
        for timeline in self.query(TimelinePane).results(TimelinePane):
            timeline.view = view
        self.query_one(PlanPane).view = self._plan
        self.query_one(ManifestText).view = view
        self.query_one(ArtifactsPane).view = view.artifacts
        stages = self.query_one("#stages")
        entitle(stages, f"Stages {view.row.stages_done}/{len(view.stages)}", "")
        if view.is_loaded and not self._is_placed:
            self._place(view)
        self._go_on_following(view)
        self._show_tabs(view)
        self._show_log(view)

    def _go_on_following(self, view: RunView) -> None:
        """Go on to the stage that runs now, if the end of the one before it is being followed."""
        stages, log = self.query_one(StageList), self.query_one(LogView)
        chosen = stages.chosen
        if chosen is None or self._has_all or not log.lines.shows_end:
            self._followed = 0
        elif is_growing(chosen):
            self._followed = chosen.index
        elif self._followed == chosen.index:
            running = next((stage for stage in view.stages if is_growing(stage)), None)
            if running is not None:
                self._followed = running.index
                stages.choose(running.index)

    def _place(self, view: RunView) -> None:
        """Put the cursor on the stage that counts, and open what a person came for."""
        self._is_placed = True
        self.query_one(StageList).choose(max(1, view.current_index))
        failed = view.row.state is State.FAILED and view.errors and not view.errors[0].is_past
        if failed:
            self._open_tab(ERRORS)

    def _tabs(self, view: RunView | None) -> tuple[Tab, ...]:
        return tabs_of(view, self._plan, self._events, self._kin)

    def _show_tabs(self, view: RunView | None) -> None:
        tabs = self._tabs(view)
        switcher = self.query_one(ContentSwitcher)
        if switcher.current not in {tab for tab, _ in tabs}:
            self._open_tab(LOG)
        self.query_one(TabStrip).view = TabsView(tabs, switcher.current or LOG)

    def _show_log(self, view: RunView) -> None:
        stage, log = self.query_one(StageList).chosen, self.query_one(LogView)
        if self._has_all and stage is not None:
            show_all_stages(log, view)
            return
        if stage is None:
            if view.is_loaded:
                log.show(self.key, 0, live=False, empty="The manifest names no stages.")
            return
        empty = _EMPTY_LOGS.get(stage.state, "This stage wrote no output.")
        if stage.is_subpipeline:
            empty = "This stage is a run of its own"
            empty += f", {stage.child.run_id}; enter opens it." if stage.child else "."
        log.show(
            self.key,
            stage.index,
            live=is_growing(stage),
            title=f"{stage.index} {stage.title}",
            empty=empty,
            remark=self._elsewhere(view, stage),
            failed=stage.state is StageState.FAILED,
            quiet=quiet_words(view) if is_growing(stage) else "",
        )

    @staticmethod
    def _elsewhere(view: RunView, shown: StageRow) -> str:
        """Return which other stage runs while the shown one does not."""
        running = next((s for s in view.stages if is_growing(s)), None)
        if running is None or is_growing(shown):
            return ""
        return f"{running.index} {running.title} runs, f follows it"

    def _show_footer(self) -> None:
        can_cancel = self.view is not None and self.view.cancel_refusal is None
        acts = _ACTS if can_cancel else _ACTS[:1]
        # The way back and the help come before what a narrow terminal has no room for.
        hints: tuple[Hint, ...] = (*_LOG_HINTS, *_WAYS_OUT, *acts, *_MORE_LOG_HINTS)
        if isinstance(self.focused, StageList):
            hints = (hint("log", "run.stage_log"), *acts, *_WAYS_OUT, *_PANE_HINTS)
        elif isinstance(self.focused, Input):
            hints = (typed_hint("to the hit", "enter"), hint("end the search", "find.end"))
        elif isinstance(self.focused, PickingPane):
            hints = (hint("open", "run.open"), *acts, *_WAYS_OUT, _TABS)
        elif isinstance(self.focused, ReadingPane):
            page = (hint("page", "move.page_down"),) if self.focused.show_vertical_scrollbar else ()
            hints = (*acts, *_WAYS_OUT, _TABS, *page)
        self.show_footer(hints, self._fleet)

    @on(DescendantFocus)
    def _focus_moved(self) -> None:
        self._show_footer()

    # --- stages -----------------------------------------------------------------------------

    @on(StageList.StageChosen)
    def _stage_chosen(self, event: StageList.StageChosen) -> None:
        event.stop()
        if self.view is not None:
            self._show_log(self.view)

    @on(StageList.StageOpened)
    def _stage_opened(self, event: StageList.StageOpened) -> None:
        event.stop()
        stage = self.query_one(StageList).chosen
        if stage is not None and stage.child is not None:
            self.post_message(RunOpened(stage.child))
            return
        self._focus_log()
        if self._has_all:
            self.action_all_stages()

    @on(LogView.FollowAsked)
    def _follow_run(self, event: LogView.FollowAsked) -> None:
        """Go to the stage that runs now: the one shown does not grow any more."""
        event.stop()
        running = next((s for s in self.view.stages if is_growing(s)), None) if self.view else None
        if running is not None:
            self.query_one(StageList).choose(running.index)

    def action_all_stages(self) -> None:
        """Show the logs of all stages one after the other, or that of one again."""
        self._has_all = not self._has_all
        self._open_tab(LOG)
        if self.view is not None:
            self._show_log(self.view)

    # --- panes and tabs ---------------------------------------------------------------------

    def _panes(self) -> list[Widget]:
        """Return what can have the focus in the open tab."""
        current = self.query_one(ContentSwitcher).current
        if current == LOG:
            return [self.query_one(StageList), self.query_one(LogView).lines]
        return [self.query_one(f"#{current}")]

    def _focus_log(self) -> None:
        self._focus_pane(self.query_one(LogView).lines)

    def _focus_pane(self, pane: Widget) -> None:
        on_stages = isinstance(pane, StageList)
        self._is_zoomed = self._is_zoomed and not on_stages
        self._arrange(on_stages=on_stages)
        pane.focus()

    def _arrange(self, *, on_stages: bool) -> None:
        """Show both panes, or where there is room for one only, the one with the focus."""
        alone = self._is_narrow or self._is_zoomed
        self.query_one("#stages").display = on_stages or not alone
        self.query_one(LogView).display = not (on_stages and self._is_narrow)

    def on_resize(self, event: Resize) -> None:
        """Give each pane its room."""
        self._is_narrow = event.size.width < NARROW_COLUMNS
        self.call_after_refresh(self.query_one(StageHeads).watch_view)
        self._arrange(on_stages=isinstance(self.focused, StageList))

    def action_pane(self, step: int) -> None:
        """Move the focus to the next or previous pane."""
        panes = self._panes()
        at = next((n for n, pane in enumerate(panes) if pane.has_focus), -1 if step > 0 else 0)
        self._focus_pane(panes[(at + step) % len(panes)])

    def _open_tab(self, tab: str) -> None:
        switcher = self.query_one(ContentSwitcher)
        if switcher.current == tab:
            return
        switcher.current = tab
        self.query_one(TabStrip).view = TabsView(self._tabs(self.view), tab)
        self._focus_pane(self._panes()[-1 if self._is_narrow or self._is_zoomed else 0])

    def action_tab(self, step: int) -> None:
        """Open the next or previous tab."""
        tabs = [tab for tab, _ in self._tabs(self.view)]
        at = tabs.index(self.query_one(ContentSwitcher).current or LOG)
        self._open_tab(tabs[(at + step) % len(tabs)])

    def action_tab_named(self, tab: str) -> None:
        """Open one tab, or say that there is nothing in it."""
        if tab in {each for each, _ in self._tabs(self.view)}:
            self._open_tab(tab)
        else:
            self.notify("There is nothing to show there yet.", markup=False)

    @on(PickingPane.Picked)
    def _picked(self, event: PickingPane.Picked) -> None:
        event.stop()
        if isinstance(event.pane, RelativesPane):
            found = event.pane.chosen(event.pick)
            if found is not None and found.row is None:
                self.notify("No manifest of that run was seen.", markup=False)
            elif found is not None:
                self.post_message(RunOpened(found.key))
        else:
            self.post_message(FileAsked(event.pick))

    @on(TabStrip.TabChosen)
    def _tab_chosen(self, event: TabStrip.TabChosen) -> None:
        event.stop()
        self._open_tab(event.tab)

    def action_zoom(self) -> None:
        """Give the log the whole width, or not."""
        self._is_zoomed = not self._is_zoomed
        self._open_tab(LOG)
        self._focus_log()

    def log_to_read(self) -> tuple[int, str]:
        """Return the stage whose log a person wants to read, and the error to find in it."""
        if self.query_one(ContentSwitcher).current == ERRORS:
            card = self.query_one(FailureCard).chosen
            if card is not None:
                return card.index, error_line(card)
        stage = self.query_one(StageList).chosen
        index = stage.index if stage else 0
        return (ALL_STAGES if self._has_all else index), ""

    # --- asking -----------------------------------------------------------------------------

    def action_again(self) -> None:
        """Ask how to run the run again."""
        self.post_message(AgainAsked((self.key,)))

    def action_cancel(self) -> None:
        """Ask whether to cancel the run."""
        self.post_message(CancelAsked((self.key,)))

    def action_copy(self) -> None:
        """Ask what is to be copied."""
        stage = self.query_one(StageList).chosen
        picture = self.query_one(LogView).picture()
        self.post_message(CopyAsked(self.key, stage.index if stage else 0, picture))

    def action_back(self) -> None:
        """Go back to the runs."""
        self.app.pop_screen()
