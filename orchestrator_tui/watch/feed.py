"""DiskFeed: all that is on disk as batches of observations, and then what changes."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator, Mapping

import anyio
import anyio.to_thread

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.primitives.garbage import looking_for_none
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import RunnerVerdict
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.observations import Observation, RunnerSeen
from orchestrator_tui.state.reducer import observe
from orchestrator_tui.store.configuration_memory import ConfigMemory
from orchestrator_tui.watch.index import RunIndex
from orchestrator_tui.watch.lookout import Cadence, Lookout
from orchestrator_tui.watch.mounts import remote_kind
from orchestrator_tui.watch.source import ChangeSource, NoticeSource, Polling


class DiskFeed:
    """Tells what is on disk; reads in a thread of its own, one file at a time.

    Args:
        roots: Where runs lie; the runs root may be missing and appear later.
        environ: Names the configuration, as the runner's environment does.
        clock: Tells ages of files and when to look again.
        source: Where notices come from; None chooses by the file system.
        cadence: How often is looked without a notice.
        index: What was read before; None: nothing was, and nothing is kept.
        config_memory: Configurations that were checked before; None: each is checked anew.
    """

    def __init__(
        self,
        roots: Roots,
        environ: Mapping[str, str],
        clock: Clock = SYSTEM_CLOCK,
        *,
        source: NoticeSource | None = None,
        cadence: Cadence | None = None,
        index: RunIndex | None = None,
        config_memory: ConfigMemory | None = None,
    ) -> None:
        self._source = source or choose_source(roots, clock)
        self._lookout = Lookout(roots, clock, self._source, environ, cadence, index, config_memory)
        self._first: list[tuple[Observation, ...]] = []
        self._first_look: threading.Thread | None = None
        self._is_closed = False

    def begin(self) -> None:
        """Look for the first time now, in a thread, while the caller goes on to make a screen."""
        self._first_look = threading.Thread(target=self._look_first, name="first look", daemon=True)
        self._first_look.start()

    def _look_first(self) -> None:
        self._first.append(self._lookout.step())

    def seen_first(self, within_s: float) -> tuple[Observation, ...]:
        """Return what the first look has seen; nothing if it is late. `batches` yields it, too."""
        if self._first_look is not None:
            self._first_look.join(within_s)
        return self._first[0] if self._first else ()

    async def batches(self) -> AsyncIterator[tuple[Observation, ...]]:
        """Yield what was seen, in order; runs first, newest first, then changes without end.

        To be iterated once. Closing the iterator, or cancelling the task that waits for it, stops
        the watching; the thread ends with the look that it is at.
        """
        try:
            if self._first_look is not None:
                if self._first_look.is_alive():  # seldom: a screen takes longer to be made
                    await anyio.to_thread.run_sync(self._first_look.join, abandon_on_cancel=True)
                for batch in filter(None, self._first):
                    yield batch
            # A limiter of its own, so that no other work in threads can keep the feed waiting.
            limiter = anyio.CapacityLimiter(1)
            while True:
                yield await anyio.to_thread.run_sync(
                    self._look, abandon_on_cancel=True, limiter=limiter
                )
        finally:
            self._is_closed = True
            self._source.close()

    def _look(self) -> tuple[Observation, ...]:
        """Look until there is news: each return from the thread wakes whoever waits for it."""
        while not self._is_closed:
            if batch := self._lookout.step():
                return batch
        return ()

    def focus(self, keys: frozenset[RunKey]) -> None:
        """Choose the runs whose details are read too; returns at once."""
        self._lookout.focus(keys)

    def rescan(self) -> None:
        """Ask for a full look at the disk soon; returns at once."""
        self._lookout.rescan()


def choose_source(roots: Roots, clock: Clock) -> NoticeSource:
    """Return the source of notices that fits the file system of the runs."""
    kind = remote_kind(roots.runs)
    if kind is None:
        return ChangeSource(clock)
    return Polling(f"{kind} tells nothing of changes made elsewhere; looking every 2 s")


def observe_once(roots: Roots, clock: Clock = SYSTEM_CLOCK, index: RunIndex | None = None) -> Fleet:
    """Return all that is on disk now, signs of life included, read in the calling thread.

    A runner that was not found is told as often as proves it gone: its manifest was read again
    after the probe. What was read anew is kept in the index.
    """
    lookout = Lookout(roots, clock, Polling(), index=index)
    fleet = Fleet()
    with looking_for_none():  # what is read of all runs stays
        while lookout.is_scanning:
            # Each at once: a batch holds on to the manifests that it was read from.
            fleet = observe(fleet, tuple(_proven(lookout.step())))
    return fleet


def _proven(batch: tuple[Observation, ...]) -> Iterator[Observation]:
    for each in batch:
        yield each
        if isinstance(each, RunnerSeen) and each.runner.verdict == RunnerVerdict.GONE:
            yield each
