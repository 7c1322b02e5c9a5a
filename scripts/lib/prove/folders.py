"""Very many runs: a look at them that finds nothing new takes no time that a person could feel."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
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
TICK_S: Final = 0.005
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
    gc.freeze()  # as the program does once all is read
    if len(watch.fleet.runs) != asked.trials:
        found.failures.append(f"{len(watch.fleet.runs)} of {asked.trials} runs are shown")
    times, late = [], []
    for _ in range(LOOKS):
        took_s, late_s = _look(watch)
        times.append(took_s)
        late.append(late_s)
        if late_s > asked.slack * MOST_S:
            found.failures.append(f"a look held up others for {1000 * late_s:.0f} ms")
    found.trials = LOOKS
    found.figures = (
        f"{asked.trials:,} runs read in {whole_s:.1f} s, slowest look {1000 * max(times):.0f} ms, "
        f"others held up for {1000 * max(late):.0f} ms at most"
    )
    begun = time.perf_counter()
    roots = Roots.of(repo)
    for ref in all_runs(roots):
        read_run(roots, ref)
    again_s = time.perf_counter() - begun
    found.caught(["slow"] if again_s > max(times) else [], "the memory of what was read")
    return found


def _look(watch: Watch) -> tuple[float, float]:
    """Look once in a thread, as the program does; return how long, and how late this one came."""
    begun = time.perf_counter()
    looking = threading.Thread(target=watch.step)
    looking.start()
    late_s = 0.0
    while looking.is_alive():
        slept = time.perf_counter()
        looking.join(TICK_S)
        late_s = max(late_s, time.perf_counter() - slept - TICK_S)
    return time.perf_counter() - begun, late_s
