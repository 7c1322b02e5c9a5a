"""LogFinder: goes through a log by words, patterns, line numbers and times."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

from textual import on, work
from textual.timer import Timer
from textual.widgets import Input, Static

from orchestrator_tui.records.line_looks import LineFilter, LineLook
from orchestrator_tui.records.logs import LogPage, Whence
from orchestrator_tui.ui.failure_text import PROBLEM_LOOK
from orchestrator_tui.ui.ports import LogSource
from orchestrator_tui.ui.widgets.log_counts import LogCount
from orchestrator_tui.ui.widgets.log_marks import LogMarks
from orchestrator_tui.ui.widgets.log_pane import LogPane, Subject
from orchestrator_tui.ui.widgets.log_search import line_filter, look_for
from orchestrator_tui.ui.widgets.log_walk import approach, finds_place, walk, wanted_place

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


class LogFinder(LogPane):
    """A log in which one searches, and chooses the lines that are shown."""

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
        self._words, self._went_round, self._hits, self._ask_problem = "", False, None, ""
        self.lines.search.begin("", None, self.lines.window)

    def _end_walk(self, progress: str = "") -> None:
        self.workers.cancel_group(self, "walk")
        self._progress = progress

    # The line to type in

    def _open_prompt(self, ask: Ask, typed: str) -> None:
        self._ask, self._ask_problem = ask, ""
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
        self.lines.focus()
        self.tell()

    # Which lines are shown

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
        self._end_walk(f"to {words} ... 0 %")
        self.tell()
        if self.subject is not None:
            self._walk(self.subject, f"to {words}", wish, start, before)

    @work(group="walk")
    async def _walk(
        self, subject: Subject, words: str, wish: int | datetime, offset: int, lines: int
    ) -> None:
        logs, request, find = self._logs, subject.request, finds_place(wish)
        before: int | None = lines
        async for near in approach(logs, request, wish, start=offset, before=lines):
            if subject != self.subject:
                return
            offset, before = near.offset, near.before
            self._progress = f"{words} ... {near.percent} %, esc ends it"
            self.tell()
        async for step in walk(logs, request, start=offset, find=find, before=before):
            if subject != self.subject:
                return
            if step.found is not None:
                number = None if step.before is None else step.before + 1
                self._show_page(step.page, step.found, number)
                return
            self._progress = f"{words} ... {step.percent} %, esc ends it"
            self.tell()
        self._progress = f"{words}: nothing more below"
        self.tell()

    def _show_page(self, page: LogPage, position: int, number: int | None) -> None:
        lines = self.lines
        self.forget_reading()
        self._progress = ""
        lines.set_follow(False)
        lines.window.reset(page, number)
        lines.search.scan_anew(lines.window)
        lines.lines_replaced(at_end=False)
        self.learn_numbers()
        self.show_found(position)

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
        self._ask_problem = ""
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
