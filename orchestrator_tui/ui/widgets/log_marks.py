"""LogMarks: the lines that a person marked, for as long as the program runs."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence

from orchestrator_tui.records.identifiers import RunKey


class LogMarks:
    """The places of marked lines, log by log; shared by the screens that show the same log."""

    def __init__(self) -> None:
        self._places: dict[tuple[RunKey, int], list[int]] = {}

    def of(self, key: RunKey, stage_index: int) -> Sequence[int]:
        """Return the marked places of a stage's log, ascending; what is marked later shows too."""
        return self._places.setdefault((key, stage_index), [])

    def toggle(self, key: RunKey, stage_index: int, place: int) -> bool:
        """Mark a line or take its mark away; tell whether it is marked now."""
        places = self._places.setdefault((key, stage_index), [])
        at = bisect_left(places, place)
        if at < len(places) and places[at] == place:
            del places[at]
            return False
        insort(places, place)
        return True
