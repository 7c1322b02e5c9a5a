"""LogView: a stage's log in a pane; reads pages as they are needed, follows what grows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.logs import LogPage, LogRequest, Whence
from orchestrator_tui.ui.copying import LogPicture
from orchestrator_tui.ui.failure_text import PROBLEM
from orchestrator_tui.ui.keys import LOG_KEYS
from orchestrator_tui.ui.ports import LogSource, LogTextWish
from orchestrator_tui.ui.widgets.lines import entitle
from orchestrator_tui.ui.widgets.log_foot import LogFootView, foot_line
from orchestrator_tui.ui.widgets.log_lines import LogLines
from orchestrator_tui.ui.widgets.log_search import line_filter, search_pattern
from orchestrator_tui.ui.widgets.log_walk import Finder, finds_place, finds_words, walk
from orchestrator_tui.ui.widgets.log_window import Streams
from orchestrator_tui.ui.widgets.pane_foot import PaneFoot

POLL_S = 0.15  # how often the end of a growing log is looked at
PAGE_LINES = 1_000
FAR_BYTES = 1024 * 1024  # behind by more, a view that follows jumps to the end
NEAR_EDGE_LINES = 300  # fetch the next page when fewer lines than these are left to scroll over


class Ask(StrEnum):
    """What is typed in the line below the log; the value stands before it."""

    SEARCH = "/"
    KEEP = "&"
    GO = ":"


@dataclass(frozen=True, slots=True)
class _Subject:
    """The log that is shown."""

    key: RunKey
    stage_index: int


class LogView(Vertical):
    """A stage's log: what is visible is drawn, what is near is in memory, the rest is on disk.

    Only one page is read at a time, by a worker; keys and timers just say what is wanted next.
    """

    BINDINGS = LOG_KEYS

    class FollowAsked(Message):
        """The end of a log that does not grow is to be followed: the run may be elsewhere."""

    class TakeAsked(Message):
        """The log is to go to a `pager`, an `editor` or a `file`; the wish lacks the stage's id."""

        def __init__(self, use: str, wish: LogTextWish) -> None:
            super().__init__()
            self.use = use
            self.wish = wish

    def __init__(self, logs: LogSource, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._logs = logs
        self._subject: _Subject | None = None
        self._live = False
        self._last_look = False
        self._reading = False
        self._wanted: Whence | None = None
        self._unseen_from: int | None = None
        self._problem: str | None = None
        self._empty = ""
        self._remark = ""
        self._words = ""
        self._went_round = False
        self._ask = Ask.SEARCH
        self._progress = ""
        self._poll: Timer | None = None

    def compose(self) -> ComposeResult:
        """Yield the lines, the line to type a search in, and the lower edge."""
        with Vertical(classes="pane pane-body"):
            yield LogLines()
            with Horizontal(classes="search"):
                yield Static("/", markup=False)
                yield Input(compact=True, select_on_focus=True)
        yield PaneFoot()

    def on_mount(self) -> None:
        """Look at the end of the log from time to time."""
        self.query_one(".search").display = False
        self._poll = self.set_interval(POLL_S, self._look_at_end, pause=not self._live)
        self._tell()

    @property
    def lines(self) -> LogLines:
        """The widget that draws the lines and takes the keys."""
        return self.query_one(LogLines)

    def show(
        self,
        key: RunKey,
        stage_index: int,
        *,
        live: bool,
        title: str = "",
        empty: str = "",
        remark: str = "",
    ) -> None:
        """Show the log of a stage, from its end; follow it while it is `live`.

        Shown already, only what changed is taken over: a log that is not live any more is read to
        its end once. `title` stands in the frame, `empty` where there are no lines, `remark` in
        the lower edge; none need be safe.
        """
        subject = _Subject(key, stage_index)
        self._empty, self._remark = empty, remark
        entitle(self.query_one(".pane-body"), title, "")
        if subject != self._subject:
            self._subject = subject
            self._begin(live=live)
        elif live and not self._live:
            self._set_live(True)
            self.lines.set_follow(self.lines.shows_end)
        elif self._live and not live:
            self._set_live(False)
            self._last_look = self.lines.follow or not self.lines.window.is_full
            self.lines.window.at_end = False
            self._fetch_near()
        self._tell()

    def _begin(self, *, live: bool) -> None:
        self._forget_reading()
        self._end_walk()
        self._problem = None
        self._unseen_from, self._went_round, self._words = None, False, ""
        lines = self.lines
        lines.window.reset(LogPage((), 0, 0, 0))
        lines.search.begin("", None, lines.window)
        self._set_live(live)
        lines.set_follow(live)
        lines.lines_replaced(at_end=True)
        self._want(Whence.END)

    def _forget_reading(self) -> None:
        self.workers.cancel_group(self, "log")
        self._reading, self._wanted = False, None

    def _end_walk(self, progress: str = "") -> None:
        self.workers.cancel_group(self, "walk")
        self._progress = progress

    def _set_live(self, live: bool) -> None:
        self._live = live
        self._last_look = False
        self.lines.can_follow = live
        if self._poll is not None:
            if live:
                self._poll.resume()
            else:
                self._poll.pause()

    # Reading

    def _look_at_end(self) -> None:
        window = self.lines.window
        if self._reading or not self.is_on_screen or not self.screen.is_active:
            return
        if window.is_full and not self.lines.follow:
            # Growing here would drop the lines that are being looked at.
            window.at_end = False
            return
        self._want(Whence.END if self._is_far_behind and self.lines.follow else Whence.AFTER)

    @property
    def _is_far_behind(self) -> bool:
        window = self.lines.window
        return window.size - window.end > FAR_BYTES

    def _want(self, whence: Whence) -> None:
        if self._subject is None:
            return
        if self._reading:
            # What is near is looked at again after the page; an end has to be remembered.
            if whence in (Whence.START, Whence.END):
                self._wanted = whence
            return
        self._reading = True
        self._read(self._subject, whence)

    @work(group="log")
    async def _read(self, subject: _Subject, whence: Whence) -> None:
        window = self.lines.window
        offset = {Whence.AFTER: window.end, Whence.BEFORE: window.start}.get(whence, 0)
        page = await self._logs.read(
            LogRequest(subject.key, subject.stage_index, whence, offset, PAGE_LINES)
        )
        if subject != self._subject:
            return
        self._reading = False
        before = (window.start, window.end)
        self._take(page, whence)
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self._want(wanted)
        elif before != (window.start, window.end) or whence is not Whence.AFTER:
            self._fetch_near()

    def _take(self, page: LogPage, whence: Whence) -> None:
        lines = self.lines
        window = lines.window
        self._problem = page.problem
        if page.replaced and whence in (Whence.AFTER, Whence.BEFORE):
            self._wanted = Whence.END
            return
        if whence in (Whence.START, Whence.END):
            self._unseen_from = None
            window.reset(page)
            lines.search.current = None
            lines.search.scan_anew(window)
            lines.lines_replaced(at_end=whence is Whence.END)
        elif whence is Whence.AFTER:
            window.append(page)
            lines.search.scan(window)
            lines.lines_changed()
        else:
            seam = window.whole.start
            window.prepend(page)
            lines.search.scan(window)
            lines.lines_changed(seam)
        if self._last_look and window.at_end and whence in (Whence.AFTER, Whence.END):
            self._last_look = False
            lines.set_follow(False)
        self._tell()

    def _fetch_near(self, *, up: bool | None = None) -> None:
        """Fetch the page beyond an edge of the window that is near, or that the user moves to.

        A full window with few lines to show, as of one stream, has both edges near: it moves only
        the way that the user goes, `up` or down.
        """
        lines, window = self.lines, self.lines.window
        if self._last_look and not window.at_end:
            self._want(Whence.END if self._is_far_behind else Whence.AFTER)
            return
        first, last = lines.first_visible, lines.last_visible
        above = window.shown_before(first) if first is not None else 0
        below = window.shown_after(last) if last is not None else 0
        is_stuck = window.is_full and len(window.shown) < NEAR_EDGE_LINES
        if not window.at_start and above < NEAR_EDGE_LINES and (up or not is_stuck):
            self._want(Whence.BEFORE)
        elif window.at_end or lines.follow:
            return
        elif below < NEAR_EDGE_LINES and (up is False or not is_stuck):
            self._want(Whence.AFTER)

    # What the lines tell

    @on(LogLines.Moved)
    def _moved(self, event: LogLines.Moved) -> None:
        event.stop()
        self._fetch_near(up=event.up)
        self._tell()

    @on(LogLines.EndAsked)
    def _end_asked(self, event: LogLines.EndAsked) -> None:
        event.stop()
        window = self.lines.window
        self._unseen_from = None
        if event.last and window.at_end:
            self.lines.lines_replaced(at_end=True)
        elif not event.last and window.at_start:
            self.lines.lines_replaced(at_end=False)
        else:
            self._want(Whence.END if event.last else Whence.START)
        if event.last and not self._live:
            self.post_message(self.FollowAsked())
        self._tell()

    @on(LogLines.SelectionAsked)
    def _selection_asked(self) -> None:
        self._tell()

    def picture(self) -> LogPicture:
        """Return what can be copied of the log."""
        lines, here = self.lines, self.lines.here
        line = None if here is None else lines.window.line(here).text
        return LogPicture(line, lines.texts(lines.window.shown))

    # Streams and search

    def action_streams(self) -> None:
        """Show both streams, then only stdout, then only stderr."""
        lines = self.lines
        choices = list(Streams)
        streams = choices[(choices.index(lines.window.streams) + 1) % len(choices)]
        lines.window.choose(streams)
        lines.search.scan_anew(lines.window)
        lines.draw_anew()
        self._fetch_near()
        self._tell()

    def _open_prompt(self, ask: Ask, typed: str) -> None:
        self._ask = ask
        self.query_one(".search Static", Static).update(ask.value)
        line = self.query_one(Input)
        self.query_one(".search").display = True
        line.value = typed
        line.focus()

    def action_search(self) -> None:
        """Begin to type what to search for."""
        self._open_prompt(Ask.SEARCH, self._words)

    def action_keep(self) -> None:
        """Begin to type which lines to keep, or after `!` to hide."""
        kept = self.lines.window.kept
        self._open_prompt(Ask.KEEP, kept.label if kept else "")

    def action_go(self) -> None:
        """Begin to type the number or the time of a line to go to."""
        self._open_prompt(Ask.GO, "")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._ask is Ask.SEARCH:
            self._search_for(event.value)
        elif self._ask is Ask.KEEP:
            self._keep(event.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._close_prompt()
        if self._ask is Ask.GO:
            self._go_to(event.value)
        elif self._ask is Ask.SEARCH and self.lines.search.current is None:
            self.action_hit(-1)

    def _close_prompt(self) -> None:
        self.query_one(".search").display = False
        self.lines.focus()

    def _keep(self, words: str) -> None:
        lines, kept = self.lines, line_filter(words)
        if kept == lines.window.kept:
            return
        lines.window.keep(kept)
        lines.search.scan_anew(lines.window)
        lines.draw_anew()
        self._fetch_near()
        self._tell()

    def _search_for(self, words: str) -> None:
        lines = self.lines
        if words == self._words:
            return
        self._words = words
        pattern = search_pattern(words) if words else None
        lines.search.begin(f'"{words}"', pattern, lines.window)
        lines.draw_anew()
        self._tell()

    def action_problem(self, direction: int) -> None:
        """Go to the next (1) or the previous (-1) line that looks like a problem."""
        lines = self.lines
        if lines.search.pattern is not PROBLEM:
            self._words = ""
            lines.search.begin("problem", PROBLEM, lines.window)
            lines.draw_anew()
        self.action_hit(direction)

    def go_to_error(self, text: str) -> None:
        """Go to the first line that has this text; `.` and `,` then go between problems."""
        lines = self.lines
        lines.search.begin("problem", PROBLEM, lines.window)
        find = finds_words(re.compile(re.escape(text)), up=False, shown=lines.window.lets_through)
        self._start_walk("to the error", 0, False, find)

    def action_hit(self, direction: int) -> None:
        """Go to the next (1) or the previous (-1) line that matches."""
        lines = self.lines
        search = lines.search
        if search.pattern is None:
            return
        here = search.current
        if here is None:
            edge = lines.first_visible if direction > 0 else lines.last_visible
            here = (edge or 0) - direction
        went_past = search.step(here, direction)
        window = lines.window
        if (went_past or not search.hits) and not (
            window.at_end if direction > 0 else window.at_start
        ):
            search.current = None
            self._search_beyond(search.pattern, up=direction < 0)
            return
        self._went_round = went_past
        if search.current is not None:
            lines.set_follow(False)
            lines.bring_to_view(search.current)
            self._fetch_near()
        self._tell()

    # Beyond what is in memory

    def _search_beyond(self, pattern: re.Pattern[str], *, up: bool) -> None:
        window = self.lines.window
        start = window.start if up else window.end
        find = finds_words(pattern, up=up, shown=window.lets_through)
        self._start_walk("searching", start, up, find)

    def _go_to(self, words: str) -> None:
        window = self.lines.window
        at = (window.line(o).at for o in window.whole if window.at_start)
        begin = next((moment for moment in at if moment), None)
        find = finds_place(words, begin)
        if find is None:
            told = "no line number or time" if begin or ":" not in words else "g first, then a time"
            self._end_walk(f"{words}: {told}")
            self._tell()
        else:
            self._start_walk(f"to {words}", 0, False, find)

    def _start_walk(self, words: str, start: int, up: bool, find: Finder) -> None:
        self._end_walk(f"{words} ... 0 %")
        self._tell()
        if self._subject is not None:
            self._walk(self._subject, words, start, up, find)

    @work(group="walk")
    async def _walk(
        self, subject: _Subject, words: str, start: int, up: bool, find: Finder
    ) -> None:
        key, index = subject.key, subject.stage_index
        async for step in walk(self._logs, key, index, start=start, up=up, find=find):
            if subject != self._subject:
                return
            if step.found is not None:
                number = step.before + 1 if start == 0 and not up else None
                self._show_found(step.page, step.found, number)
                return
            self._progress = f"{words} ... {step.percent} %, esc ends it"
            self._tell()
        self._progress = f"{words}: nothing more {'above' if up else 'below'}"
        self._tell()

    def _show_found(self, page: LogPage, place: int, number: int | None) -> None:
        lines = self.lines
        self._forget_reading()
        self._progress, self._unseen_from = "", None
        lines.set_follow(False)
        lines.window.reset(page, number)
        lines.search.scan_anew(lines.window)
        lines.lines_replaced(at_end=False)
        lines.search.current = place if lines.search.pattern is not None else None
        lines.bring_to_view(place)
        self._fetch_near()
        self._tell()

    def action_take(self, use: str) -> None:
        """Hand the log to a `pager`, an `editor` or a `file`."""
        window, here = self.lines.window, self.lines.here
        if self._subject is None:
            return
        after = 0 if here is None else here - window.whole.start
        subject = self._subject
        wish = LogTextWish(subject.key, subject.stage_index, "", window.start, after)
        self.post_message(self.TakeAsked(use, wish))

    def action_end_search(self) -> None:
        """Close the line, or end what was begun last: a walk, the search, the filter."""
        lines = self.lines
        is_typed = bool(self.query_one(".search").display)
        if self._progress:
            self._end_walk()
        elif is_typed and self._ask is Ask.GO:
            pass
        elif lines.search.pattern is not None and not (is_typed and self._ask is Ask.KEEP):
            self._words = ""
            lines.search.begin("", None, lines.window)
        else:
            self._keep("")
        lines.draw_anew()
        self._close_prompt()
        self._tell()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave `esc` to the screen, and `n` unused, while there is nothing to end or to find."""
        if not self.is_mounted:
            return True
        if action == "hit":
            return self.lines.search.pattern is not None
        if action == "end_search":
            begun = self.lines.search.pattern or self.lines.window.kept or self._progress
            return bool(begun) or self.query_one(".search").display
        return True

    # The lower edge

    def _new_lines(self) -> int:
        """Return how many lines came since the view stands still, and are below it."""
        lines = self.lines
        if lines.follow or not self._live:
            self._unseen_from = None
            return 0
        end = lines.window.whole.stop
        if self._unseen_from is None:
            self._unseen_from = end
        last = lines.last_visible
        seen_to = max(self._unseen_from, 0 if last is None else last + 1)
        self._unseen_from = min(seen_to, end)
        return lines.window.shown_after(self._unseen_from - 1)

    def _percent(self) -> int | None:
        window, first = self.lines.window, self.lines.first_visible
        if first is None or (self.lines.shows_end and window.at_end):
            return None
        return min(99, 100 * window.offset_of(first) // max(1, window.size))

    def _tell(self) -> None:
        if not self.is_mounted:
            return
        lines = self.lines
        window, search = lines.window, lines.search
        waits = self._reading and not window.shown
        empty = self._problem or self._empty or "No output."
        lines.say_when_empty("" if waits else safe_text(empty))
        self.query_one(PaneFoot).view = foot_line(
            LogFootView(
                follows=lines.follow,
                is_live=self._live,
                new_lines=self._new_lines(),
                percent=self._percent(),
                lines=len(window.shown),
                is_whole=window.at_start and window.at_end,
                searched=search.label,
                hit=search.place(),
                hits=len(search.hits),
                went_round=self._went_round,
                streams=window.streams,
                wraps=lines.wrap,
                selected=len(lines.selected_lines),
                kept=window.kept.label if window.kept else "",
                of_lines=len(window.whole),
                progress=self._progress,
                problem=self._problem or "",
                remark=self._remark,
            )
        )
