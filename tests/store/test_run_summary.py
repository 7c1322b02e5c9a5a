"""Run summary and guardrails: what other tools read of an ended run, key by key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.manifest import CommandRecord, Manifest, manifest_from_document
from orchestrator_tui.records.paths import Roots, RunPaths, run_paths_in
from orchestrator_tui.records.pipeline import Pipeline
from orchestrator_tui.store.guardrails import guardrail_status, with_guardrail_summary
from orchestrator_tui.store.older_shapes import is_run_summary, manifest_of_summary
from orchestrator_tui.store.run_summary import (
    build_run_summary,
    failed_stage,
    review_summary,
    short_summary,
    write_run_summary,
)
from tests.fakes import NOON
from tests.store.conftest import FIXTURES, got

PEER = FIXTURES / "node-peer"
REAL = sorted(PEER.glob(".runs/*/cli/*/run-summary.json"))
# What only the Node original's own features have to tell.
THEIRS = {"scheduler", "handles", "privacy", "controlPlane"}


def keys(value: Any) -> Any:
    """Return the names in a JSON value, lists by their first element."""
    if isinstance(value, dict):
        return {name: keys(item) for name, item in value.items()}
    if isinstance(value, list):
        return [keys(value[0])] if value else []
    return None


def ours_and_theirs(index: int) -> tuple[dict[str, Any], dict[str, Any], RunPaths]:
    """Build the summary of a real run from its real manifest."""
    theirs = got(REAL[index])
    roots = Roots.of(PEER)
    run_dir = REAL[index].parent
    paths = run_paths_in(roots, RunKey(theirs["taskId"], theirs["runId"]), run_dir)
    manifest, _ = manifest_from_document(got(paths.manifest))
    description = theirs["plan"].get("notes")
    pipeline = Pipeline(manifest.pipeline_id or "", "", (), description=description)
    return build_run_summary(roots, paths, manifest, NOON, pipeline), theirs, paths


EVERY = pytest.mark.parametrize("index", range(len(REAL)), ids=lambda i: REAL[i].parent.name[-8:])


@EVERY
def test_our_summary_has_the_keys_of_the_real_one(index: int) -> None:
    ours, theirs, _ = ours_and_theirs(index)
    assert set(theirs) - set(ours) <= THEIRS
    assert set(ours) <= set(theirs)
    for name in ("build", "test", "review", "usageKpi", "runtime"):
        assert keys(ours[name]) == keys(theirs[name]), name
    for item in theirs["plan"]["items"]:
        item["metadata"].pop("selectedMemoryRefs")
    assert ours["plan"] == theirs["plan"]


@EVERY
def test_our_summary_says_what_the_real_one_says(index: int) -> None:
    ours, theirs, _ = ours_and_theirs(index)
    for name in ("taskId", "runId", "mode", "cloudExecution", "usageKpi"):
        assert ours[name] == theirs[name], name
    for name in ("subtaskId", "artifacts", "success", "failureStage", "failureArtifactPath"):
        assert ours["build"][name] == theirs["build"][name], name
    assert ours["test"]["success"] == theirs["test"]["success"]
    assert ours["review"]["decision"]["approved"] == theirs["review"]["decision"]["approved"]
    # theirs begins with a line about a fallback that our runs do not have
    assert theirs["build"]["notes"].endswith(ours["build"]["notes"])


@EVERY
def test_the_short_copy_has_the_keys_of_the_real_short_copy(index: int) -> None:
    ours, theirs, paths = ours_and_theirs(index)
    assert list(short_summary(ours)) == list(got(paths.summary_manifest))
    assert theirs["runId"] == paths.key.run_id


@EVERY
def test_a_summary_tells_the_run_to_a_reader_again(index: int) -> None:
    ours, theirs, _ = ours_and_theirs(index)
    assert is_run_summary(ours)
    read = manifest_of_summary(ours)
    assert read.status == ("succeeded" if theirs["build"]["success"] else "failed")
    assert read.run_id == theirs["runId"]


def test_a_summary_is_written_with_a_newline(paths: RunPaths) -> None:
    write_run_summary(paths, {"runId": "x"})
    assert paths.run_summary.read_bytes() == b'{\n  "runId": "x"\n}\n'


@pytest.mark.acceptance(100)
def test_a_parent_quotes_the_outcome_of_its_child() -> None:
    ours, _, _ = ours_and_theirs(0)
    assert review_summary(ours).startswith("Diagnostics pipeline succeeded.\nManifest: ")
    failed, _, _ = ours_and_theirs(1)
    assert review_summary(failed).startswith("Flaky lint pipeline failed at compile.\n")
    assert review_summary({"review": 3}) == ""


def test_a_cancelled_run_is_neither_tested_nor_approved() -> None:
    roots = Roots.of(PEER)
    paths = run_paths_in(roots, RunKey("t", "r"), roots.runs / "t/cli/r")
    manifest = Manifest(
        pipeline_id="p", status="cancelled", status_detail="run-canceled", summary="Stop."
    )
    summary = build_run_summary(roots, paths, manifest, NOON, None)
    assert summary["build"]["success"] is summary["test"]["success"] is False
    assert summary["build"]["failureStage"] is None
    assert "notes" not in summary["build"] and "notes" not in summary["plan"]
    assert summary["review"]["decision"] == {"approved": False, "feedback": "Stop."}
    assert orjson.dumps(summary)


@pytest.mark.parametrize(
    ("status", "detail", "stage"),
    [
        ("failed", "stage:a:b:failed", "a:b"),
        ("failed", "subpipeline:flaky:error", "flaky"),
        ("failed", "control_failed", None),
        ("failed", None, "two"),
        ("succeeded", "stage:a:failed", None),
    ],
)
def test_the_stage_that_ended_a_run_is_named(
    status: str, detail: str | None, stage: str | None
) -> None:
    commands = (CommandRecord(1, "one", ""), CommandRecord(2, "two", "", status="failed"))
    assert failed_stage(Manifest(status=status, status_detail=detail, commands=commands)) == stage


# --- guardrails ----------------------------------------------------------------------------------


def guarded(*statuses: str, required: bool | None = None, said: str = "fresh") -> Manifest:
    guards = tuple(
        CommandRecord(index, f"spec-guard-{index}", "", status=status, summary=said)
        for index, status in enumerate(statuses, 1)
    )
    other = CommandRecord(9, "build", "Build", status="failed")
    return Manifest(commands=(*guards, other), guardrails_required=required)


@pytest.mark.parametrize(
    ("manifest", "summary", "present"),
    [
        (guarded("succeeded"), "succeeded (1 passed)", True),
        (guarded("succeeded", "failed"), "failed (1/2 failed)", True),
        (guarded("skipped", "skipped"), "skipped (all 2 skipped)", False),
        (guarded("succeeded", said="[spec-guard] skipped: x"), "skipped (all 1 skipped)", False),
        (
            guarded("succeeded", "skipped", "pending"),
            "partial (1 passed, 1 skipped, 1 pending of 3)",
            True,
        ),
        (guarded(required=True), "command not found", False),
        (guarded(), "not configured for this pipeline", False),
    ],
)
def test_guardrails_are_summed_up_in_the_node_originals_words(
    manifest: Manifest, summary: str, present: bool
) -> None:
    status = guardrail_status(manifest)
    assert status.summary == f"Guardrails: spec-guard {summary}."
    assert status.is_present is present


def test_guardrail_lines_are_renewed_not_repeated() -> None:
    first = with_guardrail_summary(replace(guarded("failed"), summary="Built."))
    assert first.summary is not None
    assert first.summary.split("\n")[0] == "Built."
    assert first.summary.endswith("Guardrails: spec-guard failed (1/1 failed).")
    again = with_guardrail_summary(replace(first, commands=guarded("succeeded").commands))
    assert again.summary == "Built.\nGuardrails: spec-guard succeeded (1 passed)."


def test_a_run_without_guardrails_has_no_line_of_them() -> None:
    assert with_guardrail_summary(guarded()).summary is None
    assert with_guardrail_summary(replace(guarded(required=False), summary="x")).summary == "x"


def test_a_required_guardrail_that_is_missing_is_told_with_advice() -> None:
    summary = with_guardrail_summary(guarded(required=True)).summary
    assert summary is not None
    assert summary.startswith("Guardrail command missing; ")
