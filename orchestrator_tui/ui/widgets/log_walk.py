"""Going through a whole log page by page, for what is not in memory."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from orchestrator_tui.records.logs import LogPage, LogRequest, Whence
from orchestrator_tui.ui.ports import LogSource

STEP_LINES = 2_000  # of one page; the source bounds its bytes too
_SINCE = re.compile(r"(\d{1,6})(?::([0-5]\d))?(?::([0-5]\d))?")
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
    logs: LogSource,
    request: Callable[[Whence, int, int], LogRequest],
    *,
    start: int,
    find: Finder,
    before: int,
) -> AsyncIterator[Step]:
    """Yield each page from an offset on until one has what is looked for.

    `before` says how many lines lie before `start`.
    """
    offset = start
    while True:
        page = await logs.read(request(Whence.AFTER, offset, STEP_LINES))
        if page.replaced or page.problem:
            return
        done, whole = page.end - start, max(1, page.size - start)
        found = find(page, before)
        yield Step(page, min(99, 100 * done // whole), before, found)
        if found is not None or page.end == offset or page.at_end:
            return
        offset, before = page.end, before + len(page.lines)


def wanted_place(words: str, begun_at: datetime | None) -> int | datetime | str:
    """Return the number of a line, from 1, or the time that words name, or what is wrong with them.

    A time is local, or after `+` how long since `begun_at`. A time of day before that of
    `begun_at` is of the next day.
    """
    wanted = words.strip()
    number = wanted.lstrip(":").replace(",", "")
    if number.isdecimal() and len(number) < 16:
        return max(1, int(number))
    is_since = wanted.startswith("+")
    told = (_SINCE if is_since else _TIME).fullmatch(wanted.removeprefix("+"))
    if told is None:
        return f"{words}: no line number or time"
    if begun_at is None:
        return "the lines of this log have no times"
    first, second, third = (int(part) if part else None for part in told.groups())
    if is_since:
        parts = [part for part in (first, second, third) if part is not None]
        return begun_at + timedelta(seconds=sum(n * 60**at for at, n in enumerate(reversed(parts))))
    local = begun_at.astimezone()
    moment = datetime.combine(local.date(), time(first or 0, second or 0, third or 0), local.tzinfo)
    if moment < local.replace(microsecond=0):
        moment += timedelta(days=1)
    return moment


def finds_place(wanted: int | datetime) -> Finder:
    """Return what finds the line of a number, from 1, or the first one written at a time."""
    return _finds_number(wanted) if isinstance(wanted, int) else _finds_moment(wanted)


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
