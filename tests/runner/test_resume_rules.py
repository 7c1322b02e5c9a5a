"""Which stages run again, and when a run may not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest

from orchestrator_tui.records.manifest import CommandRecord, Manifest
from orchestrator_tui.records.pipeline import CommandStage, Pipeline
from orchestrator_tui.runner.resume import (
    ResumeRefused,
    check_quiet,
    check_stages,
    check_token,
    last_activity,
    resumed_manifest,
    stages_to_run,
    without_failure_lines,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
STATUSES = ("succeeded", "skipped", "failed", "pending")


def manifest_of(*statuses: str, **fields: object) -> Manifest:
    commands = tuple(
        CommandRecord(index=n, id=f"s{n}", title=f"Stage {n}", status=status, exit_code=n)
        for n, status in enumerate(statuses, 1)
    )
    fields = {"status": "failed", "resume_token": "t0ken", "commands": commands, **fields}
    return replace(Manifest(), **fields)  # type: ignore[arg-type]


def pipeline_of(*ids: str) -> Pipeline:
    stages = tuple(CommandStage(id=stage_id, title=stage_id, command="true") for stage_id in ids)
    return Pipeline(id="p", title="P", stages=stages)


@pytest.mark.acceptance(80)
def test_stages_that_neither_succeeded_nor_were_skipped_run_again() -> None:
    assert stages_to_run(manifest_of(*STATUSES)) == (3, 4)


def test_from_and_only_choose_stages_whatever_they_were() -> None:
    manifest = manifest_of(*STATUSES)
    assert stages_to_run(manifest, from_stage="s2") == (2, 3, 4)
    assert stages_to_run(manifest, only_stage="s1") == (1,)
    with pytest.raises(ResumeRefused, match="No stage 'x' in this run; its stages are s1, s2"):
        stages_to_run(manifest, only_stage="x")


def test_a_run_in_which_all_succeeded_needs_a_choice() -> None:
    manifest = manifest_of("succeeded", "succeeded", status="succeeded")
    with pytest.raises(ResumeRefused, match="--from STAGE or --only STAGE"):
        stages_to_run(manifest)
    assert stages_to_run(manifest, from_stage="s2") == (2,)


def test_a_run_that_died_after_its_last_stage_may_end_properly() -> None:
    assert stages_to_run(manifest_of("succeeded", status="in_progress")) == ()


@pytest.mark.acceptance(80)
def test_a_resumed_manifest_keeps_its_start_and_notes_the_event() -> None:
    manifest = manifest_of(
        *STATUSES,
        started_at="2026-11-22T10:00:00.000Z",
        completed_at="2026-11-22T10:05:00.000Z",
        metrics_recorded=True,
        extras=MappingProxyType({"guardrail_status": {}, "learning": 1}),
    )
    again = resumed_manifest(manifest, (3, 4), actor="cli", reason="manual-resume", now=NOON)
    assert (again.status, again.started_at) == ("in_progress", "2026-11-22T10:00:00.000Z")
    assert (again.completed_at, again.metrics_recorded) == (None, False)
    assert again.resume_events == (
        {
            "timestamp": "2026-11-22T12:00:00.000Z",
            "actor": "cli",
            "reason": "manual-resume",
            "outcome": "accepted",
        },
    )
    assert [c.status for c in again.commands] == ["succeeded", "skipped", "pending", "pending"]
    assert again.commands[2].exit_code is None
    assert dict(again.extras) == {"learning": 1}


@pytest.mark.acceptance(50)
@pytest.mark.parametrize("interval", [None, 0, -3])
def test_an_unusable_interval_becomes_the_usual_one(interval: int | None) -> None:
    manifest = manifest_of("failed", heartbeat_interval_seconds=interval)
    again = resumed_manifest(manifest, (1,), actor="cli", reason="r", now=NOON)
    assert (again.heartbeat_interval_seconds, again.heartbeat_stale_after_seconds) == (5, 30)


def test_a_stage_that_nobody_runs_any_more_is_not_left_running() -> None:
    manifest = manifest_of("succeeded", "running", "failed")
    again = resumed_manifest(manifest, (3,), actor="cli", reason="r", now=NOON)
    assert [c.status for c in again.commands] == ["succeeded", "failed", "pending"]
    assert again.commands[1].summary == "Interrupted: its runner ended"


@pytest.mark.acceptance(81)
def test_the_token_of_the_manifest_wins_over_the_file() -> None:
    check_token("r", manifest_of("failed"), "other\n", "t0ken")
    check_token("r", manifest_of("failed"), None, None)
    check_token("r", manifest_of("failed", resume_token=None), "filed\n", "filed")
    with pytest.raises(ResumeRefused, match=r"^Resume token mismatch\.$"):
        check_token("r", manifest_of("failed"), "other\n", "other")
    with pytest.raises(ResumeRefused, match=r"^Resume token missing for run r: "):
        check_token("r", manifest_of("failed", resume_token=None), None, None)


@pytest.mark.acceptance(83, 84)
def test_a_changed_pipeline_is_refused_and_the_difference_shown() -> None:
    check_stages(manifest_of("failed", "pending"), pipeline_of("s1", "s2"))
    with pytest.raises(ResumeRefused, match="new: s3, s4"):
        check_stages(manifest_of("failed", "pending"), pipeline_of("s1", "s2", "s3", "s4"))
    with pytest.raises(ResumeRefused, match="stage 2 was 's2' and is 'lint'; gone: s3"):
        check_stages(manifest_of("failed", "pending", "pending"), pipeline_of("s1", "lint"))
    with pytest.raises(ResumeRefused, match="lists no stages"):
        check_stages(manifest_of(), pipeline_of("s1"))


@pytest.mark.acceptance(82)
def test_a_run_with_fresh_signs_of_life_is_refused_unless_forced() -> None:
    manifest = manifest_of("running", status="in_progress")
    fresh, stale = NOON - timedelta(seconds=30), NOON - timedelta(seconds=31)
    with pytest.raises(ResumeRefused, match="its last sign of life is 30 s old"):
        check_quiet(manifest, fresh, NOON, force=False)
    check_quiet(manifest, fresh, NOON, force=True)
    check_quiet(manifest, stale, NOON, force=False)
    check_quiet(manifest_of("failed"), fresh, NOON, force=False)


def test_the_newest_sign_of_life_counts() -> None:
    manifest = manifest_of("running", heartbeat_at="2026-11-22T11:58:00.000Z")
    assert last_activity(manifest, None, NOON) == NOON
    assert last_activity(manifest, None, None) == NOON - timedelta(minutes=2)


@pytest.mark.acceptance(80)
def test_the_line_of_an_earlier_failure_goes_when_the_stage_succeeds() -> None:
    summary = "Stage 'Stage 1' failed with exit code 3.\nRun cancellation requested."
    manifest = manifest_of("succeeded", summary=summary)
    kept = without_failure_lines(manifest, manifest.commands[0], "")
    assert kept.summary == "Run cancellation requested."
