"""Attempts of a run: when each began, and what its elapsed time counts."""

from __future__ import annotations

import pytest

from orchestrator_tui.records.facts import RunShape, run_facts
from orchestrator_tui.records.life import GitFacts
from orchestrator_tui.records.manifest import Manifest
from orchestrator_tui.records.times import format_time
from orchestrator_tui.state.attempts import attempt_of, attempt_starts, stage_numbers
from orchestrator_tui.state.fleet import RunState
from orchestrator_tui.state.observations import RunDetail
from orchestrator_tui.state.run_view import project_run
from tests.state.values import KEY, NOW, ago

RESUMED = Manifest(
    status="succeeded",
    started_at=format_time(ago(hours=5)),
    completed_at=format_time(ago(minutes=2)),
    resume_events=(
        {"timestamp": format_time(ago(minutes=9)), "outcome": "accepted"},
        {"timestamp": format_time(ago(minutes=3)), "outcome": "blocked"},
        {"timestamp": format_time(ago(minutes=8)), "outcome": "accepted"},
        {"timestamp": "torn"},
    ),
)


@pytest.mark.parametrize(
    ("indexes", "words"),
    [
        ([], ""),
        ([3], "3"),
        ([1, 2], "1-2"),
        ([5, 1, 2, 4], "1-2, 4-5"),
        ([1, 3, 7], "1, 3, 7"),
    ],
)
def test_stage_numbers_take_few_words(indexes: list[int], words: str) -> None:
    assert stage_numbers(indexes) == words


def test_a_moment_belongs_to_the_attempt_that_went_on_then() -> None:
    starts = attempt_starts(RESUMED)
    assert starts == (ago(hours=5), ago(minutes=9), ago(minutes=8))
    assert attempt_of(starts, ago(hours=4)) == 1
    assert attempt_of(starts, ago(minutes=9)) == 2
    assert attempt_of(starts, NOW) == 3
    assert attempt_of(starts, ago(hours=6)) == 1
    assert attempt_of(starts, None) == 3
    assert attempt_of((), NOW) == 1


def test_the_pause_before_a_resume_is_no_elapsed_time() -> None:
    facts = run_facts(KEY, RunShape.CLI, "m", RESUMED)
    git = GitFacts("main", "8c1d2e9" + "0" * 33, 3)
    view = project_run(RunState(KEY, facts), RunDetail(RESUMED, git=git), NOW)
    assert view.row.elapsed == "6:00"
    told = {fact.label: fact.text for fact in view.facts}
    assert told["in all"] == "4h58m with its pauses"
    assert told["git"] == "main 8c1d2e9 dirty(3)"


def test_an_end_before_the_last_resume_is_that_of_the_first_attempt() -> None:
    early = Manifest(
        status="failed",
        started_at=format_time(ago(minutes=20)),
        completed_at=format_time(ago(minutes=18)),
        resume_events=({"timestamp": format_time(ago(minutes=1))},),
    )
    facts = run_facts(KEY, RunShape.CLI, "m", early)
    assert project_run(RunState(KEY, facts), None, NOW).row.elapsed == "2:00"
