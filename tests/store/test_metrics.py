"""Metrics: one line for each run, whoever else is writing."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from orchestrator_tui.primitives.locking import FileLock, LockRetry
from orchestrator_tui.primitives.steps import Step
from orchestrator_tui.records.manifest import CommandRecord, JsonObject, Manifest
from orchestrator_tui.records.paths import Roots, TaskPaths, resolve_run_paths, resolve_task_paths
from orchestrator_tui.store.metrics import (
    METRICS_RETRY,
    MetricsOutcome,
    merge_pending,
    metrics_entry,
    read_metrics,
    record_metrics,
)
from tests.fakes import NOON, HandClock
from tests.fault_plans import FailingStep, Watching, installed
from tests.store.conftest import FIXTURES, RUN, TASK, got, put

STEADY = LockRetry(attempts=4, first_delay_s=0.05, max_delay_s=0.2, jitter=0.0)
ENDED = Manifest(
    run_id=RUN,
    task_id=TASK,
    pipeline_id="two",
    status="failed",
    started_at="2026-01-02T03:04:05.678Z",
    completed_at="2026-01-02T03:04:07.000Z",
    artifact_root=f".runs/{TASK}/cli/{RUN}",
    commands=(
        CommandRecord(1, "a", "A", status="succeeded"),
        CommandRecord(2, "b", "B", status="failed"),
        CommandRecord(3, "c", "C", status="pending"),
    ),
)


@pytest.fixture
def task(roots: Roots) -> TaskPaths:
    return resolve_task_paths(roots, TASK)


def rows(task: TaskPaths) -> list[JsonObject]:
    return [orjson.loads(line) for line in task.metrics.read_bytes().splitlines() if line.strip()]


def line(run_id: str, **more: object) -> bytes:
    return orjson.dumps({"run_id": run_id, "status": "failed", "recorded_at": "x", **more}) + b"\n"


def record(
    roots: Roots, manifest: Manifest = ENDED, clock: HandClock | None = None
) -> MetricsOutcome:
    return record_metrics(
        roots, manifest, clock=clock or HandClock(), retry=STEADY, sleep=lambda _: None
    )


@pytest.mark.acceptance(90)
def test_a_run_leaves_one_line_with_its_numbers(roots: Roots, task: TaskPaths) -> None:
    assert record(roots) == MetricsOutcome(is_recorded=True)
    (row,) = rows(task)
    assert row["run_id"] == RUN
    assert row["duration_seconds"] == 1.322
    assert (row["commands_passed"], row["commands_failed"]) == (1, 1)
    assert row["recorded_at"] == "2026-01-01T12:00:00.000Z"
    assert [path.name for path in task.task_dir.iterdir()] == ["metrics.json", "metrics.lock.flock"]


def test_the_keys_are_some_of_the_node_originals() -> None:
    real = orjson.loads(
        (FIXTURES / "node-peer/.runs/0202-orchestrator-hardening/metrics.json")
        .read_bytes()
        .splitlines()[0]
    )
    assert set(metrics_entry(ENDED, "now")) <= set(real)


@pytest.mark.acceptance(90)
@pytest.mark.parametrize(
    ("started", "completed", "seconds"),
    [
        ("2026-01-02T03:04:07.000Z", "2026-01-02T03:04:05.000Z", 0.0),
        (None, "2026-01-02T03:04:05.000Z", None),
        ("soon", "later", None),
    ],
)
def test_a_duration_is_never_negative_and_unknown_without_times(
    started: str | None, completed: str, seconds: float | None
) -> None:
    entry = metrics_entry(replace(ENDED, started_at=started, completed_at=completed), "now")
    assert entry["duration_seconds"] == seconds


@pytest.mark.acceptance(91)
def test_who_does_not_get_the_lock_leaves_the_line_for_the_next(
    roots: Roots, task: TaskPaths
) -> None:
    clock, naps = HandClock(), list[float]()
    paths = resolve_run_paths(roots, TASK, RUN)
    put(paths.manifest, {"status": "failed", "metrics_recorded": False, "x_unknown": 1})
    with FileLock(task.metrics_lock, task_id=TASK):
        outcome = record_metrics(roots, ENDED, clock=clock, retry=STEADY, sleep=naps.append)
    assert naps == [0.05, 0.1, 0.2]
    assert not outcome.is_recorded
    assert outcome.pending is not None
    assert outcome.pending.name.startswith(f"{RUN}-{int(NOON.timestamp() * 1000)}-")
    assert outcome.pending.suffix == ".jsonl"
    assert not task.metrics.exists()
    second = record(roots, replace(ENDED, run_id="second"))
    assert second == MetricsOutcome(True, merged_run_ids=(RUN,))
    assert [row["run_id"] for row in rows(task)] == [RUN, "second"]
    assert list(task.metrics_pending_dir.iterdir()) == []
    assert got(paths.manifest) == {"status": "failed", "metrics_recorded": True, "x_unknown": 1}


def test_the_real_numbers_of_the_lock_are_the_node_originals() -> None:
    assert METRICS_RETRY.attempts == 4
    assert METRICS_RETRY.delays_s() == (0.05, 0.1, 0.2)


@pytest.mark.acceptance(92)
def test_a_torn_last_line_is_sealed_and_passed_over(roots: Roots, task: TaskPaths) -> None:
    put(task.metrics, line("old") + b"\n  \n" + line("torn")[:-9])
    record(roots)
    assert [row["run_id"] for row in read_metrics(roots, TASK)] == ["old", RUN]
    assert task.metrics.read_bytes().splitlines()[-1].startswith(b'{"run_id":"2026-01-02')


@pytest.mark.acceptance(93)
def test_waiting_files_are_merged_in_the_order_of_their_names(
    roots: Roots, task: TaskPaths
) -> None:
    put(task.metrics_pending_dir / "b.jsonl", line("b1") + b"\n" + line("b2"))
    put(task.metrics_pending_dir / "a.jsonl", line("a1").rstrip())
    put(task.metrics_pending_dir / "c.txt", line("c"))
    assert record(roots).merged_run_ids == ("a1", "b1", "b2")
    assert [row["run_id"] for row in rows(task)] == ["a1", "b1", "b2", RUN]
    assert [path.name for path in task.metrics_pending_dir.iterdir()] == ["c.txt"]


@pytest.mark.acceptance(93)
def test_many_lines_are_appended_in_batches(
    roots: Roots, task: TaskPaths, clock: HandClock
) -> None:
    names = [f"run-{number:04d}" for number in range(1200)]
    put(task.metrics_pending_dir / "a.jsonl", b"".join(line(name) for name in names))
    plan = Watching()
    with installed(plan):
        assert merge_pending(task, clock) == tuple(names)
    assert plan.paths_of(Step.WRITE) == ["metrics.json"] * 3
    assert [row["run_id"] for row in rows(task)] == names


@pytest.mark.acceptance(93)
def test_large_lines_are_appended_in_batches_too(
    roots: Roots, task: TaskPaths, clock: HandClock
) -> None:
    big = line("x", pad="p" * 400_000)
    put(task.metrics_pending_dir / "a.jsonl", big * 5)
    plan = Watching()
    with installed(plan):
        merge_pending(task, clock)
    assert plan.paths_of(Step.WRITE) == ["metrics.json"] * 3


@pytest.mark.acceptance(93)
@pytest.mark.parametrize(
    ("content", "age_s", "left", "merged"),
    [
        (line("x"), 301, False, True),
        (line("x")[:-5], 301, False, False),
        (b"", 301, False, False),
        (line("x"), 299, True, False),
    ],
)
def test_what_a_dead_writer_left_is_finished_or_removed(
    roots: Roots, task: TaskPaths, content: bytes, age_s: float, left: bool, merged: bool
) -> None:
    unfinished = put(task.metrics_pending_dir / "x.jsonl.tmp", content)
    then = (NOON - timedelta(seconds=age_s)).timestamp()
    os.utime(unfinished, (then, then))
    assert record(roots).merged_run_ids == (("x",) if merged else ())
    assert unfinished.exists() is left


def test_one_waiting_file_that_cannot_be_read_stops_nobody(
    roots: Roots, task: TaskPaths, caplog: pytest.LogCaptureFixture
) -> None:
    huge = put(task.metrics_pending_dir / "a.jsonl", b"")
    os.truncate(huge, 64 * 1024 * 1024)
    os.mkfifo(task.metrics_pending_dir / "b.jsonl")
    abandoned = put(task.metrics_pending_dir / "d.jsonl.tmp", b"")
    os.truncate(abandoned, 64 * 1024 * 1024)
    os.utime(abandoned, (1, 1))
    put(task.metrics_pending_dir / "c.jsonl", b"nonsense\n" + line("c"))
    assert record(roots).merged_run_ids == ("c",)
    assert huge.exists() and abandoned.exists()
    assert "passed over" in caplog.text


def test_a_waiting_file_that_another_took_meanwhile_is_not_missed(
    roots: Roots, task: TaskPaths
) -> None:
    class Taken(Watching):
        """Removes a waiting file right before it is opened."""

        def perform(self, step, path, call):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
            if step is Step.OPEN and path == waiting:
                waiting.unlink(missing_ok=True)
            return super().perform(step, path, call)

    waiting = put(task.metrics_pending_dir / "a.jsonl", line("a"))
    put(task.metrics_pending_dir / "b.jsonl", line("b"))
    with installed(Taken()):
        assert record(roots).merged_run_ids == ("b",)


def test_a_crash_between_append_and_removal_repeats_lines_that_readers_take_once(
    roots: Roots, task: TaskPaths, clock: HandClock
) -> None:
    put(task.metrics_pending_dir / "a.jsonl", line("a"))
    with installed(FailingStep(Step.UNLINK, 5)), pytest.raises(OSError, match="error"):
        merge_pending(task, clock)
    merge_pending(task, clock)
    assert len(rows(task)) == 2
    assert len(read_metrics(roots, TASK)) == 1


@pytest.mark.acceptance(94)
def test_of_two_lines_of_a_run_the_last_counts(roots: Roots, task: TaskPaths) -> None:
    put(task.metrics, line("a", n=1) + line("b") + line("a", n=2))
    assert [(row["run_id"], row.get("n")) for row in read_metrics(roots, TASK)] == [
        ("b", None),
        ("a", 2),
    ]


def test_lines_that_are_no_metrics_are_passed_over(roots: Roots, task: TaskPaths) -> None:
    put(
        task.metrics,
        b'[]\n{"run_id": 3}\n{"run_id":" ","status":"x","recorded_at":"x"}\n\xff\n' + line("a"),
    )
    assert [row["run_id"] for row in read_metrics(roots, TASK)] == ["a"]
    assert read_metrics(roots, "none") == ()


def test_the_metrics_of_the_node_original_are_read() -> None:
    found = read_metrics(Roots.of(FIXTURES / "node-peer"), "0202-orchestrator-hardening")
    assert [row["status"] for row in found] == ["succeeded", "failed", "succeeded", "succeeded"]


def test_a_manifest_that_cannot_be_confirmed_harms_nothing(
    roots: Roots, task: TaskPaths, tmp_path: Path
) -> None:
    put(task.metrics_pending_dir / "a.jsonl", line("../escape") + line("gone") + line("running"))
    running = resolve_run_paths(roots, TASK, "running").manifest
    put(running, {"status": "in_progress", "metrics_recorded": False})
    assert record(roots).is_recorded
    assert got(running)["metrics_recorded"] is False
