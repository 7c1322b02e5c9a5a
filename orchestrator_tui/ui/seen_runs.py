"""SeenFailures: which runs that went wrong a person has looked at, from one day to the next."""

from __future__ import annotations

from typing import Final

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.ui.ports import Memory

SEEN: Final = "seen-runs"  # the document in the memory
MOST_KEPT: Final = 1000  # runs; what went wrong more than a day ago asks nobody any more


class SeenFailures:
    """Runs with how often they had been resumed when they were seen; the oldest go first.

    `runs` is another value after each change.
    """

    def __init__(self, memory: Memory | None) -> None:
        self._memory = memory
        self._taken_back: set[RunKey] = set()
        self.runs: dict[RunKey, int] = {}

    async def recall(self) -> None:
        """Learn what was seen before, or in another screen."""
        if self._memory is not None:
            self.runs = {**seen_from(await self._memory.recall(SEEN)), **self.runs}

    def saw(self, key: RunKey, resumes: int) -> None:
        """Note that a run was looked at."""
        self._taken_back.discard(key)
        # What is seen last is kept longest.
        self.runs = {**self._without(key), key: resumes}

    def take_back(self, key: RunKey) -> None:
        """Have a run be new again."""
        self.runs = self._without(key)
        self._taken_back.add(key)

    def _without(self, key: RunKey) -> dict[RunKey, int]:
        return {each: count for each, count in self.runs.items() if each != key}

    async def save(self) -> None:
        """Keep what was seen here beside what other screens have kept."""
        if self._memory is None:
            return
        kept = {**seen_from(await self._memory.recall(SEEN)), **self.runs}
        names = {str(key): count for key, count in kept.items() if key not in self._taken_back}
        await self._memory.keep(SEEN, {"runs": dict(list(names.items())[-MOST_KEPT:])})


def seen_from(document: dict[str, object]) -> dict[RunKey, int]:
    """Return the runs that a document of the memory names."""
    told = document.get("runs")
    if not isinstance(told, dict):
        return {}
    return {
        RunKey(*name.split("/", 1)): count
        for name, count in told.items()
        if isinstance(name, str) and "/" in name and isinstance(count, int)
    }
