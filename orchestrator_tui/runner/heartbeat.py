"""HeartbeatQueue: beats are awaited, coalesce, and fail without harm."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from typing import Protocol

import anyio

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock

FINAL_FLUSH_S = 5.0  # the end of a run waits no longer for a disk
SLOW_WRITE_S = 10.0

_log = logging.getLogger(__name__)


class Beat(Protocol):
    """Writes one sign of life."""

    async def __call__(self, *, with_manifest: bool) -> None:
        """Write `.heartbeat`, and the manifest too if `with_manifest`; OSError where it fails."""
        ...


class HeartbeatQueue:
    """Writes a sign of life every `interval_s` seconds while a run goes on.

    Each write is awaited before the next. While one is slow, the beats it delays become one, so
    nothing ever queues up. A beat takes the manifest along when its last successful save, by
    whomever, is `manifest_interval_s` old, half a beat more or less. A failed beat is told once
    until its reason changes or it succeeds again, and the next tick tries anew.
    """

    def __init__(
        self,
        run_id: str,
        beat: Beat,
        *,
        interval_s: float,
        manifest_interval_s: float,
        clock: Clock = SYSTEM_CLOCK,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._run_id = run_id
        self._beat = beat
        self._interval_s = interval_s
        self._manifest_interval_s = manifest_interval_s
        self._clock = clock
        self._sleep = sleep
        self._manifest_saved_at = clock.monotonic()
        self._failure: str | None = None

    def manifest_saved(self) -> None:
        """Note that the manifest has just been saved, for whatever reason."""
        self._manifest_saved_at = self._clock.monotonic()

    async def run(self) -> None:
        """Beat until cancelled."""
        due = self._clock.monotonic() + self._interval_s
        while True:
            await self._sleep(max(0.0, due - self._clock.monotonic()))
            await self.tick()
            missed = math.floor((self._clock.monotonic() - due) / self._interval_s)
            due += (max(0, missed) + 1) * self._interval_s

    async def tick(self) -> None:
        """Write one beat; a failure is told, never raised."""
        age_s = self._clock.monotonic() - self._manifest_saved_at
        # A tick that comes a millisecond early must not wait for the next one.
        tolerance_s = min(self._interval_s, self._manifest_interval_s) / 2
        await self._try(with_manifest=age_s >= self._manifest_interval_s - tolerance_s)

    async def flush(self) -> None:
        """Write beat and manifest once more at the end of a run, cancelled or not; never raises."""
        with anyio.move_on_after(FINAL_FLUSH_S, shield=True):
            await self._try(with_manifest=True)

    async def _try(self, *, with_manifest: bool) -> None:
        started = self._clock.monotonic()
        try:
            await self._beat(with_manifest=with_manifest)
        except OSError as error:
            self._tell(str(error))
        else:
            took_s = self._clock.monotonic() - started
            self._tell(f"it took {took_s:.0f} s" if took_s > SLOW_WRITE_S else None)

    def _tell(self, failure: str | None) -> None:
        if failure == self._failure:
            return
        self._failure = failure
        if failure is None:
            _log.info("Heartbeat of run %s is written again", self._run_id)
        else:
            _log.warning("Heartbeat update failed for run %s: %s", self._run_id, failure)
