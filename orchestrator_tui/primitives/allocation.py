"""Allocation: memory that was needed for a moment goes back to the system."""

from __future__ import annotations

import contextlib
import ctypes
from typing import Final

_M_TRIM_THRESHOLD: Final = -1  # malloc.h of the GNU C library
_THRESHOLD_BYTES: Final = 128 * 1024  # where that library begins


def give_back_memory() -> None:
    """Have large blocks go back to the system as soon as they are free.

    The C library else raises its thresholds with the largest block that it has seen, and each of
    its arenas, one a thread, keeps as much: what a page of a large log took for a moment stayed.
    Without that library nothing is done.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_TRIM_THRESHOLD, _THRESHOLD_BYTES)
