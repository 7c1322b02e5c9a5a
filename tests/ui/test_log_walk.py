"""A line or a time of a long log is come to without going through all of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator_tui.records.line_looks import LineChoice, LineLook
from orchestrator_tui.records.logs import LogPage, LogRequest, LogSurvey, Whence
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.ui.widgets.log_walk import approach, finds_place, walk
from orchestrator_tui.watch.logs import StageLogs
from tests.watch.disk import KEY, write_run

BEGUN = datetime(2026, 1, 1, 12, tzinfo=UTC)
RECORDS, LINES_EACH = 30_000, 3
MANY = 40  # pages; the whole log has more than a hundred


class Counted:
    """The logs on disk, and how often they were read or looked through."""

    def __init__(self, roots: Roots) -> None:
        self._logs = StageLogs(roots)
        self.pages = 0
        self.surveys = 0

    async def read(self, request: LogRequest) -> LogPage:
        self.pages += 1
        return await self._logs.read(request)

    async def survey(
        self, request: LogRequest, looks: Sequence[LineLook], choice: LineChoice
    ) -> LogSurvey:
        self.surveys += 1
        return await self._logs.survey(request, looks, choice)


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> Roots:
    """Roots with a log of a record each tenth of a second, three lines each."""
    roots = Roots.of(tmp_path_factory.mktemp("walk"))
    with write_run(roots).stage_log(1, "build").open("w") as log:
        for number in range(RECORDS):
            at = (BEGUN + timedelta(seconds=number / 10)).isoformat(timespec="milliseconds")
            lines = [f"line {number * LINES_EACH + n} {'x' * 40}\n" for n in range(LINES_EACH)]
            record = {"type": "exec:chunk", "stream": "stdout", "data": "".join(lines)}
            log.write(json.dumps({**record, "timestamp": at.replace("+00:00", "Z")}) + "\n")
    return roots


async def come_to(logs: Counted, wanted: int | datetime) -> tuple[str, int | None]:
    """Return the line that is come to, and its number as far as it is known."""

    def request(whence: Whence, offset: int, lines: int) -> LogRequest:
        return LogRequest(KEY, 1, whence, offset, lines)

    offset, before = 0, 0
    known: int | None = before
    async for near in approach(logs, request, wanted, start=offset, before=before):
        offset, known = near.offset, near.before
    find = finds_place(wanted)
    async for step in walk(logs, request, start=offset, find=find, before=known):
        if step.found is not None:
            number = None if step.before is None else step.before + step.found + 1
            return step.page.lines[step.found].text.split(" x")[0], number
    raise AssertionError("nothing was found")


@pytest.mark.anyio
@pytest.mark.parametrize("number", [1, 2, 50, 51, 29_999, 60_001, 89_998, 90_000])
async def test_a_line_is_come_to_by_its_number(roots: Roots, number: int) -> None:
    logs = Counted(roots)
    assert await come_to(logs, number) == (f"line {number - 1}", number)
    assert logs.pages <= 2


@pytest.mark.anyio
@pytest.mark.parametrize("tenths", [0, 1, 777, 14_999, 15_000, 29_998, 29_999])
async def test_a_time_is_come_to_by_halves(roots: Roots, tenths: int) -> None:
    logs = Counted(roots)
    line, number = await come_to(logs, BEGUN + timedelta(seconds=tenths / 10))
    assert (line, number) == (f"line {tenths * LINES_EACH}", None)
    assert logs.pages < MANY
    assert logs.surveys == 0


@pytest.mark.anyio
async def test_what_lies_beyond_the_end_is_its_last_line(roots: Roots) -> None:
    last = f"line {RECORDS * LINES_EACH - 1}"
    assert (await come_to(Counted(roots), 10_000_000))[0] == last
    assert (await come_to(Counted(roots), BEGUN + timedelta(days=1)))[0] == last
