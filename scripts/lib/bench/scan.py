"""All runs of a repository, read for the first time and again."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.programs import orch_tui
from bench.spending import Failed, environment, in_turn, ratios, spend
from bench.table import Line, Table
from bench.trees import counts, runs_in

AGAIN_OF_WALK = 2.5
FIRST_OF_WALK = 14.0
RUNS_OF_GOAL = 10_000  # of which the goals are told; of few a ratio tells what is needed once
RESTED_S = 3.0  # what was written a moment ago is read again each time, and not kept
CASE = Path(__file__).with_name("scan_case.py")


def add_options(parser: ArgumentParser) -> None:
    """Add how many runs there are."""
    parser.add_argument("--runs", type=counts, default=(1000, 10_000), help="such as 1000,100000")


def tables(asked: Namespace) -> list[Table]:
    """Measure both beside a walk that only looks at each manifest."""
    found = []
    for count in asked.runs[:1] if asked.quick else asked.runs:
        with (
            runs_in(count, "--bare", "--like-node") as repo,
            tempfile.TemporaryDirectory() as place,
        ):
            found.append(_table(count, repo, Path(place), asked.rounds or 5))
    return found


def _table(count: int, repo: Path, place: Path, rounds: int) -> Table:
    kept, empty = place / "kept", place / "empty"
    time.sleep(RESTED_S)
    _seconds("read", repo, kept)

    def first() -> float:
        shutil.rmtree(empty, ignore_errors=True)
        return _seconds("read", repo, empty)

    cases: dict[str, Callable[[], float]] = {
        "walk": partial(_seconds, "walk", repo, kept),
        "again": partial(_seconds, "read", repo, kept),
        "first": first,
        "list": lambda: spend([*orch_tui(), "list", "--limit", "20"], cwd=repo).seconds,
    }
    figures = in_turn(cases, rounds)
    walk = figures["walk"]
    again, first_scan = figures["again"], figures["first"]
    has_goal = count == RUNS_OF_GOAL
    return Table(
        f"{count:,} runs, manifests of 8 KB, files in memory",
        (
            Line(
                "again",
                again,
                "ms",
                ratios(again, walk),
                "walk",
                AGAIN_OF_WALK if has_goal else None,
            ),
            Line(
                "first time",
                first_scan,
                "ms",
                ratios(first_scan, walk),
                "walk",
                FIRST_OF_WALK if has_goal else None,
            ),
            Line("walk and stat", walk),
            Line("orch-tui list --limit 20, whole process", figures["list"]),
        ),
    )


def _seconds(what: str, repo: Path, cache: Path) -> float:
    words = [sys.executable, str(CASE), what, str(repo), str(cache)]
    ended = subprocess.run(words, env=environment(), capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise Failed(ended.stderr[-300:])
    return float(ended.stdout)
