"""Journal: keeps the activity of this session, and what is remembered of earlier ones."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import anyio

from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.pipeline import OrchestratorConfig
from orchestrator_tui.records.times import format_time, parse_time
from orchestrator_tui.state.activity import (
    Entries,
    Entry,
    Kind,
    Result,
    Troubles,
    from_document,
    matching,
    merged,
    to_document,
    watch_trouble,
)
from orchestrator_tui.state.observations import ConfigSeen, Observation
from orchestrator_tui.ui.ports import Memory

ACTIVITY, LAST_SEEN = "activity", "last-seen"  # the documents in the memory
SEEN_EVERY: Final = timedelta(minutes=1)  # how often it is written down that somebody looks
SAVE_WITHIN_S: Final = 1.0  # no action waits longer for a disk that does not answer


def doubt_words(batch: Iterable[Observation]) -> str:
    """Return what is doubtful in a configuration that was just read, nothing where nothing is."""
    for each in batch:
        if isinstance(each, ConfigSeen) and isinstance(each.config, OrchestratorConfig):
            first, *others = each.config.doubts or ("",)
            return f"{first}\n{len(others):,} more: orch-tui doctor" if others else first
    return ""


class Journal:
    """What a person did and was told; `entries` is another value after each change."""

    def __init__(self, memory: Memory | None, clock: Clock) -> None:
        self._memory = memory
        self._clock = clock
        self._session = uuid.uuid4().hex[:12]
        self._count = 0
        self._troubles: Troubles = {}
        self._saving = anyio.Lock()
        self._seen_at: datetime | None = None
        self.entries: Entries = ()
        self.problem: str | None = None  # why the last thing was not remembered

    # --- what happens -------------------------------------------------------------------------

    def began(self, command: str, key: RunKey | None = None) -> str:
        """Note that an action was asked for; return the name of its entry."""
        return self._add(Kind.ACTION, Result.PENDING, "", command=command, key=key)

    def ended(self, name: str, result: Result, words: str, key: RunKey | None = None) -> None:
        """Note what became of an action."""
        for entry in self.entries:
            if entry.name == name:
                ended = replace(entry, result=result, words=words, key=key or entry.key)
                self.entries = merged(self.entries, (ended,))

    def told(self, words: str) -> None:
        """Note what was told by a toast."""
        self._add(Kind.TOLD, Result.TOLD, words)

    def run_told(self, key: RunKey, words: str, *, is_grave: bool) -> None:
        """Note what was told of a run."""
        self._add(Kind.RUN, Result.TROUBLE if is_grave else Result.TOLD, words, key=key)

    def watch(self, batch: Iterable[Observation]) -> None:
        """Note trouble in reading the disk, when it begins and when it is over."""
        self._troubles, news = watch_trouble(self._troubles, batch)
        for each in news:
            result = Result.OVER if each.is_over else Result.TROUBLE
            self._add(Kind.WATCH, result, each.words, key=each.key)

    def _add(
        self,
        kind: Kind,
        result: Result,
        words: str,
        *,
        command: str = "",
        key: RunKey | None = None,
    ) -> str:
        self._count += 1
        name = f"{self._session}-{self._count:06}"
        entry = Entry(name, self._clock.now(), kind, result, words, command, key)
        self.entries = merged(self.entries, (entry,))
        return name

    def matching(self, words: str) -> Entries:
        """Return the entries in which every word stands."""
        return matching(self.entries, words) if words.strip() else self.entries

    # --- what is remembered -------------------------------------------------------------------

    async def recall(self) -> datetime | None:
        """Take in earlier actions; return when somebody last looked, None where never."""
        if self._memory is None:
            return None
        kept = from_document(await self._memory.recall(ACTIVITY), self._session)
        self.entries = merged(kept, self.entries)
        return parse_time((await self._memory.recall(LAST_SEEN)).get("at"))

    async def save(self) -> None:
        """Remember the actions, together with those that other screens have remembered since."""
        if self._memory is None:
            return
        with anyio.move_on_after(SAVE_WITHIN_S):
            async with self._saving:
                others = from_document(await self._memory.recall(ACTIVITY), self._session)
                self.entries = merged(others, self.entries)
                self.problem = await self._memory.keep(ACTIVITY, to_document(self.entries))

    @property
    def is_to_be_seen(self) -> bool:
        """Whether it is time to remember that somebody looks."""
        now = self._clock.now()
        is_soon = self._seen_at is not None and timedelta() <= now - self._seen_at < SEEN_EVERY
        return self._memory is not None and not is_soon

    async def seen(self) -> None:
        """Remember that somebody looks now."""
        if self._memory is None:
            return
        self._seen_at = now = self._clock.now()
        with anyio.move_on_after(SAVE_WITHIN_S):
            document = {"version": 1, "at": format_time(now)}
            self.problem = await self._memory.keep(LAST_SEEN, document)
