"""Orders reach a run: between stages, in the middle of a command, down to its child runs."""

from __future__ import annotations

import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.manifest import Manifest
from orchestrator_tui.runner.control import Order, RunControl
from orchestrator_tui.runner.execution import RunOutcome
from orchestrator_tui.runner.intervals import Intervals
from orchestrator_tui.runner.process_tree import TreeScope
from orchestrator_tui.store.life import read_runner, read_waiting
from tests.runner.repository import QUICK, Repository, child, command, eventually, lines_of
from tests.runner.shapes import HOSTILE

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("scope")]


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


class Running:
    """A run that goes on in a task while the test does something to it."""

    def __init__(self, repo: Repository, pipeline: str, **more: Any) -> None:
        self.repo = repo
        self.pipeline = pipeline
        self.more = more
        self.outcome: RunOutcome | None = None

    async def run(self) -> None:
        self.outcome = await self.repo.start(self.pipeline, **self.more)

    @property
    def manifest(self) -> Manifest:
        assert self.outcome is not None
        return self.repo.manifest(self.outcome.key)

    async def until_running(self, key: RunKey, index: int = 1) -> None:
        await eventually(lambda: self.status(key, index) == "running")

    async def until_spawned(self, key: RunKey) -> None:
        def is_spawned() -> bool:
            record = read_runner(self.repo.paths(key))
            return record is not None and record.stage_pgid is not None

        await eventually(is_spawned)

    def status(self, key: RunKey, index: int) -> str:
        return self.repo.manifest(key).commands[index - 1].status


def statuses(manifest: Manifest) -> list[str]:
    return [entry.status for entry in manifest.commands]


ASKING = """
import json, os, sys
from pathlib import Path
run_dir = Path(os.environ["CODEX_ORCHESTRATOR_RUN_DIR"])
latest = {"action": sys.argv[2], "request_id": "r" + sys.argv[1]}
document = {"control_seq": int(sys.argv[1]), "latest_action": latest}
(run_dir / "asked.tmp").write_text(json.dumps(document))
(run_dir / "asked.tmp").rename(run_dir / "control.json")
"""


def asking(seq: int, action: str) -> str:
    """Return a command that asks something of its own run and ends at once."""
    return f"{sys.executable} -c '{ASKING}' {seq} {action}"


@pytest.mark.acceptance(101)
async def test_a_cancel_between_two_stages_is_obeyed_before_the_next_begins(
    repo: Repository,
) -> None:
    repo.configure(main=[command("one", asking(1, "cancel")), command("two", "touch begun")])
    seldom = replace(QUICK, control_poll_s=60.0)  # so that only the look between stages finds it
    outcome = await repo.start("main", intervals=seldom)
    manifest = repo.manifest(outcome.key)
    assert (manifest.status, manifest.status_detail) == ("cancelled", "run-canceled")
    assert statuses(manifest) == ["succeeded", "pending"]
    assert manifest.summary == "Run cancellation requested (request_id=r1)."
    names = repo.event_names(outcome.key)
    assert (names.count("step_started"), names.count("run_canceled")) == (1, 1)
    assert not (repo.folder / "begun").exists()


@pytest.mark.acceptance(104)
async def test_a_pause_between_two_stages_holds_the_next(repo: Repository) -> None:
    repo.configure(main=[command("one", asking(1, "pause")), command("two", "touch begun")])
    running = Running(repo, "main")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        key = await repo.only_run()
        await eventually(repo.paths(key).events.exists)
        await eventually(lambda: "run_paused" in repo.event_names(key))
        assert not (repo.folder / "begun").exists()
        repo.write_control(key, 1, "resume")  # a number that was seen has no second effect
        beat = repo.paths(key).heartbeat.read_text()
        await eventually(lambda: repo.paths(key).heartbeat.read_text() > beat)
        assert "run_resumed" not in repo.event_names(key)
        repo.write_control(key, 2, "resume")
    assert (running.manifest.status, running.manifest.status_detail) == ("succeeded", None)


@pytest.mark.acceptance(102)
async def test_with_the_usual_pauses_a_cancel_takes_less_than_2_5_s(
    repo: Repository, scope: TreeScope
) -> None:
    repo.configure(main=[command("one", "echo up; exec sleep 60"), command("two", "true")])
    running = Running(repo, "main", intervals=Intervals())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        key = await repo.only_run()
        await eventually(lambda: '"up' in _log(repo, key))
        asked = time.monotonic()
        repo.write_control(key, 1, "cancel", reason="enough")
        await eventually(lambda: scope.members() == ())
        assert time.monotonic() - asked < 2.5
    manifest = running.manifest
    assert (manifest.status, statuses(manifest)) == ("cancelled", ["failed", "pending"])
    assert (manifest.commands[0].exit_code, manifest.commands[0].summary) == (
        128,
        "Terminated with signal SIGTERM",
    )
    assert "Reason: enough" in (manifest.summary or "")


@pytest.mark.acceptance(102)
@pytest.mark.parametrize("shape", HOSTILE)
async def test_cancel_ends_whatever_runs(shape: str, repo: Repository, scope: TreeScope) -> None:
    repo.configure(main=[command("one", HOSTILE[shape]), command("two", "true")])
    running = Running(repo, "main")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        key = await repo.only_run()
        await eventually(lambda: '"up' in _log(repo, key))
        asked = time.monotonic()
        repo.write_control(key, 1, "cancel", reason="enough")
    assert time.monotonic() - asked < 2.5
    assert scope.members() == ()
    manifest = running.manifest
    assert (manifest.status, manifest.status_detail) == ("cancelled", "run-canceled")
    assert statuses(manifest) == ["failed", "pending"]
    assert manifest.summary == "Run cancellation requested (request_id=r1).\nReason: enough"
    assert "run_canceled" in repo.event_names(key)
    assert running.outcome is not None
    assert running.outcome.exit_status == 1


def _log(repo: Repository, key: RunKey) -> str:
    path = repo.paths(key).stage_log(1, "one")
    return path.read_text() if path.exists() else ""


@pytest.mark.acceptance(102)
async def test_the_rungs_of_a_cancel_are_on_disk_while_it_climbs(repo: Repository) -> None:
    repo.configure(main=[command("one", HOSTILE["ignores SIGTERM"])])
    running = Running(repo, "main")
    rungs: list[str | None] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        key = await repo.only_run()
        await eventually(lambda: '"up' in _log(repo, key))
        repo.write_control(key, 1, "cancel")

        def climb() -> bool:
            record = read_runner(repo.paths(key))
            rungs.append(record.cancel_rung if record else None)
            return rungs[-1] == "kill"

        await eventually(climb)
    assert "term" in rungs
    assert read_runner(repo.paths(key)) is not None


@pytest.mark.acceptance(103)
async def test_cancel_reaches_a_child_run(repo: Repository, scope: TreeScope) -> None:
    repo.configure(inner=[command("long", "sleep 60")], outer=[child("sub", "inner")])
    running = Running(repo, "outer")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        outer, inner = await repo.runs(2)
        await running.until_spawned(inner)
        asked = time.monotonic()
        repo.write_control(outer, 1, "cancel")
    assert time.monotonic() - asked < 3
    assert [repo.manifest(key).status for key in (outer, inner)] == ["cancelled", "cancelled"]
    assert [run.status for run in running.manifest.child_runs] == ["cancelled"]
    assert scope.members() == ()


async def test_a_child_run_can_be_cancelled_alone(repo: Repository) -> None:
    repo.configure(
        inner=[command("long", "sleep 60")],
        outer=[child("sub", "inner", optional=True), command("after", "true")],
    )
    running = Running(repo, "outer")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        _, inner = await repo.runs(2)
        await running.until_spawned(inner)
        repo.write_control(inner, 1, "cancel")
    assert repo.manifest(inner).status == "cancelled"
    assert (running.manifest.status, statuses(running.manifest)) == (
        "succeeded",
        ["skipped", "succeeded"],
    )


@pytest.mark.acceptance(49, 104)
async def test_a_pause_holds_the_next_stage_and_stays_to_be_seen(repo: Repository) -> None:
    repo.configure(main=[command("one", "sleep 0.3"), command("two", "true")])
    running = Running(repo, "main")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        key = await repo.only_run()
        await running.until_running(key)
        repo.write_control(key, 1, "pause")
        await eventually(lambda: "run_paused" in repo.event_names(key))
        beat = repo.paths(key).heartbeat.read_text()
        await eventually(lambda: repo.paths(key).heartbeat.read_text() > beat)
        paused = repo.manifest(key)
        assert (paused.status, paused.status_detail) == ("in_progress", "paused")
        assert statuses(paused) == ["succeeded", "pending"]
        assert read_waiting(repo.paths(key)).paused
        repo.write_control(key, 2, "resume")
    manifest = running.manifest
    assert (manifest.status, manifest.status_detail) == ("succeeded", None)
    assert manifest.summary == (
        "Run paused by control request (request_id=r1).\n"
        "Run resumed by control request (request_id=r2)."
    )
    names = repo.event_names(key)
    assert [n for n in names if "pause" in n or "resume" in n] == [
        "pause_requested",
        "run_paused",
        "run_resumed",
    ]


@pytest.mark.acceptance(104)
async def test_another_pause_is_told_as_another_pair_of_events(repo: Repository) -> None:
    repo.configure(main=[command("one", "sleep 0.2"), command("two", "true")])
    running = Running(repo, "main")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        key = await repo.only_run()
        await running.until_running(key)
        repo.write_control(key, 1, "pause", intent_id="a")
        await eventually(lambda: "run_paused" in repo.event_names(key))
        repo.write_control(key, 2, "pause", intent_id="b", reason="lunch")
        await eventually(lambda: repo.event_names(key).count("run_paused") == 2)
        assert repo.manifest(key).status_detail == "lunch"
        assert repo.event_names(key).count("pause_requested") == 2
        repo.write_control(key, 3, "resume")
    assert (running.manifest.summary or "").count("Run paused") == 1


async def test_a_paused_run_can_be_cancelled(repo: Repository) -> None:
    repo.configure(main=[command("one", "sleep 0.2"), command("two", "true")])
    running = Running(repo, "main")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        key = await repo.only_run()
        await running.until_running(key)
        repo.write_control(key, 1, "pause")
        await eventually(lambda: "run_paused" in repo.event_names(key))
        repo.write_control(key, 2, "cancel")
    assert (running.manifest.status, statuses(running.manifest)) == (
        "cancelled",
        ["succeeded", "pending"],
    )


@pytest.mark.acceptance(105)
@pytest.mark.parametrize(
    ("more", "detail"), [({}, "control_failed"), ({"reason": "bad data"}, "bad data")]
)
async def test_fail_ends_the_run_as_failed(
    repo: Repository, more: dict[str, str], detail: str
) -> None:
    repo.configure(main=[command("one", "sleep 60"), command("two", "true")])
    running = Running(repo, "main")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        key = await repo.only_run()
        await running.until_spawned(key)
        repo.write_control(key, 1, "fail", **more)
    manifest = running.manifest
    assert (manifest.status, manifest.status_detail) == ("failed", detail)
    assert statuses(manifest) == ["failed", "pending"]
    assert "run_failed" in repo.event_names(key)


@pytest.mark.acceptance(106)
@pytest.mark.parametrize("name", ["confirm_nonce", "confirmNonce"])
async def test_an_action_with_a_nonce_is_refused(repo: Repository, name: str) -> None:
    repo.configure(main=[command("one", "sleep 0.3")])
    running = Running(repo, "main")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        key = await repo.only_run()
        repo.write_control(key, 1, "cancel", **{name: "x"})
    assert running.manifest.status == "succeeded"
    assert "security_violation" in repo.event_names(key)


async def test_no_stage_begins_while_what_was_asked_is_read_and_not_yet_obeyed(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads a request takes it for seen before it holds."""
    held, may_obey = anyio.Event(), anyio.Event()
    obey = RunControl.obey

    async def late(self: RunControl, order: Order) -> None:
        held.set()
        await may_obey.wait()
        await obey(self, order)

    monkeypatch.setattr(RunControl, "obey", late)
    going = "until test -e go; do sleep 0.02; done"
    repo.configure(main=[command("one", going), command("two", "touch begun")])
    running, begun = Running(repo, "main"), repo.folder / "begun"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        key = await repo.only_run()
        await running.until_spawned(key)
        repo.write_control(key, 1, "pause")
        await held.wait()
        (repo.folder / "go").touch()
        await eventually(lambda: '"exec:end"' in _log(repo, key))
        with anyio.move_on_after(0.5):  # in which it would have begun
            await eventually(begun.exists)
        assert not begun.exists()
        may_obey.set()
        await eventually(lambda: repo.manifest(key).status_detail == "paused")
        assert statuses(repo.manifest(key)) == ["succeeded", "pending"]
        repo.write_control(key, 2, "resume")
    assert statuses(running.manifest) == ["succeeded", "succeeded"]


@pytest.mark.acceptance(106)
async def test_a_control_file_without_sense_is_told_and_ignored(
    repo: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    repo.configure(main=[command("one", "sleep 0.3")])
    running = Running(repo, "main")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        key = await repo.only_run()
        repo.paths(key).control.write_text("{")
    assert running.manifest.status == "succeeded"
    assert [r for r in caplog.records if "control.json is ignored" in r.getMessage()]


@pytest.mark.acceptance(108)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_to_the_runner_cancels_its_run(
    repo: Repository, scope: TreeScope, number: signal.Signals, status: int
) -> None:
    repo.configure(main=[command("one", HOSTILE["ignores SIGTERM"]), command("two", "true")])
    running = Running(repo, "main")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        key = await repo.only_run()
        await eventually(lambda: '"up' in _log(repo, key))
        asked = time.monotonic()
        signal.raise_signal(number)
    assert time.monotonic() - asked < 3
    assert running.manifest.status == "cancelled"
    assert f"the runner got {number.name}" in (running.manifest.summary or "")
    assert running.outcome is not None
    assert running.outcome.exit_status == status
    assert scope.members() == ()


async def test_daemons_of_earlier_stages_end_with_a_cancelled_run(
    repo: Repository, scope: TreeScope
) -> None:
    repo.configure(
        main=[command("one", "setsid sleep 60 > /dev/null 2>&1 &"), command("two", "sleep 60")]
    )
    running = Running(repo, "main")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        key = await repo.only_run()
        await running.until_running(key, 2)
        repo.write_control(key, 1, "cancel")
    assert scope.members() == ()


async def test_cancellation_of_the_callers_task_ends_the_run_as_cancelled(
    repo: Repository, scope: TreeScope
) -> None:
    repo.configure(main=[command("one", HOSTILE["ignores SIGTERM"])])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(repo.start, "main")
        key = await repo.only_run()
        await eventually(lambda: '"up' in _log(repo, key))
        tasks.cancel_scope.cancel()
    manifest = repo.manifest(key)
    assert (manifest.status, statuses(manifest)) == ("cancelled", ["failed"])
    assert scope.members() == ()


@pytest.mark.acceptance(107)
async def test_an_order_tells_who_asked_and_why() -> None:
    order = Order.of_signal(signal.SIGTERM, "SIGTERM")
    assert order.payload()["requested_reason"] == "the runner got SIGTERM"
    assert order.payload()["control_seq"] is None


async def test_an_order_that_comes_after_the_last_stage_changes_nothing() -> None:
    obeyed: list[Order] = []

    async def note(order: Order) -> None:
        obeyed.append(order)

    control = RunControl(note)
    assert control.close() is None
    await control.obey(Order.of_signal(signal.SIGTERM, "SIGTERM"))
    assert (control.stop, obeyed) == (None, [])


async def test_the_log_of_a_cancelled_stage_is_whole(repo: Repository) -> None:
    repo.configure(main=[command("one", "echo up; sleep 60")])
    running = Running(repo, "main")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        key = await repo.only_run()
        await eventually(lambda: '"up' in _log(repo, key))
        repo.write_control(key, 1, "cancel")
    log = lines_of(repo.paths(key).stage_log(1, "one"))
    assert [record["type"] for record in log] == [
        "command:start",
        "exec:begin",
        "exec:chunk",
        "exec:end",
        "command:end",
    ]
    assert log[-1]["signal"] == "SIGTERM"
