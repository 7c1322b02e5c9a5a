"""The log of a stage: beginning and end are kept, and every crash leaves something to join."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.runner.stage_log import StageLog, head_path, join_parts, older_path

LIMIT_BYTES = 16 * 1024


def new_log(folder: Path, limit_bytes: int = LIMIT_BYTES) -> StageLog:
    return StageLog(
        folder / "01-build.ndjson",
        folder / "runner.ndjson",
        index=1,
        limit_bytes=limit_bytes,
        clock=SYSTEM_CLOCK,
    )


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def sequences(path: Path) -> list[int]:
    return [record["sequence"] for record in records(path) if record["type"] == "exec:chunk"]


def fill(log: StageLog, count: int, first: int = 1) -> None:
    for sequence in range(first, first + count):
        log.chunk(stream="stdout", sequence=sequence, bytes=100, data="x" * 100)


def test_starts_and_ends_go_to_both_logs_and_output_to_one(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    log.record("command:start", command="true")
    fill(log, 2)
    log.record("command:end", exit_code=0)
    log.close()
    assert [r["type"] for r in records(tmp_path / "01-build.ndjson")] == [
        "command:start",
        "exec:chunk",
        "exec:chunk",
        "command:end",
    ]
    assert [r["type"] for r in records(tmp_path / "runner.ndjson")] == [
        "command:start",
        "command:end",
    ]


def test_a_record_ends_with_time_and_index_as_the_node_original_writes_it(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    log.record("command:start", command="true")
    assert list(records(tmp_path / "01-build.ndjson")[0]) == [
        "type",
        "command",
        "timestamp",
        "index",
    ]


@pytest.mark.acceptance(59)
def test_a_capped_log_keeps_its_beginning_and_its_end_and_tells_what_is_missing(
    tmp_path: Path,
) -> None:
    log = new_log(tmp_path)
    fill(log, 1000)
    log.close()
    path = tmp_path / "01-build.ndjson"
    kept = sequences(path)
    assert path.stat().st_size <= LIMIT_BYTES + 400
    assert kept[0] == 1
    assert kept[-1] == 1000
    assert kept == sorted(kept)
    (marker,) = [r for r in records(path) if r.get("warning") == "log-truncated"]
    record_bytes = 1 + len(path.read_bytes().splitlines()[0])
    missing = 1000 - len(kept)
    assert marker["left_out_bytes"] == pytest.approx(missing * record_bytes, rel=0.05)
    assert [entry.name for entry in tmp_path.iterdir()] == ["01-build.ndjson"]


def test_while_a_capped_stage_runs_its_newest_output_is_in_the_named_file(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    fill(log, 1000)
    assert sequences(tmp_path / "01-build.ndjson")[-1] == 1000
    assert sequences(head_path(tmp_path / "01-build.ndjson"))[0] == 1


def test_the_parts_that_a_crash_left_are_joined_by_the_next_attempt(tmp_path: Path) -> None:
    fill(new_log(tmp_path), 1000)
    again = new_log(tmp_path)
    fill(again, 1, first=2000)
    again.close()
    kept = sequences(tmp_path / "01-build.ndjson")
    assert (kept[0], kept[-2:]) == (1, [1000, 2000])
    assert [entry.name for entry in tmp_path.iterdir()] == ["01-build.ndjson"]


def test_joining_again_after_a_crash_between_rename_and_clean_up_adds_nothing(
    tmp_path: Path,
) -> None:
    fill(new_log(tmp_path), 1000)
    path = tmp_path / "01-build.ndjson"
    head, older = head_path(path).read_bytes(), older_path(path).read_bytes()
    join_parts(path, None, now=SYSTEM_CLOCK.now(), index=1)
    joined = path.read_bytes()
    head_path(path).write_bytes(head)
    older_path(path).write_bytes(older)
    join_parts(path, None, now=SYSTEM_CLOCK.now(), index=1)
    assert path.read_bytes() == joined
    assert not head_path(path).exists()
    assert not older_path(path).exists()


def test_a_later_attempt_seals_a_torn_record_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "01-build.ndjson"
    path.write_bytes(b'{"type":"command:start"}\n{"type":"exec:ch')
    log = new_log(tmp_path)
    log.record("command:start", command="true")
    lines = path.read_bytes().splitlines()
    assert json.loads(lines[-1])["type"] == "command:start"
    assert len(lines) == 3


def test_a_log_that_cannot_be_written_is_counted_and_hurts_nobody(tmp_path: Path) -> None:
    (tmp_path / "01-build.ndjson").mkdir()
    log = new_log(tmp_path)
    fill(log, 3)
    log.close()
    assert log.lost_bytes > 300


def test_a_command_with_half_a_character_is_recorded(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    log.record("command:start", command="echo \ud83d")
    assert records(tmp_path / "01-build.ndjson")[0]["command"] == "echo \ufffd"
