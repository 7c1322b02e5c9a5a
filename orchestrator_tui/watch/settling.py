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
    return abs(clock.now().timestamp() * 1e9 - signature.mtime_ns) > _SETTLED_AFTER_NS
