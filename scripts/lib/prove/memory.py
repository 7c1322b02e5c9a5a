"""How much memory this process holds, and held at most."""

from __future__ import annotations

import resource
from pathlib import Path


def resident_kib() -> int:
    """Return how much memory this process holds, in KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError("the kernel does not tell")


def peak_kib() -> int:
    """Return how much memory this process has held at most, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
