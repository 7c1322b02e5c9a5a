"""Pages of a stage's log: what a screen asks for and what it gets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from orchestrator_tui.records.identifiers import RunKey

MAX_LINE_BYTES = 8 * 1024  # one line on a page; the rest of a longer line is counted, not kept


class Stream(StrEnum):
    """Where a line of output came from; NOTE is said by the program that read or wrote the log."""

    STDOUT = "stdout"
    STDERR = "stderr"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of output, not yet safe to show; `cut_bytes` of it were left out."""

    stream: Stream
    text: str
    at: datetime | None = None
    attempt: int = 1
    cut_bytes: int = 0


class Whence(StrEnum):
    """Which page of a log is wanted."""

    START = "start"
    END = "end"
    AFTER = "after"
    BEFORE = "before"


@dataclass(frozen=True, slots=True)
class LogRequest:
    """A page of at most `max_lines` lines; `offset` is a page's start or end for BEFORE, AFTER."""

    key: RunKey
    stage_index: int
    whence: Whence = Whence.END
    offset: int = 0
    max_lines: int = 1000


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines between two byte offsets of the log file.

    `start` and `end` are offsets of whole records: asking BEFORE `start` or AFTER `end` goes on
    without gap or repetition. A last line without its newline is in `partial` and comes again.
    `replaced` says that the file is another one than the offset was for: begin anew.
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
