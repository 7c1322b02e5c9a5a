"""Allocation: when memory that was needed for a moment goes back to the system."""

from __future__ import annotations

import contextlib
import ctypes
from typing import Final

# malloc.h of the GNU C library
_M_TRIM_THRESHOLD: Final = -1
_M_TOP_PAD: Final = -2
_M_MMAP_THRESHOLD: Final = -3

_THRESHOLD_BYTES: Final = 128 * 1024  # where that library begins
_BLOCK_BYTES: Final = 1024 * 1024  # more than any text that is made of one chunk of output
_KEPT_BYTES: Final = 4 * _BLOCK_BYTES


def give_back_memory() -> None:
    """Have large blocks go back to the system as soon as they are free.

    The C library else raises its thresholds with the largest block that it has seen, and each of
    its arenas, one a thread, keeps as much: what a page of a large log took for a moment stayed.
    Without that library nothing is done.
    """
    _set({_M_TRIM_THRESHOLD: _THRESHOLD_BYTES})


def keep_memory() -> None:
    """Have each thread keep a few megabytes that are free, for what it needs again and again.

    The C library else gives back what a chunk of output took, 128 KiB and more as text of many
    languages, and asks for it anew with the next: half the time that such output takes. Without
    that library nothing is done.
    """
    _set(
        {
            _M_MMAP_THRESHOLD: _BLOCK_BYTES,
            _M_TRIM_THRESHOLD: _KEPT_BYTES,
            _M_TOP_PAD: _BLOCK_BYTES,
        }
    )


def _set(values: dict[int, int]) -> None:
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for name, value in values.items():
            mallopt(name, value)
