"""ProcessGauge: what the program itself takes of the machine."""

from __future__ import annotations

import time

import anyio.to_thread

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.primitives.process_identity import resident_bytes
from orchestrator_tui.ui.ports import Spent


class ProcessGauge:
    """Measures this process from one reading to the next."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._before: tuple[float, float] | None = None  # moment and processor time, in seconds

    async def read(self) -> Spent:
        """Return the memory in use, and the share of one core since the reading before."""
        return await anyio.to_thread.run_sync(self._measure)

    def _measure(self) -> Spent:
        now_s, busy_s = self._clock.monotonic(), time.process_time()
        before_s, busy_before_s = self._before or (now_s, busy_s)
        self._before = now_s, busy_s
        share = (busy_s - busy_before_s) / (now_s - before_s) if now_s > before_s else 0.0
        return Spent(share, resident_bytes())
