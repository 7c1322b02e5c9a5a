"""Either tool resumes and cancels what the other began."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from orchestrator_tui.records.manifest import JsonObject
from tests.interop.conftest import Tool
from tests.interop.waiting import wait_for

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]


def manifest_of(shared: Path, document: JsonObject) -> JsonObject:
    """Return the manifest that a result names."""
    manifest: JsonObject = orjson.loads((shared / document["manifest"]).read_bytes())
    return manifest


def stages_of(manifest: JsonObject) -> list[str]:
    """Return the state of each stage."""
    return [command["status"] for command in manifest["commands"]]


def history_of(shared: Path) -> list[str]:
    """Return the run ids in the task's history, oldest first."""
    history = orjson.loads((shared / "out" / "0042-both" / "runs.json").read_bytes())
    return [run["runId"] for run in history["runs"]]


def resumed(first: Tool, second: Tool, shared: Path) -> JsonObject:
    """Let one tool fail a run and the other resume it; return the manifest before."""
    (shared / "broken").touch()
    failed = first("start", "steps", "--format", "json")
    assert failed.document["status"] == "failed"
    before = manifest_of(shared, failed.document)
    assert stages_of(before) == ["succeeded", "failed", "pending", "pending"]
    (shared / "broken").unlink()
    again = second("resume", "--run", failed.document["run_id"], "--format", "json")
    assert (again.status, again.document["status"]) == (0, "succeeded")
    after = manifest_of(shared, failed.document)
    assert stages_of(after) == ["succeeded"] * 4
    assert after["commands"][0] == before["commands"][0]
    assert after["started_at"] == before["started_at"]
    assert [event["outcome"] for event in after["resume_events"]] == ["accepted"]
    for tool in (first, second):
        told = tool("status", "--run", failed.document["run_id"], "--format", "json")
        assert told.document["status"] == "succeeded"
    return after


@pytest.mark.acceptance(87)
def test_the_original_resumes_our_failed_run(ours: Tool, peer: Tool, shared: Path) -> None:
    resumed(ours, peer, shared)


@pytest.mark.acceptance(88)
def test_we_resume_a_failed_run_of_the_original(ours: Tool, peer: Tool, shared: Path) -> None:
    after = resumed(peer, ours, shared)
    assert after["commands"][1]["error_file"] is None


@pytest.mark.acceptance(29)
def test_both_keep_one_history(ours: Tool, peer: Tool, shared: Path) -> None:
    run_ids = [
        tool("start", "steps", "--format", "json").document["run_id"]
        for tool in (ours, peer, ours, peer)
    ]
    assert history_of(shared) == run_ids
    metrics = (shared / ".runs" / "0042-both" / "metrics.json").read_bytes().splitlines()
    assert [orjson.loads(line)["run_id"] for line in metrics] == run_ids
    assert list((shared / ".runs").glob("*.lock")) == []


@pytest.mark.acceptance(109)
def test_we_cancel_a_run_of_the_original(ours: Tool, peer: Tool, shared: Path) -> None:
    (shared / "slow").touch()
    running = peer.begin("start", "steps", "--format", "json")
    wait_for((shared / "reached").exists)
    (run_id,) = (path.name for path in (shared / ".runs" / "0042-both" / "cli").iterdir())
    cancelled = ours("cancel", run_id, "--reason", "enough", "--wait", "0")
    assert cancelled.status == 0
    (shared / "slow").unlink()  # the original looks at requests between two stages
    running.communicate(timeout=30)
    document = ours("status", run_id, "--format", "json").document
    assert document["status"] == "cancelled"
    assert document["commands"][3]["status"] == "pending"


@pytest.mark.acceptance(28, 95)
def test_runs_of_both_at_the_same_time_lose_nothing(ours: Tool, peer: Tool, shared: Path) -> None:
    running = [tool.begin("start", "steps", "--format", "json") for tool in (ours, peer) * 4]
    for process in running:
        process.communicate(timeout=50)
    run_ids = {path.name for path in (shared / ".runs" / "0042-both" / "cli").iterdir()}
    assert len(run_ids) == 8
    assert set(history_of(shared)) == run_ids
    task = shared / ".runs" / "0042-both"
    told = [orjson.loads(line) for line in (task / "metrics.json").read_bytes().splitlines()]
    pending = [orjson.loads(path.read_bytes()) for path in task.glob("metrics.pending/*.jsonl")]
    assert {entry["run_id"] for entry in (*told, *pending)} == run_ids
    assert list((shared / ".runs").rglob("*.lock")) == []
