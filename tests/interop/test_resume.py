"""Either tool resumes what the other began, and both keep one history."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from orchestrator_tui.records.manifest import JsonObject
from tests.interop.conftest import Tool
from tests.interop.schema import schema_errors
from tests.interop.waiting import wait_for

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]
FIXTURES = Path(__file__).parent.parent / "fixtures"


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
def test_the_original_resumes_our_failed_run(
    ours: Tool, peer: Tool, peer_binary: Path, shared: Path
) -> None:
    after = resumed(ours, peer, shared)
    assert schema_errors(peer_binary, shared / after["artifact_root"] / "manifest.json") == []


@pytest.mark.acceptance(87)
def test_the_original_resumes_what_we_recommend_to_write(
    ours: Tool, peer: Tool, peer_binary: Path, shared: Path
) -> None:
    shutil.copytree(FIXTURES / "minimal" / "recommended", shared, dirs_exist_ok=True)
    run_id = "2026-01-02T03-04-05-678Z-0badcafe"
    again = peer("resume", "--run", run_id, "--format", "json")
    assert (again.status, again.document["status"]) == (0, "succeeded")
    assert schema_errors(peer_binary, shared / again.document["manifest"]) == []
    told = ours("status", "--run", run_id, "--format", "json").document
    assert told["orch_tui"]["state"] == "succeeded"


def test_a_run_that_the_original_resumed_is_its_own_while_it_goes_on(
    ours: Tool, peer: Tool, shared: Path
) -> None:
    (shared / "broken").touch()
    run_id = ours("start", "steps", "--format", "json").document["run_id"]
    (shared / "broken").unlink()
    (shared / "slow").touch()
    running = peer.begin("resume", "--run", run_id, "--format", "json")
    try:
        wait_for((shared / "reached").exists)
        told = ours("status", run_id, "--format", "json").document["orch_tui"]
        assert (told["state"], told["runner"]["verdict"]) == ("running", "unknown")
        refused = ours("resume", run_id)
        assert refused.status == 4
        assert "seems to be running" in refused.err
        assert ours("cancel", run_id, "--wait", "0").status == 0
        assert ours("status", run_id, "--format", "json").document["status"] == "in_progress"
    finally:
        (shared / "slow").unlink()
        running.communicate(timeout=30)
    ended = ours("status", run_id, "--format", "json").document
    assert (ended["status"], ended["status_detail"]) == ("cancelled", "run-canceled")


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
    document = orjson.loads((shared / "out" / "0042-both" / "runs.json").read_bytes())
    times = [run["timestamp"] for run in document["runs"]]
    assert (times, document["lastRunAt"]) == (sorted(times), times[-1])
    listed = ours("list", "--format", "json").document["runs"]
    assert [run["run_id"] for run in listed] == run_ids[::-1]
    metrics = (shared / ".runs" / "0042-both" / "metrics.json").read_bytes().splitlines()
    assert [orjson.loads(line)["run_id"] for line in metrics] == run_ids
    assert list((shared / ".runs").glob("*.lock")) == []


@pytest.mark.acceptance(28, 95)
def test_runs_of_both_at_the_same_time_lose_nothing(
    ours: Tool, peer: Tool, shared: Path, record_property: Callable[[str, object], None]
) -> None:
    tools = (ours, peer) * 4
    running = [tool.begin("start", "steps", "--format", "json") for tool in tools]
    said = [process.communicate(timeout=50) for process in running]
    by_tool = list(zip(tools, running, said, strict=True))
    assert [told for tool, process, told in by_tool if tool is ours and process.returncode] == []
    # Processes of the original alone can read a file that another is just writing in place. One
    # that does so ends before its run begins.
    torn = [told for _, process, told in by_tool if process.returncode]
    assert all("Unexpected end of JSON input" in err for _, err in torn), torn
    cli = shared / ".runs" / "0042-both" / "cli"
    manifests = [orjson.loads((path / "manifest.json").read_bytes()) for path in cli.iterdir()]
    run_ids = {each["run_id"] for each in manifests if each["status"] == "succeeded"}
    assert len(run_ids) == 8 - len(torn) >= 4
    waiting = {path.stem for path in (shared / "out" / "0042-both" / ".pending").glob("*.json")}
    # The original drops a run whose lock it did not get in time, and says so.
    dropped = {
        next(run_id for run_id in run_ids if run_id in out)
        for tool, _, (out, err) in by_tool
        if tool is peer and "Failed to acquire task state lock" in out + err
    }
    assert set(history_of(shared)) | waiting | dropped == run_ids
    record_property(
        "figures",
        f"{len(run_ids)} of 8 ended, {len(torn)} of the original broke off; "
        f"{len(waiting)} of ours late, {len(dropped)} dropped by the original",
    )
    task = shared / ".runs" / "0042-both"
    told = [orjson.loads(line) for line in (task / "metrics.json").read_bytes().splitlines()]
    pending = [orjson.loads(path.read_bytes()) for path in task.glob("metrics.pending/*.jsonl")]
    assert sorted(entry["run_id"] for entry in (*told, *pending)) == sorted(run_ids)
    assert list((shared / ".runs").rglob("*.lock")) == []
    if pending:  # the last to end did not get the lock: whoever ends next takes its line along
        ours("start", "steps")
        lines = (task / "metrics.json").read_bytes().splitlines()
        assert (
            len({orjson.loads(line)["run_id"] for line in lines}) == len(lines) == len(run_ids) + 1
        )
    assert list(task.glob("metrics.pending/*")) == []
