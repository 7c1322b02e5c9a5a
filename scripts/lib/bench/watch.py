"""From a change on disk to the screen, and whether any change is missed."""

from __future__ import annotations

import asyncio
import json
import statistics
import threading
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from bench.programs import orch_tui
from bench.spending import Failed
from bench.table import Line, Table
from bench.terminal import Terminal
from bench.trees import counts, live_runs, runs_in
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.reducer import observe
from orchestrator_tui.watch.feed import DiskFeed

LONE_P95_MS = 25.0
LOADED_P95_MS = 60.0
WITHIN_S = 10.0
LOADED_RUNS = 50
NAMES = ("aaaaaaaaaaaa", "bbbbbbbbbbbb")  # no letter in common, so that all cells change


def add_options(parser: ArgumentParser) -> None:
    """Add how many runs and changes there are."""
    parser.add_argument("--runs", type=counts, default=(1000,), help="such as 1000,100000")
    parser.add_argument("--changes", type=int, default=100, help="that are timed, of each kind")
    parser.add_argument("--load", type=float, default=200.0, help="changes a second meanwhile")
    parser.add_argument("--many", type=int, default=2000, help="changes of which none is missed")


def tables(asked: Namespace) -> list[Table]:
    """Measure lone changes, changes among many, and count what is missed."""
    lines: list[Line] = []
    for count in asked.runs:
        with runs_in(count) as repo, live_runs(repo, 1, 0.5, 600):
            lone = _timed(repo, asked.changes, 0.3)
            lines += _lines(f"lone, {count:,} runs", lone, LONE_P95_MS)
            with live_runs(repo, LOADED_RUNS, asked.load, 600):
                loaded = _timed(repo, asked.changes, 0.1)
            what = f"beside {asked.load:g} changes a second, {count:,} runs"
            lines += _lines(what, loaded, LOADED_P95_MS)
    with runs_in(100) as repo:
        missed = asyncio.run(_missed(repo, asked.many))
    line = Line(f"missed of {asked.many:,}, {WITHIN_S:g} s later", (missed,), "", at_most=0.0)
    return [
        Table("A manifest is replaced, until its row is written to the terminal", tuple(lines)),
        Table("Changes and new folders as fast as they can be made", (line,)),
    ]


def _lines(what: str, times: list[float], goal_ms: float) -> list[Line]:
    p95 = statistics.quantiles(times, n=20)[-1] if len(times) > 1 else times[0]
    return [Line(what, tuple(times)), Line(f"{what}, 95th of 100", (p95,), at_most=goal_ms)]


def _timed(repo: Path, changes: int, pause_s: float) -> list[float]:
    """Change the pipeline of the live run that stands first, and wait until it is shown."""
    manifest = _first_live(repo)
    times: list[float] = []
    with Terminal(orch_tui(), repo) as terminal:
        terminal.wait_for(("RUNNING",))
        _read_on(terminal, 2)
        for number in range(changes + 1):
            name = NAMES[number % 2]
            _replace(manifest, pipeline_id=name, pipeline_title=name)
            begun = time.perf_counter()
            taken_s = terminal.wait_for((name[:6],), 15) - begun
            if number:
                times.append(taken_s)
            _read_on(terminal, pause_s)
    return times


def _read_on(terminal: Terminal, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        terminal.read(0.05)


def _first_live(repo: Path) -> Path:
    """Return the manifest of the run that has gone on longest, which stands first."""
    found: list[tuple[str, Path]] = []
    for path in repo.glob(".runs/*/cli/*/.heartbeat"):
        manifest = path.with_name("manifest.json")
        document = json.loads(manifest.read_text())
        if document["status"] == "in_progress":
            found.append((document["started_at"], manifest))
    if not found:
        raise Failed("no run goes on")
    return min(found)[1]


def _replace(manifest: Path, **changes: Any) -> None:
    document = json.loads(manifest.read_text())
    temporary = manifest.with_name("manifest.json.tmp-bench")
    temporary.write_text(json.dumps({**document, **changes}, indent=2) + "\n")
    temporary.rename(manifest)


async def _missed(repo: Path, many: int) -> int:
    """Return how many runs are not known as they are, some time after the last change."""
    roots, fleet = Roots.of(repo), Fleet()
    feed = DiskFeed(roots, {})
    expected: dict[RunKey, int] = {}
    writer = threading.Thread(target=_write_many, args=(roots, many, expected))
    until: float | None = None
    batches = feed.batches()
    async for batch in batches:
        fleet = observe(fleet, batch)
        if not writer.is_alive() and until is None:
            if fleet.freshness is not None and not fleet.freshness.scanning and not expected:
                writer.start()
            elif expected:
                until = time.monotonic() + WITHIN_S
        if until is not None and (time.monotonic() > until or not _differing(fleet, expected)):
            break
    await batches.aclose()  # type: ignore[attr-defined]
    return _differing(fleet, expected)


def _differing(fleet: Fleet, expected: dict[RunKey, int]) -> int:
    return sum(
        (run := fleet.runs.get(key)) is None or run.facts is None or run.facts.exit_code != code
        for key, code in expected.items()
    )


def _write_many(roots: Roots, many: int, expected: dict[RunKey, int]) -> None:
    """Change runs, every tenth of them a new one, some of those in a new task."""
    model = json.loads(next(roots.runs.glob("*/cli/*/manifest.json")).read_text())
    keys: list[RunKey] = []
    for number in range(many):
        if number % 10 == 0:
            task = f"new-{number // 100}"
            key = RunKey(task, f"2026-01-01T00-00-00-000Z-{number:08x}")
            keys.append(key)
            (roots.runs / task / "cli" / key.run_id).mkdir(parents=True)
        else:
            key = keys[number * 7919 % len(keys)]
        command = {"index": 1, "id": "only", "command": "true", "status": "failed"}
        document = {**model, "task_id": key.task_id, "run_id": key.run_id, "status": "failed"}
        document["commands"] = [{**command, "exit_code": number}]
        path = roots.runs / key.task_id / "cli" / key.run_id / "manifest.json"
        temporary = path.with_name("manifest.json.tmp-bench")
        temporary.write_text(json.dumps(document))
        temporary.rename(path)
        expected[key] = number
