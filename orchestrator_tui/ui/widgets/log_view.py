"""LogView: a stage's log in a pane, with what one does to it: search, filter, marks, attempts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

from textual import on, work
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from orchestrator_tui.records.line_looks import LineFilter, LineLook
from orchestrator_tui.records.logs import NEWEST_ATTEMPT, LogPage, Whence
from orchestrator_tui.ui.copying import LogPicture
from orchestrator_tui.ui.failure_text import PROBLEM_LOOK
from orchestrator_tui.ui.keys import LOG_KEYS
from orchestrator_tui.ui.ports import LogSource, LogTextWish
from orchestrator_tui.ui.widgets.log_counts import LogCount
from orchestrator_tui.ui.widgets.log_foot import LogFootView, foot_line
from orchestrator_tui.ui.widgets.log_map import LogPlaces
from orchestrator_tui.ui.widgets.log_marks import LogMarks
from orchestrator_tui.ui.widgets.log_pane import LogPane, Subject
from orchestrator_tui.ui.widgets.log_search import line_filter, look_for
from orchestrator_tui.ui.widgets.log_walk import Finder, finds_place, walk, wanted_place
from orchestrator_tui.ui.widgets.log_window import Streams
from orchestrator_tui.ui.widgets.pane_foot import PaneFoot

COUNT_AFTER_S = 0.2  # without a key, so that a search is not counted for each letter of it


class Ask(StrEnum):
    """What is typed in the line below the log; the value stands before it."""

    SEARCH = "/"
    KEEP = "&"
    GO = ":"


_PLACEHOLDERS = {
    Ask.SEARCH: "words, or ~ and a pattern",
    Ask.KEEP: "words to keep, ! before them hides, ~ before a pattern",
    Ask.GO: "a line 1200, a time 14:05:30, or +1:30 since the start",
}


class LogView(LogPane):
    """The log with its keys."""

    BINDINGS = LOG_KEYS

    class TakeAsked(Message):
        """The log is to go to a `pager`, an `editor` or a `file`; the wish lacks the stage's id."""

        def __init__(self, use: str, wish: LogTextWish) -> None:
            super().__init__()
            self.use = use
            self.wish = wish

    def __init__(
        self, logs: LogSource, *, marks: LogMarks | None = None, id: str | None = None
    ) -> None:
        super().__init__(logs, marks=marks, id=id)
        self._words = ""
        self._went_round = False
        self._ask = Ask.SEARCH
        self._ask_problem = ""
        self._progress = ""
        self._hits: LogCount | None = None
        self._count_timer: Timer | None = None
        self._mapped_hits: list[int] = []
        self._mapped_places: list[int] = []

    def begin_anew(self) -> None:
        """End the search and what goes on; a filter stays."""
        self._end_walk()
        self._words, self._went_round, self._hits = "", False, None
        self.lines.search.begin("", None, self.lines.window)

    def _end_walk(self, progress: str = "") -> None:
        self.workers.cancel_group(self, "walk")
        self._progress = progress

    def picture(self) -> LogPicture:
        """Return what can be copied of the log."""
        lines, here = self.lines, self.lines.here
        line = None if here is None else lines.window.line(here).text
        return LogPicture(line, lines.texts(lines.window.shown))

    # The line to type in

    def _open_prompt(self, ask: Ask, typed: str) -> None:
        self._ask = ask
        self.query_one(".search Static", Static).update(ask.value)
        line = self.query_one(Input)
        line.placeholder = _PLACEHOLDERS[ask]
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
        self._ask_problem = ""
        self.lines.focus()
        self.tell()

    # Which lines are shown

    def action_streams(self) -> None:
        """Show both streams, then only stdout, then only stderr."""
        choices = list(Streams)
        at = choices.index(self.lines.window.streams)
        self.lines.window.choose(choices[(at + 1) % len(choices)])
        self._show_other_lines()

    def _keep(self, words: str) -> None:
        kept = line_filter(words)
        self._ask_problem = kept if isinstance(kept, str) else ""
        if isinstance(kept, LineFilter) or kept is None:
            if kept == self.lines.window.kept:
                return
            self.lines.window.keep(kept)
            self._show_other_lines()
        self.tell()

    def _show_other_lines(self) -> None:
        lines = self.lines
        lines.search.scan_anew(lines.window)
        lines.draw_anew()
        self._count_hits()
        self.fetch_near()
        self.tell()

    def action_clear_before(self) -> None:
        """Show only what follows the line that a person is at, or all lines again."""
        lines, here = self.lines, self.lines.here
        if lines.window.is_cleared:
            lines.window.clear_before(None)
        elif here is not None and lines.window.is_whole(here):
            lines.window.clear_before(here)
        self._show_other_lines()

    def action_attempt(self) -> None:
        """Show the attempt before, and after the first one the newest."""
        window = self.lines.window
        if window.attempts < 2:
            self.notify("This stage has one attempt.", markup=False)
            return
        before = window.attempt - 1 or window.attempts
        self.show_attempt(NEWEST_ATTEMPT if before == window.attempts else before)

    # Search

    def _search_for(self, words: str) -> None:
        lines = self.lines
        if words == self._words:
            return
        look = look_for(words)
        self._ask_problem = look if isinstance(look, str) else ""
        self._words = words
        lines.search.begin(f'"{words}"', look if isinstance(look, LineLook) else None, lines.window)
        lines.draw_anew()
        self._count_hits()
        self.tell()

    def _count_hits(self) -> None:
        """Count the hits of the whole log, after the last letter was typed."""
        self._hits = None
        if self._count_timer is not None:
            self._count_timer.stop()
        if self.lines.search.look is not None and not self.lines.window.is_whole_log:
            self._count_timer = self.set_timer(COUNT_AFTER_S, self._begin_count)

    def _begin_count(self) -> None:
        look = self.lines.search.look
        if look is not None:
            self._hits = LogCount((look,), self.lines.window.choice)
            self.survey(self._hits)

    def after_survey(self, count: LogCount) -> None:
        """Go on with the problems of the whole log, after the hits of a search."""
        if count is not self.map and not (self.map.is_complete or self.map.is_enough):
            self.survey(self.map)

    def go_to_error(self, text: str) -> None:
        """Go to the first line that has this text; the log's end is shown until it is found."""
        self.end_seeking()
        look = LineLook(re.compile(re.escape(text)), (text.lower(),))
        self._seek("to the error", look, 0, up=False)

    def action_hit(self, direction: int) -> None:
        """Go to the next (1) or the previous (-1) line that matches."""
        lines = self.lines
        search, window = lines.search, lines.window
        if search.look is None:
            return
        here = search.current if search.current is not None else lines.cursor
        if here is None:
            edge = lines.first_visible if direction > 0 else lines.last_visible
            here = (edge or 0) - direction
        went_past = search.step(here, direction)
        if (went_past or not search.hits) and not window.is_whole_log:
            search.current = None
            self._hit_beyond(search.look, here, direction)
            return
        self._went_round = went_past
        if search.current is not None:
            self.show_found(search.current)
        self.tell()

    def _hit_beyond(self, look: LineLook, here: int, direction: int) -> None:
        """Go to a hit that is not in memory, as far as it was counted; else look for it."""
        window, count = self.lines.window, self._hits
        place = window.place_near(here)
        found = count.beyond(place, direction) if count else None
        self._went_round = found is None
        if found is None and count is not None:
            found = count.edge(direction)
        if found is not None:
            self._end_walk()
            self.go_to_place(found)
        else:
            self._went_round = False
            self._search_beyond(look, up=direction < 0)

    def action_problem(self, direction: int) -> None:
        """Go to the next (1) or the previous (-1) line that looks like a problem."""
        lines, window = self.lines, self.lines.window
        here = lines.cursor
        if here is None:
            edge = lines.first_visible if direction > 0 else lines.last_visible
            here = (edge or 0) - direction
        place = window.place_near(here)
        found = self.map.beyond(place, direction)
        while found is not None and not self._is_shown(found):
            found = self.map.beyond(found, direction)
        if found is None and not self.map.is_complete:
            self._search_beyond(PROBLEM_LOOK, up=direction < 0)
            return
        self._went_round = found is None
        found = self.map.edge(direction) if found is None else found
        self._end_walk("" if found is not None else "no line looks like a problem")
        if found is not None:
            self.go_to_place(found)
        self.tell()

    def _is_shown(self, place: int) -> bool:
        window = self.lines.window
        ordinal = window.ordinal_at(place)
        return ordinal is None or window.lets_through(window.line(ordinal))

    # Marks

    def action_mark(self) -> None:
        """Mark the line that a person is at, or take its mark away."""
        lines, here, subject = self.lines, self.lines.here, self.subject
        if here is None or subject is None:
            return
        if not lines.window.is_whole(here):
            self.notify("A line can be marked once it has ended.", markup=False)
            return
        place = lines.window.line(here).place
        self.marks.toggle(subject.key, subject.stage_index, place)
        lines.row_changed(here)
        self.post_message(self.Counted())

    def action_next_mark(self) -> None:
        """Go to the next marked line, after the last one to the first."""
        subject, window = self.subject, self.lines.window
        marked = self.marks.of(subject.key, subject.stage_index) if subject else ()
        places = [place for place in marked if window.first <= place < max(1, window.size)]
        if not places:
            self.notify("No line is marked. m marks the line that > points to.", markup=False)
            return
        here = self.lines.cursor
        place = -1 if here is None else window.place_near(here)
        self.go_to_place(next((p for p in places if p > place), places[0]))

    # Beyond what is in memory

    def _search_beyond(self, look: LineLook, *, up: bool) -> None:
        window = self.lines.window
        self._seek("searching", look, window.start if up else window.end, up=up)

    def _seek(self, words: str, look: LineLook, start: int, *, up: bool) -> None:
        self._end_walk(f"{words} ... 0 %")
        self.tell()
        if self.subject is not None:
            self._seek_on(self.subject, words, look, start, up)

    @work(group="walk")
    async def _seek_on(
        self, subject: Subject, words: str, look: LineLook, start: int, up: bool
    ) -> None:
        choice, offset = self.lines.window.choice, start
        whence = Whence.BEFORE if up else Whence.AFTER
        while True:
            step = await self._logs.survey(subject.request(whence, offset), (look,), choice)
            if subject != self.subject:
                return
            if step.replaced or step.problem:
                break
            if step.found[0]:
                self._progress = ""
                self.go_to_place(step.found[0][-1 if up else 0])
                return
            offset = step.start if up else step.end
            if step.start <= step.first if up else step.at_end:
                break
            done, whole = abs(offset - start), start - step.first if up else step.size - start
            self._progress = f"{words} ... {min(99, 100 * done // max(1, whole))} %, esc ends it"
            self.tell()
        self._progress = f"{words}: nothing more {'above' if up else 'below'}"
        self.tell()

    def _go_to(self, words: str) -> None:
        wish = wanted_place(words, self.lines.window.begun_at)
        if isinstance(wish, str):
            self._end_walk(wish)
            self.tell()
            return
        near = self.lines.window.numbered(wish) if isinstance(wish, int) else None
        if near is not None:
            self._end_walk()
            self.show_found(near)
            return
        known = self.map.waypoint_before(wish) if isinstance(wish, int) else None
        start, before = (known.place, known.number - 1) if known else (0, 0)
        self._start_walk(f"to {words}", start, finds_place(wish), before)

    def _start_walk(self, words: str, start: int, find: Finder, before: int) -> None:
        self._end_walk(f"{words} ... 0 %")
        self.tell()
        if self.subject is not None:
            self._walk(self.subject, words, start, find, before)

    @work(group="walk")
    async def _walk(
        self, subject: Subject, words: str, start: int, find: Finder, before: int
    ) -> None:
        async for step in walk(self._logs, subject.request, start=start, find=find, before=before):
            if subject != self.subject:
                return
            if step.found is not None:
                self._show_page(step.page, step.found, step.before + 1)
                return
            self._progress = f"{words} ... {step.percent} %, esc ends it"
            self.tell()
        self._progress = f"{words}: nothing more below"
        self.tell()

    def _show_page(self, page: LogPage, position: int, number: int) -> None:
        lines = self.lines
        self.forget_reading()
        self._progress = ""
        lines.set_follow(False)
        lines.window.reset(page, number)
        lines.search.scan_anew(lines.window)
        lines.lines_replaced(at_end=False)
        self.learn_numbers()
        self.show_found(position)

    def action_take(self, use: str) -> None:
        """Hand the log to a `pager`, an `editor` or a `file`."""
        window, here, subject = self.lines.window, self.lines.here, self.subject
        if subject is None:
            return
        after = 0 if here is None else here - window.whole.start
        wish = LogTextWish(
            subject.key, subject.stage_index, "", window.start, after, attempt=subject.attempt
        )
        self.post_message(self.TakeAsked(use, wish))

    def action_end_search(self) -> None:
        """Close the line, or end what was begun last: a walk, the search, the filter."""
        lines = self.lines
        is_typed = bool(self.query_one(".search").display)
        if self._progress:
            self._end_walk()
        elif is_typed and self._ask is Ask.GO:
            pass
        elif lines.search.look is not None and not (is_typed and self._ask is Ask.KEEP):
            self._words, self._hits = "", None
            lines.search.begin("", None, lines.window)
        else:
            self._keep("")
        lines.draw_anew()
        self._close_prompt()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave `esc` to the screen, and `n` unused, while there is nothing to end or to find."""
        if not self.is_mounted:
            return True
        if action == "hit":
            return self.lines.search.look is not None
        if action == "end_search":
            begun = self.lines.search.look or self.lines.window.kept or self._progress
            return bool(begun) or self.query_one(".search").display
        return True

    # The lower edge

    def _hit_numbers(self) -> tuple[int, int, bool]:
        """Return which hit of how many is shown, and whether these are all."""
        lines, search, count = self.lines, self.lines.search, self._hits
        if count is None or lines.window.is_whole_log:
            return search.place(), len(search.hits), lines.window.is_whole_log
        at = 0 if search.current is None else count.rank(lines.window.place_near(search.current))
        return at, max(count.total(), len(search.hits)), count.is_complete

    def places(self) -> LogPlaces:
        """Return where in the log lies what is worth going to."""
        lines, window, subject = self.lines, self.lines.window, self.subject
        first, last = lines.first_visible, lines.last_visible
        return LogPlaces(
            first=window.first,
            size=max(window.size, self.map.end),
            top=window.first if first is None else window.place_near(first),
            bottom=window.first if last is None else window.place_near(last) + 1,
            problems=self.map.places[0],
            warnings=self.map.places[1],
            marks=self.marks.of(subject.key, subject.stage_index) if subject else (),
            hits=self._hit_places(),
            told=self.map.told,
        )

    def _hit_places(self) -> Sequence[int]:
        if self._hits is not None:
            return self._hits.places[0]
        window, hits = self.lines.window, self.lines.search.hits
        if self._mapped_hits is not hits:
            self._mapped_hits = hits
            self._mapped_places = [window.line(hit).place for hit in hits]
        return self._mapped_places

    def tell(self) -> None:
        """Say in the lower edge what is shown."""
        if not self.is_mounted:
            return
        lines = self.lines
        window, cursor = lines.window, lines.cursor
        self.say_when_empty()
        hit, hits, has_all_hits = self._hit_numbers()
        count = self.map.lines if self.map.is_complete else len(window.shown)
        is_all = window.kept is None and window.streams is Streams.BOTH and not window.is_cleared
        at_problem = self.map.rank(window.place_near(cursor)) if cursor is not None else 0
        self.query_one(PaneFoot).view = foot_line(
            LogFootView(
                follows=lines.follow,
                is_live=self.is_live,
                new_lines=self.new_lines(),
                percent=self.percent(),
                lines=max(count, len(window.shown)) if is_all else len(window.shown),
                is_whole=window.is_whole_log or (is_all and self.map.is_complete),
                searched=lines.search.label,
                hit=hit,
                hits=hits,
                has_all_hits=has_all_hits,
                problem_at=at_problem,
                problems=self.map.total(),
                has_all_problems=self.map.is_complete,
                went_round=self._went_round,
                streams=window.streams,
                wraps=lines.wrap,
                times=lines.times.value,
                selected=len(lines.selected_lines),
                kept=window.kept.label if window.kept else "",
                of_lines=len(window.whole),
                is_cleared=window.is_cleared,
                attempt=window.attempt,
                attempts=window.attempts,
                progress=self._progress,
                problem=self._ask_problem or self._problem or "",
                remark=self._remark,
            )
        )
        self.post_message(self.Counted())
