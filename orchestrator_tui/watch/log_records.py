"""LogRendering: the records of a stage's log become lines, one record after another."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.buffering import AssembledLine, LineAssembler
from orchestrator_tui.records.logs import MAX_LINE_BYTES, LogLine, Stream
from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.times import parse_time
from orchestrator_tui.state.failure import exit_words
from orchestrator_tui.state.formatting import byte_count, elapsed
from orchestrator_tui.store.reading import BadContent, parse_object

# Each chunk of output is written as this, and by some writers once more as the other two.
_CHUNK: Final = "exec:chunk"
STAGE_HEADING: Final = "orch-tui:stage"  # stands before a stage where logs are joined
_PLAIN_STREAMS: Final = {"command:stdout": Stream.STDOUT, "command:stderr": Stream.STDERR}
_FALLBACKS: Final = {"timed_out": "timed out", "command_failed": "failed"}


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One line of a log file: where it begins and ends, and what it says, None if unreadable."""

    start: int
    end: int
    fields: JsonObject | None

    @property
    def kind(self) -> str:
        """The record's type, empty where it tells none."""
        kind = self.fields.get("type") if self.fields else None
        return kind if isinstance(kind, str) else ""


def records_in(content: bytes, offset: int) -> list[LogRecord]:
    """Return the whole records in bytes that begin at `offset` of the file, at a record's start.

    What stands behind the last newline is left out, and so are empty lines.
    """
    records: list[LogRecord] = []
    start = 0
    while (newline := content.find(b"\n", start)) >= 0:
        line = content[start:newline]
        if line.strip():
            parsed = parse_object(line, "log")
            fields = None if isinstance(parsed, BadContent) else parsed
            records.append(LogRecord(offset + start, offset + newline + 1, fields))
        start = newline + 1
    return records


def begins_with_chunks(records: Iterable[LogRecord]) -> bool:
    """Tell whether the attempt in which the first record lies writes its output as chunks.

    Within one attempt chunks are either all there or not written at all; where they are, other
    records of output only repeat them.
    """
    for record in records:
        if record.kind in ("command:start", STAGE_HEADING):
            return False
        if record.kind.startswith("exec:"):
            return True
    return False


def _text(fields: JsonObject, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _whole(fields: JsonObject, name: str) -> int | None:
    value = fields.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _seconds(fields: JsonObject, name: str) -> float | None:
    value: Any = fields.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value / 1000 if is_number else None


def _first_line(text: str) -> str:
    head, newline, _ = text.strip().partition("\n")
    return f"{head} …" if newline else head


def _start_note(fields: JsonObject) -> str:
    return f"$ {_first_line(_text(fields, 'command'))}"


def _config_note(fields: JsonObject) -> str:
    limit_s = _seconds(fields, "timeout_ms")
    return f"stops after {elapsed(limit_s)}" if limit_s is not None else ""


def _retry_note(fields: JsonObject) -> str:
    delay_s = _seconds(fields, "delay_ms") or 0.0
    error = _first_line(_text(fields, "error"))
    return f"tried again after {delay_s:.1f} s" + (f": {error}" if error else "")


def _end_note(fields: JsonObject) -> str:
    words = exit_words(
        _whole(fields, "exit_code"),
        None,
        signal=_text(fields, "signal") or None,
        timed_out=fields.get("timed_out") is True,
    )
    length_s = _seconds(fields, "duration_ms")
    return f"{words} after {elapsed(length_s)}" if length_s is not None else words


def _fallback_note(fields: JsonObject) -> str:
    reason = _FALLBACKS.get(_text(fields, "reason"), "failed")
    return f"the command {reason}; the pipeline allows it"


def _warning_note(fields: JsonObject) -> str:
    match _text(fields, "warning"):
        case "log-capped":
            limit = byte_count(_whole(fields, "limit_bytes") or 0)
            return f"the log has reached its limit of {limit}; older lines give way to newer ones"
        case "log-truncated":
            left_out = _whole(fields, "left_out_bytes")
            amount = "some of the log" if left_out is None else byte_count(left_out)
            return f"{amount} left out here, the log had reached its limit"
        case told:
            text = _text(fields, "message") or told
            return f"warning: {_first_line(text)}" if text else ""


def _stage_note(fields: JsonObject) -> str:
    return f"==== {_whole(fields, 'index') or ''} {_first_line(_text(fields, 'title'))} ===="


_NOTES = {
    STAGE_HEADING: _stage_note,
    "command:start": _start_note,
    "command:config": _config_note,
    "exec:retry": _retry_note,
    "command:end": _end_note,
    "command:fallback": _fallback_note,
    "command:warning": _warning_note,
    "command:waiver": _warning_note,
}
_ENDS_OUTPUT = frozenset(["exec:end", "command:end", "command:start", "exec:retry", STAGE_HEADING])


def note_in(record: LogRecord) -> str:
    """Return what a record that is no output says, empty if nothing."""
    note = _NOTES.get(record.kind)
    return note(record.fields) if note is not None and record.fields else ""


def output_in(fields: JsonObject) -> str:
    """Return the text of a record of output."""
    return _text(fields, "data")


def spread(record: LogRecord, nth: int, count: int) -> int:
    """Return the place of one of the lines that end in a record of output, `nth` from 0.

    They lie over all of the record, so that places tell where in the log a line is. Each has
    another place: a newline takes two bytes of a record at least.
    """
    return record.start + (record.end - record.start) * nth // count


class OutputKinds:
    """Tells output from what repeats it, record after record.

    `has_chunks` says whether the attempt of the first record writes chunks, as
    `begins_with_chunks` tells.
    """

    def __init__(self, has_chunks: bool) -> None:
        self._has_chunks = has_chunks

    def stream_of(self, record: LogRecord) -> Stream | None:
        """Return the stream of a record of output; None for others and for what comes twice."""
        kind = record.kind
        if kind == _CHUNK:
            self._has_chunks = True
            fields = record.fields or {}
            return Stream.STDERR if fields.get("stream") == Stream.STDERR else Stream.STDOUT
        self._has_chunks = kind not in ("command:start", STAGE_HEADING) and (
            self._has_chunks or kind.startswith("exec:")
        )
        return None if self._has_chunks else _PLAIN_STREAMS.get(kind)

    @staticmethod
    def ends_output(record: LogRecord) -> bool:
        """Tell whether a line that has begun ends with a record."""
        return record.kind in _ENDS_OUTPUT


class LogRendering:
    """Makes lines of records, in order; keeps what a record began and a later one ends.

    Args:
        attempt: The attempt in which the first record lies, 0 before the first start.
        has_chunks: Whether that attempt writes chunks, as `begins_with_chunks` tells.
    """

    def __init__(self, attempt: int, has_chunks: bool) -> None:
        self._attempt = attempt
        self._kinds = OutputKinds(has_chunks)
        self._assemblers = {
            stream: LineAssembler(MAX_LINE_BYTES) for stream in (Stream.STDOUT, Stream.STDERR)
        }
        self._at: datetime | None = None
        self._place = -1

    def feed(self, record: LogRecord) -> list[LogLine]:
        """Return the lines that end in this record."""
        self._place = record.start
        fields = record.fields
        if fields is None:
            return [self._line(Stream.NOTE, AssembledLine("a record that cannot be read"))]
        self._at = parse_time(fields.get("timestamp")) or self._at
        stream = self._kinds.stream_of(record)
        if stream is not None:
            return self._output(stream, record, fields)
        lines = self._flushed() if self._kinds.ends_output(record) else []
        if record.kind == "command:start":
            self._attempt += 1
        elif record.kind == STAGE_HEADING:
            self._attempt = 0  # of another stage
        if text := note_in(record):
            lines.append(self._line(Stream.NOTE, AssembledLine(text)))
        return lines

    def partial(self) -> tuple[LogLine, ...]:
        """Return the lines that have begun and not ended, one for each stream that has one."""
        self._place = -1
        return tuple(
            self._line(stream, assembler.partial)
            for stream, assembler in self._assemblers.items()
            if assembler.partial is not None
        )

    def _output(self, stream: Stream, record: LogRecord, fields: JsonObject) -> list[LogLine]:
        ended = self._assemblers[stream].feed(output_in(fields))
        lines: list[LogLine] = []
        for nth, line in enumerate(ended):
            self._place = spread(record, nth, len(ended))
            lines.append(self._line(stream, line))
        return lines

    def _flushed(self) -> list[LogLine]:
        return [
            self._line(stream, line)
            for stream, assembler in self._assemblers.items()
            for line in assembler.finish()
        ]

    def _line(self, stream: Stream, line: AssembledLine) -> LogLine:
        place = self._place
        if place >= 0:  # the next line of this record has another one
            self._place += 1
        return LogLine(stream, line.text, self._at, max(1, self._attempt), line.cut_bytes, place)


def skipped_note(start: int, end: int) -> LogLine:
    """Return the line that stands for a record too long to read."""
    return LogLine(Stream.NOTE, f"a record of {byte_count(end - start)} left out", place=start)
