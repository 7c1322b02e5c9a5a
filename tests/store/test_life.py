"""Life: beats, the runner, what a run waits for, and its error files."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator_tui.primitives.life_lock import LifeLock
from orchestrator_tui.primitives.process_identity import identity_of, own_identity
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import Beats, Runner, RunnerRecord, RunnerVerdict, Waiting
from orchestrator_tui.records.paths import RunPaths, run_paths_in
from orchestrator_tui.store.control import ActionKind, request_action
from orchestrator_tui.store.events import EventName, EventStream
from orchestrator_tui.store.life import (
    current_runner,
    identity_in,
    probe_runner,
    read_beats,
    read_runner,
    read_stage_errors,
    read_waiting,
    write_runner,
)
from orchestrator_tui.store.manifests import write_heartbeat
from tests.fakes import NOON
from tests.store.conftest import copied, got, put

LINE = '{{"type":"exec:chunk","data":"{data}","timestamp":"{at}","index":2}}\n'
AT = "2026-01-01T11:59:58.500Z"
AT_TIME = datetime(2026, 1, 1, 11, 59, 58, 500_000, tzinfo=UTC)


def record_of_this_process() -> RunnerRecord:
    own = own_identity()
    return RunnerRecord(
        pid=own.pid,
        pgid=os.getpgrp(),
        start_ticks=own.start_ticks,
        boot_id=own.boot_id,
        pid_ns=own.pid_ns,
        host=own.host,
        version="0.1.0",
        started_at="2026-01-01T12:00:00.000Z",
    )


# --- beats -------------------------------------------------------------------------------------


def test_a_run_without_files_gave_no_sign(paths: RunPaths) -> None:
    assert read_beats(paths) == Beats()


def test_the_heartbeat_file_is_read_as_written(paths: RunPaths) -> None:
    write_heartbeat(paths, NOON)
    assert len(paths.heartbeat.read_bytes()) == 25
    assert read_beats(paths).file == NOON


@pytest.mark.parametrize("content", [b"", b"2026-01-0", b"\0" * 25, b"x" * 300, b"\xff\xfe"])
def test_a_torn_heartbeat_is_no_news(paths: RunPaths, content: bytes) -> None:
    put(paths.heartbeat, content)
    assert read_beats(paths).file is None


def test_a_log_tells_the_time_of_its_last_whole_line(paths: RunPaths) -> None:
    torn = LINE.format(data="torn", at="2026-01-01T12:34:56.000Z")[:-20]
    put(
        paths.runner_log,
        LINE.format(data="one", at="2020-01-01T00:00:00.000Z")
        + LINE.format(data="two", at=AT)
        + torn,
    )
    assert read_beats(paths).log == AT_TIME


def test_a_copied_tree_does_not_look_alive(tmp_path: Path) -> None:
    roots = copied("node-peer", tmp_path)
    key = RunKey("0909-orchestrator-run-reporting-consistency", "2026-11-22T07-27-24-371Z-f44bdb2e")
    run = run_paths_in(roots, key, roots.runs / key.task_id / "cli" / key.run_id)
    beats = read_beats(run)
    assert beats.log is not None and beats.file is not None
    assert abs(beats.log - datetime(2026, 11, 22, 7, 27, 40, tzinfo=UTC)) < timedelta(minutes=2)
    assert abs(beats.log - beats.file) < timedelta(minutes=1)


def test_the_newest_of_the_stage_logs_counts_too(paths: RunPaths) -> None:
    put(paths.runner_log, LINE.format(data="x", at="2020-01-01T00:00:00.000Z"))
    old = put(paths.stage_log(1, "a"), LINE.format(data="x", at="2025-01-01T00:00:00.000Z"))
    put(paths.stage_log(2, "b"), LINE.format(data="x", at=AT))
    os.utime(old, (1, 1))
    assert read_beats(paths).log == AT_TIME


def test_a_log_of_one_endless_line_counts_by_its_file_time(paths: RunPaths) -> None:
    put(paths.runner_log, b"x" * 300_000)
    os.utime(paths.runner_log, (AT_TIME.timestamp(), AT_TIME.timestamp()))
    assert read_beats(paths).log == AT_TIME


def test_output_cannot_pretend_to_be_a_time(paths: RunPaths) -> None:
    fake = '\\"timestamp\\":\\"2099-01-01T00:00:00.000Z\\"'
    put(paths.runner_log, LINE.format(data=fake, at=AT))
    assert read_beats(paths).log == AT_TIME


def test_a_long_line_still_tells_its_time(paths: RunPaths) -> None:
    put(paths.runner_log, LINE.format(data="x" * 60_000, at=AT))
    assert read_beats(paths).log == AT_TIME


# --- the runner --------------------------------------------------------------------------------


def test_a_runner_record_is_read_back_the_same(paths: RunPaths) -> None:
    record = replace(record_of_this_process(), stage_pgid=7, cancel_rung="term", control_seq=3)
    write_runner(paths, record)
    assert read_runner(paths) == record
    assert got(paths.runner_json)["pid"] == os.getpid()


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"pid": "1", "host": "a"}', b'{"pid": -1, "host": "a"}', b'{"pid": 1}'],
)
def test_a_record_that_makes_no_sense_is_none(paths: RunPaths, content: bytes) -> None:
    put(paths.runner_json, content)
    assert read_runner(paths) is None
    assert probe_runner(paths).verdict is RunnerVerdict.UNKNOWN


def test_a_run_of_the_node_original_has_an_unknown_runner(paths: RunPaths) -> None:
    assert probe_runner(paths) == Runner(RunnerVerdict.UNKNOWN)


def test_a_held_lock_proves_life_whatever_the_record_says(paths: RunPaths) -> None:
    write_runner(paths, replace(record_of_this_process(), host="elsewhere"))
    with LifeLock.hold(paths.runner_lock):
        assert probe_runner(paths).verdict is RunnerVerdict.ALIVE
    assert probe_runner(paths).verdict is RunnerVerdict.ELSEWHERE


def test_a_free_lock_without_a_record_says_nothing_of_a_run_of_the_node_original(
    paths: RunPaths,
) -> None:
    with LifeLock.hold(paths.runner_lock):
        assert probe_runner(paths) == Runner(RunnerVerdict.ALIVE)
    assert probe_runner(paths) == Runner(RunnerVerdict.UNKNOWN)


@pytest.mark.parametrize(
    ("at", "outcome", "verdict"),
    [
        ("2026-01-01T11:59:59.999Z", "accepted", RunnerVerdict.GONE),
        ("2026-01-01T12:00:00.000Z", "accepted", RunnerVerdict.GONE),
        ("2026-01-01T12:00:00.001Z", "accepted", RunnerVerdict.UNKNOWN),
        ("2026-01-01T12:00:00.001Z", "blocked", RunnerVerdict.GONE),
        ("soon", "accepted", RunnerVerdict.GONE),
    ],
)
def test_a_dead_runner_says_nothing_of_a_run_that_another_program_has_resumed_since(
    paths: RunPaths, at: str, outcome: str, verdict: RunnerVerdict
) -> None:
    record = replace(record_of_this_process(), start_ticks=1)
    write_runner(paths, record)
    events = [None, {"timestamp": at, "outcome": outcome}]
    put(paths.manifest, {"status": "in_progress", "resume_events": events})
    assert probe_runner(paths).verdict is verdict
    expected = None if verdict is RunnerVerdict.UNKNOWN else record
    assert current_runner(paths, events) == expected


def test_a_living_runner_is_alive_whatever_the_manifest_says(paths: RunPaths) -> None:
    write_runner(paths, record_of_this_process())
    put(paths.manifest, {"resume_events": [{"timestamp": "2027-01-01T00:00:00.000Z"}]})
    assert probe_runner(paths).verdict is RunnerVerdict.ALIVE


def test_a_living_process_is_told_by_its_identity_alone(paths: RunPaths) -> None:
    write_runner(paths, record_of_this_process())
    found = probe_runner(paths)
    assert (found.verdict, found.pid, found.version) == (RunnerVerdict.ALIVE, os.getpid(), "0.1.0")


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"start_ticks": 1}, RunnerVerdict.GONE),
        ({"boot_id": "another"}, RunnerVerdict.REBOOTED),
        ({"host": "another"}, RunnerVerdict.ELSEWHERE),
        ({"pid_ns": 1}, RunnerVerdict.UNKNOWN),
        ({"start_ticks": None}, RunnerVerdict.UNKNOWN),
    ],
)
def test_whoever_has_the_number_now_is_not_taken_for_the_runner(
    paths: RunPaths, changes: dict[str, object], verdict: RunnerVerdict
) -> None:
    write_runner(paths, replace(record_of_this_process(), **changes))  # type: ignore[arg-type]
    assert probe_runner(paths).verdict is verdict


def test_a_killed_process_is_gone_even_before_it_is_reaped(paths: RunPaths) -> None:
    child = subprocess.Popen([sys.executable, "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        identity = identity_of(child.pid)
        assert identity is not None
        write_runner(
            paths,
            replace(record_of_this_process(), pid=child.pid, start_ticks=identity.start_ticks),
        )
        assert probe_runner(paths).verdict is RunnerVerdict.ALIVE
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert probe_runner(paths).verdict is RunnerVerdict.GONE


def test_the_identity_in_a_record_is_the_whole_of_it() -> None:
    assert identity_in(record_of_this_process()) == own_identity()
    assert identity_in(record_of_this_process()).host == socket.gethostname()


# --- waiting -----------------------------------------------------------------------------------


def ask(paths: RunPaths, action: ActionKind, reason: str | None = None) -> int:
    return request_action(paths, action, reason=reason, requested_by="me", now=NOON)


def test_a_run_without_requests_waits_for_nothing(paths: RunPaths) -> None:
    assert read_waiting(paths) == Waiting()


def test_open_confirmations_and_queued_questions_are_counted(paths: RunPaths) -> None:
    put(
        paths.confirmations,
        {"pending": [{"approved_at": None}, {"approved_at": "x"}, {}, 7], "issued": [{}]},
    )
    put(paths.questions, {"questions": [{"status": "queued"}, {"status": "answered"}, None]})
    assert read_waiting(paths) == Waiting(confirmations=2, questions=1)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"pending": {}, "questions": 3}', b"\xff"])
def test_files_of_requests_that_make_no_sense_count_as_none(
    paths: RunPaths, content: bytes
) -> None:
    for path in (paths.confirmations, paths.questions, paths.control, paths.events):
        put(path, content)
    assert read_waiting(paths) == Waiting()


def test_a_pause_is_told_from_the_request_on_until_the_run_went_on(paths: RunPaths) -> None:
    events = EventStream(paths)
    ask(paths, ActionKind.PAUSE, "lunch")
    assert read_waiting(paths) == Waiting(paused=True, reason="lunch")
    events.append(EventName.RUN_PAUSED, {"requested_reason": "lunch"})
    write_runner(paths, replace(record_of_this_process(), control_seq=1))
    assert read_waiting(paths) == Waiting(paused=True, reason="lunch")
    ask(paths, ActionKind.RESUME)
    assert read_waiting(paths).paused
    events.append(EventName.RUN_RESUMED)
    write_runner(paths, replace(record_of_this_process(), control_seq=2))
    assert read_waiting(paths) == Waiting()


def test_a_cancel_is_told_until_a_resume_has_consumed_it(paths: RunPaths) -> None:
    ask(paths, ActionKind.CANCEL, "wrong branch")
    told = Waiting(cancelling=True, reason="wrong branch", asked_at=NOON)
    assert read_waiting(paths) == told
    record = replace(record_of_this_process(), control_seq=1)
    write_runner(paths, replace(record, cancel_rung="term"))
    assert read_waiting(paths).cancelling
    write_runner(paths, record)
    assert read_waiting(paths) == Waiting()


def test_a_run_that_ended_while_paused_is_not_paused(paths: RunPaths) -> None:
    events = EventStream(paths)
    events.append(EventName.RUN_PAUSED)
    events.append(EventName.RUN_CANCELED)
    assert not read_waiting(paths).paused


# --- error files -------------------------------------------------------------------------------


def test_error_files_of_the_node_original_are_read(tmp_path: Path) -> None:
    roots = copied("node-peer", tmp_path)
    key = RunKey("0202-orchestrator-hardening", "2026-11-22T07-27-21-083Z-4b6631bc")
    run = run_paths_in(roots, key, roots.runs / key.task_id / "cli" / key.run_id)
    first, second = read_stage_errors(run)
    assert (first.index, first.stage_id, first.exit_code) == (1, "advice", 3)
    assert (first.reason, first.stderr) == ("command-allow-failure", "warning: 3 advisories")
    assert first.path == "errors/01-advice.json"
    assert (second.truncated, second.stderr_bytes) == (True, None)


def test_an_error_file_that_cannot_be_read_is_there_with_its_reason(paths: RunPaths) -> None:
    put(paths.errors_dir / "02-lint.json", b"{")
    put(paths.errors_dir / "10-x.json", {"details": [], "exit_code": 3})
    put(paths.errors_dir / "03-x.json.tmp-1-2-3", b"")
    put(paths.errors_dir / "05-big.json", b" " * 70_000)
    (paths.errors_dir / "04-link.json").symlink_to("/etc/passwd")
    torn, big, odd = read_stage_errors(paths)
    assert (big.index, big.reason) == (
        5,
        "unreadable: has 70,000 bytes, more than the limit of 65,536",
    )
    assert (torn.index, torn.stage_id) == (2, "lint")
    assert torn.reason.startswith("unreadable: not JSON")
    assert (odd.index, odd.reason, odd.exit_code) == (10, "", None)


def test_a_run_without_errors_has_none(paths: RunPaths) -> None:
    assert read_stage_errors(paths) == ()
