"""Waiting for what another process does."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 30.0
LOOK_EVERY_S = 0.02


def wait_for(condition: Callable[[], bool]) -> None:
    """Return as soon as a condition holds; fail when it takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(LOOK_EVERY_S)
