"""Which runs a list shows, and in which order."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator_tui.records.facts import RunFacts
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import Waiting
from orchestrator_tui.state import ordering
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import State
from orchestrator_tui.state.observations import (
    Observation,
    RunnerSeen,
    RunSeen,
    RunVanished,
    Unreadable,
    WaitingSeen,
)
from orchestrator_tui.state.ordering import (
    FleetCounts,
    RunOrder,
    live_keys,
    order_runs,
)
from orchestrator_tui.state.placing import Asked, Group, Sort
from orchestrator_tui.state.query import EVERYTHING, Query, parse_query
from orchestrator_tui.state.reducer import observe
from tests.state.values import NOW, ago, alive, facts, fleet_of, gone


def ended(name: str, status: str, **length: float) -> RunFacts:
    """Return a run that ended that long ago, two minutes after its start."""
    end = ago(**length)
    return facts(
        RunKey("task", name),
        status=status,
        started_at=end - timedelta(minutes=2),
        completed_at=end,
        updated_at=end,
        heartbeat_at=end,
    )


def going(name: str, **length: float) -> RunFacts:
    """Return a run that started that long ago and beats."""
    return facts(RunKey("task", name), started_at=ago(**length))


def names(keys: tuple[RunKey, ...]) -> list[str]:
    return [key.run_id for key in keys]


ALL = fleet_of(
    ended("ok-old", "succeeded", hours=30),
    ended("ok-new", "succeeded", hours=1),
    ended("cancelled", "cancelled", hours=2),
    ended("failed-old", "failed", hours=25),
    ended("failed-2", "failed", hours=4),
    ended("failed-1", "failed", hours=3),
    going("running-young", minutes=1),
    going("running-old", minutes=9),
    going("stalled", minutes=5)._replace(heartbeat_at=ago(minutes=2)),
    going("lost-new", hours=3)._replace(heartbeat_at=ago(hours=2)),
    going("lost-old", days=9)._replace(heartbeat_at=ago(days=8)),
    going("queued", seconds=4)._replace(status="queued"),
    ended("foreign", "melting", hours=2),
    going("asking", minutes=30),
)
ALL = observe(ALL, (WaitingSeen(RunKey("task", "asking"), Waiting(confirmations=1)),))


def test_what_needs_a_person_comes_first_and_old_failures_sink() -> None:
    assert names(order_runs(ALL, NOW)) == [
        "asking",
        "lost-new",
        "stalled",
        "failed-1",
        "failed-2",
        "foreign",
        "running-old",
        "running-young",
        "queued",
        "ok-new",
        "cancelled",
        "failed-old",
        "ok-old",
        "lost-old",
    ]


def test_counts_are_over_all_runs_whatever_is_listed() -> None:
    query = parse_query("state:running")
    assert isinstance(query, Query)
    view = RunOrder().arrange(ALL, NOW, query)
    assert names(view.keys) == ["running-old", "running-young"]
    assert view.counts == FleetCounts(
        attention=6, running=2, queued=1, failed=3, finished=6, total=14
    )


@pytest.mark.parametrize(
    ("sort", "first", "last"),
    [
        (Sort.NEWEST, "queued", "lost-old"),
        (Sort.STATE, "asking", "ok-old"),
        (Sort.DURATION, "lost-old", "queued"),
        (Sort.TASK, "queued", "lost-old"),
        (Sort.PIPELINE, "queued", "lost-old"),
    ],
)
def test_other_orders_sort_by_what_they_name(sort: Sort, first: str, last: str) -> None:
    keys = names(order_runs(ALL, NOW, EVERYTHING, sort))
    assert (keys[0], keys[-1]) == (first, last)
    assert len(keys) == 14


def test_runs_without_a_pipeline_come_after_those_with_one() -> None:
    fleet = fleet_of(
        ended("none", "failed", hours=1)._replace(pipeline_id=None), ended("b", "failed", hours=2)
    )
    assert names(order_runs(fleet, NOW, EVERYTHING, Sort.PIPELINE)) == ["b", "none"]


def test_only_runs_that_have_not_ended_change_with_the_time() -> None:
    assert {key.run_id for key in live_keys(ALL)} == {
        "asking", "running-young", "running-old", "stalled", "lost-new", "lost-old", "queued",
        "foreign",
    }  # fmt: skip


def test_time_alone_moves_a_run_that_falls_silent() -> None:
    order = RunOrder()
    fleet = fleet_of(going("a", minutes=9), going("b", minutes=5))
    assert order.arrange(fleet, NOW).counts.attention == 0
    later = NOW + timedelta(seconds=45)
    assert order.arrange(fleet, later).counts.attention == 2


def test_nothing_new_is_the_same_view() -> None:
    order = RunOrder()
    view = order.arrange(ALL, NOW)
    assert order.arrange(ALL, NOW + timedelta(milliseconds=100)) is view


def test_a_run_leaves_a_dated_list_within_a_minute() -> None:
    query = parse_query("since:1h")
    assert isinstance(query, Query)
    order = RunOrder()
    fleet = fleet_of(ended("a", "failed", minutes=59.5))
    assert order.arrange(fleet, NOW, query).keys
    assert not order.arrange(fleet, NOW + timedelta(minutes=1), query).keys


NAMES = ["a", "b", "c", "d", "e"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(["going", "failed", "ok", "gone", "alive", "vanish", "torn", "ask"]),
        st.integers(0, 40 * 3600),
    ),
    max_size=25,
)


def observation(name: str, what: str, seconds: int) -> Observation:
    key = RunKey("task", name)
    match what:
        case "going":
            return RunSeen(going(name, seconds=seconds)._replace(heartbeat_at=ago(seconds=seconds)))
        case "failed" | "ok":
            return RunSeen(ended(name, "failed" if what == "failed" else "succeeded",
                                 seconds=seconds))  # fmt: skip
        case "gone" | "alive":
            return RunnerSeen(key, gone() if what == "gone" else alive())
        case "vanish":
            return RunVanished(key)
        case "torn":
            return Unreadable(key, "manifest.json", "empty")
        case _:
            return WaitingSeen(key, Waiting(questions=seconds % 2))


@settings(max_examples=150)
@given(
    steps=STEPS,
    ticks=st.lists(st.integers(-7200, 7200), min_size=25, max_size=25),
    sort=st.sampled_from(Sort),
    text=st.sampled_from(["", "state:problem", "-state:failed", "a"]),
    group=st.sampled_from(Group),
    is_reversed=st.booleans(),
)
def test_an_order_kept_up_is_the_order_made_anew(
    steps: list[tuple[str, str, int]],
    ticks: list[int],
    sort: Sort,
    text: str,
    group: Group,
    is_reversed: bool,
) -> None:
    query = parse_query(text)
    assert isinstance(query, Query)
    order, fleet, now = RunOrder(), Fleet(), NOW
    for step, tick in zip(steps, ticks, strict=False):
        fleet = observe(fleet, (observation(*step),))
        now += timedelta(seconds=tick)
        asked = Asked(query, sort, group, is_reversed)
        kept_up = order.answer(fleet, now, asked)
        assert kept_up == RunOrder().answer(fleet, now, asked)
        assert [order.position(key) for key in kept_up.keys] == list(range(len(kept_up.keys)))
        anew = RunOrder()
        anew.answer(fleet, now, asked)
        runs = fleet.runs.values()
        assert [order.trend(run) for run in runs] == [anew.trend(run) for run in runs]


ASKED = st.builds(
    Asked,
    st.sampled_from(["", "state:problem", "-state:failed a", "since:1d", "b"]).map(parse_query),
    st.sampled_from(Sort),
    st.sampled_from(Group),
    st.booleans(),
)


@settings(max_examples=150)
@given(
    batches=st.lists(st.tuples(ASKED, STEPS), max_size=6),
    many=st.sampled_from([0, 2, 200]),
    share=st.sampled_from([1, 8]),
)
def test_what_is_asked_for_may_change_as_runs_do(
    batches: list[tuple[Asked, list[tuple[str, str, int]]]], many: int, share: int
) -> None:
    """However many change at once: in one go, or each into its place."""
    order, fleet, now = RunOrder(), Fleet(), NOW
    with patch.multiple(ordering, _MANY=many, _SHARE=share):
        for asked, steps in batches:
            fleet = observe(fleet, tuple(observation(*step) for step in steps))
            now += timedelta(minutes=2)
            kept_up = order.answer(fleet, now, asked)
            assert kept_up == RunOrder().answer(fleet, now, asked)
            assert [order.position(key) for key in kept_up.keys] == list(range(len(kept_up.keys)))


def test_groups_tell_where_they_begin() -> None:
    view = RunOrder().arrange(ALL, NOW, EVERYTHING, Sort.NEWEST, Group.STATE)
    assert [(group.words, group.start, group.count) for group in view.groups[:4]] == [
        ("APPROVAL", 0, 1),
        ("LOST", 1, 2),
        ("STALLED", 3, 1),
        ("FAILED", 4, 3),
    ]
    assert names(view.keys)[4:7] == ["failed-1", "failed-2", "failed-old"]


def test_what_was_seen_no_longer_asks_for_attention_until_it_fails_again() -> None:
    order, key = RunOrder(), RunKey("task", "failed-1")
    before = order.answer(ALL, NOW, Asked())
    assert order.is_unseen(key)
    after = order.answer(ALL, NOW, Asked(), {key: 0})
    assert not order.is_unseen(key)
    assert after.counts.attention == before.counts.attention - 1
    assert names(after.keys).index("failed-1") > names(after.keys).index("running-young")
    resumed = observe(ALL, (RunSeen(ended("failed-1", "failed", hours=2)._replace(resumes=1)),))
    order.answer(resumed, NOW, Asked(), {key: 0})
    assert order.is_unseen(key)


def test_a_trend_is_that_of_the_task_or_else_of_the_pipeline() -> None:
    runs = [ended(f"r{n}", "failed" if n == 3 else "succeeded", hours=9 - n) for n in range(7)]
    other = ended("other", "failed", hours=1)._replace(key=RunKey("second", "other"))
    fleet = fleet_of(*(run._replace(pipeline_id="p") for run in (*runs, other)))
    order = RunOrder()
    order.answer(fleet, NOW, Asked())
    ok, bad = State.SUCCEEDED, State.FAILED
    assert order.trend(fleet.runs[runs[0].key]) == (ok, bad, ok, ok, ok)
    assert order.trend(fleet.runs[other.key]) == (bad, ok, ok, ok, bad)
