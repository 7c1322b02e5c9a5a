"""Very many runs: a look at them that finds nothing new takes no time that a person could feel."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from orchestrator_tui.records.paths import Roots
from orchestrator_tui.store.discovery import all_runs
from orchestrator_tui.store.reading import read_run
from prove.harness import Asked, Found
from tests.watch.disk import Watch

MOST_S: Final = 0.100
LOOKS: Final = 60
MAKE_RUNS: Final = Path(__file__).parents[2] / "make_runs"


def prove(asked: Asked) -> Found:
    """Make runs, read them all, then look again and again."""
    found = Found()
    repo = asked.folder / "repo"
    repo.mkdir()
    words = [sys.executable, str(MAKE_RUNS), str(asked.trials), "--root", str(repo), "--bare"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    watch = Watch(repo)
    begun = time.perf_counter()
    watch.settle()
    whole_s = time.perf_counter() - begun
    if len(watch.fleet.runs) != asked.trials:
        found.failures.append(f"{len(watch.fleet.runs)} of {asked.trials} runs are shown")
    times = []
    for _ in range(LOOKS):
        begun = time.perf_counter()
        watch.step()
        times.append(time.perf_counter() - begun)
        if times[-1] > asked.slack * MOST_S:
            found.failures.append(f"a look took {1000 * times[-1]:.0f} ms")
    found.trials = LOOKS
    found.figures = (
        f"{asked.trials:,} runs read in {whole_s:.1f} s, slowest look {1000 * max(times):.0f} ms"
    )
    begun = time.perf_counter()
    roots = Roots.of(repo)
    for ref in all_runs(roots):
        read_run(roots, ref)
    again_s = time.perf_counter() - begun
    found.caught(["slow"] if again_s > max(times) else [], "the memory of what was read")
    return found
