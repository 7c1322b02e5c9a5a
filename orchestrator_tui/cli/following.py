"""Following: runs as the one reader of the disk tells them, until enough was seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Final

import anyio

from orchestrator_tui.cli.choosing import choose_run
from orchestrator_tui.cli.exits import Exit, Stopped, not_found
from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.settings import Settings
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import State, derive_state
from orchestrator_tui.state.query import STATE_NAMES
from orchestrator_tui.state.reducer import observe
from orchestrator_tui.state.run_view import RunView, project_run
from orchestrator_tui.watch.feed import DiskFeed

TICK_S: Final = 0.5  # a run goes silent without any file that changes
TIMED_OUT_REASON: Final = "the time of --timeout is up; the runs keep going"

# Is given the fleet and the time, and tells whether enough was seen.
Look = Callable[[Fleet, datetime], bool]


def chosen_keys(settings: Settings, wanted: Sequence[str]) -> tuple[RunKey, ...]:
    """Return the runs that were named, each once.

    Raises:
        Stopped: No run is meant by one of the texts, or more than one.
    """
    return tuple(dict.fromkeys(choose_run(settings, text).key for text in wanted))


def is_over(state: State) -> bool:
    """Tell whether a run in that state will not change by itself any more."""
    return state not in STATE_NAMES["active"]


def states_of(fleet: Fleet, keys: Sequence[RunKey], now: datetime) -> dict[RunKey, State]:
    """Return the states of those of the runs that were seen.

    Raises:
        Stopped: One of the runs is not there, although everything was looked at.
    """
    missing = [key for key in keys if key not in fleet.runs]
    if missing and fleet.freshness is not None and not fleet.freshness.scanning:
        raise not_found(f"run {missing[0].run_id} has vanished")
    return {key: derive_state(fleet.runs[key], now).state for key in keys if key in fleet.runs}


def view_of(fleet: Fleet, key: RunKey, now: datetime) -> RunView | None:
    """Return a run with its stages once these were read as late as its state, None before.

    A manifest that cannot be read has no stages to wait for.
    """
    run, detail = fleet.runs.get(key), fleet.details.get(key)
    if run is None:
        return None
    if run.facts is not None and (detail is None or detail.manifest.status != run.facts.status):
        return None
    return project_run(run, detail, now)


def follow(settings: Settings, keys: Sequence[RunKey], look: Look, timeout_s: float | None) -> bool:
    """Have `look` see the runs, with their details, until it says that it is enough.

    Returns False where the time was up before. What `look` raises ends the following.
    """
    return anyio.run(_Follower(look).run, settings, frozenset(keys), timeout_s)


@dataclass(slots=True)
class _Follower:
    """Keeps the fleet; `look` is called after each change, and every `TICK_S`."""

    look: Look
    fleet: Fleet = Fleet()
    has_enough: bool = False
    _scope: anyio.CancelScope | None = None

    async def run(
        self, settings: Settings, keys: frozenset[RunKey], timeout_s: float | None
    ) -> bool:
        feed = DiskFeed(settings.roots, settings.environ)
        feed.focus(keys)
        try:
            with anyio.move_on_after(timeout_s) as self._scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._read, feed, name="read the disk")
                    tasks.start_soon(self._tick, name="tick")
        except* (OSError, Stopped) as group:
            raise group.exceptions[0] from None
        return self.has_enough

    async def _read(self, feed: DiskFeed) -> None:
        # A generator, though its port promises no more than an iterator.
        async with aclosing(feed.batches()) as batches:  # type: ignore[type-var]
            async for batch in batches:
                self.fleet = observe(self.fleet, batch)
                self._check()

    async def _tick(self) -> None:
        while True:
            await anyio.sleep(TICK_S)
            self._check()

    def _check(self) -> None:
        if not self.has_enough and self.look(self.fleet, SYSTEM_CLOCK.now()):
            self.has_enough = True
            if self._scope is not None:
                self._scope.cancel()


def timed_out() -> Stopped:
    """Return the error for a time that is up."""
    return Stopped(Exit.TIMED_OUT, TIMED_OUT_REASON)
