"""StageLogs: pages of what a stage wrote, from whichever shape of log its run has."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import anyio.to_thread

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import FileSignature
from orchestrator_tui.records.facts import RunShape
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.line_looks import LineChoice, LineLook
from orchestrator_tui.records.logs import (
    ALL_STAGES,
    MAX_LINE_BYTES,
    LogPage,
    LogRequest,
    LogSurvey,
    Whence,
)
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.records.times import parse_time
from orchestrator_tui.store.reading import reason_of
from orchestrator_tui.watch.joined_logs import JoinedLog, joined
from orchestrator_tui.watch.log_absence import page_without_log, problem_page
from orchestrator_tui.watch.log_pages import LogFile, PagedLog, page_after, page_at, page_before
from orchestrator_tui.watch.log_records import LogRecord
from orchestrator_tui.watch.log_starts import Attempt, StartIndex, part_of
from orchestrator_tui.watch.log_survey import survey, survey_before
from orchestrator_tui.watch.stage_places import StagePlace, find_stage, find_stages, log_path

REMEMBERED_LOGS: Final = 32  # logs of which is known where their attempts begin
SMALL_LOG_BYTES: Final = 8 * 1024 * 1024  # of these all are looked at for attempts
_FIRST_RECORD_BYTES: Final = 64 * 1024
_BY_OFFSET: Final = frozenset([Whence.AFTER, Whence.BEFORE, Whence.AT])


class _Remembered:
    """What is kept of a log between two pages of it."""

    def __init__(self) -> None:
        self.identity: tuple[int, int] | None = None
        self.starts = StartIndex()
        self.joined: JoinedLog | None = None
        self._begun: dict[int, datetime] = {}

    def begun_at(self, log: PagedLog) -> datetime | None:
        """Return when the first record of a part of the log was written."""
        if log.first not in self._begun:
            records = log.records(log.read(log.first, _FIRST_RECORD_BYTES)[1], log.first)
            moments = (
                parse_time(record.fields.get("timestamp")) for record in records if record.fields
            )
            found = next((moment for moment in moments if moment), None)
            if found is None:
                return None
            self._begun[log.first] = found
        return self._begun[log.first]


@dataclass(frozen=True, slots=True)
class _Opened:
    """A log, or the part of one that an attempt is; no attempt where all are one log."""

    log: PagedLog
    attempt: Attempt | None
    kept: _Remembered


class StageLogs:
    """Reads pages of stage logs; bounded in memory whatever a log's size.

    Lines are those of the terminal: output in pieces is joined, a progress bar leaves its last
    state. Start, retries, warnings and end of a command are lines of the stream NOTE.
    """

    def __init__(self, roots: Roots) -> None:
        self._roots = roots
        self._lock = threading.Lock()
        self._remembered: OrderedDict[tuple[RunKey, int], _Remembered] = OrderedDict()

    async def read(self, request: LogRequest) -> LogPage:
        """Return one page; what cannot be read is told in `LogPage.problem`."""
        return await anyio.to_thread.run_sync(self.read_now, request)

    def read_now(self, request: LogRequest) -> LogPage:
        """Return one page, as `read`, in the calling thread."""
        with self._lock:
            places = self._places(request)
            if isinstance(places, str):
                return problem_page(places)
            try:
                return self._page(places, request)
            except FileNotFoundError:
                return page_without_log(self._roots, places[0])
            except OSError as error:
                return problem_page(f"the log cannot be read: {reason_of(error)}")

    async def survey(
        self, request: LogRequest, looks: Sequence[LineLook], choice: LineChoice
    ) -> LogSurvey:
        """Return what the lines AFTER the request's offset have, or BEFORE it: one step further."""
        return await anyio.to_thread.run_sync(self.survey_now, request, looks, choice)

    def survey_now(
        self, request: LogRequest, looks: Sequence[LineLook], choice: LineChoice
    ) -> LogSurvey:
        """Return what the lines have, as `survey`, in the calling thread."""
        with self._lock:
            places = self._places(request)
            if isinstance(places, str):
                return LogSurvey(0, 0, 0, problem=places)
            try:
                opened = self._open(places, request)
            except OSError as error:
                return LogSurvey(0, 0, 0, problem=reason_of(error))
        if not isinstance(opened, _Opened):
            return LogSurvey(0, 0, 0, replaced=opened is not None)
        # Without the lock: pages that are waited for come first.
        try:
            look_through = survey_before if request.whence is Whence.BEFORE else survey
            found = look_through(opened.log, request.offset, looks, choice)
        except OSError as error:
            return LogSurvey(0, 0, 0, problem=reason_of(error))
        return replace(found, attempt=opened.attempt.number) if opened.attempt else found

    def _places(self, request: LogRequest) -> tuple[StagePlace, ...] | str:
        """Return the stages that are meant, or why there are none."""
        if request.stage_index == ALL_STAGES:
            return find_stages(self._roots, request.key)
        place = find_stage(self._roots, request.key, request.stage_index)
        return place if isinstance(place, str) else (place,)

    def _page(self, places: tuple[StagePlace, ...], request: LogRequest) -> LogPage:
        opened = self._open(places, request)
        if opened is None:
            return page_without_log(self._roots, places[0])
        if isinstance(opened, FileSignature):
            return LogPage((), 0, 0, opened.size, replaced=True)
        page, attempt = _read(opened.log, request), opened.attempt
        if page.replaced or attempt is None:
            return page
        return replace(
            page,
            attempt=attempt.number,
            attempts=attempt.count,
            first=attempt.first,
            begun_at=opened.kept.begun_at(opened.log),
        )

    def _open(
        self, places: tuple[StagePlace, ...], request: LogRequest
    ) -> _Opened | FileSignature | None:
        """Return the log, None if there is none, its signature if another one was meant."""
        place = places[0]
        if request.stage_index == ALL_STAGES and place.ref.shape is RunShape.CLI:
            return self._open_joined(places, request)
        path = log_path(self._roots, place)
        signature = files.signature(path) if path else None
        if path is None or signature is None:
            return None
        kept = self._kept(request, signature)
        if kept is None:
            return signature
        part = _part(self._roots, place, path, kept.starts, request.attempt, signature.size)
        return _Opened(*part, kept)

    def _open_joined(
        self, places: tuple[StagePlace, ...], request: LogRequest
    ) -> _Opened | FileSignature:
        stages = [
            (place.command.index, place.command.title or place.command.id, path)
            for place in places
            if (path := log_path(self._roots, place)) is not None
        ]
        name = (request.key, ALL_STAGES)
        kept = self._remembered.get(name)
        log = joined(self._roots.runs, stages, kept.joined if kept else None)
        is_other = kept is not None and not (kept.joined and log.grows_from(kept.joined))
        if kept is None or is_other:
            kept = _Remembered()
        kept.joined = log
        self._remember(name, kept)
        if is_other and request.whence in _BY_OFFSET and request.offset > 0:
            return log.read(0, 0)[0]
        return _Opened(log, Attempt(), kept)

    def _remember(self, name: tuple[RunKey, int], kept: _Remembered) -> None:
        self._remembered[name] = kept
        self._remembered.move_to_end(name)
        while len(self._remembered) > REMEMBERED_LOGS:
            self._remembered.popitem(last=False)

    def _kept(self, request: LogRequest, signature: FileSignature) -> _Remembered | None:
        """Return what is known of the log; None if the offset is for a file that was replaced."""
        name = (request.key, request.stage_index)
        identity = (signature.device, signature.inode)
        kept = self._remembered.get(name)
        is_other = kept is not None and kept.identity != identity
        if kept is None or is_other:
            kept = _Remembered()
            kept.identity = identity
        self._remember(name, kept)
        asks_by_offset = request.whence in _BY_OFFSET and request.offset > 0
        return None if is_other and asks_by_offset else kept


def _part(
    roots: Roots,
    place: StagePlace,
    path: Path,
    starts: StartIndex,
    number: int | None,
    size: int,
) -> tuple[LogFile, Attempt | None]:
    """Return the log, or of a log that may hold several attempts the part that one is."""
    if place.ref.shape is not RunShape.CLI:
        return LogFile(path, roots.runs, _plain_records, _never), Attempt()
    plain = LogFile(path, roots.runs)
    if not place.manifest.resume_events and size > SMALL_LOG_BYTES:
        return plain, Attempt()
    if number is None:
        whole = replace(plain, attempt_at=lambda offset: starts.attempt_at(plain, offset))
        return whole, None
    attempt = starts.attempt(plain, number, size)
    return part_of(plain, attempt), attempt


def _read(log: PagedLog, request: LogRequest) -> LogPage:
    match request.whence:
        case Whence.START:
            return page_after(log, log.first, request.max_lines)
        case Whence.END:
            return page_before(log, None, request.max_lines)
        case Whence.AFTER:
            return page_after(log, request.offset, request.max_lines)
        case Whence.BEFORE:
            return page_before(log, request.offset, request.max_lines)
        case Whence.AT:
            return page_at(log, request.offset, request.max_lines)


def _never(_offset: int) -> int:
    return 1


def _plain_records(content: bytes, offset: int) -> list[LogRecord]:
    """Return each line of a plain text as a record of output."""
    records: list[LogRecord] = []
    start = 0
    while (newline := content.find(b"\n", start)) >= 0:
        text = content[start : min(newline, start + 2 * MAX_LINE_BYTES)].decode("utf-8", "replace")
        fields = {"type": "exec:chunk", "stream": "stdout", "data": f"{text}\n"}
        records.append(LogRecord(offset + start, offset + newline + 1, fields))
        start = newline + 1
    return records
