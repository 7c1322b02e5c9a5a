"""Paths: where each file of a run lies, named without touching the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator_tui.records.identifiers import InvalidIdentifier, RunKey
from orchestrator_tui.records.paths import (
    Roots,
    is_temporary,
    resolve_run_paths,
    resolve_task_paths,
    run_paths_in,
)

ROOTS = Roots.of(Path("/repo"))
RUN = "2026-01-02T03-04-05-678Z-0badcafe"


def test_a_run_lies_below_its_task() -> None:
    paths = resolve_run_paths(ROOTS, "0777-py", RUN)
    assert paths.key == RunKey("0777-py", RUN)
    assert paths.run_dir == Path(f"/repo/.runs/0777-py/cli/{RUN}")
    assert paths.mcp_pointer == Path(f"/repo/.runs/0777-py/mcp/{RUN}/manifest.json")
    assert paths.local_mcp_link == Path(f"/repo/.runs/local-mcp/{RUN}/manifest.json")
    assert paths.summary_manifest == Path(f"/repo/.runs/0777-py/{RUN}/manifest.json")
    assert paths.stage_log(2, "Lint it").name == "02-Lint-it.ndjson"
    assert paths.stage_error(100, "***").name == "100-command.json"


def test_the_files_that_runs_of_a_task_share() -> None:
    paths = resolve_task_paths(ROOTS, "0777-py")
    assert paths.lock == Path("/repo/.runs/0777-py.lock")
    assert paths.runs_json == Path("/repo/out/0777-py/runs.json")
    assert paths.metrics_lock == Path("/repo/.runs/0777-py/metrics.lock")
    assert paths.pending_dir.parent == paths.runs_json.parent


@pytest.mark.parametrize("bad", ["../escape", "a/b", "..", "", "a\0b"])
def test_no_identifier_leads_outside(bad: str) -> None:
    with pytest.raises(InvalidIdentifier):
        resolve_run_paths(ROOTS, bad, RUN)
    with pytest.raises(InvalidIdentifier):
        resolve_run_paths(ROOTS, "task", bad)
    with pytest.raises(InvalidIdentifier):
        resolve_task_paths(ROOTS, bad)


@pytest.mark.acceptance(117)
def test_paths_are_written_relative_to_the_repository_wherever_they_lie() -> None:
    elsewhere = Roots(repo=Path("/srv/app"), runs=Path("/srv/runs"), out=Path("/data/out"))
    paths = resolve_run_paths(elsewhere, "0777-py", RUN)
    assert elsewhere.relative(paths.manifest) == f"../runs/0777-py/cli/{RUN}/manifest.json"
    assert elsewhere.relative(Path("/data/out/x")) == "../../data/out/x"
    assert ROOTS.relative(Path("/repo/.runs")) == ".runs"
    assert ROOTS.inside == (".runs", "out")
    assert elsewhere.inside == ()


def test_older_layouts_keep_their_own_folder() -> None:
    run_dir = Path("/repo/.runs/0001/mcp/demo-legacy")
    paths = run_paths_in(ROOTS, RunKey("0001", "demo-legacy"), run_dir)
    assert paths.manifest == run_dir / "manifest.json"
    assert paths.heartbeat == run_dir / ".heartbeat"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("manifest.json.tmp-4121-1766300000000-1", True),
        (".manifest.json.4121.0123456789ab.tmp", True),
        ("data.json.tmp", True),
        (".nfs000000000001", True),
        ("manifest.json", False),
        ("tmp", False),
    ],
)
def test_files_in_the_making_are_told_apart(name: str, expected: bool) -> None:
    assert is_temporary(name) is expected
