"""LogScreen: the log of one stage on the whole screen."""

from __future__ import annotations

from datetime import datetime

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import DescendantFocus, Resize
from textual.widgets import Input

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.logs import ALL_STAGES
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.run_view import RunView, StageState, project_run
from orchestrator_tui.ui.asked import CopyAsked
from orchestrator_tui.ui.keymap import hint, typed_hint
from orchestrator_tui.ui.keys import LOG_SCREEN_KEYS
from orchestrator_tui.ui.ports import LogSource
from orchestrator_tui.ui.screens.base import OneRunScreen
from orchestrator_tui.ui.screens.stage_logs import is_growing, quiet_words, show_all_stages
from orchestrator_tui.ui.widgets.bars import FooterBar, TooSmall
from orchestrator_tui.ui.widgets.log_map import LogMap
from orchestrator_tui.ui.widgets.log_marks import LogMarks
from orchestrator_tui.ui.widgets.log_view import LogView
from orchestrator_tui.ui.widgets.run_header import RunCrumb, RunPulse

_HINTS = (
    hint("search", "find.search"),
    hint("keep", "find.keep"),
    hint("select", "copy.select"),
    hint("copy", "copy.menu"),
    hint("pager", "log.pager"),
    hint("editor", "log.editor"),
    hint("back", "nav.back"),
    hint("help", "app.help"),
    hint("problem", "find.next_problem", "find.previous_problem"),
    hint("follow", "log.follow"),
    hint("wrap", "log.wrap"),
    hint("stages", "pane.previous_stage", "pane.next_stage"),
    hint("all stages", "log.all_stages"),
)
_TYPING = (typed_hint("take it", "enter"), hint("leave it", "find.end"))


MAP_FROM_COLUMNS = 140


class LogScreen(OneRunScreen):
    """One stage's log, or all of a run, with line numbers.

    `stage_index` 0 means the stage that counts most, `ALL_STAGES` all of them as one log.

    With `error` it opens at the first line that has this text.
    """

    TITLE = "Log"
    leads_to_log = False
    BINDINGS = LOG_SCREEN_KEYS

    def __init__(
        self,
        key: RunKey,
        stage_index: int,
        logs: LogSource,
        *,
        error: str = "",
        marks: LogMarks | None = None,
        ascii_only: bool = False,
    ) -> None:
        super().__init__()
        self._marks = marks
        self.key = key
        self._has_all = stage_index == ALL_STAGES
        self._stage_index = max(0, stage_index)
        self._logs = logs
        self._error = error
        self._ascii_only = ascii_only
        self._view: RunView | None = None
        self._fleet = Fleet()

    def compose(self) -> ComposeResult:
        """Yield the run, the log and the footer."""
        self.fit_first()
        with Horizontal(id="log-top"):
            yield RunCrumb()
            yield RunPulse(ascii_only=self._ascii_only)
        with Horizontal(id="log-body"):
            yield LogView(self._logs, marks=self._marks)
            yield LogMap()
        yield FooterBar()
        yield TooSmall()

    def on_mount(self) -> None:
        """Give the lines the keys."""
        lines = self.query_one(LogView).lines
        lines.show_numbers(True)
        lines.focus()
        self._show()

    def show(self, fleet: Fleet, now: datetime) -> None:
        """Show the log as far as the run is known at `now`."""
        run, self._fleet = fleet.runs.get(self.key), fleet
        if run is not None:
            self._view = project_run(run, fleet.details.get(self.key), now)
        if self.is_mounted:
            self._show()

    def _show(self) -> None:
        self._show_footer()
        view = self._view
        self.query_one(RunCrumb).view = view.title if view else str(self.key)
        if view is None:
            return
        self.query_one(RunPulse).view = view
        if not self._stage_index:
            self._stage_index = view.tail_stage_index or view.current_index
        if self._has_all:
            show_all_stages(self.query_one(LogView), view)
            return
        stage = next((s for s in view.stages if s.index == self._stage_index), None)
        if stage is not None:
            grows = is_growing(stage)
            self.query_one(LogView).show(
                self.key,
                stage.index,
                live=grows,
                failed=stage.state is StageState.FAILED,
                title=f"{stage.index} {stage.title}",
                quiet=quiet_words(view) if grows else "",
                empty="No output yet." if grows else "This stage wrote no output.",
            )
            if self._error:
                self.query_one(LogView).go_to_error(self._error)
                self._error = ""

    def _show_footer(self) -> None:
        hints = _TYPING if isinstance(self.focused, Input) else _HINTS
        self.show_footer(hints, self._fleet)

    @on(DescendantFocus)
    def _focus_moved(self) -> None:
        self._show_footer()

    @on(LogView.Counted)
    def _counted(self) -> None:
        log_map = self.query_one(LogMap)
        if log_map.display:
            log_map.view = self.query_one(LogView).places()

    @on(LogMap.Picked)
    def _picked(self, event: LogMap.Picked) -> None:
        self.query_one(LogView).go_to_place(event.place)

    def on_resize(self, event: Resize) -> None:
        """Show the map where there is room for it."""
        self.query_one(LogMap).display = event.size.width >= MAP_FROM_COLUMNS
        self._counted()

    def action_stage(self, step: int) -> None:
        """Show the log of the next or previous stage."""
        count = len(self._view.stages) if self._view else 0
        if not self._has_all and not 1 <= self._stage_index + step <= count:
            words = "This is the last stage." if step > 0 else "This is the first stage."
            self.notify(words, markup=False)
            return
        self._stage_index += 0 if self._has_all else step
        self._has_all = False
        self._show()

    def action_all_stages(self) -> None:
        """Show the logs of all stages one after the other, or that of one again."""
        self._has_all = not self._has_all
        self._show()

    def action_copy(self) -> None:
        """Ask what is to be copied."""
        picture = self.query_one(LogView).picture()
        self.post_message(CopyAsked(self.key, self._stage_index, picture))

    def action_back(self) -> None:
        """Go back to the screen before."""
        self.app.pop_screen()
