"""What one line of a table shows of a run."""

from __future__ import annotations

import pytest

from orchestrator_tui.records.life import Waiting
from orchestrator_tui.state.fleet import RunState
from orchestrator_tui.state.liveness import State
from orchestrator_tui.state.observations import Unreadable
from orchestrator_tui.state.views import CANCELLING_WORD, STATE_WORDS, project_row
from tests.state.values import KEY, NOW, ago, run


def test_a_running_row_says_all_that_the_table_shows() -> None:
    row = project_row(run(summary="Stage 3 passed"), NOW)
    assert (row.state, row.word.long, row.word.short) == (State.RUNNING, "RUNNING", "RUN")
    assert (row.task, row.pipeline, row.run) == ("0951-tui-log-view", "diagnostics", "c2d9e410")
    assert (row.stage, row.stage_number, row.stage_name) == ("4/5 test", "4/5", "test")
    assert (row.elapsed, row.reason) == ("4:12", "heartbeat 0.8 s ago")
    assert row.summary == "Stage 3 passed"
    assert row.is_ticking


@pytest.mark.parametrize(
    ("state", "stage", "elapsed"),
    [
        (run(status="succeeded", stages_done=5, completed_at=ago(minutes=1)), "5/5", "3:12"),
        (run(status="failed", completed_at=ago(minutes=1)), "4/5 test", "3:12"),
        (run(status="queued"), "0/5", "--"),
        (run(stage_of=0, stage_index=0, stage_id=None), "", "4:12"),
        (run(started_at=None), "4/5 test", "--"),
        (run(started_at=ago(hours=10), heartbeat_at=ago(hours=1)), "4/5 test", "9h00m"),
        (run(status="succeeded", stages_done=5, completed_at=ago(days=1)), "5/5", "0:00"),
    ],
)
def test_stage_and_elapsed_time_follow_the_state(state: RunState, stage: str, elapsed: str) -> None:
    row = project_row(state, NOW)
    assert (row.stage, row.elapsed) == (stage, elapsed)


def test_a_run_that_was_never_read_has_a_row_of_its_own() -> None:
    torn = RunState(KEY, unreadable=Unreadable(KEY, "a/manifest.json", "empty"))
    row = project_row(torn, NOW)
    assert (row.state, row.elapsed, row.stage, row.pipeline) == (State.UNKNOWN, "--", "", "")
    assert row.reason == "manifest.json cannot be read: empty"
    assert not row.is_ticking


def test_a_foreign_status_is_shown_as_it_stands() -> None:
    row = project_row(run(status="hibernating"), NOW)
    assert (row.word.long, row.word.short) == ("HIBERNATIN", "HIBERNA")


def test_a_cancel_on_its_way_is_the_word_of_the_row() -> None:
    row = project_row(run()._replace(waiting=Waiting(cancelling=True)), NOW)
    assert row.word == CANCELLING_WORD
    assert row.state == State.RUNNING


def test_every_state_has_words_that_fit_their_columns() -> None:
    assert set(STATE_WORDS) == set(State)
    for word in (*STATE_WORDS.values(), CANCELLING_WORD):
        assert len(word.long) <= 10
        assert len(word.short) <= 7


def test_an_ended_row_is_the_same_at_any_time() -> None:
    state = run(status="failed", completed_at=ago(minutes=1))
    assert project_row(state, NOW) == project_row(state, ago(days=-900))
