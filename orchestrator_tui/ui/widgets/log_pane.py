"""LogPane: reads a stage's log page by page as it is looked at, and follows what grows."""

from __future__ import annotations

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.line_looks import LineChoice
from orchestrator_tui.records.logs import NEWEST_ATTEMPT, LogPage, LogRequest, Stream, Whence
from orchestrator_tui.ui.asked import SelectionAsked
from orchestrator_tui.ui.failure_text import PROBLEM_LOOK, WARNING_LOOK
from orchestrator_tui.ui.leaving import EndsItsWork
from orchestrator_tui.ui.ports import LogSource
from orchestrator_tui.ui.widgets.lines import entitle
from orchestrator_tui.ui.widgets.log_counts import LogCount
from orchestrator_tui.ui.widgets.log_lines import LogLines
from orchestrator_tui.ui.widgets.log_marks import LogMarks
from orchestrator_tui.ui.widgets.log_notice import LogNotice
from orchestrator_tui.ui.widgets.pane_foot import PaneFoot

POLL_S = 0.15  # how often the end of a growing log is looked at
SURVEY_S = 1.0  # how often what came is counted too
PAGE_LINES = 1_000
FAR_BYTES = 1024 * 1024  # behind by more, a view that follows jumps to the end
OUTPUT = LineChoice(frozenset([Stream.STDOUT, Stream.STDERR]))  # a command's words are no problem
NEAR_EDGE_LINES = 300  # fetch the next page when fewer lines than these are left to scroll over


@dataclass(frozen=True, slots=True)
class Subject:
    """The log that is shown."""

    key: RunKey
    stage_index: int
    attempt: int = NEWEST_ATTEMPT

    def request(self, whence: Whence, offset: int, lines: int = PAGE_LINES) -> LogRequest:
        """Return the request for a page of it."""
        return LogRequest(self.key, self.stage_index, whence, offset, lines, self.attempt)


class LogPane(Vertical, EndsItsWork):
    """A stage's log: what is visible is drawn, what is near is in memory, the rest is on disk.

    Only one page is read at a time, by a worker; keys and timers just say what is wanted next.
    Another worker looks through the whole of a log that is not very large, for its problems and
    the numbers of its lines.
    """

    class FollowAsked(Message):
        """The end of a log that does not grow is to be followed: the run may be elsewhere."""

    class Counted(Message):
        """More is known of the whole log, or another part of it is visible."""

    def __init__(
        self, logs: LogSource, *, marks: LogMarks | None = None, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._logs = logs
        self.marks = marks or LogMarks()
        self._subject: Subject | None = None
        self._live = False
        self._last_look = False
        self._reading = False
        self._wanted: Whence | None = None
        self._goal: int | None = None
        self._seeks_problem = False
        self._unseen_from: int | None = None
        self._problem: str | None = None
        self._empty = ""
        self._remark = ""
        self._quiet = ""
        self.map = self._new_map()
        self._counting: LogCount | None = None
        self._polls: list[Timer] = []

    def compose(self) -> ComposeResult:
        """Yield the lines, the line to type a search in, and the lower edge."""
        with Vertical(classes="pane pane-body"):
            yield LogLines()
            yield LogNotice()
            with Horizontal(classes="search"):
                yield Static("/", markup=False)
                yield Input(compact=True, select_on_focus=True)
        yield PaneFoot()

    def on_mount(self) -> None:
        """Look at the end of the log from time to time."""
        self.query_one(".search").display = False
        self._polls = [
            self.set_interval(POLL_S, self._look_at_end, pause=not self._live),
            self.set_interval(SURVEY_S, self._survey_on, pause=not self._live),
        ]
        self.tell()

    @property
    def lines(self) -> LogLines:
        """The widget that draws the lines and takes the keys."""
        return self.query_one(LogLines)

    @property
    def subject(self) -> Subject | None:
        """Which log is shown."""
        return self._subject

    @property
    def is_live(self) -> bool:
        """Whether the log may grow."""
        return self._live

    def tell(self) -> None:
        """Say in the lower edge what is shown; what subclasses are made for."""

    def begin_anew(self) -> None:
        """Forget what belongs to another log; what subclasses are made for."""

    def show(
        self,
        key: RunKey,
        stage_index: int,
        *,
        live: bool,
        failed: bool = False,
        title: str = "",
        empty: str = "",
        remark: str = "",
        quiet: str = "",
    ) -> None:
        """Show the log of a stage, from its end, of a `failed` one from its first problem on.

        It is followed while it is `live`. Shown already, only what changed is taken over: a log
        that is not live any more is read to its end once. `title` stands in the frame, `empty`
        where there are no lines, `remark` in the lower edge, `quiet` is for how long a live stage
        has written nothing; none need be safe.
        """
        self._empty, self._remark, self._quiet = empty, remark, quiet
        entitle(self.query_one(".pane-body"), title, "")
        shown = self._subject
        if shown is None or (shown.key, shown.stage_index) != (key, stage_index):
            self._begin(Subject(key, stage_index), live=live, at_problem=failed)
        elif shown.attempt == NEWEST_ATTEMPT and live and not self._live:
            self._set_live(True)
            self.lines.set_follow(self.lines.shows_end)
        elif self._live and not live:
            self._set_live(False)
            self._last_look = self.lines.follow or not self.lines.window.is_full
            self.lines.window.at_end = False
            self.fetch_near()
        self.tell()

    def show_attempt(self, attempt: int) -> None:
        """Show another attempt of the same stage, from its end; the newest has not to be named."""
        subject = self._subject
        if subject is None:
            return
        self._begin(Subject(subject.key, subject.stage_index, attempt), live=False)
        self.tell()

    def _begin(self, subject: Subject, *, live: bool, at_problem: bool = False) -> None:
        self._subject = subject
        self.forget_reading()
        self.workers.cancel_group(self, "survey")
        self._counting = None
        self.map = self._new_map()
        self._problem, self._unseen_from = None, None
        lines = self.lines
        lines.window.clear_before(None)
        lines.window.reset(LogPage((), 0, 0, 0))
        lines.show_marks(self.marks.of(subject.key, subject.stage_index))
        self.begin_anew()
        self._set_live(live)
        lines.set_follow(live)
        lines.lines_replaced(at_end=True)
        self._seeks_problem = at_problem and not live
        if not self._seeks_problem:  # else where to open is known after a first survey
            self.want(Whence.END)
        self.survey(self.map)

    @staticmethod
    def _new_map() -> LogCount:
        return LogCount((PROBLEM_LOOK, WARNING_LOOK), OUTPUT)

    def forget_reading(self) -> None:
        """Read no page that was asked for."""
        self.workers.cancel_group(self, "log")
        self._reading, self._wanted, self._goal = False, None, None

    def _set_live(self, live: bool) -> None:
        self._live = live
        self._last_look = False
        self.lines.can_follow = live
        for timer in self._polls:
            if live:
                timer.resume()
            else:
                timer.pause()

    # Reading

    @property
    def _is_seen(self) -> bool:
        return self.is_on_screen and self.screen.is_active

    def _look_at_end(self) -> None:
        window = self.lines.window
        if self._reading or not self._is_seen:
            return
        if window.is_full and not self.lines.follow:
            # Growing here would drop the lines that are being looked at.
            window.at_end = False
            return
        self.want(Whence.END if self._is_far_behind and self.lines.follow else Whence.AFTER)

    @property
    def _is_far_behind(self) -> bool:
        window = self.lines.window
        return window.size - window.end > FAR_BYTES

    def want(self, whence: Whence) -> None:
        """Read a page as soon as no other one is being read."""
        if self._subject is None:
            return
        if self._reading:
            # What is near is looked at again after the page; a place has to be remembered.
            if whence in (Whence.START, Whence.END, Whence.AT):
                self._wanted = whence
            return
        self._reading = True
        self._read(self._subject, whence)

    def go_to_place(self, place: int) -> None:
        """Put the cursor on the line at a place, wherever in the log it lies."""
        self._seeks_problem = False
        ordinal = self.lines.window.ordinal_at(place)
        if ordinal is None:
            self._goal = place
            self.want(Whence.AT)
        else:
            self.show_found(ordinal)

    def show_found(self, ordinal: int) -> None:
        """Put the cursor on a line that is in memory."""
        lines = self.lines
        lines.search.current = ordinal if lines.search.look is not None else None
        lines.bring_to_view(ordinal)
        self.fetch_near()
        self.tell()

    @work(group="log")
    async def _read(self, subject: Subject, whence: Whence) -> None:
        window = self.lines.window
        offsets = {
            Whence.AFTER: window.end,
            Whence.BEFORE: window.start,
            Whence.AT: self._goal or 0,
        }
        page = await self._logs.read(subject.request(whence, offsets.get(whence, 0)))
        if subject != self._subject:
            return
        self._reading = False
        before = (window.start, window.end)
        self._take(page, whence)
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self.want(wanted)
        elif before != (window.start, window.end) or whence is not Whence.AFTER:
            self.fetch_near()

    def _take(self, page: LogPage, whence: Whence) -> None:
        lines = self.lines
        window = lines.window
        self._problem = page.problem
        goes_on = whence in (Whence.AFTER, Whence.BEFORE)
        is_other = goes_on and bool(window.end) and page.attempt != window.attempt
        if page.replaced or is_other:
            self.map = self._new_map()
            self._wanted = Whence.END
            self.survey(self.map)
            return
        if not goes_on:
            self._unseen_from = None
            window.reset(page)
            lines.search.current = None
            lines.search.scan_anew(window)
            lines.lines_replaced(at_end=whence is Whence.END)
            self._reach_goal(whence)
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
        self.learn_numbers()
        self.tell()

    def _reach_goal(self, whence: Whence) -> None:
        goal, window = self._goal, self.lines.window
        self._goal = None
        ordinal = window.ordinal_from(goal) if whence is Whence.AT and goal is not None else None
        if ordinal is not None:
            self.show_found(ordinal)

    def fetch_near(self, *, up: bool | None = None) -> None:
        """Fetch the page beyond an edge of the window that is near, or that the user moves to.

        A full window with few lines to show, as of one stream, has both edges near: it moves only
        the way that the user goes, `up` or down.
        """
        lines, window = self.lines, self.lines.window
        if self._last_look and not window.at_end:
            self.want(Whence.END if self._is_far_behind else Whence.AFTER)
            return
        first, last = lines.first_visible, lines.last_visible
        above = window.shown_before(first) if first is not None else 0
        below = window.shown_after(last) if last is not None else 0
        is_stuck = window.is_full and len(window.shown) < NEAR_EDGE_LINES
        has_above = not window.at_start and not window.is_cleared
        if has_above and above < NEAR_EDGE_LINES and (up or not is_stuck):
            self.want(Whence.BEFORE)
        elif window.at_end or lines.follow:
            return
        elif below < NEAR_EDGE_LINES and (up is False or not is_stuck):
            self.want(Whence.AFTER)

    # The whole log

    def _survey_on(self) -> None:
        """Count what came to a growing log."""
        is_behind = self.map.end < self.lines.window.size
        if self._counting is None and is_behind and self._is_seen:
            self.survey(self.map)

    def survey(self, count: LogCount) -> None:
        """Look through the log for a count, instead of for another one of its kind."""
        if self._subject is not None:
            self._counting = count
            self._survey(self._subject, count)

    @work(group="survey", exclusive=True)
    async def _survey(self, subject: Subject, count: LogCount) -> None:
        while not count.is_enough:
            request = subject.request(Whence.AFTER, count.end)
            step = await self._logs.survey(request, count.looks, count.choice)
            if subject != self._subject:
                return
            if step.replaced or step.problem:
                break
            count.take(step)
            self._take_count(count)
            if step.at_end:
                break
        self._counting = None
        self._take_count(count)
        self.after_survey(count)

    def after_survey(self, count: LogCount) -> None:
        """Go on with what else is to be counted."""

    def _take_count(self, count: LogCount) -> None:
        if count is self.map:
            self.learn_numbers()
            if self._seeks_problem:
                self._seek_problem()
        self.tell()

    def end_seeking(self) -> None:
        """Open a failed stage at its end after all."""
        if self._seeks_problem:
            self._seeks_problem = False
            self.want(Whence.END)

    def _seek_problem(self) -> None:
        """Open a failed stage at its first problem; at its end while none was found."""
        if self.map.places[0]:
            self.go_to_place(self.map.places[0][0])
        elif not self._reading and not self.lines.window.whole:
            self.want(Whence.END)
        self._seeks_problem = self._seeks_problem and self._counting is not None

    def learn_numbers(self) -> None:
        """Take over the number of a line in memory from what was counted."""
        lines, window = self.lines, self.lines.window
        if not window.whole or window.number_of(window.whole.start) is not None:
            return
        spot = self.map.waypoint_from(window.line(window.whole.start).place)
        if spot is not None and window.learn_number(spot.place, spot.number):
            lines.draw_anew()

    # What the lines tell

    @on(LogLines.Moved)
    def _moved(self, event: LogLines.Moved) -> None:
        event.stop()
        if event.up is not None:
            self._seeks_problem = False
        self.fetch_near(up=event.up)
        self.tell()

    @on(LogLines.EndAsked)
    def _end_asked(self, event: LogLines.EndAsked) -> None:
        event.stop()
        window = self.lines.window
        self._unseen_from, self._seeks_problem = None, False
        if event.last and window.at_end:
            self.lines.lines_replaced(at_end=True)
        elif not event.last and (window.at_start or window.is_cleared):
            self.lines.lines_replaced(at_end=False)
        else:
            self.want(Whence.END if event.last else Whence.START)
        if event.last and not self._live:
            self.post_message(self.FollowAsked())
        self.tell()

    @on(SelectionAsked)
    def _selection_asked(self) -> None:
        self.tell()

    # For the lower edge

    def new_lines(self) -> int:
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

    def percent(self) -> int | None:
        """Return how far down in the log the view is; None at its end."""
        window, first = self.lines.window, self.lines.first_visible
        if first is None or (self.lines.shows_end and window.at_end):
            return None
        return min(99, int(100 * window.portion(window.offset_of(first))))

    def say_when_empty(self) -> None:
        """Say why there are no lines, and what the newest ones do not tell."""
        lines = self.lines
        waits = self._reading and not lines.window.shown
        empty = self._problem or self._empty or "No output."
        lines.say_when_empty("" if waits else safe_text(empty))
        newest = lines.window.last_written()
        self.query_one(LogNotice).tell(self._quiet if self._live else "", newest)
