"""LogView: a stage's log in a pane with all that one does to it."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator_tui.records.logs import NEWEST_ATTEMPT
from orchestrator_tui.ui.asked import LogPicture, TakeAsked
from orchestrator_tui.ui.keys import LOG_KEYS
from orchestrator_tui.ui.ports import LogTextWish
from orchestrator_tui.ui.widgets.log_finder import LogFinder
from orchestrator_tui.ui.widgets.log_foot import LogFootView, foot_line
from orchestrator_tui.ui.widgets.log_map import LogPlaces
from orchestrator_tui.ui.widgets.log_window import Streams
from orchestrator_tui.ui.widgets.pane_foot import PaneFoot


class LogView(LogFinder):
    """The log with its keys."""

    BINDINGS = LOG_KEYS

    def picture(self) -> LogPicture:
        """Return what can be copied of the log."""
        lines, here = self.lines, self.lines.here
        line = None if here is None else lines.window.line(here).text
        return LogPicture(line, lines.texts(lines.window.shown))

    def action_streams(self) -> None:
        """Show both streams, then only stdout, then only stderr."""
        choices = list(Streams)
        at = choices.index(self.lines.window.streams)
        self.lines.window.choose(choices[(at + 1) % len(choices)])
        self._show_other_lines()

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

    def action_take(self, use: str) -> None:
        """Hand the log to a `pager`, an `editor` or a `file`."""
        window, here, subject = self.lines.window, self.lines.here, self.subject
        if subject is None:
            return
        after = 0 if here is None else here - window.whole.start
        wish = LogTextWish(
            subject.key, subject.stage_index, "", window.start, after, attempt=subject.attempt
        )
        self.post_message(TakeAsked(use, wish))

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
