"""Surveys of a log: how many lines it has and where those lie that one looks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orchestrator_tui.primitives.safe_text import strip_sequences
from orchestrator_tui.records.line_looks import LineChoice, LineLook
from orchestrator_tui.records.logs import MAX_LINE_BYTES, LogSpot, LogSurvey, Stream
from orchestrator_tui.watch.log_pages import (
    PagedLog,
    block_at,
    past_long_record,
    record_start,
    records_before,
)
from orchestrator_tui.watch.log_records import (
    LogRecord,
    OutputKinds,
    begins_with_chunks,
    note_in,
    output_in,
    spread,
)

SURVEY_BYTES: Final = 1024 * 1024  # of one step
WAYPOINT_LINES: Final = 50  # fewer than any page has that goes on at both ends
TOLD_LINES: Final = 200  # of one step, with their words
TOLD_CHARS: Final = 60
_KEPT_CHARS: Final = MAX_LINE_BYTES  # of a line that has not ended; the rest is not looked at


def survey(
    log: PagedLog,
    offset: int,
    looks: Sequence[LineLook],
    choice: LineChoice,
    until: int | None = None,
) -> LogSurvey:
    """Return what the lines of about `SURVEY_BYTES` from a record's start on have.

    With `until` the survey ends with the records before that offset.

    Raises:
        FileNotFoundError: There is no such file.
        OSError: As for `files.read_range`.
    """
    offset = max(log.first, offset)
    back = records_before(log, offset)
    signature, block = block_at(log, offset)
    if back is None:
        return LogSurvey(0, 0, signature.size, replaced=True)
    first = log.records(block, offset)
    scan = SurveyScan(looks, choice, has_chunks=begins_with_chunks([*back, *first]))
    for record in back:
        scan.feed(record)
    scan.begin()
    position = offset
    end = offset + SURVEY_BYTES if until is None else until
    while block and position < end:
        if until is not None and position + len(block) > until:
            block = block[: until - position]
        if b"\n" in block:
            for record in log.records(block, position):
                scan.feed(record)
            position += block.rfind(b"\n") + 1
        elif (after := past_long_record(log, position + len(block))) is not None:
            scan.skip(position)
            position = after
        else:
            break
        signature, block = block_at(log, position)
    return LogSurvey(
        start=offset,
        end=position,
        size=signature.size,
        first=log.first,
        lines=scan.lines,
        found=tuple(tuple(places) for places in scan.found),
        told=tuple(scan.told),
        waypoints=tuple(scan.waypoints),
        at_end=b"\n" not in block,
    )


def survey_before(
    log: PagedLog, end: int, looks: Sequence[LineLook], choice: LineChoice
) -> LogSurvey:
    """Return what the lines of about `SURVEY_BYTES` before a record's start have, as `survey`."""
    start = record_start(log, max(log.first, end - SURVEY_BYTES))
    return survey(log, start, looks, choice, until=end)


class SurveyScan:
    """Counts the lines that `LogRendering` makes of the same records, and looks at their words.

    Text in which nothing can be found is only counted, whatever number of lines it has.
    """

    def __init__(self, looks: Sequence[LineLook], choice: LineChoice, *, has_chunks: bool) -> None:
        self._looks = looks
        self._choice = choice
        self._kinds = OutputKinds(has_chunks)
        self._begun: dict[Stream, str] = {}
        self.begin()

    def begin(self) -> None:
        """Count from here on."""
        self.lines = 0
        self.found: list[list[int]] = [[] for _ in self._looks]
        self.told: list[LogSpot] = []
        self.waypoints: list[LogSpot] = []
        self._last_waypoint = -WAYPOINT_LINES

    def skip(self, start: int) -> None:
        """Count the line that stands for a record too long to read."""
        self._count(start, 1)

    def feed(self, record: LogRecord) -> None:
        """Take the lines that end in a record."""
        fields = record.fields
        if fields is None:
            self._count(record.start, 1)
            return
        stream = self._kinds.stream_of(record)
        if stream is not None:
            self._output(record, stream, output_in(fields))
            return
        ended = self._kinds.ends_output(record)
        lines: list[tuple[Stream, str]] = []
        if ended:
            lines = [
                (s, self._begun.pop(s)) for s in (Stream.STDOUT, Stream.STDERR) if s in self._begun
            ]
            lines = [(s, text) for s, text in lines if text.rstrip("\r")]
        if note := note_in(record):
            lines.append((Stream.NOTE, note))
        if not lines:
            return
        for nth, (stream, text) in enumerate(lines):
            self._look_at(record.start + nth, self.lines + nth + 1, stream, text)
        self._count(record.start, len(lines))

    def _output(self, record: LogRecord, stream: Stream, text: str) -> None:
        begun = self._begun.get(stream, "")
        ended = text.count("\n")
        if not ended:
            self._begun[stream] = _kept(begun + text)
            return
        body, _, rest = text.rpartition("\n")
        body = begun + body
        self._begun[stream] = _kept(rest)
        if self._may_find(body):
            for nth, line in enumerate(body.split("\n")):
                place = spread(record, nth, ended)
                self._look_at(place, self.lines + nth + 1, stream, line)
        self._count(record.start, ended)

    def _may_find(self, body: str) -> bool:
        small = body.lower()
        # A sequence between two letters hides a word from this look, so such texts are looked at.
        return any(look.may_find(small) for look in self._looks) or "\x1b" in body

    def _look_at(self, place: int, number: int, stream: Stream, line: str) -> None:
        text = strip_sequences(_shown(line)[:MAX_LINE_BYTES])
        small, passes = text.lower(), self._choice.is_all
        for nth, look in enumerate(self._looks):
            if not look.may_find(small) or look.pattern.search(text) is None:
                continue
            passes = passes or self._choice.passes(stream, text)
            if not passes:
                return
            self.found[nth].append(place)
            if nth == 0 and len(self.told) < TOLD_LINES:
                self.told.append(LogSpot(place, number, text.strip()[:TOLD_CHARS]))

    def _count(self, place: int, lines: int) -> None:
        if self.lines - self._last_waypoint >= WAYPOINT_LINES:
            self._last_waypoint = self.lines
            self.waypoints.append(LogSpot(place, self.lines + 1))
        self.lines += lines


def _shown(line: str) -> str:
    """Return what a line of output leaves on a terminal, as `LineAssembler` has it."""
    return line.rstrip("\r").rpartition("\r")[2] if "\r" in line else line


def _kept(begun: str) -> str:
    if "\r" not in begun:
        return begun[:_KEPT_CHARS]
    body = begun.rstrip("\r")
    return body.rpartition("\r")[2][:_KEPT_CHARS] + begun[len(body) :][:1]
