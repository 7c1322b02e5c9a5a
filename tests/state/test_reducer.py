"""The one place where the fleet changes."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import Beats, Runner, RunnerVerdict, Waiting
from orchestrator_tui.records.manifest import Manifest
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.observations import (
    BeatsSeen,
    ConfigSeen,
    DetailSeen,
    Freshness,
    FreshnessSeen,
    Observation,
    RunDetail,
    RunnerSeen,
    RunSeen,
    RunsRecalled,
    RunVanished,
    Unreadable,
    WaitingSeen,
)
from orchestrator_tui.state.reducer import DETAILS_KEPT, observe
from tests.state.values import KEY, ago, alive, facts, gone

KEYS = [RunKey("task", f"run-{letter}") for letter in "abcd"]
UNREADABLE = Unreadable(KEY, "manifest.json", "empty")


def of_run(key: RunKey) -> st.SearchStrategy[Observation]:
    return st.sampled_from(
        [
            RunSeen(facts(key)),
            RunSeen(facts(key, status="failed")),
            RunsRecalled((facts(key, status="succeeded"),)),
            Unreadable(key, "manifest.json", "empty"),
            RunVanished(key),
            BeatsSeen(key, Beats(file=ago(seconds=3))),
            BeatsSeen(key, Beats(log=ago(seconds=2))),
            RunnerSeen(key, alive()),
            RunnerSeen(key, Runner(RunnerVerdict.UNKNOWN)),
            WaitingSeen(key, Waiting(questions=1)),
            DetailSeen(key, RunDetail(Manifest())),
        ]
    )


STORIES = st.tuples(*(st.lists(of_run(key), max_size=6) for key in KEYS))


@given(stories=STORIES, order=st.randoms(use_true_random=False))
def test_the_order_of_unrelated_runs_does_not_matter(
    stories: tuple[list[Observation], ...], order: Random
) -> None:
    one_after_another = tuple(seen for story in stories for seen in story)
    mixed: list[Observation] = []
    queues = [list(story) for story in stories]
    while any(queues):
        queue = order.choice([q for q in queues if q])
        mixed.append(queue.pop(0))
    straight, shuffled = observe(Fleet(), one_after_another), observe(Fleet(), tuple(mixed))
    assert dict(straight.runs) == dict(shuffled.runs)
    assert dict(straight.details) == dict(shuffled.details)


@given(stories=STORIES, cut=st.integers(0, 24))
def test_batches_may_be_cut_anywhere_and_seen_twice(
    stories: tuple[list[Observation], ...], cut: int
) -> None:
    whole = tuple(seen for story in stories for seen in story)
    twice = tuple(seen for seen in whole for _ in range(2))
    at_once = observe(Fleet(), whole)
    assert observe(observe(Fleet(), whole[:cut]), whole[cut:]) == at_once
    assert observe(Fleet(), twice) == at_once


def test_a_batch_that_says_nothing_new_returns_the_same_fleet() -> None:
    batch: tuple[Observation, ...] = (
        RunSeen(facts()),
        BeatsSeen(KEY, Beats(file=ago(seconds=1))),
        ConfigSeen(None),
        FreshnessSeen(Freshness("watching")),
        DetailSeen(KEY, RunDetail(Manifest())),
        RunnerSeen(KEY, alive()),
    )
    fleet = observe(Fleet(), batch)
    assert observe(fleet, batch) is fleet
    assert observe(fleet, ()) is fleet


def test_a_change_of_one_run_keeps_the_identity_of_the_others() -> None:
    fleet = observe(Fleet(), tuple(RunSeen(facts(key)) for key in KEYS))
    after = observe(fleet, (RunSeen(facts(KEYS[1], status="failed")),))
    assert after.runs[KEYS[0]] is fleet.runs[KEYS[0]]
    assert after.runs[KEYS[1]] != fleet.runs[KEYS[1]]
    assert fleet.runs[KEYS[1]].facts == facts(KEYS[1])


def test_runs_recalled_together_are_as_runs_seen_one_by_one() -> None:
    runs = tuple(facts(key, status="failed") for key in KEYS)
    before = observe(Fleet(), (UNREADABLE, RunSeen(facts(KEYS[0])), BeatsSeen(KEYS[0], Beats())))
    together = observe(before, (RunsRecalled((*runs, facts())),))
    assert together == observe(before, (*map(RunSeen, runs), RunSeen(facts())))


def test_a_torn_manifest_keeps_the_last_good_one_until_it_reads_again() -> None:
    fleet = observe(Fleet(), (RunSeen(facts()), UNREADABLE))
    assert (fleet.runs[KEY].facts, fleet.runs[KEY].unreadable) == (facts(), UNREADABLE)
    healed = observe(fleet, (RunSeen(facts()),))
    assert healed.runs[KEY].unreadable is None


def test_only_probes_in_a_row_prove_a_runner_gone() -> None:
    fleet = observe(Fleet(), (RunSeen(facts()), RunnerSeen(KEY, gone())))
    assert fleet.runs[KEY].gone_probes == 1
    assert observe(fleet, (RunnerSeen(KEY, gone()),)).runs[KEY].gone_probes == 2
    back = observe(fleet, (RunnerSeen(KEY, alive()), RunnerSeen(KEY, gone())))
    assert back.runs[KEY].gone_probes == 1


def test_a_runner_found_gone_again_and_again_changes_nothing() -> None:
    fleet = observe(Fleet(), (RunSeen(facts()), *[RunnerSeen(KEY, gone())] * 2))
    assert observe(fleet, (RunnerSeen(KEY, gone()),)) is fleet


def test_a_torn_heartbeat_takes_no_beat_back() -> None:
    beat = Beats(file=ago(seconds=3), log=ago(seconds=9))
    fleet = observe(Fleet(), (RunSeen(facts()), BeatsSeen(KEY, beat)))
    assert observe(fleet, (BeatsSeen(KEY, Beats()),)) is fleet


def test_a_run_that_vanished_leaves_nothing_and_late_news_do_not_bring_it_back() -> None:
    fleet = observe(Fleet(), (RunSeen(facts()), DetailSeen(KEY, RunDetail(Manifest()))))
    empty = observe(
        fleet,
        (
            RunVanished(KEY),
            BeatsSeen(KEY, Beats(file=ago(seconds=1))),
            DetailSeen(KEY, RunDetail(Manifest())),
        ),
    )
    assert not empty.runs
    assert not empty.details


def test_details_of_the_runs_seen_last_are_kept() -> None:
    keys = [RunKey("task", f"run-{n}") for n in range(DETAILS_KEPT + 2)]
    fleet = observe(Fleet(), tuple(RunSeen(facts(key)) for key in keys))
    for key in keys:
        fleet = observe(fleet, (DetailSeen(key, RunDetail(Manifest())),))
    assert list(fleet.details) == keys[2:]


def test_equal_configurations_keep_their_identity() -> None:
    fleet = observe(Fleet(), (FreshnessSeen(Freshness("polling", problem="a network disk")),))
    assert fleet.freshness is not None
    again = observe(fleet, (FreshnessSeen(replace(fleet.freshness)),))
    assert again is fleet
