"""Standard streams: the program has all three of them, even if it was started without."""

from __future__ import annotations

import os
import sys


def fill_standard_streams() -> None:
    """Put the null device in the place of standard streams that were closed by the caller.

    Otherwise the next file that is opened would become one of them, and `sys` holds None.

    Raises:
        OSError: The environment has no null device.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
