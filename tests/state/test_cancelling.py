"""How far the ending of a run has come."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator_tui.records.life import CancelTimes, Runner, RunnerVerdict, Waiting
from orchestrator_tui.state.cancelling import ladder, ladder_words
from orchestrator_tui.state.liveness import derive_state
from tests.state.values import NOW, ago, run

ASKED = Waiting(cancelling=True, asked_at=ago(seconds=7))


def climbing(rung: str | None, **times: Any) -> Runner:
    told = CancelTimes(asked_at=ago(seconds=6), grace_s=10.0, **times)
    return Runner(RunnerVerdict.ALIVE, pid=7, cancel_rung=rung, cancel_times=told)


@pytest.mark.parametrize(
    ("runner", "words"),
    [
        (None, "it ends the run after this stage"),
        (climbing(None), "its runner has not answered for 0:07"),
        (climbing("asked"), "SIGTERM to its processes"),
        (climbing("term", term_at=ago(seconds=4)), "SIGTERM sent 0:04 of 0:10, SIGKILL in 0:06"),
        (
            climbing("kill", term_at=ago(seconds=12), kill_at=ago(seconds=2)),
            "SIGKILL sent for 0:02",
        ),
    ],
)
def test_each_rung_says_what_was_done_and_what_comes(runner: Runner | None, words: str) -> None:
    state = run(heartbeat_at=ago(seconds=1), runner=runner)._replace(waiting=ASKED)
    assert ladder_words(state, NOW) == words
    derived = derive_state(state, NOW)
    assert derived.reason == words
    assert "CANCELLING" in derived.badges


def test_a_run_that_nobody_ends_has_no_ladder() -> None:
    assert ladder(run(heartbeat_at=ago(seconds=1)), NOW) == ()
