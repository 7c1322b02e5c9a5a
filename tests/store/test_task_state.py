"""TaskStateStore and PersistenceCoordinator: no recorded run is ever lost."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import orjson
import pytest
from prove.endings import TASK, summary

from orchestrator_tui.primitives.locking import FileLock, LockRetry, LockTimeout
from orchestrator_tui.primitives.steps import Step
from orchestrator_tui.records.identifiers import InvalidIdentifier
from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.paths import Roots, TaskPaths, resolve_task_paths
from orchestrator_tui.store.coordinator import PersistenceCoordinator, write_summary_copy
from orchestrator_tui.store.history import HISTORY_LIMIT_BYTES, read_history
from orchestrator_tui.store.task_state import TaskStateStore, TaskStateStoreLockError
from tests.fakes import HandClock
from tests.fault_plans import FailingStep, Watching, installed
from tests.store.conftest import FIXTURES, got, put

STEADY = LockRetry(jitter=0.0)


@pytest.fixture
def task(roots: Roots) -> TaskPaths:
    return resolve_task_paths(roots, TASK)


@pytest.fixture
def store(roots: Roots, clock: HandClock) -> TaskStateStore:
    return TaskStateStore(roots, retry=STEADY, clock=clock, sleep=lambda _: None)


def ids(task: TaskPaths) -> list[str]:
    return [run["runId"] for run in got(task.runs_json)["runs"]]


def at(run_id: str, timestamp: str, **more: Any) -> JsonObject:
    return {"taskId": TASK, "runId": run_id, "timestamp": timestamp, **more}


# --- the history ---------------------------------------------------------------------------------


@pytest.mark.acceptance(22)
def test_the_first_run_of_a_task_begins_its_history(store: TaskStateStore, task: TaskPaths) -> None:
    run = at("a", "2026-01-01T00:00:00.000Z", build={"success": True})
    store.record_run(run)
    expected = {"taskId": TASK, "lastRunAt": run["timestamp"], "runs": [run]}
    assert task.runs_json.read_bytes() == orjson.dumps(expected, option=orjson.OPT_INDENT_2)
    assert list(task.pending_dir.iterdir()) == []
    assert sorted(path.name for path in task.lock.parent.iterdir()) == [f"{TASK}.lock.flock"]


@pytest.mark.acceptance(23)
def test_runs_that_arrive_late_stand_where_they_belong(
    store: TaskStateStore, task: TaskPaths
) -> None:
    store.record_run(at("newer", "2025-10-29T15:00:00.000Z"))
    store.record_run(at("older", "2025-10-28T10:00:00.000Z"))
    assert ids(task) == ["older", "newer"]
    assert got(task.runs_json)["lastRunAt"] == "2025-10-29T15:00:00.000Z"


@pytest.mark.acceptance(24)
def test_a_run_recorded_again_replaces_itself(store: TaskStateStore, task: TaskPaths) -> None:
    for hour, run_id in enumerate("ABC"):
        store.record_run(at(run_id, f"2026-01-01T0{hour}:00:00.000Z"))
    store.record_run(at("B", "2026-01-01T04:00:00.000Z", notes="second try"))
    assert ids(task) == ["A", "C", "B"]
    history = got(task.runs_json)
    assert history["lastRunAt"] == "2026-01-01T04:00:00.000Z"
    assert history["runs"][-1]["notes"] == "second try"


def test_runs_of_one_moment_stand_in_the_order_they_came(
    store: TaskStateStore, task: TaskPaths
) -> None:
    for run_id in ("z", "a", "m"):
        store.record_run(at(run_id, "2026-01-01T00:00:00.000Z"))
    assert ids(task) == ["z", "a", "m"]


def test_a_history_of_the_node_original_goes_on(roots: Roots, store: TaskStateStore) -> None:
    name = "0202-orchestrator-hardening"
    real = got(FIXTURES / "node-peer/out" / name / "runs.json")
    paths = resolve_task_paths(roots, name)
    put(paths.runs_json, {**real, "x_note": "kept"})
    store.record_run({"taskId": name, "runId": "ours", "timestamp": "2027-01-01T00:00:00.000Z"})
    history = got(paths.runs_json)
    assert history["runs"][:-1] == real["runs"]
    assert history["runs"][-1]["runId"] == "ours"
    assert history["x_note"] == "kept"


@pytest.mark.acceptance(25, 26)
def test_a_history_that_still_lies_in_the_state_file_is_taken_over(
    store: TaskStateStore, task: TaskPaths
) -> None:
    legacy = {"taskId": TASK, "runs": [at(x, f"2025-10-0{x}T00:00:00.000Z") for x in "123"]}
    put(task.state_json, legacy)
    store.record_run(at("new", "2026-01-01T00:00:00.000Z"))
    assert ids(task) == ["1", "2", "3", "new"]
    assert got(task.state_json) == legacy


@pytest.mark.acceptance(25)
@pytest.mark.parametrize(
    "state",
    [
        {"updated_at": "x", "safety": {}, "throughput": {"candidates": 0}},
        {"taskId": "another", "runs": []},
        {"taskId": TASK, "runs": {}},
        b"{",
    ],
)
def test_a_state_file_of_metrics_is_no_history(
    store: TaskStateStore, task: TaskPaths, state: object
) -> None:
    before = put(task.state_json, state).read_bytes()
    store.record_run(at("new", "2026-01-01T00:00:00.000Z"))
    assert ids(task) == ["new"]
    assert task.state_json.read_bytes() == before


@pytest.mark.acceptance(27)
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "not JSON"),
        (b"", "empty"),
        (b"[]", "a list"),
        (b'{"taskId": "t"}', "no list of runs"),
        (b'{"taskId": "other", "runs": [{"runId": "lost"}]}', "it is of task 'other'"),
        (b'{"taskId": "t", "runs": [3, {"runId": "lost", "timestamp": "2020"}]}', "not runs"),
    ],
)
def test_a_history_that_cannot_be_used_is_set_aside_and_rebuilt(
    roots: Roots, task: TaskPaths, clock: HandClock, content: bytes, reason: str
) -> None:
    for run_id in ("a", "b"):
        write_summary_copy(roots, summary(run_id))
    put(task.task_dir / "cli" / "c" / "run-summary.json", summary("c", 3))
    put(task.task_dir / "assets" / "manifest.json", {"name": "no run"})
    put(task.runs_json, content)
    told: list[str] = []
    TaskStateStore(roots, clock=clock, on_rebuilt=told.append).record_run(summary("new", 9))
    salvaged = ["lost"] if b"lost" in content else []
    assert ids(task) == [*salvaged, "a", "b", "c", "new"]
    (aside,) = task.runs_json.parent.glob("runs.json.corrupt-*")
    assert aside.name == "runs.json.corrupt-20260101T120000000000Z"
    assert aside.read_bytes() == content
    assert len(told) == 1 and reason in told[0] and aside.name in told[0]


def test_a_history_that_may_not_be_read_is_left_alone(roots: Roots, task: TaskPaths) -> None:
    before = put(task.runs_json, b"{}").read_bytes()
    with installed(FailingStep(Step.OPEN, errno.EACCES)), pytest.raises(PermissionError):
        read_history(roots, TASK)
    assert task.runs_json.read_bytes() == before


def test_a_history_that_is_no_file_is_left_alone_and_the_run_waits(
    store: TaskStateStore, task: TaskPaths
) -> None:
    task.runs_json.mkdir(parents=True)
    with pytest.raises(OSError, match="folder"):
        store.record_run(summary("a"))
    assert [path.name for path in task.pending_dir.iterdir()] == ["a.json"]


# --- the lock ------------------------------------------------------------------------------------


@pytest.mark.acceptance(14)
def test_a_lock_that_stays_taken_is_told_after_so_many_attempts(
    roots: Roots, task: TaskPaths, clock: HandClock
) -> None:
    put(task.lock, "")
    tries: list[int] = []
    store = TaskStateStore(
        roots,
        retry=LockRetry(attempts=3, first_delay_s=0.001),
        clock=clock,
        sleep=lambda _: None,
        on_retry=lambda attempt, _: tries.append(attempt),
    )
    with pytest.raises(TaskStateStoreLockError) as caught:
        store.record_run(summary("a"))
    text = str(caught.value)
    assert text.startswith(f"Failed to acquire task state lock for {TASK} after 3 attempts")
    assert "[lock_diagnostics path=" in text
    assert (caught.value.task_id, caught.value.attempts, tries) == (TASK, 3, [1, 2])
    assert isinstance(caught.value, LockTimeout)


@pytest.mark.acceptance(15, 16)
def test_the_waits_are_the_node_originals(roots: Roots, task: TaskPaths, clock: HandClock) -> None:
    put(task.lock, "")
    naps: list[float] = []
    retry = LockRetry.with_overrides(attempts=None, jitter=0.0)
    store = TaskStateStore(roots, retry=retry, clock=clock, sleep=naps.append)
    with pytest.raises(TaskStateStoreLockError, match="after 5 attempts"):
        store.record_run(summary("a"))
    assert naps == [0.1, 0.2, 0.4, 0.8]


def test_a_run_that_did_not_get_the_lock_is_added_by_the_next(
    store: TaskStateStore, task: TaskPaths
) -> None:
    with FileLock(task.lock, task_id=TASK), pytest.raises(TaskStateStoreLockError):
        store.record_run(summary("a", 1))
    assert not task.runs_json.exists()
    store.record_run(summary("b", 2))
    assert ids(task) == ["a", "b"]
    assert list(task.pending_dir.iterdir()) == []


def test_waiting_runs_can_be_folded_in_without_a_new_one(
    store: TaskStateStore, task: TaskPaths
) -> None:
    assert store.fold_pending(TASK) is False
    assert not task.lock.parent.exists()
    put(task.pending_dir / "a.json", summary("a"))
    put(task.pending_dir / ".b.json.12.0123456789ab.tmp", b"{")
    assert store.fold_pending(TASK) is True
    assert ids(task) == ["a"]


def test_a_waiting_file_that_holds_no_run_is_set_aside(
    store: TaskStateStore, task: TaskPaths
) -> None:
    put(task.pending_dir / "torn.json", b"{")
    put(task.pending_dir / "odd.json", {"runId": 3})
    store.record_run(summary("a"))
    assert ids(task) == ["a"]
    stamp = "corrupt-20260101T120000000000Z"
    assert sorted(p.name for p in task.pending_dir.iterdir()) == [
        f"odd.json.{stamp}",
        f"torn.json.{stamp}",
    ]


class _Thief(Watching):
    """Takes the lock away from its holder at the moment before the history is written."""

    def __init__(self, lock: Path) -> None:
        super().__init__()
        self.lock = lock

    def act(self, number: int, step: Step, call: Any) -> Any:
        result = call()
        path = self.seen[-1][1]
        if step is Step.READ and path.name == "a.json":
            self.lock.write_text('{"token": "a thief"}')
        return result


def test_a_writer_whose_lock_was_taken_away_writes_nothing(
    store: TaskStateStore, task: TaskPaths
) -> None:
    with installed(_Thief(task.lock)), pytest.raises(TaskStateStoreLockError, match="taken away"):
        store.record_run(summary("a"))
    assert not task.runs_json.exists()
    assert "thief" in task.lock.read_text()
    assert [path.name for path in task.pending_dir.iterdir()] == ["a.json"]


def test_a_waiting_file_that_may_not_be_read_is_passed_over(
    store: TaskStateStore, task: TaskPaths, caplog: pytest.LogCaptureFixture
) -> None:
    huge = put(task.pending_dir / "huge.json", b"")
    with huge.open("wb") as stream:
        stream.truncate(HISTORY_LIMIT_BYTES + 1)
    store.record_run(summary("a"))
    assert ids(task) == ["a"]
    assert huge.exists()
    assert "passed over" in caplog.text


def test_a_task_without_runs_may_have_a_broken_history(
    store: TaskStateStore, task: TaskPaths
) -> None:
    put(task.runs_json, b"{")
    store.record_run(summary("a"))
    assert ids(task) == ["a"]


@pytest.mark.parametrize(
    "bad", [{"taskId": "../x", "runId": "a"}, {"taskId": "t", "runId": "a/b"}, {"taskId": 3}, {}]
)
def test_no_summary_leads_outside(store: TaskStateStore, roots: Roots, bad: JsonObject) -> None:
    with pytest.raises(InvalidIdentifier):
        store.record_run(bad)
    assert list(roots.repo.iterdir()) == []


# --- crashes and bad days ------------------------------------------------------------------------


def test_a_full_disk_leaves_the_old_history_and_tells(
    store: TaskStateStore, task: TaskPaths
) -> None:
    store.record_run(summary("a"))
    before = task.runs_json.read_bytes()
    with installed(FailingStep(Step.WRITE, errno.ENOSPC)), pytest.raises(OSError, match="space"):
        store.record_run(summary("b"))
    assert task.runs_json.read_bytes() == before
    store.record_run(summary("c", 5))
    assert ids(task) == ["a", "c"]


def test_litter_that_cannot_be_listed_does_not_unmake_what_was_recorded(
    store: TaskStateStore, task: TaskPaths, caplog: pytest.LogCaptureFixture
) -> None:
    class Unlistable(FailingStep):
        """Refuses to list folders once the history is in its place."""

        def act(self, number, step, call):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
            is_recorded = "runs.json" in self.paths_of(Step.RENAME)
            return super().act(number, step, call) if is_recorded else call()

    with installed(Unlistable(Step.SCAN, errno.EIO)):
        store.record_run(summary("a"))
    assert ids(task) == ["a"]
    assert "Old temporary files stay" in caplog.text


# --- the coordinator -----------------------------------------------------------------------------


class Desk:
    """A coordinator and what it told."""

    def __init__(self, roots: Roots, history: Any, **more: Any) -> None:
        self.errors: list[Exception] = []
        self.warnings: list[str] = []
        self.coordinator = PersistenceCoordinator(
            roots,
            history,
            on_warning=self.warnings.append,
            on_error=self.errors.append,
            **more,
        )

    def finish(self, document: JsonObject) -> None:
        self.coordinator.handle_run_completed(document)


class Broken:
    """A history that fails."""

    def record_run(self, summary: JsonObject) -> None:
        raise RuntimeError("no history today")


@pytest.mark.acceptance(31, 37)
def test_an_ended_run_is_in_the_copy_and_in_the_history(
    roots: Roots, store: TaskStateStore, task: TaskPaths
) -> None:
    desk = Desk(roots, store)
    document = {**summary("a"), "usageKpi": {}, "runtime": {}}
    desk.finish(document)
    copy = task.task_dir / "a" / "manifest.json"
    assert copy.read_bytes() == orjson.dumps(summary("a"), option=orjson.OPT_INDENT_2)
    assert got(task.runs_json)["runs"] == [document]
    assert got(task.runs_json)["lastRunAt"] == document["timestamp"]
    assert not desk.errors and not desk.warnings


@pytest.mark.acceptance(32)
def test_a_lock_that_is_taken_does_not_keep_the_copy_back(
    roots: Roots, store: TaskStateStore, task: TaskPaths
) -> None:
    desk = Desk(roots, store)
    with FileLock(task.lock, task_id=TASK):
        desk.finish(summary("a"))
    assert (task.task_dir / "a" / "manifest.json").exists()
    (error,) = desk.errors
    assert isinstance(error, TaskStateStoreLockError)
    assert "the run is queued" in desk.warnings[0]


@pytest.mark.acceptance(33)
def test_the_copy_is_written_before_the_history_is_asked(roots: Roots) -> None:
    order: list[str] = []

    class Slow:
        def record_run(self, summary: JsonObject) -> None:
            order.append("history")

    Desk(roots, Slow(), write_copy=lambda *_: order.append("copy")).finish(summary("a"))
    assert order == ["copy", "history"]


@pytest.mark.acceptance(34)
def test_if_both_fail_the_error_of_the_copy_is_told_once(roots: Roots) -> None:
    def fail(*_: object) -> None:
        raise OSError("no copy today")

    desk = Desk(roots, Broken(), write_copy=fail)
    desk.finish(summary("a"))
    assert [str(error) for error in desk.errors] == ["no copy today"]
    assert desk.warnings == ["no history today"]


def test_a_history_that_fails_alone_is_told(roots: Roots, task: TaskPaths) -> None:
    desk = Desk(roots, Broken())
    desk.finish(summary("a"))
    assert [str(error) for error in desk.errors] == ["no history today"]
    assert (task.task_dir / "a" / "manifest.json").exists()


@pytest.mark.acceptance(35)
def test_a_task_that_would_escape_is_told_once_and_creates_nothing(
    roots: Roots, store: TaskStateStore
) -> None:
    desk = Desk(roots, store)
    desk.finish({**summary("a"), "taskId": "../escape-attempt"})
    (error,) = desk.errors
    assert 'Invalid task ID "../escape-attempt"' in str(error)
    assert [path.name for path in roots.repo.parent.iterdir()] == ["repo"]
    assert list(roots.repo.iterdir()) == []


@pytest.mark.acceptance(36)
def test_it_listens_once_from_start_to_stop(roots: Roots) -> None:
    listeners: list[Any] = []

    def subscribe(listener: Any) -> Any:
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    coordinator = Desk(roots, Broken(), subscribe=subscribe).coordinator
    coordinator.start()
    coordinator.start()
    assert listeners == [coordinator.handle_run_completed]
    coordinator.stop()
    coordinator.stop()
    assert listeners == []
    coordinator.start()
    assert len(listeners) == 1
