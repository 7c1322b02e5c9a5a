"""Events: numbered lines that go on after any tear, and are read back newest last."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import orjson
import pytest

from orchestrator_tui.primitives.steps import Step
from orchestrator_tui.records.paths import RunPaths
from orchestrator_tui.store.events import EventName, EventStream, last_seq, read_last_events
from orchestrator_tui.store.json_text import MAX_LINE_BYTES
from tests.fakes import HandClock
from tests.fault_plans import FailingStep, installed
from tests.store.conftest import FIXTURES, RUN, TASK

REAL = FIXTURES / (
    "node-peer/.runs/0202-orchestrator-hardening/cli/2026-11-22T07-27-21-083Z-4b6631bc/events.jsonl"
)


@pytest.fixture
def stream(paths: RunPaths, clock: HandClock) -> EventStream:
    return EventStream(paths, clock=clock)


def lines(paths: RunPaths) -> list[bytes]:
    return paths.events.read_bytes().splitlines()


def test_an_event_has_the_keys_of_the_node_original(paths: RunPaths, stream: EventStream) -> None:
    assert stream.append(EventName.RUN_STARTED, {"status": "in_progress"}) == 1
    assert stream.append(EventName.PAUSE_REQUESTED, actor="user@host") == 2
    first, second = (orjson.loads(line) for line in lines(paths))
    assert first == {
        "schema_version": 1,
        "seq": 1,
        "timestamp": "2026-01-01T12:00:00.000Z",
        "task_id": TASK,
        "run_id": RUN,
        "event": "run_started",
        "actor": "runner",
        "payload": {"status": "in_progress"},
    }
    assert list(first) == list(orjson.loads(REAL.read_bytes().splitlines()[0]))
    assert (second["seq"], second["actor"], second["payload"]) == (2, "user@host", None)


@pytest.mark.acceptance(116)
def test_numbers_go_on_after_a_torn_line_at_every_byte(paths: RunPaths, clock: HandClock) -> None:
    whole = b"".join(orjson.dumps({"seq": n, "event": "x"}) + b"\n" for n in (7, 8))
    first = whole.index(b"\n") + 1
    for length in range(first, len(whole) + 1):
        paths.events.write_bytes(whole[:length])
        is_whole = length >= len(whole) - 1
        assert EventStream(paths, clock=clock).append(EventName.RUN_FAILED) == (
            9 if is_whole else 8
        )
        assert orjson.loads(lines(paths)[-1])["event"] == "run_failed"
        assert read_last_events(paths.events)[0]["seq"] == 7


@pytest.mark.acceptance(116)
def test_numbers_written_twice_by_two_processes_go_on_from_the_highest(paths: RunPaths) -> None:
    rows = [b'{"seq":4}', b'{"seq":5}', b'{"seq":4}', b'{"seq":true}', b'{"seq":"9"}', b"\0\0", b""]
    paths.events.write_bytes(b"\n".join(rows) + b"\n")
    assert last_seq(paths.events) == 5


def test_an_absent_file_has_no_number(paths: RunPaths) -> None:
    assert last_seq(paths.events) == 0
    assert read_last_events(paths.events) == ()


def test_the_last_events_of_a_real_run_are_read() -> None:
    events = read_last_events(REAL)
    assert [event["event"] for event in events][-2:] == ["step_failed", "run_completed"]
    assert last_seq(REAL) == events[-1]["seq"]


def test_a_line_longer_than_the_first_look_is_still_read(paths: RunPaths) -> None:
    paths.events.write_bytes(
        orjson.dumps({"seq": 3, "payload": {"message": "x" * 200_000}}) + b"\n"
    )
    assert last_seq(paths.events) == 3


def test_a_payload_that_is_too_long_loses_the_middle_of_its_texts(
    paths: RunPaths, stream: EventStream
) -> None:
    stream.append(EventName.AGENT_MESSAGE, {"message": "a" + "x" * 100_000 + "z", "stage_id": "s"})
    stream.append(EventName.AGENT_MESSAGE, {"all": ["x"] * 50_000})
    first, second = lines(paths)
    assert len(first) <= MAX_LINE_BYTES and len(second) <= MAX_LINE_BYTES
    payload = orjson.loads(first)["payload"]
    assert payload["truncated"] is True
    assert payload["message"][0] + payload["message"][-1] == "az"
    assert payload["stage_id"] == "s"
    assert orjson.loads(second)["payload"] == {"truncated": True}


def test_threads_share_a_stream_without_losing_a_number(
    paths: RunPaths, stream: EventStream
) -> None:
    def append() -> None:
        for _ in range(50):
            stream.append(EventName.TOOL_CALLED)

    threads = [threading.Thread(target=append) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert [orjson.loads(line)["seq"] for line in lines(paths)] == list(range(1, 201))


def test_the_number_of_an_event_that_failed_is_given_again(
    paths: RunPaths, stream: EventStream
) -> None:
    stream.append(EventName.RUN_STARTED)
    with installed(FailingStep(Step.WRITE, errno.ENOSPC)), pytest.raises(OSError, match="space"):
        stream.append(EventName.STEP_STARTED)
    assert stream.append(EventName.STEP_STARTED) == 2


def test_a_link_in_place_of_the_file_is_not_written_through(
    paths: RunPaths, stream: EventStream, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("")
    paths.events.symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="link"):
        stream.append(EventName.RUN_STARTED)
    assert (tmp_path / "secret").read_text() == ""
