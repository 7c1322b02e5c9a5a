"""What is told at once, and what is not."""

from __future__ import annotations

import pytest

from orchestrator_tui.records.facts import RunFacts
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import State
from orchestrator_tui.state.notices import follow
from tests.state.values import KEY, NOW, ago, facts, fleet_of

FAILED = facts(status="failed", stage_status="failed", exit_code=2, completed_at=NOW)
SILENT = facts(heartbeat_at=ago(minutes=14), updated_at=ago(minutes=14), started_at=ago(hours=1))
GREEN = facts(status="succeeded", completed_at=NOW)
QUIET = facts(heartbeat_at=ago(seconds=90), updated_at=ago(seconds=90))


@pytest.mark.parametrize(
    ("before", "seen", "words"),
    [
        (State.RUNNING, FAILED, "FAILED: stage test failed, exit 2"),
        (None, FAILED, "FAILED: stage test failed, exit 2"),
        (State.RUNNING, SILENT, "LOST: no heartbeat for 14 min, last stage 4/5 test"),
        (None, SILENT, None),
        (State.LOST, SILENT, None),
        (State.RUNNING, facts(), None),
        (State.RUNNING, GREEN, "SUCCEEDED: 3 of 5 stages done"),
        (State.RUNNING, QUIET, "STALLED: no heartbeat for 90 s"),
        (State.STALLED, facts(), None),
        (
            State.RUNNING,
            facts(status="failed", started_at=ago(seconds=60), completed_at=NOW),
            None,
        ),
    ],
)
def test_a_long_run_that_ends_stalls_or_waits_is_told_once(
    before: State | None, seen: RunFacts, words: str | None
) -> None:
    fleet = fleet_of(seen)
    live, told = follow({KEY: before}, fleet, NOW)
    assert [notice.words.partition("\n")[2] for notice in told] == ([words] if words else [])
    assert follow(live, fleet, NOW)[1] == ()


def test_a_run_that_vanished_is_followed_no_more() -> None:
    assert follow({KEY: State.RUNNING}, Fleet(), NOW) == ({}, ())


def test_a_program_that_is_told_gets_plain_facts() -> None:
    (notice,) = follow({KEY: State.RUNNING}, fleet_of(FAILED), NOW)[1]
    assert notice.is_grave
    assert notice.facts() == {
        "ORCH_TUI_RUN_ID": KEY.run_id,
        "ORCH_TUI_TASK": "0951-tui-log-view",
        "ORCH_TUI_PIPELINE": "diagnostics",
        "ORCH_TUI_STATE": "failed",
        "ORCH_TUI_REASON": "stage test failed, exit 2",
    }
