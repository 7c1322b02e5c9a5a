"""What is told of a run's length from those before it, and when nothing is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator_tui.records.facts import RunFacts, RunShape, run_facts
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.manifest import CommandRecord, Manifest
from orchestrator_tui.records.stage_lengths import stage_lengths
from orchestrator_tui.records.times import format_time
from orchestrator_tui.state.estimates import (
    MOST_SHARE,
    SAMPLES_KEPT,
    Estimate,
    PipelinePast,
    StageProgress,
    estimate,
    forecast,
    is_slow,
    lengths_of,
    quantile,
)
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.observations import RunDetail, RunSeen, RunVanished
from orchestrator_tui.state.reducer import observe
from orchestrator_tui.state.run_view import project_run
from tests.state.values import NOW, ago, facts, run

LENGTHS = st.lists(st.floats(0, 1e6), min_size=1, max_size=40)
PAST = PipelinePast(
    (), Estimate(100, 120, 12), {"build": Estimate(60, 70, 12), "test": Estimate(40, 50, 9)}
)


def succeeded(number: int, *lengths_s: float, **changes: object) -> RunSeen:
    """Return a run that began `number` hours ago and succeeded, its stages one after the other."""
    key, at = RunKey("task", f"run-{number:04}"), ago(hours=number)
    commands = []
    for index, length_s in enumerate(lengths_s, 1):
        begun, at = at, at + timedelta(seconds=length_s)
        commands.append(
            CommandRecord(
                index,
                f"s{index}",
                f"Stage {index}",
                status="succeeded",
                started_at=format_time(begun),
                completed_at=format_time(at),
            )
        )
    manifest = Manifest(
        pipeline_id="diagnostics",
        status="succeeded",
        started_at=format_time(ago(hours=number)),
        completed_at=format_time(at),
        commands=tuple(commands),
    )
    manifest = replace(manifest, **changes)  # type: ignore[arg-type]
    return RunSeen(run_facts(key, RunShape.CLI, "m", manifest), partial(stage_lengths, manifest))


SUCCEEDED = tuple(succeeded(number, number) for number in range(1, 101))


def past(fleet: Fleet) -> PipelinePast:
    return fleet.pasts["diagnostics"]


def test_the_usual_and_the_long_length_are_p50_and_p90() -> None:
    found = estimate([4, 1, 2, 3])
    assert found is not None
    assert (found.usual_s, found.samples) == (2.5, 4)
    assert found.long_s == pytest.approx(3.7)
    assert estimate([5, 5, 5]) == Estimate(5, 5, 3)


def test_fewer_than_three_samples_tell_nothing() -> None:
    assert estimate([1, 2]) is None
    fleet = observe(Fleet(), (succeeded(1, 10), succeeded(2, 20)))
    assert past(fleet).run is None and not past(fleet).stages


@given(LENGTHS, st.floats(0, 1))
def test_a_quantile_lies_between_the_shortest_and_the_longest(
    lengths_s: list[float], share: float
) -> None:
    ordered = sorted(lengths_s)
    slack = 1e-9 * (1 + ordered[-1])
    assert ordered[0] - slack <= quantile(ordered, share) <= ordered[-1] + slack


@given(st.lists(st.tuples(st.sampled_from(["build", "test"]), st.booleans(),
                          st.none() | st.floats(0, 1e5)), max_size=6))  # fmt: skip
def test_what_is_left_is_never_negative_and_never_nothing_done_as_all(
    stages: list[tuple[str, bool, float | None]],
) -> None:
    found = forecast([StageProgress(*stage) for stage in stages], PAST)
    if all(is_done for _, is_done, _ in stages):
        assert found is None
    else:
        assert found is not None and found.left_s >= 0 and 0 <= found.share <= MOST_SHARE
        assert found.words.startswith("~") and found.samples in (9, 12)


def test_what_is_left_is_the_rest_of_each_stage() -> None:
    stages = [StageProgress("build", False, 30.0), StageProgress("test", False, None)]
    found = forecast(stages, PAST)
    assert found is not None
    assert (found.left_s, found.share, found.samples) == (70.0, 0.3, 9)
    assert (found.words, found.grounds) == ("~1:10 left", "p50 of 9 runs")


def test_a_run_that_takes_longer_than_usual_has_nothing_left_but_goes_on() -> None:
    found = forecast([StageProgress("test", False, 400.0)], PAST)
    assert found is not None
    assert (found.words, found.share) == ("~0:00+ left", MOST_SHARE)


def test_nothing_is_told_where_a_stage_to_come_has_no_past() -> None:
    assert forecast([StageProgress("new", False, None)], PAST) is None
    assert forecast([StageProgress("build", False, None)], None) is None


def test_only_runs_that_succeeded_in_one_go_count() -> None:
    whole = succeeded(1, 10, 20)
    assert whole.stages is not None
    lengths = lengths_of(whole.facts, whole.stages())
    assert lengths is not None
    assert (lengths.run_s, lengths.stages) == (30.0, (("s1", 10.0), ("s2", 20.0)))
    for change in (
        {"status": "failed"},
        {"completed_at": None},
        {"resume_events": ({"timestamp": "2026-11-22T14:00:00.000Z"},)},
    ):
        other = succeeded(1, 10, 20, **change)
        assert other.stages is not None
        assert lengths_of(other.facts, other.stages()) is None


def test_the_newest_twenty_runs_count_in_whatever_order_they_are_seen() -> None:
    seen = [succeeded(number, number) for number in range(1, 41)]
    newest_first = observe(Fleet(), tuple(seen))
    one_by_one = Fleet()
    for each in reversed(seen):
        one_by_one = observe(one_by_one, (each,))
    assert past(newest_first) == past(one_by_one)
    assert len(past(one_by_one).samples) == SAMPLES_KEPT
    found = past(one_by_one).run
    assert found is not None and found.usual_s == 10.5 and found.long_s == pytest.approx(18.1)


@given(st.permutations(range(1, 101)), st.integers(0, 100))
def test_the_newest_twenty_of_very_many_count_however_they_are_batched(
    numbers: list[int], cut: int
) -> None:
    seen = tuple(SUCCEEDED[number - 1] for number in numbers)
    fleet = observe(observe(Fleet(), seen[:cut]), seen[cut:])
    assert past(fleet) == past(observe(Fleet(), SUCCEEDED))
    assert [lengths.run_s for lengths in past(fleet).samples] == [*range(1, SAMPLES_KEPT + 1)]


def test_a_run_seen_twice_counts_once_and_one_that_vanished_no_more() -> None:
    seen = tuple(succeeded(number, 10) for number in (1, 2, 3))
    fleet = observe(observe(Fleet(), seen), seen)
    assert past(fleet).run == Estimate(10, 10, 3)
    assert observe(fleet, seen) is fleet
    assert past(observe(fleet, (RunVanished(seen[0].facts.key),))).run is None


def test_a_run_that_is_resumed_counts_no_more() -> None:
    seen = tuple(succeeded(number, 10) for number in (1, 2, 3))
    again = succeeded(1, 10, status="in_progress", completed_at=None)
    assert past(observe(Fleet(), (*seen, again))).run is None


@pytest.mark.parametrize(
    ("running", "expected"),
    [
        (facts(stage_id="test", stage_started_at=ago(seconds=51), started_at=NOW), True),
        (facts(stage_id="test", stage_started_at=ago(seconds=50), started_at=NOW), False),
        (facts(stage_id="new", started_at=ago(seconds=121)), True),
        (facts(stage_id="new", started_at=ago(seconds=121), resumes=1), False),
        (facts(stage_id="new", started_at=None), False),
    ],
)  # fmt: skip
def test_a_run_is_slow_past_the_long_length_of_its_stage_or_its_kind(
    running: RunFacts, expected: bool
) -> None:
    assert is_slow(running, PAST, NOW) is expected
    assert not is_slow(running, None, NOW)


def test_a_run_shows_what_is_left_while_it_runs_and_not_while_it_waits() -> None:
    begun = format_time(ago(seconds=30))
    manifest = Manifest(
        commands=(
            CommandRecord(1, "build", "Build", status="running", started_at=begun),
            CommandRecord(2, "test", "Test", status="pending"),
        )
    )
    detail = RunDetail(manifest)
    begun_now = run(stage_id="build", started_at=NOW, stage_started_at=NOW)
    going = project_run(begun_now, detail, NOW, PAST)
    assert going.forecast is not None and going.forecast.words == "~1:10 left"
    assert [s.usual.usual_s for s in going.stages if s.usual] == [60, 40]
    assert going.row.badges == ()
    slow = project_run(run(stage_id="build"), detail, NOW, PAST)
    assert slow.row.badges == ("SLOW",)
    stalled = project_run(run(heartbeat_at=ago(seconds=60)), detail, NOW, PAST)
    assert stalled.forecast is None and stalled.row.badges == ()
    assert project_run(run(), detail, NOW).forecast is None
