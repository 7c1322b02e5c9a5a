"""Discovery: every run once, whatever else lies about, and found again by its id."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from orchestrator_tui.primitives.steps import Step
from orchestrator_tui.records.facts import RunShape
from orchestrator_tui.records.identifiers import InvalidIdentifier
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.store.discovery import (
    all_runs,
    locate_run,
    match_runs,
    ref_of_manifest,
    runs_of_task,
    task_ids,
)
from tests.fault_plans import Watching, installed
from tests.pace import slowness
from tests.store.conftest import RUN, TASK, copied, put

STATUS = {"status": "succeeded"}


def manifest(roots: Roots, *parts: str) -> Path:
    return put(roots.runs.joinpath(*parts, "manifest.json"), STATUS)


def listed(roots: Roots, task: str = TASK) -> list[tuple[str, str]]:
    return [(ref.key.run_id, ref.shape.value) for ref in runs_of_task(roots, task)]


@pytest.mark.acceptance(111)
def test_a_run_with_all_its_copies_is_one_run(tmp_path: Path) -> None:
    roots = copied("minimal/recommended", tmp_path)
    manifest(roots, TASK, RUN)
    assert listed(roots) == [(RUN, "cli")]
    assert [str(ref.key) for ref in all_runs(roots)] == [f"{TASK}/{RUN}"]


def test_every_run_of_the_node_original_is_listed_once(tmp_path: Path) -> None:
    roots = copied("node-peer", tmp_path)
    refs = list(all_runs(roots))
    assert len(refs) == len({ref.key for ref in refs}) == 8
    assert {ref.shape for ref in refs} == {RunShape.CLI}
    assert "local-mcp" not in task_ids(roots)


@pytest.mark.acceptance(113)
def test_older_folders_are_listed_only_without_a_twin(roots: Roots) -> None:
    manifest(roots, TASK, "cli", "b")
    for name in ("a", "b", "c"):
        manifest(roots, TASK, name)
    manifest(roots, TASK, "mcp", "b")
    manifest(roots, TASK, "mcp", "d")
    assert listed(roots) == [("d", "mcp"), ("c", "summary"), ("b", "cli"), ("a", "summary")]


@pytest.mark.acceptance(113)
def test_folders_that_are_never_runs_are_left_out(roots: Roots) -> None:
    for name in (
        "cli",
        "mcp",
        "metrics",
        "metrics.pending",
        ".hidden",
        "x.tmp-1-2-3",
        "a:b",
        "con",
    ):
        manifest(roots, TASK, name)
    put(roots.runs / TASK / "metrics.json", "")
    (roots.runs / TASK / "link").symlink_to(roots.repo)
    assert listed(roots) == []


def test_tasks_are_folders_with_names_that_may_be_paths(roots: Roots) -> None:
    for name in ("0202-x", "0101", "local-mcp", ".git", "trailing."):
        (roots.runs / name).mkdir(parents=True)
    put(roots.runs / "0101.lock", "")
    (roots.runs / "elsewhere").symlink_to(roots.repo)
    assert task_ids(roots) == ("0101", "0202-x")


def test_where_nothing_is_nothing_is_found(roots: Roots) -> None:
    assert task_ids(roots) == ()
    assert list(all_runs(roots)) == []
    assert runs_of_task(roots, "none") == ()
    assert locate_run(roots, RUN) is None
    put(roots.runs, "a file")
    assert task_ids(roots) == ()


def test_ten_thousand_runs_are_listed_without_opening_one(roots: Roots) -> None:
    count = 10_000
    cli = roots.runs / TASK / "cli"
    cli.mkdir(parents=True)
    for number in range(count):
        (cli / f"2026-01-02T03-04-05-678Z-{number:08x}").mkdir()
    plan = Watching()
    with installed(plan):
        assert sum(1 for _ in all_runs(roots)) == count
    assert {step for step, _ in plan.seen} == {Step.SCAN}
    assert len(plan.seen) == 3  # the root, the task, its runs


@pytest.mark.acceptance(114)
def test_a_run_is_found_in_any_task(roots: Roots) -> None:
    manifest(roots, "other", "cli", "x")
    ref = locate_run(roots, "x", TASK)
    assert ref is not None
    assert str(ref.key) == "other/x"


@pytest.mark.acceptance(114)
def test_the_own_task_is_looked_at_first(roots: Roots) -> None:
    for task in ("a", TASK, "z"):
        manifest(roots, task, "cli", "x")
    found = locate_run(roots, "x", TASK)
    assert found is not None
    assert found.key.task_id == TASK


@pytest.mark.acceptance(114)
def test_a_dangling_pointer_does_not_hide_the_run(roots: Roots) -> None:
    manifest(roots, TASK, "cli", "x")
    pointer = roots.runs / "local-mcp" / "x" / "manifest.json"
    pointer.parent.mkdir(parents=True)
    pointer.symlink_to("../../gone/cli/x/manifest.json")
    found = locate_run(roots, "x")
    assert found is not None
    assert found.key.task_id == TASK


@pytest.mark.acceptance(114)
@pytest.mark.parametrize(
    "pointer",
    [
        {"manifest": ".runs/zz/cli/x/manifest.json"},
        {"redirect_to": ".runs/zz/cli/x"},
        {"manifest": "nonsense", "redirect_to": ".runs/zz/cli/x"},
    ],
)
def test_a_pointer_file_leads_to_the_run(roots: Roots, pointer: dict[str, str]) -> None:
    manifest(roots, "aa", "x")
    manifest(roots, "zz", "cli", "x")
    put(roots.runs / "local-mcp" / "x" / "manifest.json", pointer)
    found = locate_run(roots, "x")
    assert found is not None
    assert found.key.task_id == "zz"


@pytest.mark.acceptance(114)
@pytest.mark.parametrize("told", ["/etc", "../outside", ".runs/../../outside", "\0", "~"])
def test_pointers_that_leave_the_runs_are_refused(roots: Roots, told: str) -> None:
    put(roots.repo.parent / "outside" / "x" / "manifest.json", STATUS)
    put(roots.repo.parent / "outside" / "cli" / "x" / "manifest.json", STATUS)
    put(
        roots.runs / "local-mcp" / "x" / "manifest.json",
        {"manifest": f"{told}/cli/x/manifest.json", "redirect_to": f"{told}/x"},
    )
    assert locate_run(roots, "x") is None


@pytest.mark.acceptance(114)
def test_links_that_leave_the_runs_are_refused(roots: Roots) -> None:
    outside = put(roots.repo.parent / "outside" / "cli" / "x" / "manifest.json", STATUS)
    link = roots.runs / "local-mcp" / "x" / "manifest.json"
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    (roots.runs / TASK / "cli").mkdir(parents=True)
    (roots.runs / TASK / "cli" / "x").symlink_to(outside.parent)
    assert locate_run(roots, "x") is None
    assert locate_run(roots, "x", TASK) is None


def test_a_link_to_another_run_is_not_this_run(roots: Roots) -> None:
    other = manifest(roots, TASK, "cli", "other")
    link = roots.runs / "local-mcp" / "x" / "manifest.json"
    link.parent.mkdir(parents=True)
    link.symlink_to(other)
    assert locate_run(roots, "x") is None


def test_a_flattened_pointer_is_passed_over(roots: Roots) -> None:
    manifest(roots, TASK, "cli", "x")
    put(roots.runs / "local-mcp" / "x" / "manifest.json", f"../../{TASK}/cli/x/manifest.json")
    found = locate_run(roots, "x")
    assert found is not None
    assert found.shape is RunShape.CLI


def test_older_runs_are_found_too(tmp_path: Path) -> None:
    roots = copied("legacy-2025-10", tmp_path)
    mcp = locate_run(roots, "2025-10-18T18-30-06-976Z-41083")
    oldest = locate_run(roots, "2025-10-18T13-37-27Z")
    note = locate_run(roots, "2025-10-16T01-33-15Z")
    assert mcp is not None and mcp.shape is RunShape.MCP
    assert oldest is not None and oldest.key.task_id == "0001"
    assert note is not None and note.key.task_id == "3"


def test_runs_below_a_linked_root_are_found_through_their_pointer(roots: Roots) -> None:
    real = roots.repo.parent / "volume"
    real.mkdir()
    roots.runs.symlink_to(real)
    manifest(roots, TASK, "cli", "x")
    link = roots.runs / "local-mcp" / "x" / "manifest.json"
    link.parent.mkdir(parents=True)
    link.symlink_to(f"../../{TASK}/cli/x/manifest.json")
    found = locate_run(roots, "x")
    assert found is not None
    assert found.run_dir == roots.runs / TASK / "cli" / "x"


@pytest.mark.acceptance(118)
def test_any_of_five_thousand_tasks_gives_its_run_at_once(roots: Roots) -> None:
    for number in range(5000):
        (roots.runs / f"task-{number}" / "cli" / f"run-{number}").mkdir(parents=True)
    started = time.monotonic()
    assert locate_run(roots, "run-4999") is not None
    assert time.monotonic() - started < 0.5 * slowness()


def test_an_id_that_is_no_name_is_refused(roots: Roots) -> None:
    with pytest.raises(InvalidIdentifier):
        locate_run(roots, "../x")
    with pytest.raises(InvalidIdentifier):
        locate_run(roots, "x", "../task")


@pytest.mark.parametrize(
    ("below", "shape"),
    [
        ("t/cli/x/manifest.json", "cli"),
        ("t/mcp/x/manifest.json", "mcp"),
        ("t/x/manifest.json", "summary"),
        ("t/cli/manifest.json", None),
        ("t/metrics/manifest.json", None),
        ("t/cli/x/commands/manifest.json", None),
        ("local-mcp/x/manifest.json", None),
        ("t/cli/.x/manifest.json", None),
        ("t/cli/x/other.json", None),
    ],
)
def test_a_path_tells_its_run(roots: Roots, below: str, shape: str | None) -> None:
    ref = ref_of_manifest(roots, roots.runs / below)
    assert (ref.shape.value if ref else None) == shape


def test_a_path_outside_the_runs_tells_none(roots: Roots) -> None:
    assert ref_of_manifest(roots, roots.out / "t/cli/x/manifest.json") is None


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("2026-a-1111", ("2026-a-1111",)),
        ("2026", ("2026-b-2222", "2026-a-1111")),
        ("1111", ("2026-a-1111", "2025-c-1111")),
        ("2222", ("2026-b-2222",)),
        ("2025", ("2025-c-1111",)),
        ("9", ()),
        ("", ()),
    ],
)
def test_a_run_may_be_named_by_its_beginning_or_end(wanted: str, expected: tuple[str, ...]) -> None:
    assert match_runs(["2025-c-1111", "2026-b-2222", "2026-a-1111"], wanted) == expected


def test_an_exact_name_wins_over_longer_ones() -> None:
    assert match_runs(["run", "run-2", "my-run"], "run") == ("run",)
