"""RunLines: which line of the table shows which run, with headings and a note between them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import field

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.state.ordering import RunGroup


@dataclass(frozen=True, slots=True)
class RunLines:
    """Lines of `runs` runs: each group has a heading above, and one run may have a note below.

    Nothing here takes longer for more runs.
    """

    runs: int = 0
    groups: tuple[RunGroup, ...] = ()
    note_below: int | None = None
    _starts: tuple[int, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "_starts", tuple(group.start for group in self.groups))

    @property
    def total(self) -> int:
        """How many lines there are."""
        return self.runs + len(self.groups) + (self.note_below is not None)

    def line_of(self, index: int) -> int:
        """Return the line of the run at `index`."""
        is_below = self.note_below is not None and index > self.note_below
        return index + bisect_right(self._starts, index) + is_below

    def at(self, line: int) -> int | RunGroup | None:
        """Return the index of a line's run, or its heading; None is the note, or nothing."""
        if not 0 <= line < self.total:
            return None
        if self.note_below is not None:
            note = self.line_of(self.note_below) + 1
            if line == note:
                return None
            line -= line > note
        if not self.groups:
            return line
        # The heading of group n stands `n` lines below the index of its first run.
        low, high = 0, len(self._starts)
        while low < high:
            middle = (low + high) // 2
            if self._starts[middle] + middle <= line:
                low = middle + 1
            else:
                high = middle
        group = low - 1
        if self._starts[group] + group == line:
            return self.groups[group]
        return line - low
