"""Pages of a stage's log: what a screen asks for and what it gets."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from enum import StrEnum

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.identifiers import RunKey

MAX_LINE_BYTES = 8 * 1024  # one line on a page; the rest of a longer line is counted, not kept


class Stream(StrEnum):
    """Where a line of output came from; NOTE is said by the program that read or wrote the log."""

    STDOUT = "stdout"
    STDERR = "stderr"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of output, not yet safe to show; `cut_bytes` of it were left out.

    `place` is a byte of the record that ended the line, another one for each line of a log and
    rising with them: it finds the line again. A line that has not ended has none, -1.
    """

    stream: Stream
    text: str
    at: datetime | None = None
    attempt: int = 1
    cut_bytes: int = 0
    place: int = field(default=-1, compare=False)


class Whence(StrEnum):
    """Which page of a log is wanted."""

    START = "start"
    END = "end"
    AFTER = "after"
    BEFORE = "before"
    AT = "at"


NEWEST_ATTEMPT = 0
ALL_STAGES = -1  # in place of a stage's index: the logs of all of them, one after the other


@dataclass(frozen=True, slots=True)
class LogRequest:
    """A page of at most `max_lines` lines; `offset` is a page's start or end for BEFORE, AFTER.

    AT takes the place of a line, and the page has that line and some before it. `attempt` counts
    from 1, `NEWEST_ATTEMPT` is the newest; None takes all attempts as one log.
    """

    key: RunKey
    stage_index: int
    whence: Whence = Whence.END
    offset: int = 0
    max_lines: int = 1000
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines between two byte offsets of the log file.

    `start` and `end` are offsets of whole records: asking BEFORE `start` or AFTER `end` goes on
    without gap or repetition. A last line without its newline is in `partial` and comes again.
    `replaced` says that the file is another one than the offset was for: begin anew.
    `attempt` of `attempts` is shown; it goes from `first`, where `begun_at` was its first record's
    time, to `size`.
    """

    lines: tuple[LogLine, ...]
    start: int
    end: int
    size: int
    partial: tuple[LogLine, ...] = ()
    at_start: bool = True
    at_end: bool = True
    replaced: bool = False
    problem: str | None = None
    attempt: int = 1
    attempts: int = 1
    first: int = 0
    begun_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogSpot:
    """A line that a survey came by: its place and its number in its part of the log, from 1."""

    place: int
    number: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class LogSurvey:
    """What lines between two offsets of a log have, without the lines.

    `lines` counts them. `found` has the places of those that each look found, `told` the first of
    the first look's with their words. Numbers count from `start` on; `waypoints` are some lines.
    """

    start: int
    end: int
    size: int
    first: int = 0
    lines: int = 0
    found: tuple[tuple[int, ...], ...] = ()
    told: tuple[LogSpot, ...] = ()
    waypoints: tuple[LogSpot, ...] = ()
    attempt: int = 1
    at_end: bool = True
    replaced: bool = False
    problem: str | None = None
