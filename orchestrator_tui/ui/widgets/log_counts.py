"""LogCount: what a survey has found so far in a whole log."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from orchestrator_tui.records.line_looks import LineChoice, LineLook
from orchestrator_tui.records.logs import LogSpot, LogSurvey

MOST_BYTES = 64 * 1024 * 1024  # of a log that are looked through without being asked for
MOST_FOUND = 100_000
MOST_TOLD = 2_000


class LogCount:
    """Counts the lines of a log and finds some of them, from its start on, step by step."""

    def __init__(self, looks: Sequence[LineLook], choice: LineChoice | None = None) -> None:
        self.looks = tuple(looks)
        self.choice = choice or LineChoice()
        self.end = 0
        self.lines = 0
        self.places: list[list[int]] = [[] for _ in self.looks]
        self.told: list[LogSpot] = []
        self.waypoints: list[LogSpot] = []
        self.is_complete = False
        self._first = 0

    def take(self, step: LogSurvey) -> None:
        """Add the next step of the survey."""
        # A log that is not there has nothing for any look.
        for places, found in zip(self.places, step.found or ((),) * len(self.places), strict=True):
            places.extend(found)
        numbered = [LogSpot(s.place, s.number + self.lines, s.text) for s in step.told]
        self.told += numbered[: MOST_TOLD - len(self.told)]
        self.waypoints += [LogSpot(s.place, s.number + self.lines) for s in step.waypoints]
        self.lines += step.lines
        self.end, self._first, self.is_complete = step.end, step.first, step.at_end

    @property
    def is_enough(self) -> bool:
        """Whether so much was looked through or found that nothing more is."""
        many = any(len(places) > MOST_FOUND for places in self.places)
        return many or self.end - self._first > MOST_BYTES

    def total(self, nth: int = 0) -> int:
        """Return how many lines the look of a position found."""
        return len(self.places[nth])

    def rank(self, place: int, nth: int = 0) -> int:
        """Return which of the found lines lies at a place, from 1; 0 if none does."""
        places = self.places[nth]
        at = bisect_left(places, place)
        return at + 1 if at < len(places) and places[at] == place else 0

    def beyond(self, place: int, direction: int, nth: int = 0) -> int | None:
        """Return the next found place after (1) or before (-1) another, None as far as is known."""
        places = self.places[nth]
        at = bisect_right(places, place) if direction > 0 else bisect_left(places, place) - 1
        is_known = self.is_complete or place < self.end
        return places[at] if 0 <= at < len(places) and is_known else None

    def edge(self, direction: int, nth: int = 0) -> int | None:
        """Return the first (1) or last (-1) found place of a log that was looked through wholly."""
        places = self.places[nth]
        return (places[0] if direction > 0 else places[-1]) if self.is_complete and places else None

    def waypoint_from(self, place: int) -> LogSpot | None:
        """Return the first line at or after a place of which the number is known."""
        at = bisect_left(self.waypoints, place, key=lambda spot: spot.place)
        return self.waypoints[at] if at < len(self.waypoints) else None

    def waypoint_before(self, number: int) -> LogSpot | None:
        """Return the last line of which the number is known and not greater than one."""
        at = bisect_right(self.waypoints, number, key=lambda spot: spot.number) - 1
        return self.waypoints[at] if at >= 0 else None
