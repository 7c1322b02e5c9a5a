"""Soak: the real screen over twenty real runs for a long time; nothing of it may grow.

    ./scripts/prove soak --minutes 60
    ./scripts/prove soak --minutes 3 --leak     the control: it leaks, and must be found out

Every ten seconds the descriptors, the memory, the threads and the asyncio tasks of the screen are
counted, while keys open a run and its log and go back. After a warm-up, the slope of each is told
in % of its mean per ten minutes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestrator_tui.runner.launch import StartJob, launch_detached
from orchestrator_tui.runner.process_tree import TreeScope, become_subreaper, end_tree
from tests.runner.repository import Repository, command
from tests.terminals import RealTerminal

MOST_SLOPE: Final = 1.0  # % per ten minutes
PER_S: Final = 600.0
EVERY_S: Final = 10.0
WARM_UP: Final = 0.25  # of the time, at most `WARM_UP_S`
WARM_UP_S: Final = 600.0
SIZE: Final = (140, 40)
# A line or two a second, to both streams, with colours. Before them as many as a log screen keeps,
# so that what grows is the program and not what it shows.
CHATTER: Final = (
    "seq 25000 | sed 's/^/earlier line /'; "
    "n=0; while :; do n=$((n+1)); printf '\\033[32mline %d\\033[0m of much that is said\\n' $n; "
    '[ $((n % 7)) -ne 0 ] || echo "warning $n" >&2; sleep 0.7; done'
)
# What a person does: look at another run, at its log, look around, and back.
KEYS: Final = (("j",), ("enter",), ("l",), ("G",), ("esc",), ("esc",), ("?",), ("esc",), ("k",))


@dataclass(frozen=True, slots=True)
class Sample:
    """What the screen takes at one moment."""

    at_s: float
    descriptors: int
    rss_kib: int
    threads: int
    tasks: int
    cpu_s: float


MEASURES: Final = ("descriptors", "rss_kib", "threads", "tasks")


def slope_of(samples: Sequence[Sample], measure: str) -> float:
    """Return by how much a measure grows, in % of its mean per ten minutes.

    What differs between the screens of one round of keys is no growth: where there are two rounds
    or more, the line is laid through the means of whole rounds.
    """
    size = len(KEYS) if len(samples) >= 2 * len(KEYS) else 1
    rounds = [samples[n : n + size] for n in range(0, len(samples) - size + 1, size)]
    times = [statistics.fmean(each.at_s for each in part) for part in rounds]
    values = [statistics.fmean(getattr(each, measure) for each in part) for part in rounds]
    mean = statistics.fmean(values)
    return 100 * statistics.linear_regression(times, values).slope * PER_S / mean if mean else 0.0


def take(pid: int, counts: Path, begun: float) -> Sample:
    """Return what a process takes now."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Sample(
        at_s=time.monotonic() - begun,
        descriptors=len(list(Path(f"/proc/{pid}/fd").iterdir())),
        rss_kib=int(status["VmRSS"].split()[0]),
        threads=int(status["Threads"]),
        tasks=int(counts.read_text()) if counts.exists() else 0,
        cpu_s=(int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
    )


def watch(terminal: RealTerminal, counts: Path, seconds: float) -> list[Sample]:
    """Use the screen for so long; return what it took."""
    begun = time.monotonic()
    samples = [take(terminal.pid, counts, begun)]
    number = 0
    while samples[-1].at_s < seconds:
        keys = KEYS[number % len(KEYS)]
        terminal.type(*keys)
        number += 1
        terminal.pump(min(EVERY_S, seconds) - 0.05)
        terminal.raw.clear()
        terminal.asked = 0
        samples.append(take(terminal.pid, counts, begun))
        print(samples[-1], flush=True)
    return samples


def report(samples: Sequence[Sample], seconds: float) -> bool:
    """Print a table of the samples after the warm-up, and tell whether all is flat."""
    warm = [s for s in samples if s.at_s >= min(WARM_UP_S, WARM_UP * seconds)]
    print(f"\n{len(warm)} samples after the warm-up, over {warm[-1].at_s - warm[0].at_s:,.0f} s\n")
    print("| what | first | last | least | most | slope per 10 min | flat |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    is_flat = True
    for measure in MEASURES:
        values = [getattr(sample, measure) for sample in warm]
        slope = slope_of(warm, measure)
        is_flat &= slope < MOST_SLOPE
        cells = (measure, values[0], values[-1], min(values), max(values), f"{slope:+.2f} %")
        print("| " + " | ".join(map(str, cells)) + f" | {'yes' if slope < MOST_SLOPE else 'NO'} |")
    share = (warm[-1].cpu_s - warm[0].cpu_s) / (warm[-1].at_s - warm[0].at_s)
    print(f"\nThe screen used {100 * share:.1f} % of a core.")
    return is_flat


def main(words: Sequence[str]) -> int:
    """Soak; return 1 if something grows."""
    parser = argparse.ArgumentParser(prog="prove soak", description="Watch the screen for leaks.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--leak", action="store_true", help="the control: leak, and be found out")
    parser.add_argument("--screen", type=Path, help="write the text of the last screen there")
    asked = parser.parse_args(words)
    become_subreaper()
    scope = TreeScope()
    with tempfile.TemporaryDirectory(prefix="orch-tui-soak-", ignore_cleanup_errors=True) as place:
        try:
            is_flat = _soak(Path(place).resolve(), asked)
        finally:
            end_tree(scope.members, grace_s=0)
    return 0 if is_flat else 1


def _soak(folder: Path, asked: argparse.Namespace) -> bool:
    repo = Repository(folder)
    repo.configure(chatter=[command("talk", CHATTER), command("after", "true")])
    for number in range(asked.runs):
        launch_detached(repo.roots, StartJob("chatter", f"soak-{number:02d}"), environ=repo.environ)
    counts = folder / "counts"
    leak = "leak" if asked.leak else "tight"
    program = [sys.executable, "-m", "prove.soaked", str(counts), leak, "--repo", str(folder)]
    environ = {**os.environ, "XDG_STATE_HOME": f"{folder}/s", "XDG_CACHE_HOME": f"{folder}/c"}
    with RealTerminal(program, size=SIZE, environ=environ) as terminal:
        terminal.until("chatter")
        samples = watch(terminal, counts, asked.minutes * 60)
        screen = terminal.text
        terminal.type("esc", "esc", "q")
        terminal.pump(1)
    is_flat = report(samples, asked.minutes * 60)
    print(f"\nThe screen at the end:\n\n{screen}")
    if asked.screen:
        asked.screen.write_text(screen + "\n")
    return is_flat
