"""When is looked at what."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator_tui.primitives.locking import LifeLock
from orchestrator_tui.primitives.process_identity import own_identity
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import RunnerRecord
from orchestrator_tui.records.paths import CONFIG_NAME, RunPaths
from orchestrator_tui.records.pipeline import ConfigProblem, OrchestratorConfig
from orchestrator_tui.state.liveness import State, derive_state
from orchestrator_tui.state.observations import FreshnessSeen, RunSeen, RunVanished
from orchestrator_tui.store import quick_decoding
from orchestrator_tui.store.life import write_runner
from orchestrator_tui.store.quick_decoding import decode_usual
from orchestrator_tui.watch import lookout
from orchestrator_tui.watch.details import TAIL_LINES
from orchestrator_tui.watch.lookout import Cadence
from orchestrator_tui.watch.source import Layer
from tests.watch.disk import KEY, NOON_TEXT, Watch, write_run


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    (tmp_path / ".runs").mkdir()
    return Watch(tmp_path)


def state_in(watch: Watch, key: RunKey = KEY) -> State:
    return derive_state(watch.fleet.runs[key], watch.clock.now()).state


def record_runner(paths: RunPaths, *, pid: int | None = None) -> None:
    """Write runner.json for this process, or for another pid of this host and boot."""
    own = own_identity()
    write_runner(
        paths,
        RunnerRecord(
            pid=pid or own.pid,
            pgid=pid or own.pid,
            start_ticks=own.start_ticks if pid is None else 1,
            boot_id=own.boot_id,
            pid_ns=own.pid_ns,
            host=own.host,
            version="0.1.0",
            started_at=NOON_TEXT,
        ),
    )


def test_the_first_batch_is_small_and_has_the_newest_runs(tmp_path: Path) -> None:
    watch = Watch(tmp_path, cadence=Cadence(first_reads=3))
    keys = [RunKey(f"t{n % 2}", f"2026-01-0{n}T00-00-00-000Z-0000000{n}") for n in range(1, 9)]
    for key in keys:
        write_run(watch.roots, key, status="succeeded")
    first = [seen.facts.key for seen in watch.step() if isinstance(seen, RunSeen)]
    assert first == keys[-1:-4:-1]
    assert watch.fleet.freshness is not None
    assert watch.fleet.freshness.scanning
    assert set(watch.settle().runs) == set(keys)
    assert watch.fleet.freshness is not None
    assert not watch.fleet.freshness.scanning


def test_very_many_runs_are_told_as_few_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cadence = Cadence(first_reads=1, reads=1)
    few, many = (Watch(tmp_path, cadence=cadence) for _ in range(2))
    keys = [RunKey("task", f"2026-01-{n:02}T00-00-00-000Z-000000{n:02}") for n in range(1, 12)]
    for key in keys:
        write_run(few.roots, key, status="failed", summary="naïve")
    few.settle()
    quickly: list[object] = []

    def counted(content: bytes) -> object:
        quickly.append(content)
        return decode_usual(content)

    monkeypatch.setattr(lookout, "_VERY_MANY", 3)
    monkeypatch.setattr(quick_decoding, "decode_usual", counted)
    assert many.settle() == few.fleet
    assert len(quickly) == len(keys) - 4  # the first rows wait for nothing to be loaded


def test_a_notice_of_a_manifest_brings_it_at_once(watch: Watch) -> None:
    paths = write_run(watch.roots)
    watch.settle()
    write_run(watch.roots, status="succeeded")
    (seen,) = watch.step(paths.manifest)
    assert isinstance(seen, RunSeen)
    assert seen.facts.status == "succeeded"


def test_a_notice_of_a_folder_brings_the_runs_in_it(watch: Watch) -> None:
    watch.settle()
    paths = write_run(watch.roots)
    watch.step(paths.run_dir.parent.parent)
    assert KEY in watch.fleet.runs


def test_without_any_notice_a_new_run_is_seen_within_ten_seconds(watch: Watch) -> None:
    watch.settle()
    write_run(watch.roots)
    watch.let_pass(10)
    assert KEY in watch.fleet.runs


def test_without_any_notice_a_resumed_run_is_seen_within_ten_seconds(watch: Watch) -> None:
    write_run(watch.roots, status="failed")
    watch.settle()
    write_run(watch.roots, status="in_progress")
    watch.let_pass(10)
    assert state_in(watch) == State.RUNNING


def test_without_any_notice_a_run_that_goes_on_is_seen_within_two_seconds(watch: Watch) -> None:
    write_run(watch.roots)
    watch.settle()
    write_run(watch.roots, status="failed")
    watch.let_pass(2)
    assert state_in(watch) == State.FAILED


def test_where_no_notices_come_the_disk_is_looked_at_more_often(watch: Watch) -> None:
    write_run(watch.roots)
    watch.settle()
    for number in range(5):
        key = RunKey(KEY.task_id, f"2026-01-01T12-00-0{number}-000Z-00000001")
        paths = write_run(watch.roots, key, status="succeeded")
        watch.let_pass(5)
    fresh = watch.fleet.freshness
    assert fresh is not None
    assert (fresh.mode, fresh.problem) == (
        "polling",
        "no notices come from here; looking every 2 s",
    )
    watch.step(paths.run_dir.parent)
    watch.let_pass(5)
    fresh = watch.fleet.freshness
    assert fresh is not None
    assert (fresh.mode, fresh.problem) == ("watching", None)


def test_what_is_written_while_watching_begins_is_not_missed(watch: Watch) -> None:
    write_run(watch.roots)
    late = RunKey(KEY.task_id, "2026-01-01T12-00-00-000Z-00000001")

    def write_meanwhile(layer: Layer) -> None:
        if layer is Layer.SHELVES:
            write_run(watch.roots, late)
        else:
            write_run(watch.roots, late, status="failed")

    watch.notices.on_watch = write_meanwhile
    watch.settle()
    watch.step()
    assert late in watch.fleet.runs
    assert state_in(watch, late) == State.FAILED


def test_finished_runs_cost_no_watched_folder(watch: Watch) -> None:
    for number in range(20):
        write_run(watch.roots, RunKey("task", f"run-{number:02}"), status="succeeded")
    going = write_run(watch.roots)
    watch.settle()
    watch.step()
    assert watch.notices.watched[Layer.RUNS] == {going.run_dir}
    assert watch.notices.watched[Layer.SHELVES] == {
        watch.roots.runs,
        watch.roots.runs / "task" / "cli",
        going.run_dir.parent,
    }


def test_a_run_that_ended_is_no_longer_watched_after_the_next_walk(watch: Watch) -> None:
    paths = write_run(watch.roots)
    watch.settle()
    write_run(watch.roots, status="succeeded")
    watch.step(paths.manifest)
    watch.let_pass(6)
    assert watch.notices.watched[Layer.RUNS] == frozenset()


def test_runs_that_appear_later_are_waited_for(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    watch.step()
    assert watch.fleet.freshness is not None
    assert not watch.fleet.freshness.runs_exists
    write_run(watch.roots)
    watch.let_pass(1.5)
    assert KEY in watch.fleet.runs
    assert watch.fleet.freshness.runs_exists


def test_when_the_whole_folder_vanishes_the_last_view_stays(watch: Watch) -> None:
    write_run(watch.roots, status="failed")
    watch.settle()
    aside = watch.roots.repo / "aside"
    watch.roots.runs.rename(aside)
    watch.let_pass(6)
    assert KEY in watch.fleet.runs
    assert watch.fleet.freshness is not None
    assert not watch.fleet.freshness.runs_exists
    aside.rename(watch.roots.runs)
    watch.let_pass(6)
    assert watch.fleet.freshness.runs_exists


def test_a_run_that_is_deleted_leaves_the_fleet(watch: Watch) -> None:
    paths = write_run(watch.roots, status="failed")
    watch.settle()
    shutil.rmtree(paths.run_dir)
    batch = watch.step(paths.run_dir)
    assert RunVanished(KEY) in batch
    assert not watch.fleet.runs


def test_a_run_whose_lock_is_held_is_running_however_old_its_beat(watch: Watch) -> None:
    paths = write_run(watch.roots)
    record_runner(paths)
    lock = LifeLock.hold(paths.runner_lock)
    try:
        watch.settle()
        assert state_in(watch) == State.RUNNING
        watch.let_pass(3600)
        assert state_in(watch) == State.STALLED
    finally:
        lock.close()


def test_a_runner_that_died_is_lost_after_its_second_probe(watch: Watch) -> None:
    paths = write_run(watch.roots)
    record_runner(paths)
    lock = LifeLock.hold(paths.runner_lock)
    watch.settle()
    lock.close()
    record_runner(paths, pid=2**22 + 1)
    watch.let_pass(1)
    assert watch.fleet.runs[KEY].gone_probes == 1
    assert state_in(watch) == State.RUNNING
    watch.let_pass(1)
    assert state_in(watch) == State.LOST


def test_a_runner_that_died_long_before_the_first_look_is_lost_within_seconds(watch: Watch) -> None:
    paths = write_run(watch.roots)
    record_runner(paths, pid=2**22 + 1)
    LifeLock.hold(paths.runner_lock).close()
    watch.clock.advance(3600)
    watch.settle()
    watch.let_pass(1)
    assert state_in(watch) == State.LOST


def test_a_runner_that_wrote_its_last_word_and_left_is_never_lost(watch: Watch) -> None:
    paths = write_run(watch.roots)
    record_runner(paths, pid=2**22 + 1)
    LifeLock.hold(paths.runner_lock).close()
    write_run(watch.roots, status="succeeded")
    watch.settle()
    watch.let_pass(5)
    assert watch.fleet.runs[KEY].runner is None
    assert state_in(watch) == State.SUCCEEDED


def test_a_lost_run_is_told_no_more_than_needed(watch: Watch) -> None:
    paths = write_run(watch.roots)
    record_runner(paths, pid=2**22 + 1)
    LifeLock.hold(paths.runner_lock).close()
    watch.settle()
    watch.let_pass(30)
    told = len([seen for seen in watch.seen if not isinstance(seen, FreshnessSeen)])
    watch.let_pass(30)
    assert len([seen for seen in watch.seen if not isinstance(seen, FreshnessSeen)]) == told


def test_beats_requests_and_pauses_are_seen(watch: Watch) -> None:
    paths = write_run(watch.roots)
    watch.settle()
    paths.heartbeat.write_text("2026-01-01T12:00:03.000Z\n")
    paths.questions.write_text('{"questions": [{"status": "queued"}]}')
    watch.step(paths.questions)
    watch.let_pass(1)
    assert watch.fleet.runs[KEY].beats.file is not None
    assert watch.fleet.runs[KEY].waiting.questions == 1
    assert state_in(watch) == State.AWAITING


def test_only_a_run_in_focus_is_read_whole(watch: Watch) -> None:
    other = RunKey(KEY.task_id, "2026-01-01T11-00-00-000Z-00000001")
    paths = write_run(watch.roots)
    write_run(watch.roots, other)
    watch.lookout.focus(frozenset([KEY]))
    watch.settle()
    watch.step()
    assert set(watch.fleet.details) == {KEY}
    log = paths.stage_log(1, "build")
    log.write_text(
        '{"type":"exec:chunk","stream":"stdout","data":"compiled\\n",'
        f'"timestamp":"{NOON_TEXT}","index":1}}\n'
    )
    watch.step(log)
    watch.let_pass(1)
    detail = watch.fleet.details[KEY]
    assert [line.text for line in detail.tail] == ["compiled"]
    assert detail.tail_stage_index == 1
    assert detail.manifest.run_id == KEY.run_id


@pytest.mark.parametrize("count", [1500, 5000, 40_000])
def test_the_tail_has_the_last_lines_of_output_that_came_in_one_piece(
    watch: Watch, count: int
) -> None:
    paths = write_run(watch.roots)
    output = "".join(f"{number}\n" for number in range(count)) + "done\n"
    records: list[dict[str, object]] = [
        {"type": "command:start", "command": "make"},
        {"type": "exec:begin", "attempt": 1},
        {"type": "exec:chunk", "stream": "stdout", "data": output},
        {"type": "command:end", "exit_code": 0, "signal": None, "duration_ms": 400},
    ]
    log = paths.stage_log(1, "build")
    log.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    watch.lookout.focus(frozenset([KEY]))
    watch.settle()
    watch.step()
    tail = [line.text for line in watch.fleet.details[KEY].tail]
    assert len(tail) == TAIL_LINES
    assert tail[-3:] == [str(count - 1), "done", "exit 0 after 0:00"]


def test_folders_of_the_run_in_focus_are_watched_though_it_has_ended(watch: Watch) -> None:
    paths = write_run(watch.roots, status="failed")
    watch.lookout.focus(frozenset([KEY]))
    watch.settle()
    watch.step()
    assert {paths.run_dir, paths.commands_dir} <= watch.notices.watched[Layer.RESTING]


def test_errors_of_the_run_in_focus_are_read_when_they_come(watch: Watch) -> None:
    paths = write_run(watch.roots)
    watch.lookout.focus(frozenset([KEY]))
    watch.settle()
    paths.errors_dir.mkdir()
    error = paths.stage_error(1, "build")
    error.write_text(
        '{"command_index": 1, "command_id": "build", "reason": "command-failed", '
        '"details": {"exit_code": 2, "stderr": "no rule"}}'
    )
    watch.let_pass(2)
    assert watch.fleet.details[KEY].errors[0].stderr == "no rule"


def test_the_configuration_is_seen_and_seen_again_when_it_changes(watch: Watch) -> None:
    watch.settle()
    assert watch.fleet.config is None
    path = watch.roots.repo / CONFIG_NAME
    path.write_text("{")
    watch.let_pass(2)
    assert isinstance(watch.fleet.config, ConfigProblem)
    path.write_text(
        '{"pipelines": [{"id": "p", "title": "P", "stages": '
        '[{"kind": "command", "id": "a", "title": "A", "command": "true"}]}]}'
    )
    watch.let_pass(2)
    config: object = watch.fleet.config
    assert isinstance(config, OrchestratorConfig)
    assert config.pipelines[0].id == "p"


def test_why_changes_come_late_is_told(watch: Watch) -> None:
    watch.notices.problem = "nfs4 tells nothing"
    watch.settle()
    assert watch.fleet.freshness is not None
    assert watch.fleet.freshness.mode == "polling"
    assert watch.fleet.freshness.problem == "nfs4 tells nothing"


def test_a_rescan_finds_at_once_what_no_notice_told(watch: Watch) -> None:
    write_run(watch.roots)
    watch.settle()
    watch.clock.advance(0.2)
    watch.step()
    other = RunKey("unheard", KEY.run_id)
    write_run(watch.roots, other)
    watch.clock.advance(0.2)
    watch.step()
    assert other not in watch.fleet.runs
    watch.lookout.rescan()
    watch.step()
    assert other in watch.fleet.runs


@pytest.fixture
def locked(watch: Watch) -> Iterator[Path]:
    """A task's folder that may not be listed; root may always, so it is a file then."""
    folder = watch.roots.runs / "locked" / "cli"
    folder.parent.mkdir()
    folder.write_text("no folder")
    yield folder
    folder.unlink()


def test_a_task_that_makes_no_sense_leaves_the_others_alone(watch: Watch, locked: Path) -> None:
    write_run(watch.roots)
    watch.settle()
    assert set(watch.fleet.runs) == {KEY}
    assert locked.exists()
