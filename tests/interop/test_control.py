"""Either tool's requests are obeyed by the other's runs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.paths import Roots, RunPaths, resolve_run_paths
from orchestrator_tui.store.control import ActionKind, request_action
from tests.interop.conftest import Tool
from tests.interop.waiting import wait_for

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]
TASK = "0042-both"


class Live:
    """A run of one tool that is held in its third of four stages."""

    def __init__(self, tool: Tool, shared: Path) -> None:
        self.shared = shared
        (shared / "slow").touch()
        self.process: subprocess.Popen[str] = tool.begin("start", "steps", "--format", "json")
        wait_for((shared / "reached").exists)
        (run_dir,) = (shared / ".runs" / TASK / "cli").iterdir()
        self.paths: RunPaths = resolve_run_paths(Roots.of(shared), TASK, run_dir.name)

    @property
    def manifest(self) -> JsonObject:
        document: JsonObject = orjson.loads(self.paths.manifest.read_bytes())
        return document

    @property
    def events(self) -> list[str]:
        return [orjson.loads(line)["event"] for line in self.paths.events.read_bytes().splitlines()]

    @property
    def stages(self) -> list[str]:
        return [command["status"] for command in self.manifest["commands"]]

    def release(self) -> None:
        (self.shared / "slow").unlink(missing_ok=True)

    def until(self, event: str) -> None:
        wait_for(lambda: event in self.events)

    def end(self) -> str:
        self.release()
        self.process.communicate(timeout=30)
        status: str = self.manifest["status"]
        return status


@contextmanager
def live(tool: Tool, shared: Path) -> Iterator[Live]:
    run = Live(tool, shared)
    try:
        yield run
    finally:
        run.release()
        if run.process.poll() is None:
            run.process.kill()
        run.process.communicate(timeout=30)


def ask(run: Live, action: ActionKind, reason: str | None = None) -> None:
    """Ask as this program does."""
    request_action(
        run.paths, action, reason=reason, requested_by="orch-tui:test", now=datetime.now(UTC)
    )


def ask_as_the_original_does(run: Live, seq: int, action: str, reason: str | None = None) -> None:
    """Write a control file with every key that the original's control server writes."""
    request = f"req-{seq}"
    document = {
        "run_id": run.paths.key.run_id,
        "control_seq": seq,
        "latest_action": {
            "request_id": request,
            "requested_by": "ui",
            "requested_at": "2026-11-22T12:00:00.000Z",
            "action": action,
            "reason": reason,
            "intent_id": f"intent-{seq}",
            "transport": "http",
        },
        "feature_toggles": {},
        "transport_mutation": None,
    }
    temporary = run.paths.control.with_name(f"control.json.tmp-1-2-{seq}")
    temporary.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    temporary.rename(run.paths.control)


@pytest.mark.acceptance(109)
def test_the_original_pauses_and_goes_on_when_we_ask(ours: Tool, peer: Tool, shared: Path) -> None:
    with live(peer, shared) as run:
        ask(run, ActionKind.PAUSE, "lunch")
        run.release()
        run.until("run_paused")
        assert run.stages == ["succeeded", "succeeded", "succeeded", "pending"]
        told = ours("status", run.paths.key.run_id, "--format", "json").document
        assert told["orch_tui"]["state"] == "paused"
        ask(run, ActionKind.RESUME)
        run.until("run_resumed")
        assert run.end() == "succeeded"
    assert run.stages == ["succeeded"] * 4


@pytest.mark.acceptance(109)
def test_the_original_cancels_a_paused_run_when_we_ask(
    ours: Tool, peer: Tool, shared: Path
) -> None:
    with live(peer, shared) as run:
        ask(run, ActionKind.PAUSE)
        run.release()
        run.until("run_paused")
        assert ours("cancel", run.paths.key.run_id, "--reason", "enough", "--wait", "0").status == 0
        run.until("run_canceled")
        assert run.end() == "cancelled"
    assert run.stages == ["succeeded", "succeeded", "succeeded", "pending"]


@pytest.mark.acceptance(109)
def test_the_original_cancels_a_running_run_between_two_stages_when_we_ask(
    ours: Tool, peer: Tool, shared: Path
) -> None:
    with live(peer, shared) as run:
        run_id = run.paths.key.run_id
        assert ours("cancel", run_id, "--reason", "enough", "--wait", "0").status == 0
        assert run.end() == "cancelled"
        assert ours("status", run_id, "--format", "json").document["status"] == "cancelled"
    assert run.stages[3] == "pending"


def test_we_pause_and_go_on_when_the_originals_control_file_asks(
    ours: Tool, peer: Tool, shared: Path
) -> None:
    with live(ours, shared) as run:
        ask_as_the_original_does(run, 1, "pause", "lunch")
        run.until("pause_requested")
        run.release()
        run.until("run_paused")
        assert run.stages == ["succeeded", "succeeded", "succeeded", "pending"]
        told = peer("status", "--run", run.paths.key.run_id, "--format", "json").document
        assert (told["status"], told["status_detail"]) == ("in_progress", "lunch")
        ask_as_the_original_does(run, 2, "resume")
        assert run.end() == "succeeded"
    assert [name for name in run.events if "pause" in name or "resume" in name] == [
        "pause_requested",
        "run_paused",
        "run_resumed",
    ]
    assert "(intent_id=intent-1, request_id=req-1)" in run.manifest["summary"]


@pytest.mark.parametrize(
    ("action", "status", "detail"),
    [("cancel", "cancelled", "run-canceled"), ("fail", "failed", "why not")],
)
def test_we_end_when_the_originals_control_file_asks(
    ours: Tool, peer: Tool, shared: Path, action: str, status: str, detail: str
) -> None:
    with live(ours, shared) as run:
        ask_as_the_original_does(run, 1, action, "why not")
        run.process.communicate(timeout=30)
        assert (shared / "slow").exists()
    assert run.stages == ["succeeded", "succeeded", "failed", "pending"]
    told = peer("status", "--run", run.paths.key.run_id, "--format", "json").document
    assert (told["status"], told["status_detail"]) == (status, detail)
