"""When a file or folder has rested for so long that its signature tells every change."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.primitives.signature import FileSignature

# A file changed twice within the clock's grain may keep its signature: what was touched just now
# is read again until it has rested for this long.
SETTLED_AFTER: Final = timedelta(seconds=2)
_SETTLED_AFTER_NS: Final = SETTLED_AFTER.total_seconds() * 1e9


def has_rested(signature: FileSignature, clock: Clock) -> bool:
    """Tell whether a signature that was taken now tells every change from now on.

    A time ahead of our clock has rested, too: nothing is gained by reading it for ever.
    """
    return has_rested_at(signature, time_ns(clock))


def has_rested_at(signature: FileSignature, now_ns: float) -> bool:
    """Tell the same at a time of `time_ns`, not after the signature was taken; for very many."""
    return abs(now_ns - signature.mtime_ns) > _SETTLED_AFTER_NS


def time_ns(clock: Clock) -> float:
    """Return the time in nanoseconds since 1970, as a signature has it."""
    return clock.now().timestamp() * 1e9
