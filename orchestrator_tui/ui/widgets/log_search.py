"""LogSearch: which lines of a window hold the words that are looked for."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

from orchestrator_tui.primitives.safe_text import strip_sequences
from orchestrator_tui.ui.widgets.log_window import LineFilter, LogWindow


def line_filter(words: str) -> LineFilter | None:
    """Return the filter for literal words, `!` before them hides; None for no words."""
    hides, wanted = words.startswith("!"), words.removeprefix("!")
    return LineFilter(words, search_pattern(wanted), hides) if wanted else None


def search_pattern(words: str) -> re.Pattern[str]:
    """Return a pattern for literal words; without a capital letter in them, case does not count."""
    return re.compile(re.escape(words), 0 if any(c.isupper() for c in words) else re.IGNORECASE)


class LogSearch:
    """A search over the whole lines of a window, kept up to date as the window moves."""

    def __init__(self) -> None:
        self.label = ""
        self.pattern: re.Pattern[str] | None = None
        self.hits: list[int] = []
        self.current: int | None = None
        self._seen = range(0)

    def begin(self, label: str, pattern: re.Pattern[str] | None, window: LogWindow) -> None:
        """Look for another pattern, called `label`; None ends the search."""
        self.label = label
        self.pattern = pattern
        self.current = None
        self.scan_anew(window)

    def scan_anew(self, window: LogWindow) -> None:
        """Look through the whole window, as after it began anew or shows other streams."""
        self.hits, self._seen = [], range(0)
        self.scan(window)

    def scan(self, window: LogWindow) -> None:
        """Look through the lines that came into the window, forget those that left it."""
        whole = window.whole
        if self.pattern is None or whole == self._seen:
            return
        if not self._seen or whole.start > self._seen.stop or whole.stop < self._seen.start:
            self.hits, self._seen = [], range(whole.start, whole.start)
        shown = window.shown
        before = shown[bisect_left(shown, whole.start) : bisect_left(shown, self._seen.start)]
        after = shown[bisect_left(shown, self._seen.stop) : bisect_left(shown, whole.stop)]
        kept = self.hits[bisect_left(self.hits, whole.start) : bisect_left(self.hits, whole.stop)]
        self.hits = [
            *(o for o in before if self._matches(window, o)),
            *kept,
            *(o for o in after if self._matches(window, o)),
        ]
        self._seen = whole

    def _matches(self, window: LogWindow, ordinal: int) -> bool:
        text = strip_sequences(window.line(ordinal).text)
        return self.pattern is not None and self.pattern.search(text) is not None

    def step(self, from_ordinal: int, direction: int) -> bool:
        """Go to the next hit after (1) or before (-1) a line; tell whether it went past an end."""
        if not self.hits:
            self.current = None
            return False
        if direction > 0:
            place = bisect_right(self.hits, from_ordinal)
        else:
            place = bisect_left(self.hits, from_ordinal) - 1
        self.current = self.hits[place % len(self.hits)]
        return not 0 <= place < len(self.hits)

    def place(self) -> int:
        """Return the number of the current hit, from 1; 0 where there is none."""
        if self.current is None:
            return 0
        place = bisect_left(self.hits, self.current)
        found = place < len(self.hits) and self.hits[place] == self.current
        return place + 1 if found else 0
