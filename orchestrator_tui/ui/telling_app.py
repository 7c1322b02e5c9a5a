"""TellingApp: what a person is told that did not ask: toasts, notices, what was missed."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from textual import work
from textual.notifications import SeverityLevel

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.away import away_of, away_words
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import State
from orchestrator_tui.state.notices import Notice, follow
from orchestrator_tui.state.observations import Observation
from orchestrator_tui.ui.announcing import Notify
from orchestrator_tui.ui.journal import Journal, doubt_words
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.ports import NoticeHook
from orchestrator_tui.ui.screens.base import AwayScreen
from orchestrator_tui.ui.screens.runs import RunsScreen
from orchestrator_tui.ui.terminal_app import TerminalApp

NOTICE_S = 12.0  # how long it is told that a run failed, was lost or waits
GOOD_NEWS_S = 5.0


class TellingApp(TerminalApp, inherit_bindings=False):
    """The part of the program that speaks up, and notes in the journal what it said."""

    fleet: Fleet
    options: ScreenOptions
    journal: Journal
    runs_screen: RunsScreen
    _hook: NoticeHook | None
    _hook_problem: str | None
    _looked_at: datetime | None
    _opened_at: datetime
    _live: dict[RunKey, State | None]

    @cached_property
    def activity_screen(self) -> AwayScreen:
        """The activity; loaded and made when it is first wanted."""
        from orchestrator_tui.ui.screens.activity import ActivityScreen

        screen = ActivityScreen(self.journal, clock=self._clock, options=self.options)
        self.install_screen(screen, "activity")
        return screen

    def say(self, text: str, *, is_refusal: bool = False) -> None:
        """Tell the result of an action: each one ends in words."""
        self.journal.told(text)
        self._tell(text, is_refusal=is_refusal)

    def _tell(self, text: str, *, is_refusal: bool = False) -> None:
        lines = "\n".join(safe_text(line) for line in text.split("\n"))
        title, severity = ("Not done", "warning") if is_refusal else ("", "information")
        self._toast(lines, title=title, severity=severity, timeout=8 if is_refusal else 4)

    def _toast(
        self, text: str, *, title: str = "", severity: str = "information", timeout: float
    ) -> None:
        """Show a toast that the journal has in its own words."""
        super().notify(
            text,
            title=title,
            severity="warning" if severity == "warning" else "information",
            timeout=timeout,
            markup=False,
        )

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a toast of a screen or a widget, and note what it said."""
        self.journal.told(message)
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    # --- by itself ----------------------------------------------------------------------------

    def _note(self, batch: tuple[Observation, ...]) -> None:
        """Note what was seen of what was begun here, and tell what is doubtful in it."""
        self.journal.watch(batch)
        if doubt := doubt_words(batch):
            self.journal.told(doubt)
            words = "\n".join(map(safe_text, doubt.split("\n")))
            self._toast(words, severity="warning", timeout=NOTICE_S)
        self._tell_what_was_missed()

    def _tell_news(self, now: datetime) -> None:
        """Tell which runs have ended, failed or wait since the last time."""
        self._live, seen = follow(self._live, self.fleet, now)
        notices = self._announcer.new(seen)
        for notice in notices:
            self._tell_notice(notice)
        self._announcer.announce(notices)
        counts = self.runs_screen.counts(self.fleet, now)
        self._announcer.show_title(counts, self.options.place)
        if self.journal.is_to_be_seen:
            self._remember()

    def _tell_notice(self, notice: Notice) -> None:
        self.journal.run_told(notice.key, notice.words, is_grave=notice.is_grave)
        words = "\n".join(safe_text(line) for line in notice.words.split("\n"))
        if notice.is_grave:
            self._toast(words, severity="warning", timeout=NOTICE_S)
        elif notice.state is State.SUCCEEDED:
            self._toast(words, timeout=GOOD_NEWS_S)
        if self._hook is not None and self.options.notify is not Notify.OFF:
            self._tell_hook(self._hook, notice)

    @work(name="tell the hook")
    async def _tell_hook(self, hook: NoticeHook, notice: Notice) -> None:
        # A person's command may well print them to a terminal.
        problem = await hook.run({name: safe_text(v) for name, v in notice.facts().items()})
        if problem is not None and problem != self._hook_problem:
            self.say(f"notify_command failed: {problem}", is_refusal=True)
        self._hook_problem = problem

    @work(name="remember")
    async def _remember(self) -> None:
        before = self.journal.problem
        await self.journal.seen()
        if (problem := self.journal.problem) and not before:
            self.say(f"What you do here cannot be remembered: {problem}", is_refusal=True)

    def _tell_what_was_missed(self) -> None:
        """Tell once, when all runs have been read, what happened since somebody looked last."""
        fresh, since = self.fleet.freshness, self._looked_at
        if since is None or fresh is None or fresh.scanning:
            return
        self._looked_at = None
        now = self._clock.now()
        away = away_of(self.fleet, since.astimezone(), self._opened_at, now)
        self.activity_screen.away = away
        if told := away_words(away, now.astimezone()):
            self._toast(f"{told[:1].upper()}{told[1:]}\n5 lists them", timeout=NOTICE_S)
