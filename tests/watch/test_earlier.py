"""What is read for a run in focus besides its own stages: runs before it, and its events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.watch.details import EARLIER_RUNS, EVENTS_SHOWN
from tests.watch.disk import KEY, Watch, write_run


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    (tmp_path / ".runs").mkdir()
    return Watch(tmp_path)


def key_at(minute: int) -> RunKey:
    """Return a run of the same task, `minute` past eleven."""
    return RunKey(KEY.task_id, f"2026-01-01T11-{minute:02}-00-000Z-0000{minute:04x}")


def write_failed(watch: Watch, key: RunKey, stderr: str) -> None:
    paths = write_run(watch.roots, key, status="failed")
    paths.errors_dir.mkdir()
    error = {"stage_id": "build", "index": 1, "reason": "command-failed",
             "details": {"stderr": stderr}}  # fmt: skip
    (paths.errors_dir / "01-build.json").write_text(json.dumps(error))


def look_at(watch: Watch, key: RunKey) -> list[tuple[str, bool, int]]:
    watch.settle()
    watch.lookout.focus(frozenset([key]))
    watch.let_pass(3)
    earlier = watch.fleet.details[key].earlier
    return [(run.key.run_id, run.has_failed, len(run.errors)) for run in earlier]


def test_a_failed_run_is_compared_with_ended_runs_of_its_pipeline_newest_first(
    watch: Watch,
) -> None:
    write_failed(watch, key_at(1), "Error: a")
    write_run(watch.roots, key_at(2), status="succeeded")
    write_run(watch.roots, key_at(3), status="cancelled")
    write_run(watch.roots, key_at(4), status="failed", pipeline_id="docs-review")
    write_run(watch.roots, RunKey("another", key_at(5).run_id), status="failed")
    write_failed(watch, KEY, "Error: b")
    assert look_at(watch, KEY) == [
        (key_at(2).run_id, False, 0),
        (key_at(1).run_id, True, 1),
    ]


def test_only_so_many_runs_are_read(watch: Watch) -> None:
    for minute in range(1, 12):
        write_failed(watch, key_at(minute), "Error: a")
    write_failed(watch, KEY, "Error: a")
    found = look_at(watch, KEY)
    assert [run for run, _, _ in found] == [key_at(11 - n).run_id for n in range(EARLIER_RUNS)]


def test_a_run_that_goes_on_is_compared_with_none(watch: Watch) -> None:
    write_failed(watch, key_at(1), "Error: a")
    write_run(watch.roots, KEY)
    assert look_at(watch, KEY) == []


def test_the_last_events_are_read_and_those_that_are_added(watch: Watch) -> None:
    paths = write_run(watch.roots, KEY)
    lines = [json.dumps({"event": "step_started", "payload": {"stage_id": f"s{n}"}})
             for n in range(EVENTS_SHOWN + 5)]  # fmt: skip
    paths.events.write_text("\n".join(lines) + '\n{"event": "torn')
    look_at(watch, KEY)
    events = watch.fleet.details[KEY].events
    assert (len(events), events[0].words, events[-1].words) == (EVENTS_SHOWN, "s5", "s504")
    with paths.events.open("a") as stream:
        stream.write('"}\n')
    watch.let_pass(3)
    assert watch.fleet.details[KEY].events[-1].name == "torn"


def test_a_run_without_events_has_none(watch: Watch) -> None:
    write_run(watch.roots, KEY)
    look_at(watch, KEY)
    assert watch.fleet.details[KEY].events == ()
