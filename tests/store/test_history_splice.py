"""Splicing: a long history gets its next run as if it had been written anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prove.endings import TASK

from orchestrator_tui.primitives.locking import LockRetry
from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.paths import Roots, TaskPaths, resolve_task_paths
from orchestrator_tui.store.history import History, read_history
from orchestrator_tui.store.history_splice import SEALED_FROM_BYTES, spliced
from orchestrator_tui.store.json_text import decode_json
from orchestrator_tui.store.task_state import TaskStateStore
from tests.store.conftest import got

NASTY = '\n    },\n    {\n      "runId": "b",\n      "timestamp": "9"\n  "runs": [\n'


def run(name: str, timestamp: Any, **more: Any) -> JsonObject:
    return {"taskId": TASK, "runId": name, "timestamp": timestamp, **more}


def rewritten(content: bytes, *summaries: JsonObject) -> bytes:
    """Return what a writer makes that takes the whole file apart."""
    document = decode_json(content)
    others = {k: v for k, v in document.items() if k not in ("taskId", "lastRunAt", "runs")}
    return History(TASK, tuple(document["runs"]), others).merged(summaries).content()


def history(*runs: JsonObject) -> bytes:
    return History(TASK).merged(runs).content()


LONG = history(
    *(run(f"r{n:03}", f"2026-01-01T00:{n // 60:02}:{n % 60:02}.000Z") for n in range(99))
)


@pytest.mark.parametrize(
    "summaries",
    [
        [run("new", "2026-02-01")],
        [run("new", "2026-01-01T00:01:38.000Z")],
        [run("new", "2026-01-01T00:01:20.500Z")],
        [
            run("new", "2026-02-01"),
            run("older", "2026-01-01T00:01:00.000Z"),
            run("x", "2026-02-01"),
        ],
        [run("r098", "2026-02-01", notes="again")],
        [run("r000", "2026-02-01", notes="again")],
        [run("r050", "2026-01-01T00:01:37.500Z"), run("r051", "2026-02-01"), run("n", "2027")],
        [run("new", "2026-02-01", notes=NASTY, build={"runId": "r001", "timestamp": "3"})],
    ],
)
def test_a_run_gets_its_place_as_if_the_file_had_been_written_anew(
    summaries: list[JsonObject],
) -> None:
    assert spliced(LONG, TASK, summaries) == rewritten(LONG, *summaries)


@pytest.mark.parametrize(
    ("content", "summary"),
    [
        (LONG, run("new", "2025-01-01")),
        (LONG, run("new", None)),
        (history(run("a", "1")), run("a", "2")),
        (history(), run("a", "2")),
        (History("other", (run("b", "1"),)).content(), run("a", "2")),
        (History(TASK, (run("b", "1"),), {"more": 1}).content(), run("a", "2")),
        (History(TASK, (run("b", "1"),), {"more": [run("c", "1")]}).content(), run("a", "2")),
        (LONG.replace(b"\n", b"\r\n"), run("a", "2027")),
        (json.dumps(json.loads(LONG)).encode(), run("a", "2027")),
        (LONG + b"\n", run("a", "2027")),
        (LONG.replace(b'"lastRunAt":', b'"lastRunAt"'), run("a", "2027")),
        (LONG[:-9], run("a", "2027")),
        (b"", run("a", "2027")),
    ],
)
def test_what_is_not_simple_is_left_to_the_long_way(content: bytes, summary: JsonObject) -> None:
    assert spliced(content, TASK, [summary]) is None


names = st.sampled_from("abcdefgh")
times = st.sampled_from(["1", "2", "3", "3x", "", None, 7, ["3"], {"a": "1"}])
notes = st.sampled_from(["", "→", '"', NASTY, '\\"runId": "a"'])
inner = st.fixed_dictionaries(
    {}, optional={"runId": names, "timestamp": times, "n": st.floats(0, 1)}
)
runs = st.builds(
    lambda name, time, more: {"taskId": TASK, **more, "runId": name, "timestamp": time},
    names,
    times,
    st.fixed_dictionaries({}, optional={"notes": notes, "build": inner, "zz": st.lists(inner)}),
)


@given(st.lists(runs, max_size=6, unique_by=lambda r: r["runId"]), st.lists(runs, max_size=3))
@settings(max_examples=400)
def test_a_spliced_history_is_the_one_that_a_full_rewrite_gives(
    before: list[JsonObject], fresh: list[JsonObject]
) -> None:
    content = history(*before)
    found = spliced(content, TASK, fresh)
    assert found is None or found == rewritten(content, *fresh)
    assert spliced(content, TASK, fresh, is_sealed=True) == found


@given(st.lists(runs, min_size=1, max_size=6, unique_by=lambda r: r["runId"]), notes)
def test_a_run_that_comes_last_is_always_spliced(before: list[JsonObject], note: str) -> None:
    content, new = history(*before), run("new", "4", notes=note)
    assert spliced(content, TASK, [new]) == rewritten(content, new)


# --- on disk -------------------------------------------------------------------------------------


@pytest.fixture
def task(roots: Roots) -> TaskPaths:
    return resolve_task_paths(roots, TASK)


@pytest.fixture
def store(roots: Roots) -> TaskStateStore:
    return TaskStateStore(roots, retry=LockRetry(jitter=0.0))


@pytest.fixture
def sealed(store: TaskStateStore, task: TaskPaths) -> bytes:
    """Return a long history as the store left it."""
    long = (run(f"r{n:03}", f"2026-{n:03}", notes="x" * 4096) for n in range(80))
    task.runs_json.parent.mkdir(parents=True)
    task.runs_json.write_bytes(history(*long))
    store.record_run(run("first", "2026-990"))
    assert task.history_seal.exists()
    return task.runs_json.read_bytes()


class Reads:
    """Counts how often a history was taken apart."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0

        def counting(roots: Roots, task_id: str) -> Any:
            self.count += 1
            return read_history(roots, task_id)

        monkeypatch.setattr("orchestrator_tui.store.task_state.read_history", counting)


@pytest.fixture
def reads(sealed: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reads]:
    yield Reads(monkeypatch)


def test_a_long_history_that_nobody_touched_is_not_taken_apart(
    store: TaskStateStore, task: TaskPaths, sealed: bytes, reads: Reads
) -> None:
    new = [run("second", "2026-991"), run("third", "2026-992"), run("second", "2026-993")]
    for summary in new:
        store.record_run(summary)
    assert reads.count == 0
    assert task.runs_json.read_bytes() == rewritten(sealed, *new)
    assert list(task.pending_dir.iterdir()) == []


def test_a_history_that_another_tool_wrote_is_read_whole(
    store: TaskStateStore, task: TaskPaths, sealed: bytes, reads: Reads
) -> None:
    document = json.loads(sealed)
    document["runs"].append(run("theirs", "2026-995"))
    task.runs_json.write_text(json.dumps(document))
    store.record_run(run("ours", "2026-996"))
    assert reads.count == 1
    assert [r["runId"] for r in got(task.runs_json)["runs"]][-3:] == ["first", "theirs", "ours"]


def test_a_damaged_history_is_set_aside_and_rebuilt_though_it_was_sealed(
    store: TaskStateStore, task: TaskPaths, sealed: bytes, reads: Reads
) -> None:
    with task.runs_json.open("r+b") as file:  # the same inode, the same size
        file.seek(len(sealed) // 2)
        file.write(b"\0" * 512)
    store.record_run(run("after", "2026-999"))
    assert reads.count == 1
    assert [r["runId"] for r in got(task.runs_json)["runs"]] == ["after"]
    (aside,) = task.runs_json.parent.glob("runs.json.corrupt-*")
    assert len(aside.read_bytes()) == len(sealed)


@pytest.mark.parametrize(
    "seal", [b"", b"[]", b"[1,2,3,4,5]\n", b'["a"]', b'["only runs",1]', b"null", b"7", b"\xff"]
)
def test_a_seal_that_makes_no_sense_counts_as_none(
    store: TaskStateStore, task: TaskPaths, reads: Reads, seal: bytes
) -> None:
    task.history_seal.write_bytes(seal)
    store.record_run(run("after", "2026-999"))
    assert reads.count == 1
    assert got(task.runs_json)["runs"][-1]["runId"] == "after"


def test_a_seal_that_cannot_be_written_harms_nothing(
    store: TaskStateStore, task: TaskPaths, reads: Reads
) -> None:
    task.history_seal.unlink()
    task.history_seal.mkdir()
    store.record_run(run("after", "2026-998"))
    store.record_run(run("last", "2026-999"))
    assert reads.count == 2
    assert [r["runId"] for r in got(task.runs_json)["runs"]][-2:] == ["after", "last"]


def test_what_others_keep_beside_the_runs_stays(
    store: TaskStateStore, task: TaskPaths, sealed: bytes
) -> None:
    document = json.loads(sealed) | {"more": [run("theirs", "1")]}
    task.runs_json.write_text(json.dumps(document, indent=2))
    for name in ("second", "third"):
        store.record_run(run(name, "2026-999"))
    assert got(task.runs_json)["more"] == document["more"]
    assert [r["runId"] for r in got(task.runs_json)["runs"]][-2:] == ["second", "third"]


def test_a_short_history_has_no_seal(store: TaskStateStore, task: TaskPaths) -> None:
    store.record_run(run("a", "1"))
    assert task.runs_json.stat().st_size < SEALED_FROM_BYTES
    assert not task.history_seal.exists()
