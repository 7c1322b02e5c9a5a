"""What lines of a log are looked for by, and which of them are shown."""

from __future__ import annotations

import re

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.logs import Stream

ALL_STREAMS = frozenset(Stream)


@dataclass(frozen=True, slots=True)
class LineLook:
    """A pattern for single lines, without their escape sequences.

    `words`, in small letters, say in short what a line with the pattern has one of: texts without
    any of them need not be looked at line by line. No words promise nothing.
    """

    pattern: re.Pattern[str]
    words: tuple[str, ...] = ()

    def may_find(self, small: str) -> bool:
        """Tell whether a text, given in small letters, may have a line with the pattern."""
        return not self.words or any(word in small for word in self.words)

    def finds(self, line: str) -> bool:
        """Tell whether a line has the pattern."""
        return self.may_find(line.lower()) and self.pattern.search(line) is not None


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Lines that a look finds are kept, or with `hides` left out; `label` is what was typed."""

    label: str
    look: LineLook
    hides: bool = False

    def passes(self, line: str) -> bool:
        """Tell whether a line, without its escape sequences, is shown."""
        return self.look.finds(line) is not self.hides


@dataclass(frozen=True, slots=True)
class LineChoice:
    """Which lines are shown: those of some streams that a filter lets through."""

    streams: frozenset[Stream] = ALL_STREAMS
    kept: LineFilter | None = None

    @property
    def is_all(self) -> bool:
        """Whether every line is shown."""
        return self.streams == ALL_STREAMS and self.kept is None

    def passes(self, stream: Stream, line: str) -> bool:
        """Tell whether a line, without its escape sequences, is shown."""
        return stream in self.streams and (self.kept is None or self.kept.passes(line))
