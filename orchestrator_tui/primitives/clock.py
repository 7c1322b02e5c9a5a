"""Clock: wall and monotonic time as an argument."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

from orchestrator_tui.dataclass import dataclass


class Clock(Protocol):
    """Tells the time; tests supply one that they move by hand."""

    def now(self) -> datetime:
        """Return the wall time, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back, from an arbitrary start."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the wall time, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; wall-clock steps do not change it."""
        return time.monotonic()


SYSTEM_CLOCK = SystemClock()
