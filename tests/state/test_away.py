"""What is said of the time in which nobody looked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator_tui.records.facts import RunFacts
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import Waiting
from orchestrator_tui.state.away import Away, away_of, away_words, since_words
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import State
from orchestrator_tui.state.observations import WaitingSeen
from orchestrator_tui.state.reducer import observe
from tests.state.values import NOW, ago, facts, fleet_of

SINCE = ago(hours=20)


def ended(number: int, status: str, hours: float, **changes: object) -> RunFacts:
    key = RunKey("0950-core", f"2026-11-2{number}T10-00-00-000Z-{number:08x}")
    given = {
        "status": status,
        "started_at": ago(hours=hours, minutes=5),
        "completed_at": ago(hours=hours),
        "stage_status": "failed" if status == "failed" else "succeeded",
        "exit_code": 2 if status == "failed" else 0,
    }
    return facts(key, **(given | changes))


def away(fleet: Fleet) -> Away:
    return away_of(fleet, SINCE, NOW, NOW)


def words(fleet: Fleet) -> str:
    return away_words(away(fleet), NOW)


def test_what_ended_since_is_counted_and_what_failed_is_listed() -> None:
    old = ended(1, "failed", 30)
    fleet = fleet_of(
        old, ended(2, "succeeded", 9), ended(3, "succeeded", 3), ended(4, "failed", 2, exit_code=3)
    )
    assert words(fleet) == "since 18:32 yesterday: 2 succeeded, 1 failed"
    (listed,) = away(fleet).runs
    assert listed.row.run == "00000004"
    assert listed.row.reason == "stage test failed, exit 3"


def test_a_failure_like_the_one_before_is_said_to_be_one() -> None:
    fleet = fleet_of(ended(1, "failed", 30), ended(2, "failed", 9))
    assert words(fleet) == "since 18:32 yesterday: 1 failed (same as before)"
    both = fleet_of(ended(1, "succeeded", 30), ended(2, "failed", 9), ended(3, "failed", 3))
    assert words(both) == "since 18:32 yesterday: 2 failed (1 same as before)"


def test_what_waits_is_told_with_its_time_however_long_ago_it_began() -> None:
    waits = facts(
        started_at=ago(hours=30), stage_started_at=ago(hours=9), heartbeat_at=ago(seconds=1)
    )
    fleet = observe(fleet_of(waits), (WaitingSeen(waits.key, Waiting(confirmations=1)),))
    assert words(fleet) == "since 18:32 yesterday: 1 waiting 9 h"


def test_a_lost_run_is_told_if_its_last_sign_was_in_that_time() -> None:
    lost = facts(heartbeat_at=ago(hours=3), updated_at=ago(hours=3), started_at=ago(hours=4))
    assert words(fleet_of(lost)) == "since 18:32 yesterday: 1 lost 3 h"
    earlier = lost._replace(heartbeat_at=ago(hours=30), updated_at=ago(hours=30))
    assert words(fleet_of(earlier)) == ""


def test_what_ends_after_somebody_came_back_is_no_news() -> None:
    fleet = fleet_of(ended(1, "failed", 1), ended(2, "succeeded", 3))
    told = away_of(fleet, SINCE, ago(hours=2), NOW)
    assert told.counts == ((State.SUCCEEDED, 1),)


def test_nothing_is_said_where_nothing_happened() -> None:
    assert words(fleet_of(facts())) == ""
    assert words(Fleet()) == ""


@pytest.mark.parametrize(
    ("hours", "said"),
    [(2, "12:32"), (20, "18:32 yesterday"), (100, "10:32 on Nov 18"), (24 * 400, "2025-10-18")],
)
def test_a_moment_is_said_as_people_say_it(hours: int, said: str) -> None:
    assert since_words(NOW - timedelta(hours=hours), NOW) == said
