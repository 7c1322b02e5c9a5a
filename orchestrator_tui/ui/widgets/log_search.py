"""LogSearch: which lines of a window hold the words that are looked for."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

from orchestrator_tui.primitives.safe_text import strip_sequences
from orchestrator_tui.records.line_looks import LineFilter, LineLook
from orchestrator_tui.ui.widgets.log_window import LogWindow

PATTERN_MARK = "~"  # before what is a regular expression and no literal words
MOST_REPEATS = 3  # of any length in one expression; with more a line can take very long
_REPEAT = re.compile(r"[*+]|\{\d*,\d*\}")
_NO_REPEAT = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.S
)  # escaped, or one of some characters


def line_filter(words: str) -> LineFilter | str | None:
    """Return the filter for words, `!` before them hides; what is wrong with them; or None."""
    hides, wanted = words.startswith("!"), words.removeprefix("!")
    look = look_for(wanted)
    return LineFilter(words, look, hides) if isinstance(look, LineLook) else look


def look_for(words: str) -> LineLook | str | None:
    """Return what finds words, what is wrong with them, or None where there are none.

    Words are literal, after `~` they are a regular expression. Without a capital letter in them
    case does not count.
    """
    wanted = words.removeprefix(PATTERN_MARK)
    if not wanted:
        return None
    case = 0 if any(c.isupper() for c in wanted) else re.IGNORECASE
    if not words.startswith(PATTERN_MARK):
        return LineLook(re.compile(re.escape(wanted), case), (wanted.lower(),))
    case = 0 if any(c.isupper() for c in _NO_REPEAT.sub("", wanted)) else re.IGNORECASE
    if problem := _takes_long(wanted):
        return problem
    try:
        return LineLook(re.compile(wanted, case))
    except (re.error, OverflowError, RecursionError) as error:
        return f"no regular expression: {error}"


def _takes_long(expression: str) -> str:
    """Return why an expression may take very long on some line; nothing can stop it then."""
    plain = _NO_REPEAT.sub("x", expression)
    repeats = list(_REPEAT.finditer(plain))
    if len(repeats) > MOST_REPEATS:
        return f"more than {MOST_REPEATS} repeats can take very long"
    if any(match.start() and plain[match.start() - 1] == ")" for match in repeats):
        return "a repeated group can take very long"
    return ""


class LogSearch:
    """A search over the whole lines of a window, kept up to date as the window moves."""

    def __init__(self) -> None:
        self.label = ""
        self.look: LineLook | None = None
        self.hits: list[int] = []
        self.current: int | None = None
        self._seen = range(0)

    def begin(self, label: str, look: LineLook | None, window: LogWindow) -> None:
        """Look for something else, called `label`; None ends the search."""
        self.label = label
        self.look = look
        self.current = None
        self.scan_anew(window)

    def scan_anew(self, window: LogWindow) -> None:
        """Look through the whole window, as after it began anew or shows other streams."""
        self.hits, self._seen = [], range(0)
        self.scan(window)

    def scan(self, window: LogWindow) -> None:
        """Look through the lines that came into the window, forget those that left it."""
        whole = window.whole
        if self.look is None or whole == self._seen:
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
        return self.look is not None and self.look.finds(text)

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
