"""One look at all runs, timed inside its process: `scan_case.py walk|read REPO CACHE`."""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.primitives.garbage import OBJECTS_BEFORE_LOOK
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.watch.feed import observe_once
from orchestrator_tui.watch.index import RunIndex


def walk(runs: Path) -> int:
    """List every folder of runs and look at each manifest: what no scan can do without."""
    count = 0
    for task in os.scandir(runs):
        with os.scandir(f"{task.path}/cli") as found:
            for run in found:
                os.stat(f"{run.path}/manifest.json")  # noqa: PTH116
                count += 1
    return count


def read(roots: Roots, cache: Path) -> Fleet:
    """Read all runs as `orch-tui list` does."""
    return observe_once(roots, SYSTEM_CLOCK, RunIndex(cache, roots))


def main() -> int:
    """Print how many seconds it took; what was read is held until then."""
    what, repo, cache = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    roots = Roots.of(repo)
    gc.set_threshold(OBJECTS_BEFORE_LOOK)
    begun = time.perf_counter()
    found = walk(roots.runs) if what == "walk" else read(roots, cache).runs
    print(time.perf_counter() - begun)
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
