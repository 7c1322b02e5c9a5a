"""PlacesApp: the program's places: which runs are in focus, which screens lie on one another."""

from __future__ import annotations

from textual import on

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.ui.asked import RunOpened
from orchestrator_tui.ui.keymap import keys_now, named_keys, shown_keys
from orchestrator_tui.ui.ports import LogSource
from orchestrator_tui.ui.screens.base import OneRunScreen
from orchestrator_tui.ui.screens.runs import RunsScreen
from orchestrator_tui.ui.taking_app import TakingApp
from orchestrator_tui.ui.widgets.bars import HeaderCounts
from orchestrator_tui.ui.widgets.log_marks import LogMarks


class PlacesApp(TakingApp, inherit_bindings=False):
    """The part of the program that goes from place to place, and tells the feed what is looked at.

    All but the runs is loaded when somebody first goes there.
    """

    _logs: LogSource
    _marks: LogMarks
    _highlighted: RunKey | None
    _asked_focus: frozenset[RunKey]

    @on(RunsScreen.RunHighlighted)
    def _highlight(self, event: RunsScreen.RunHighlighted) -> None:
        self._highlighted = event.key

    @on(RunsScreen.RunSettled)
    def _settled(self) -> None:
        self._focus_runs()

    def _focus_runs(self) -> None:
        opened = {s.key for s in self.screen_stack if isinstance(s, OneRunScreen)}
        chosen = {self._highlighted} if self._highlighted else set()
        keys = frozenset(opened | chosen)
        if keys != self._asked_focus:
            self._asked_focus = keys
            self._feed.focus(keys)
        self._show()

    @on(RunOpened)
    def _open(self, event: RunOpened) -> None:
        self.open_run(event.key)

    def open_run(self, key: RunKey) -> None:
        """Open the screen of one run."""
        from orchestrator_tui.ui.screens.run import RunScreen

        ascii_only = self.options.ascii_only
        self.runs_screen.saw((key,))
        screen = RunScreen(
            key,
            self._logs,
            marks=self._marks,
            ascii_only=ascii_only,
            named=named_keys(self.options.keys),
        )
        screen.show(self.fleet, self._clock.now())
        self.push_screen(screen)
        self._focus_runs()

    def on_activity_screen_leave_asked(self) -> None:
        """Go from the activity to the runs."""
        self.action_place("runs")

    def action_place(self, name: str) -> None:
        """Go to one of the program's places; what was open on top of it is closed."""
        while len(self.screen_stack) > 1 and self.screen is not self.runs_screen:
            if name == "activity" and self.screen is self.activity_screen:
                break
            self.pop_screen()
        if name == "activity" and self.screen is not self.activity_screen:
            self.push_screen(self.activity_screen)
        self._focus_runs()

    @on(HeaderCounts.PlaceAsked)
    def _place_asked(self, event: HeaderCounts.PlaceAsked) -> None:
        self.action_place(event.name)

    @on(HeaderCounts.FilterAsked)
    def _filter_asked(self, event: HeaderCounts.FilterAsked) -> None:
        self.show_runs(event.query)

    def action_full_log(self) -> None:
        """Show the log of the chosen stage on the whole screen."""
        key, screen = self.chosen_run, self.screen
        if key is None:
            self.say("No run is selected.", is_refusal=True)
            return
        from orchestrator_tui.ui.screens.log import LogScreen
        from orchestrator_tui.ui.screens.run import RunScreen

        index, error = screen.log_to_read() if isinstance(screen, RunScreen) else (0, "")
        log = LogScreen(
            key,
            index,
            self._logs,
            error=error,
            marks=self._marks,
            ascii_only=self.options.ascii_only,
        )
        log.show(self.fleet, self._clock.now())
        self.push_screen(log)
        self._focus_runs()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Open a log in full from screens that have one, and not twice."""
        if action == "full_log":
            screen = self.screen
            return isinstance(screen, RunsScreen | OneRunScreen) and screen.leads_to_log
        return super().check_action(action, parameters)

    @property
    def chosen_run(self) -> RunKey | None:
        """The run that is open, or else selected."""
        opened = [s.key for s in self.screen_stack if isinstance(s, OneRunScreen)]
        return opened[-1] if opened else self._highlighted

    def show_runs(self, query: str) -> None:
        """Go to the runs that a filter lets through."""
        while len(self.screen_stack) > 1 and self.screen is not self.runs_screen:
            self.pop_screen()
        self.runs_screen.ask_for(query)

    # --- what helps on ------------------------------------------------------------------------

    def action_command_palette(self) -> None:
        """Show the commands."""
        from orchestrator_tui.ui.commands import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def action_help(self) -> None:
        """Show the keys of the present screen."""
        from orchestrator_tui.ui.screens.help import HelpDialog, KeyRow

        if isinstance(self.screen, HelpDialog):
            return
        active = self.screen.active_bindings
        keys = keys_now(active)
        rows: dict[str, KeyRow] = {}
        for bound in active.values():
            name, words = bound.binding.id or "", bound.binding.description
            if name in keys:
                rows[name] = (name.partition(".")[0], shown_keys(keys[name]), words)
        self.push_screen(HelpDialog(self.screen.title or "", tuple(rows.values())))
