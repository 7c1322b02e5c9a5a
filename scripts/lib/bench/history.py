"""One more run in `runs.json` and in `metrics.json`, beside a plain copy of the same file."""

from __future__ import annotations

import json
import os
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from bench.spending import in_turn, ratios
from bench.table import Line, Table
from orchestrator_tui.records.manifest import CommandRecord, JsonObject, Manifest
from orchestrator_tui.records.paths import Roots, resolve_run_paths, resolve_task_paths
from orchestrator_tui.records.pipeline import CommandStage, Pipeline
from orchestrator_tui.records.times import format_time
from orchestrator_tui.store.history import History
from orchestrator_tui.store.metrics import metrics_entry, record_metrics
from orchestrator_tui.store.run_summary import build_run_summary
from orchestrator_tui.store.task_state import TaskStateStore

TASK = "bench"
COPY = "a copy, synced"
_STAGES = tuple(
    CommandStage(id=name, title=f"Stage {name}", command=f"./tools/{name} --all")
    for name in ("build", "lint", "test", "package", "report")
)
_PIPELINE = Pipeline(id="bench", title="Bench", stages=_STAGES)
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def add_options(parser: ArgumentParser) -> None:
    """Add how long the histories are."""
    parser.add_argument("--entries", type=int, nargs="+", default=[10, 100, 1000, 10000])


def tables(asked: Namespace) -> list[Table]:
    """Measure each length."""
    lines: list[Line] = []
    sizes = [size for size in asked.entries if size <= 1000] if asked.quick else asked.entries
    for entries in sizes:
        lines += _measured(entries, asked.rounds or (3 if asked.quick else 7))
    return [Table("Recording one more run", tuple(lines))]


def _measured(entries: int, rounds: int) -> list[Line]:
    with tempfile.TemporaryDirectory(prefix="orch-tui-bench-") as place:
        roots = Roots.of(Path(place))
        paths = resolve_task_paths(roots, TASK)
        _fill(roots, entries)
        newest = _manifest(entries)
        again = _summary(roots, entries - 1)
        further = (_summary(roots, number) for number in count(entries))
        cases: dict[str, Callable[[], float]] = {
            "runs.json": lambda: _recorded(roots, next(further)),
            "the same": lambda: _recorded(roots, again),
            "its copy": lambda: _timed(lambda: _copy(paths.runs_json)),
            "metrics.json": lambda: _timed(lambda: record_metrics(roots, newest)),
            "their copy": lambda: _timed(lambda: _copy(paths.metrics)),
        }
        found = in_turn(cases, rounds)
    runs, copies, metrics = found["runs.json"], found["its copy"], found["metrics.json"]
    told = f"{entries:,} entries"
    return [
        Line(f"runs.json, {told}", runs, "ms", ratios(runs, copies), COPY),
        Line(
            f"a resumed run, {told}",
            found["the same"],
            "ms",
            ratios(found["the same"], copies),
            COPY,
        ),
        Line(f"copy of runs.json, {told}", copies),
        Line(f"metrics.json, {told}", metrics, "ms", ratios(metrics, found["their copy"]), COPY),
    ]


def _fill(roots: Roots, entries: int) -> None:
    """Write a history of that many runs, as the store itself writes it."""
    paths = resolve_task_paths(roots, TASK)
    paths.runs_json.parent.mkdir(parents=True)
    paths.metrics.parent.mkdir(parents=True)
    runs = tuple(_summary(roots, number) for number in range(entries))
    paths.runs_json.write_bytes(History(TASK, runs).content())
    lines = [metrics_entry(_manifest(number), format_time(_BEGIN)) for number in range(entries)]
    paths.metrics.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def _summary(roots: Roots, number: int) -> JsonObject:
    manifest = _manifest(number)
    paths = resolve_run_paths(roots, TASK, manifest.run_id or "")
    return build_run_summary(roots, paths, manifest, _BEGIN + timedelta(minutes=number), _PIPELINE)


def _manifest(number: int) -> Manifest:
    moment = format_time(_BEGIN + timedelta(minutes=number))
    return Manifest(
        run_id=f"run-{number:06d}",
        task_id=TASK,
        pipeline_id=_PIPELINE.id,
        pipeline_title=_PIPELINE.title,
        status="succeeded",
        started_at=moment,
        completed_at=moment,
        commands=tuple(
            CommandRecord(
                index=index,
                id=stage.id,
                title=stage.title,
                command=stage.command,
                status="succeeded",
                started_at=moment,
                completed_at=moment,
                exit_code=0,
                summary="Command completed with code 0",
                log_path=f".runs/{TASK}/cli/run-{number:06d}/commands/{index:02d}-{stage.id}.ndjson",
            )
            for index, stage in enumerate(_STAGES, 1)
        ),
    )


def _recorded(roots: Roots, summary: JsonObject) -> float:
    return _timed(lambda: TaskStateStore(roots).record_run(summary))


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _copy(path: Path) -> None:
    """Write the same bytes anew beside a file and have them on the disk."""
    target = path.with_name("copy.json")
    with target.open("wb") as copy:
        copy.write(path.read_bytes())
        copy.flush()
        os.fsync(copy.fileno())
