"""status: one run, or all that are active."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from tests.cli.conftest import OrchTuiCommand

FAILED = "2026-11-22T07-27-21-083Z-4b6631bc"
SUCCEEDED = "2026-11-22T07-27-19-901Z-d82a41ac"
NODE_KEYS = [
    "run_id",
    "status",
    "status_detail",
    "started_at",
    "completed_at",
    "manifest",
    "artifact_root",
    "log_path",
    "heartbeat_at",
    "activity",
    "commands",
    "child_runs",
    "runtime_mode_requested",
    "runtime_mode",
    "runtime_provider",
    "runtime_fallback",
    "cloud_execution",
    "cloud_fallback",
]


@pytest.mark.parametrize(
    "arguments", [("--run", FAILED), (f"--run={FAILED}",), (FAILED,), ("4b6631bc",), ("@failed",)]
)
def test_json_has_every_key_of_the_node_original_and_one_more(
    orch_tui: OrchTuiCommand, peer_repo: Path, arguments: tuple[str, ...]
) -> None:
    ended = orch_tui("status", *arguments, "--format", "json")
    document = ended.document
    assert ended.status == 0
    assert [key for key in NODE_KEYS if key not in document] == []
    assert set(document) - set(NODE_KEYS) == {"config_resolution", "orch_tui"}
    assert document["status"] == "failed"
    assert document["orch_tui"]["state"] == "failed"
    assert document["orch_tui"]["schema"] == "orch-tui/status/1"
    assert ended.err == ""


def test_a_failed_run_is_told_with_its_stage_its_error_and_what_to_do(
    orch_tui: OrchTuiCommand, peer_repo: Path
) -> None:
    ended = orch_tui("status", FAILED)
    assert "✗ FAILED" in ended.out
    assert "✗ 2/3 compile  exit 2" in ended.out
    assert "unknown type name 'frob_t'" in ended.out
    assert "orch-tui logs 4b6631bc --stage compile --errors" in ended.out
    assert "\x1b" not in ended.out


@pytest.mark.parametrize(
    ("wanted", "status"),
    [(SUCCEEDED, 0), (FAILED, 1), ("f44bdb2e", 5)],
)
def test_the_exit_status_tells_how_a_run_is_doing_when_it_is_asked_to(
    orch_tui: OrchTuiCommand, peer_repo: Path, wanted: str, status: int
) -> None:
    assert orch_tui("status", wanted).status == 0
    assert orch_tui("status", wanted, "--exit-status").status == status


def test_a_text_that_fits_several_runs_is_answered_with_them(
    orch_tui: OrchTuiCommand, peer_repo: Path
) -> None:
    ended = orch_tui("status", "2026-11-22")
    assert ended.status == 3
    assert ended.out == ""
    assert "fits 8 runs" in ended.err
    assert FAILED in ended.err


@pytest.mark.parametrize(
    ("wanted", "status"), [("nosuch", 3), ("con", 2), ("@nosuch", 2), ("@latest:nosuch", 3)]
)
def test_what_names_no_run_is_told_apart(
    orch_tui: OrchTuiCommand, peer_repo: Path, wanted: str, status: int
) -> None:
    ended = orch_tui("status", wanted)
    assert (ended.status, ended.out) == (status, "")
    assert wanted in ended.err


def test_two_different_runs_cannot_be_named(orch_tui: OrchTuiCommand, peer_repo: Path) -> None:
    assert orch_tui("status", FAILED, "--run", SUCCEEDED).status == 2


def test_without_a_run_only_active_ones_are_told(orch_tui: OrchTuiCommand, repo: Path) -> None:
    assert orch_tui("status", "--format", "json").document["runs"] == []
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for name, status in (("a", "in_progress"), ("b", "succeeded")):
        folder = repo / ".runs" / "task" / "cli" / f"2026-01-01T00-00-00-000Z-0000000{name}"
        folder.mkdir(parents=True)
        manifest = {
            "run_id": folder.name,
            "status": status,
            "started_at": now,
            "heartbeat_at": now,
            "commands": [{"index": 1, "id": "x", "status": "running", "started_at": now}],
        }
        (folder / "manifest.json").write_bytes(orjson.dumps(manifest))
    runs = orch_tui("status", "--format", "json").document["runs"]
    assert [run["run_id"][-1] for run in runs] == ["a"]
    assert runs[0]["orch_tui"]["state"] == "running"
    assert "▸ RUNNING" in orch_tui("status").out


@pytest.mark.acceptance(110)
@pytest.mark.parametrize(
    "content", ["{}", "[]", "null", "{", "\x00", '{"commands": 1, "status": 2}']
)
def test_a_manifest_that_says_nothing_is_told_and_never_raises(
    orch_tui: OrchTuiCommand, repo: Path, content: str
) -> None:
    folder = repo / ".runs" / "task" / "cli" / "2026-01-01T00-00-00-000Z-00000000"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(content)
    ended = orch_tui("status", "--run", folder.name, "--format", "json")
    assert ended.status == 0
    assert ended.document["orch_tui"]["state"] == "unknown"
    assert orch_tui("status", "--run", folder.name).status == 0


def test_text_from_a_manifest_cannot_reach_the_terminal_raw(
    orch_tui: OrchTuiCommand, repo: Path
) -> None:
    folder = repo / ".runs" / "task" / "cli" / "2026-01-01T00-00-00-000Z-00000000"
    folder.mkdir(parents=True)
    evil = "\x1b]0;owned\x07\x9b31m\u202egnp.exe\r\n"
    manifest = {
        "run_id": folder.name,
        "pipeline_id": evil,
        "status": "failed",
        "status_detail": evil,
        "summary": evil,
        "commands": [{"index": 1, "id": evil, "title": evil, "status": "failed", "summary": evil}],
    }
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest))
    for form in ("text", "json"):
        out = orch_tui("status", folder.name, "--format", form).out
        assert not any(char in out for char in "\x1b\x07\x9b\u202e\r")
