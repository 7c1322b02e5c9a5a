"""Facts: the little that a list shows of a run, from whatever its manifest holds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestrator_tui.records.facts import SUMMARY_LENGTH, RunShape, run_facts
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.manifest import CommandRecord, Manifest
from orchestrator_tui.records.pipeline import OrchestratorConfig, Pipeline
from orchestrator_tui.records.requests import CancelRun, LaunchRun, ResumeRun

KEY = RunKey("0777-py", "2026-01-02T03-04-05-678Z-0badcafe")


def commands(*statuses: str) -> tuple[CommandRecord, ...]:
    return tuple(
        CommandRecord(index, f"s{index}", f"Stage {index}", status=status)
        for index, status in enumerate(statuses, 1)
    )


@pytest.mark.parametrize(
    ("statuses", "named", "done"),
    [
        (("succeeded", "failed", "pending"), 2, 1),
        (("failed", "running"), 1, 0),
        (("succeeded", "skipped", "running", "pending"), 3, 2),
        (("succeeded", "pending"), 2, 1),
        (("succeeded", "skipped"), 2, 2),
        (("odd",), 1, 0),
    ],
)
def test_the_stage_to_name_is_the_failed_the_running_or_the_next(
    statuses: tuple[str, ...], named: int, done: int
) -> None:
    facts = run_facts(KEY, RunShape.CLI, "m", Manifest(commands=commands(*statuses)))
    assert (facts.stage_index, facts.stages_done) == (named, done)
    assert facts.stage_of == len(statuses)


def test_a_manifest_without_anything_gives_facts_without_anything() -> None:
    facts = run_facts(KEY, RunShape.CLI, "m", Manifest(), ("status has an unusable value",))
    told = (facts.status, facts.started_at, facts.summary, facts.stage_id, facts.exit_code)
    assert told == (None,) * 5
    assert (facts.stage_index, facts.stage_of) == (0, 0)
    assert facts.problems == ("status has an unusable value",)


def test_times_are_parsed_and_the_summary_is_its_first_line() -> None:
    manifest = Manifest(
        started_at="2026-01-02T03:04:05.678Z",
        completed_at="soon",
        summary=f"{'x' * 500}\nsecond",
        heartbeat_stale_after_seconds=0,
    )
    facts = run_facts(KEY, RunShape.CLI, "m", manifest)
    assert facts.started_at == datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    assert facts.completed_at is None
    assert facts.summary == "x" * SUMMARY_LENGTH
    assert facts.stale_after_s is None


def test_a_pipeline_is_found_by_its_id() -> None:
    pipeline = Pipeline("build", "Build", ())
    config = OrchestratorConfig(pipelines=(pipeline,))
    assert config.pipeline("build") is pipeline
    assert config.pipeline("other") is None


def test_every_request_knows_its_command_line() -> None:
    assert LaunchRun("build", "0101").argv() == (
        "orch-tui", "start", "build", "--task", "0101", "--detach",
    )  # fmt: skip
    assert ResumeRun(KEY).argv() == ("orch-tui", "resume", KEY.run_id, "--detach")
    assert ResumeRun(KEY, from_stage="b").argv()[3:5] == ("--from", "b")
    assert ResumeRun(KEY, only_stage="b").argv()[3:5] == ("--only", "b")
    assert CancelRun(KEY, "wrong branch").argv()[3:] == ("--reason", "wrong branch")


def test_a_stage_that_is_a_run_of_its_own_is_told_apart() -> None:
    stage = CommandRecord(1, "gate", "Gate", kind="subpipeline", status="running")
    manifest = Manifest(commands=(stage,))
    assert run_facts(KEY, RunShape.CLI, "m", manifest).stage_is_run
