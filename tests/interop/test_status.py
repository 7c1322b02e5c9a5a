"""Each tool reads what the other wrote, and both say the same."""

from __future__ import annotations

import shutil
import signal
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from orchestrator_tui.records.identifiers import new_run_id
from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.paths import Roots, resolve_run_paths
from orchestrator_tui.records.pipeline import CommandStage, Pipeline
from orchestrator_tui.store.bootstrap import create_run, new_resume_token
from orchestrator_tui.store.manifests import new_manifest
from tests.interop.conftest import Tool
from tests.interop.schema import schema_errors
from tests.interop.waiting import wait_for

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]
FIXTURE = Path(__file__).parent.parent / "fixtures" / "node-peer"


def without_log_times(document: JsonObject) -> JsonObject:
    """Return a status without what depends on file times, which a copy changes, and our addition.

    The original takes the log file's time; orch-tui takes the time of the log's last line.
    """
    ours = ("orch_tui", "config_resolution", "activity")
    return {key: value for key, value in document.items() if key not in ours}


@pytest.mark.acceptance(65, 110)
@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_the_original_reads_our_runs(
    ours: Tool, peer: Tool, peer_binary: Path, shared: Path, status: str
) -> None:
    if status == "failed":
        (shared / "broken").touch()
    if status == "cancelled":
        (shared / "slow").touch()
        running = ours.begin("start", "steps", "--format", "json")
        wait_for((shared / "reached").exists)
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=30)
        assert running.returncode == 130
        document = orjson.loads(out)
    else:
        document = ours("start", "steps", "--format", "json").document
    assert document["status"] == status
    told = peer("status", "--run", document["run_id"], "--format", "json")
    assert told.status == 0
    mine = ours("status", "--run", document["run_id"], "--format", "json")
    assert without_log_times(told.document) == without_log_times(mine.document)
    assert told.document["status"] == status
    assert peer("status", "--run", document["run_id"]).status == 0
    assert schema_errors(peer_binary, shared / document["manifest"]) == []


ALL_KINDS = {
    "pipelines": [
        {
            "id": "outer",
            "title": "Outer",
            "stages": [
                {
                    "kind": "command",
                    "id": "advice",
                    "title": "Advice",
                    "command": "echo é 😀; head -c 20000 /dev/zero | tr '\\0' x >&2; exit 3",
                    "allowFailure": True,
                },
                {
                    "kind": "command",
                    "id": "late",
                    "title": "Late",
                    "command": "sleep 60",
                    "timeoutMs": 100,
                    "allowFailure": True,
                },
                {
                    "kind": "subpipeline",
                    "id": "sub",
                    "title": "Sub",
                    "pipeline": "inner",
                    "optional": True,
                },
                {
                    "kind": "command",
                    "id": "spec-guard",
                    "title": "Guard",
                    "command": "touch reached; while [ -e slow ]; do sleep 0.05; done; exit 4",
                },
            ],
        },
        {
            "id": "inner",
            "title": "Inner",
            "stages": [
                {"kind": "command", "id": "dies", "title": "Dies", "command": "kill -9 $$"},
                {"kind": "command", "id": "rest", "title": "Rest", "command": "true"},
            ],
        },
    ]
}


def manifests_in(shared: Path) -> list[Path]:
    """Return the manifests of all runs, in the order of their start."""
    return sorted(shared.glob(".runs/*/cli/*/manifest.json"), key=lambda path: path.parent.name)


@pytest.mark.acceptance(65)
def test_whatever_a_run_of_ours_is_doing_its_manifest_fits_the_schema_of_the_original(
    ours: Tool, peer_binary: Path, shared: Path
) -> None:
    (shared / "codex.orchestrator.json").write_bytes(orjson.dumps(ALL_KINDS))
    (shared / "slow").touch()
    running = ours.begin("start", "outer", "--format", "json")
    wait_for((shared / "reached").exists)
    outer, inner = manifests_in(shared)
    wait_for(lambda: orjson.loads(outer.read_bytes())["commands"][3]["status"] == "running")
    kept = [Path(shutil.copy(path, shared / f"{path.parent.name}.json")) for path in (outer, inner)]
    (shared / "slow").unlink()
    running.communicate(timeout=30)
    failed = Path(shutil.copy(outer, shared / "failed.json"))
    assert ours("resume", outer.parent.name).status == 1
    documents = [orjson.loads(path.read_bytes()) for path in (*kept, failed, outer)]
    assert [document["status"] for document in documents] == [
        "in_progress",
        "failed",
        "failed",
        "failed",
    ]
    assert [command["status"] for command in documents[2]["commands"]] == [
        "skipped",
        "skipped",
        "skipped",
        "failed",
    ]
    assert len(documents[2]["child_runs"]) == 1
    assert len(documents[3]["resume_events"]) == 1
    assert schema_errors(peer_binary, *kept, failed, outer) == []


@pytest.mark.acceptance(65, 66)
def test_a_run_that_waits_for_its_first_stage_fits_the_schema_of_the_original(
    peer: Tool, peer_binary: Path, shared: Path
) -> None:
    roots, now = Roots.of(shared), datetime.now(UTC)
    run_id = new_run_id(now, "00000001")
    pipeline = Pipeline("steps", "Steps", (CommandStage("one", "One", "true"),))
    wanted = resolve_run_paths(roots, "0042-both", run_id)
    manifest = new_manifest(roots, wanted, pipeline, resume_token=new_resume_token(), now=now)
    paths = create_run(roots, manifest, now)
    content = paths.manifest.read_bytes()
    document = orjson.loads(content)
    assert document["status"] == "queued"
    assert [len(command) for command in document["commands"]] == [13]
    assert (content[:1], content[-2:]) == (b"{", b"}\n")
    assert schema_errors(peer_binary, paths.manifest) == []
    assert schema_errors(peer_binary, shared / "codex.orchestrator.json") != []  # it does look
    told = peer("status", "--run", run_id, "--format", "json")
    assert (told.status, told.document["status"]) == (0, "queued")


@pytest.mark.acceptance(110)
@pytest.mark.parametrize("name", ["status-json", "status-text"])
def test_the_smallest_manifest_is_read_by_both(
    ours: Tool, peer: Tool, shared: Path, name: str
) -> None:
    shutil.copytree(FIXTURE.parent / "minimal" / name, shared, dirs_exist_ok=True)
    run_id = "2026-01-02T03-04-05-678Z-0badcafe"
    assert peer("status", "--run", run_id, "--format", "json").status == 0
    assert peer("status", "--run", run_id).status == (0 if name == "status-text" else 1)
    mine = ours("status", "--run", run_id, "--format", "json")
    assert (mine.status, mine.document["orch_tui"]["state"]) == (0, "unknown")
    assert ours("status", "--run", run_id).status == 0


def test_we_read_the_runs_of_the_original_as_it_does(ours: Tool, peer: Tool, shared: Path) -> None:
    shutil.copytree(FIXTURE, shared, dirs_exist_ok=True)
    listed = ours("list", "--format", "json").document["runs"]
    assert len(listed) == 8
    for run in listed:
        arguments = ("status", "--run", run["run_id"], "--format", "json")
        theirs, mine = peer(*arguments), ours(*arguments)
        assert (theirs.status, mine.status) == (0, 0)
        assert without_log_times(theirs.document) == without_log_times(mine.document)


def test_a_run_of_the_original_can_be_watched_while_it_goes_on(
    ours: Tool, peer: Tool, shared: Path
) -> None:
    (shared / "slow").touch()
    running = peer.begin("start", "steps", "--format", "json")
    try:
        wait_for((shared / "reached").exists)
        (active,) = ours("status", "--format", "json").document["runs"]
        assert active["orch_tui"]["state"] == "running"
        assert active["orch_tui"]["stage"]["id"] == "slow"
    finally:
        (shared / "slow").unlink()
        running.communicate(timeout=30)
    assert ours("status", "@latest", "--format", "json").document["status"] == "succeeded"
