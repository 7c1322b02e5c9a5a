"""Going through a whole log page by page, for what is not in memory."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from orchestrator_tui.primitives.safe_text import strip_sequences
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.logs import LogLine, LogPage, LogRequest, Whence
from orchestrator_tui.ui.ports import LogSource

STEP_LINES = 2_000  # of one page; the source bounds its bytes too
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")

# The position on a page of the line that is looked for, given how many lines came before the page.
Finder = Callable[[LogPage, int], int | None]


@dataclass(frozen=True, slots=True)
class Step:
    """One page of the walk; `found` is a position on it, `before` how many lines lie before it."""

    page: LogPage
    percent: int
    before: int
    found: int | None = None


async def walk(
    logs: LogSource, key: RunKey, stage_index: int, *, start: int, up: bool, find: Finder
) -> AsyncIterator[Step]:
    """Yield each page from an offset on, or back from it, until one has what is looked for.

    `before` counts from `start`, so it is the number of lines before the page only from 0 on.
    """
    offset, before = start, 0
    while True:
        whence = Whence.BEFORE if up else Whence.AFTER
        page = await logs.read(LogRequest(key, stage_index, whence, offset, STEP_LINES))
        if page.replaced or page.problem:
            return
        span = start if up else max(1, page.size - start)
        done = start - page.start if up else page.end - start
        found = find(page, before)
        yield Step(page, min(99, 100 * done // max(1, span)), before, found)
        reached = page.start if up else page.end
        if found is not None or reached == offset or (page.at_start if up else page.at_end):
            return
        offset, before = reached, before + len(page.lines)


def finds_words(pattern: re.Pattern[str], *, up: bool, shown: Callable[[LogLine], bool]) -> Finder:
    """Return what finds the first shown line with a pattern, or with `up` the last of a page."""

    def find(page: LogPage, _before: int) -> int | None:
        places = range(len(page.lines))
        for place in reversed(places) if up else places:
            line = page.lines[place]
            if pattern.search(strip_sequences(line.text)) and shown(line):
                return place
        return None

    return find


def finds_place(words: str, begin: datetime | None) -> Finder | None:
    """Return what finds a line by its number, from 1, or by a local time; None for other words.

    A time before that of `begin`, when the log's first line was written, is of the next day.
    """
    number = words.strip().lstrip(":").replace(",", "")
    if number.isdecimal() and len(number) < 16:
        return _finds_number(max(1, int(number)))
    told = _TIME.fullmatch(words.strip())
    if told is None or begin is None:
        return None
    local = begin.astimezone()
    hour, minute, second = (int(part or 0) for part in told.groups())
    moment = datetime.combine(local.date(), time(hour, minute, second), local.tzinfo)
    if moment < local.replace(microsecond=0):
        moment += timedelta(days=1)
    return _finds_moment(moment)


def _finds_number(number: int) -> Finder:
    def find(page: LogPage, before: int) -> int | None:
        if number <= before + len(page.lines):
            return number - before - 1
        return len(page.lines) - 1 if page.at_end and page.lines else None

    return find


def _finds_moment(moment: datetime) -> Finder:
    def find(page: LogPage, _before: int) -> int | None:
        for place, line in enumerate(page.lines):
            if line.at is not None and line.at >= moment:
                return place
        return len(page.lines) - 1 if page.at_end and page.lines else None

    return find
