"""What the screen of one run shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orchestrator_tui.records.facts import RunShape
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import Runner, RunnerVerdict, StageError
from orchestrator_tui.records.logs import LogLine, Stream
from orchestrator_tui.records.manifest import ChildRun, CommandRecord, Manifest
from orchestrator_tui.records.times import format_time
from orchestrator_tui.state.fleet import RunState
from orchestrator_tui.state.observations import RunDetail, Unreadable
from orchestrator_tui.state.run_view import StageState, project_run
from tests.state.values import KEY, NOW, ago, alive, gone, run


def stage(index: int, status: str, **changes: Any) -> CommandRecord:
    """Return a stage that took a minute, ending `index` minutes before now."""
    ended = status in ("succeeded", "failed", "skipped")
    given: dict[str, Any] = {
        "started_at": None if status == "pending" else format_time(ago(minutes=index + 1)),
        "completed_at": format_time(ago(minutes=index)) if ended else None,
        "command": "make",
    }
    return CommandRecord(index, f"s{index}", f"Stage {index}", status=status, **(given | changes))


def detail(*commands: CommandRecord, **changes: Any) -> RunDetail:
    return RunDetail(Manifest(commands=commands, **changes))


@pytest.mark.parametrize(
    ("state", "record", "expected", "word"),
    [
        (run(), stage(1, "pending"), StageState.PENDING, "pending"),
        (run(), stage(1, "running"), StageState.RUNNING, "running"),
        (run(heartbeat_at=ago(seconds=60)), stage(1, "running"), StageState.STALLED, "stalled"),
        (
            run(runner=gone(), gone_probes=2),
            stage(1, "running"),
            StageState.INTERRUPTED,
            "interrupted",
        ),
        (run(), stage(1, "succeeded"), StageState.SUCCEEDED, "ok"),
        (run(), stage(1, "failed", exit_code=2), StageState.FAILED, "exit 2"),
        (
            run(),
            stage(1, "failed", exit_code=128, summary="Terminated with signal SIGKILL — x"),
            StageState.FAILED,
            "signal SIGKILL",
        ),
        (
            run(),
            stage(1, "failed", summary="Timed out after 1000ms"),
            StageState.FAILED,
            "timed out",
        ),
        (run(), stage(1, "failed"), StageState.FAILED, "failed"),
        (
            run(),
            stage(1, "skipped", error_file="errors/01-s1.json"),
            StageState.SOFT_FAILED,
            "failed, allowed",
        ),
        (run(), stage(1, "skipped"), StageState.SKIPPED, "skipped"),
        (run(status="cancelled"), stage(1, "pending"), StageState.CANCELLED, "cancelled"),
        (run(status="cancelled"), stage(1, "running"), StageState.CANCELLED, "cancelled"),
        (run(status="cancelled"), stage(1, "failed"), StageState.CANCELLED, "cancelled"),
        (run(status="failed"), stage(1, "running"), StageState.INTERRUPTED, "interrupted"),
        (run(), stage(1, "melting"), StageState.UNKNOWN, "melting"),
    ],
)
def test_a_stage_shows_its_state_within_its_run(
    state: RunState, record: CommandRecord, expected: StageState, word: str
) -> None:
    row = project_run(state, detail(record), NOW).stages[0]
    assert (row.state, row.word) == (expected, word)


def test_stages_that_succeeded_before_the_last_resume_are_kept() -> None:
    resumed = {"timestamp": format_time(ago(minutes=2, seconds=30)), "outcome": "accepted"}
    blocked = {"timestamp": format_time(NOW), "outcome": "blocked"}
    view = project_run(
        run(resumes=1),
        detail(stage(3, "succeeded"), stage(2, "succeeded"), resume_events=(resumed, blocked)),
        NOW,
    )
    assert [row.state for row in view.stages] == [StageState.KEPT, StageState.SUCCEEDED]
    assert view.attempt == 2


def test_a_stage_lasts_until_its_end_or_now_or_the_last_sign_of_life() -> None:
    lost = run(runner=gone(), gone_probes=2, heartbeat_at=ago(seconds=90))
    done, going = stage(1, "succeeded"), stage(1, "running")
    assert project_run(run(), detail(done), NOW).stages[0].elapsed == "1:00"
    assert project_run(run(), detail(going), NOW).stages[0].elapsed == "2:00"
    assert project_run(lost, detail(going), NOW).stages[0].elapsed == "0:30"
    assert project_run(run(), detail(stage(1, "pending")), NOW).stages[0].elapsed == "--"


def test_an_error_card_says_how_the_stage_failed_and_how_much_is_kept() -> None:
    error = StageError(
        index=1,
        stage_id="s1",
        path="errors/01-s1.json",
        reason="command-failed",
        exit_code=5,
        stderr="first\nsecond\n",
        stderr_bytes=300_000,
        truncated=True,
    )
    manifest = Manifest(commands=(stage(1, "failed", exit_code=5),))
    (card,) = project_run(run(), RunDetail(manifest, (error,)), NOW).errors
    assert (card.words, card.title, card.command) == ("exit 5", "Stage 1", "make")
    assert card.reason == "the command failed"
    assert card.stderr == ("first", "second")
    assert card.cut == "13 B of 293 KiB kept"
    assert not card.is_past


def test_an_error_of_an_earlier_attempt_comes_last_and_says_so() -> None:
    past = StageError(1, "s1", "errors/01-s1.json", "command-failed", exit_code=1)
    now = StageError(2, "s2", "errors/02-s2.json", "command-failed", signal="SIGKILL")
    manifest = Manifest(commands=(stage(1, "succeeded"), stage(2, "failed")))
    cards = project_run(run(), RunDetail(manifest, (past, now)), NOW).errors
    assert [(card.index, card.is_past) for card in cards] == [(2, False), (1, True)]
    assert cards[0].words == "signal SIGKILL"


def test_a_stage_that_failed_without_an_error_file_has_a_card_too() -> None:
    record = stage(1, "failed", summary="Execution error: no such folder: web")
    (card,) = project_run(run(), detail(record), NOW).errors
    assert card.path is None
    assert card.reason == "Execution error: no such folder: web"


def test_a_subpipeline_stage_names_its_child() -> None:
    child = ChildRun("2026-11-22T14-28-00-000Z-77aa00bb", "docs", "failed", "m")
    record = stage(1, "failed", kind="subpipeline", command=None, sub_run_id=child.run_id)
    view = project_run(run(), detail(record, child_runs=(child,)), NOW)
    assert view.stages[0].is_subpipeline
    assert view.stages[0].child == RunKey(KEY.task_id, child.run_id)
    assert view.children[0].key == view.stages[0].child


def test_before_its_details_are_read_a_run_shows_what_its_row_knows() -> None:
    view = project_run(run(), None, NOW)
    assert not view.is_loaded
    assert view.title == "0951-tui-log-view / diagnostics / c2d9e410"
    assert (view.stages, view.errors, view.current_index) == ((), (), 4)


def test_the_facts_name_runner_beat_and_manifest() -> None:
    told = {fact.label: fact.text for fact in project_run(run(runner=alive()), None, NOW).facts}
    assert told["runner"] == "pid 48122 alive"
    assert told["beat"] == "0.8 s ago (manifest)"
    assert told["manifest"].endswith("manifest.json")


def test_nothing_is_said_of_the_life_of_a_runner_whose_run_has_ended() -> None:
    ended = project_run(run(status="failed", heartbeat_at=None, runner=alive()), None, NOW)
    told = {fact.label: fact.text for fact in ended.facts}
    assert (told["runner"], told["beat"]) == ("pid 48122", "none seen")
    unknown = project_run(run(status="failed"), None, NOW)
    assert "runner" not in {fact.label for fact in unknown.facts}


@pytest.mark.parametrize(
    ("error", "cut"),
    [
        (StageError(1, "a", "p", "r", stderr="oops", stderr_bytes=5), ""),
        (StageError(1, "a", "p", "r", stderr="x" * 2048, truncated=True), "cut to 2 KiB"),
    ],
)
def test_only_what_was_cut_counts_as_cut(error: StageError, cut: str) -> None:
    (card,) = project_run(run(), RunDetail(Manifest(), (error,)), NOW).errors
    assert card.cut == cut


def test_problems_of_the_file_say_what_is_shown_instead() -> None:
    torn = run(problems=("version 3 is not known",))._replace(
        unreadable=Unreadable(KEY, "a/manifest.json", "empty")
    )
    written = f"{ago(seconds=1).astimezone():%H:%M:%S}"
    assert project_run(torn, None, NOW).problems == (
        "a/manifest.json cannot be read: empty",
        f"shown is the last version that could be read, written {written}, 1.0 s ago",
        "version 3 is not known",
    )


ELSEWHERE = Runner(RunnerVerdict.ELSEWHERE, pid=7, host="build-3")


@pytest.mark.parametrize(
    ("state", "cancel", "resume"),
    [
        (run(), None, "it has not ended; cancel it first"),
        (run(status="failed"), "already ended", None),
        (run(status="cancelled"), "already ended", None),
        (run(status="succeeded"), "already ended", "every stage has succeeded"),
        (run(runner=gone(), gone_probes=2), None, None),
        (run(heartbeat_at=ago(minutes=14)), "no runner is left that could stop it", None),
        (run(heartbeat_at=ago(seconds=60)), None, None),
        (
            run(heartbeat_at=ago(seconds=60), runner=alive()),
            None,
            "it has not ended; cancel it first",
        ),
        (
            run(heartbeat_at=ago(seconds=60), runner=ELSEWHERE),
            None,
            "it runs on host build-3",
        ),
        (RunState(KEY), "its manifest cannot be read", "its manifest cannot be read"),
    ],
)
def test_what_cannot_be_asked_of_a_run_says_why(
    state: RunState, cancel: str | None, resume: str | None
) -> None:
    view = project_run(state, None, NOW)
    assert (view.cancel_refusal, view.resume_refusal) == (cancel, resume)


@pytest.mark.acceptance(112)
def test_runs_of_october_2025_cannot_be_resumed() -> None:
    view = project_run(run(status="failed", shape=RunShape.MCP), None, NOW)
    assert view.resume_refusal is not None


def test_a_stage_that_a_cancel_ended_is_told_of_as_cancelled_not_as_an_error() -> None:
    error = StageError(1, "s1", "errors/01-s1.json", "command-failed", signal="SIGTERM")
    seen = replace(detail(stage(1, "failed", exit_code=128)), errors=(error,))
    assert project_run(run(status="cancelled"), seen, NOW).errors == ()
    assert len(project_run(run(status="failed"), seen, NOW).errors) == 1


def silent(*tail: LogLine, at: int = 1, stderr: str = "") -> RunDetail:
    """Return what is known of a run whose first stage failed."""
    error = StageError(1, "s1", "errors/01-s1.json", "command-failed", exit_code=1, stderr=stderr)
    seen = detail(stage(1, "failed", exit_code=1))
    return replace(seen, errors=(error,), tail=tail, tail_stage_index=at)


def test_a_card_without_error_output_has_the_end_of_the_standard_output() -> None:
    tail = (
        LogLine(Stream.STDOUT, "of the first attempt"),
        LogLine(Stream.NOTE, "$ make", attempt=2),
        LogLine(Stream.STDOUT, "FAILED a", attempt=2),
        LogLine(Stream.STDERR, " ", attempt=2),
        LogLine(Stream.STDOUT, "", attempt=2),
    )
    (card,) = project_run(run(), silent(*tail), NOW).errors
    assert (card.stdout, card.output, card.output_name) == (("FAILED a",), ("FAILED a",), "stdout")
    (card,) = project_run(run(), silent(*tail, stderr="why\n"), NOW).errors
    assert (card.stdout, card.output, card.output_name) == ((), ("why",), "stderr")
    (card,) = project_run(run(), silent(*tail, at=2), NOW).errors
    assert (card.stdout, card.output_name) == ((), "stderr")
    (card,) = project_run(run(), silent(*tail, LogLine(Stream.STDERR, "x", attempt=2)), NOW).errors
    assert card.stdout == ()
    past = replace(silent(*tail), manifest=detail(stage(1, "succeeded")).manifest)
    (card,) = project_run(run(), past, NOW).errors
    assert card.stdout == ()
