"""Fakes that several rooms share, made by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from orchestrator_tui.primitives.safe_text import strip_sequences
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import LivingProcess
from orchestrator_tui.records.line_looks import LineChoice, LineLook
from orchestrator_tui.records.logs import (
    LogLine,
    LogPage,
    LogRequest,
    LogSpot,
    LogSurvey,
    Whence,
)
from orchestrator_tui.records.requests import ActionResult, Done, Request
from orchestrator_tui.state.observations import DetailSeen, Observation

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LINE_BYTES = 100  # each line of a `ScriptedLogs` counts as this many
SURVEY_LINES = 20_000


class ScriptedLogs:
    """A `LogSource` over lines in memory; tests add lines while it is read.

    Offsets are line numbers times `LINE_BYTES`. While `gate` is cleared, reads wait.
    """

    def __init__(self) -> None:
        self.stages: dict[tuple[RunKey, int], list[LogLine]] = {}
        self.partial: dict[tuple[RunKey, int], LogLine] = {}
        self.problem: str | None = None
        self.replaced = False
        self.asked: list[LogRequest] = []
        self.gate = asyncio.Event()
        self.gate.set()

    def add(self, key: RunKey, stage_index: int, *lines: LogLine) -> None:
        """Append lines to a stage's log."""
        self.stages.setdefault((key, stage_index), []).extend(lines)

    async def read(self, request: LogRequest) -> LogPage:
        """Return the page that is asked for."""
        self.asked.append(request)
        await self.gate.wait()
        lines = self.stages.get((request.key, request.stage_index), [])
        count, at = len(lines), request.offset // LINE_BYTES
        if self.replaced and request.whence in (Whence.AFTER, Whence.BEFORE):
            self.replaced = False
            return LogPage((), 0, 0, count * LINE_BYTES, replaced=True)
        begin, end = {
            Whence.START: (0, request.max_lines),
            Whence.END: (count - request.max_lines, count),
            Whence.AFTER: (at, at + request.max_lines),
            Whence.BEFORE: (at - request.max_lines, at),
            Whence.AT: (at - 100, at + request.max_lines),
        }[request.whence]
        begin, end = max(0, begin), min(count, end)
        partial = self.partial.get((request.key, request.stage_index))
        return LogPage(
            lines=tuple(
                replace(line, place=(begin + n) * LINE_BYTES)
                for n, line in enumerate(lines[begin:end])
            ),
            start=begin * LINE_BYTES,
            end=end * LINE_BYTES,
            size=count * LINE_BYTES,
            partial=(partial,) if partial and end == count else (),
            at_start=begin == 0,
            at_end=end == count,
            problem=self.problem,
            begun_at=lines[0].at if lines else None,
        )

    async def survey(
        self, request: LogRequest, looks: Sequence[LineLook], choice: LineChoice
    ) -> LogSurvey:
        """Return what the next lines have, `SURVEY_LINES` in a step."""
        await self.gate.wait()
        lines = self.stages.get((request.key, request.stage_index), [])
        begin = request.offset // LINE_BYTES
        end = min(len(lines), begin + SURVEY_LINES)
        if request.whence is Whence.BEFORE:
            begin, end = max(0, begin - SURVEY_LINES), begin
        chosen = [(n, strip_sequences(lines[n].text)) for n in range(begin, end)]
        shown = [(n, text) for n, text in chosen if choice.passes(lines[n].stream, text)]
        found = [[n for n, text in shown if look.finds(text)] for look in looks]
        told = [
            LogSpot(n * LINE_BYTES, n - begin + 1, lines[n].text)
            for n in (found[0] if found else ())
        ]
        return LogSurvey(
            start=begin * LINE_BYTES,
            end=end * LINE_BYTES,
            size=len(lines) * LINE_BYTES,
            lines=end - begin,
            found=tuple(tuple(n * LINE_BYTES for n in places) for places in found),
            told=tuple(told),
            waypoints=tuple(LogSpot(n * LINE_BYTES, n - begin + 1) for n in range(begin, end, 50)),
            at_end=end == len(lines),
        )


class HandClock:
    """A `Clock` that tests move by hand; it begins at `NOON`."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._monotonic = 1000.0

    def now(self) -> datetime:
        """Return the wall time."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds that tests let go by."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds


class ScriptedFeed:
    """An `ObservationFeed` of given batches, then of what tests put in; gives details on focus."""

    def __init__(self, *batches: tuple[Observation, ...]) -> None:
        self._details = [
            seen for batch in batches for seen in batch if isinstance(seen, DetailSeen)
        ]
        self._queue: asyncio.Queue[tuple[Observation, ...]] = asyncio.Queue()
        self._batches = [
            tuple(seen for seen in batch if not isinstance(seen, DetailSeen)) for batch in batches
        ]
        self.focused: frozenset[RunKey] = frozenset()
        self.rescans = 0

    async def batches(self) -> AsyncIterator[tuple[Observation, ...]]:
        """Yield the batches given at the start, then each one put in."""
        for batch in self._batches:
            yield batch
        while True:
            yield await self._queue.get()

    def put(self, *batch: Observation) -> None:
        """See something more."""
        self._queue.put_nowait(batch)

    def focus(self, keys: frozenset[RunKey]) -> None:
        """Give the details of the runs in focus."""
        self.focused = keys
        self.put(*(seen for seen in self._details if seen.key in keys))

    def rescan(self) -> None:
        """Count how often a full look was asked for."""
        self.rescans += 1


class ScriptedProcesses:
    """A `RunProcessSource` that sees the processes it was made with."""

    def __init__(self, *living: LivingProcess) -> None:
        self.seen = living

    async def living(self, key: RunKey) -> tuple[LivingProcess, ...]:
        """Return them."""
        return self.seen


class ScriptedMemory:
    """A `Memory` that lasts as long as the test."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, object]] = {}

    async def recall(self, name: str) -> dict[str, object]:
        """Return a document."""
        return self.documents.get(name, {})

    async def keep(self, name: str, document: Mapping[str, object]) -> str | None:
        """Keep a document."""
        self.documents[name] = dict(document)
        return None


class ScriptedLauncher:
    """A `RunLauncher` that remembers requests and gives the result it was made with."""

    def __init__(self, result: ActionResult | None = None) -> None:
        self.requests: list[Request] = []
        self._result = result

    async def perform(self, request: Request) -> ActionResult:
        """Remember the request."""
        self.requests.append(request)
        return self._result or Done("Done.")


class KeptInMind:
    """A `Memory` in memory: documents go through JSON, as they do on the way to a file.

    With a `problem` nothing is kept.
    """

    def __init__(self, problem: str | None = None) -> None:
        self.documents: dict[str, str] = {}
        self.problem = problem

    async def recall(self, name: str) -> dict[str, object]:
        """Return what was kept last."""
        document: dict[str, object] = json.loads(self.documents.get(name, "{}"))
        return document

    async def keep(self, name: str, document: Mapping[str, object]) -> str | None:
        """Keep it, or say why not."""
        if self.problem is None:
            self.documents[name] = json.dumps(document)
        return self.problem


class ToldHook:
    """A `NoticeHook` that remembers what it was told."""

    def __init__(self, problem: str | None = None) -> None:
        self.told: list[dict[str, str]] = []
        self.problem = problem

    async def run(self, facts: Mapping[str, str]) -> str | None:
        """Remember the facts."""
        self.told.append(dict(facts))
        return self.problem
