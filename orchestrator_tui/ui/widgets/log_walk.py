"""Going to a line or a time of a whole log, for what is not in memory."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from datetime import datetime, time, timedelta

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.line_looks import LineChoice
from orchestrator_tui.records.logs import LogPage, LogRequest, Whence
from orchestrator_tui.ui.ports import LogSource

STEP_LINES = 2_000  # of one page; the source bounds its bytes too
NEAR_BYTES = 2 * 1024 * 1024  # are gone through page by page, whatever is looked for
_SINCE = re.compile(r"(\d{1,6})(?::([0-5]\d))?(?::([0-5]\d))?")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")

# The position on a page of the line that is looked for, given how many lines came before the page.
Finder = Callable[[LogPage, int], int | None]
Requests = Callable[[Whence, int, int], LogRequest]


@dataclass(frozen=True, slots=True)
class Nearer:
    """A place before what is looked for; `before` it lie so many lines, None if nobody counted."""

    offset: int
    before: int | None
    percent: int


@dataclass(frozen=True, slots=True)
class Step:
    """One page of the walk; `found` is a position on it, `before` how many lines lie before it."""

    page: LogPage
    percent: int
    before: int | None
    found: int | None = None


async def approach(
    logs: LogSource, request: Requests, wanted: int | datetime, *, start: int, before: int
) -> AsyncIterator[Nearer]:
    """Yield places that come nearer to a line, by its number from 1 or the time of its writing.

    Lines are counted without being made. Times grow with the log, so that halves of it are left
    out; where a clock was set back, some line of that time is come to.
    """
    if isinstance(wanted, datetime):
        yield Nearer(await _halving(logs, request, wanted, start), None, 0)
        return
    offset = start
    while True:
        told = await logs.survey(request(Whence.AFTER, offset, 1), (), LineChoice())
        if told.replaced or told.problem:
            return  # as the walk will tell
        percent = min(99, 100 * (told.end - start) // max(1, told.size - start))
        if before + told.lines >= wanted or told.at_end or told.end == offset:
            spots = [spot for spot in told.waypoints if before + spot.number <= wanted]
            if spots:
                offset, before = spots[-1].place, before + spots[-1].number - 1
            yield Nearer(offset, before, percent)
            return
        offset, before = told.end, before + told.lines
        yield Nearer(offset, before, percent)


async def _halving(logs: LogSource, request: Requests, moment: datetime, start: int) -> int:
    """Return an offset at or after `start`, not far before the first line of a time."""
    low, high = start, (await logs.read(request(Whence.AFTER, start, 1))).size
    while high - low > NEAR_BYTES:
        middle = (low + high) // 2
        page = await logs.read(request(Whence.AT, middle, 1))
        at = next((line.at for line in page.lines if line.at is not None), None)
        if at is None or page.problem or page.replaced or not low <= page.start <= middle:
            break
        if at < moment:
            if page.start == low:
                break  # one record fills all that is left
            low = page.start
        else:
            high = middle
    return low


async def walk(
    logs: LogSource,
    request: Requests,
    *,
    start: int,
    find: Finder,
    before: int | None,
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
        found = find(page, before or 0)
        yield Step(page, min(99, 100 * done // whole), before, found)
        if found is not None or page.end == offset or page.at_end:
            return
        offset = page.end
        before = None if before is None else before + len(page.lines)


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
