"""How fast the machine is now: bounds of time hold for a quiet one, and others may be at work."""

from __future__ import annotations

import time

NOMINAL_S = 0.04  # what the work below takes on a quiet machine
ROUNDS = 1_000_000


def slowness() -> float:
    """Return how many times longer than on a quiet machine work takes now, at least 1."""
    begun = time.perf_counter()
    total = 0
    for number in range(ROUNDS):
        total += number
    return max(1.0, (time.perf_counter() - begun) / NOMINAL_S)
