"""What a run is doing, and why one may say so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import Beats, Runner, RunnerVerdict, Waiting
from orchestrator_tui.state.fleet import RunState
from orchestrator_tui.state.liveness import (
    BeatSource,
    State,
    activity_report,
    derive_state,
    newest_activity,
    state_of,
)
from orchestrator_tui.state.observations import Unreadable
from tests.state.values import KEY, NOW, ago, alive, facts, fleet_of, gone, run

UNREADABLE = Unreadable(KEY, ".runs/t/cli/r/manifest.json", "not JSON: unexpected end of file")
SILENT: dict[str, Any] = {"heartbeat_at": ago(minutes=14)}
QUIET: dict[str, Any] = {"heartbeat_at": ago(seconds=40)}
REBOOTED = Runner(RunnerVerdict.REBOOTED, pid=48122)
ELSEWHERE = Runner(RunnerVerdict.ELSEWHERE, pid=7, host="build-3")
CONFIRM = Waiting(confirmations=1)
PAUSE = Waiting(paused=True, reason="waits for the release")


def with_waiting(state: RunState, waiting: Waiting) -> RunState:
    return state._replace(waiting=waiting)


CASES: list[tuple[str, RunState, State, str]] = [
    ("nothing read", RunState(KEY), State.UNKNOWN, "not read yet"),
    (
        "unreadable from the start",
        RunState(KEY, unreadable=UNREADABLE),
        State.UNKNOWN,
        "manifest.json cannot be read: not JSON: unexpected end of file",
    ),
    ("succeeded", run(status="succeeded", stages_done=5), State.SUCCEEDED, "5 of 5 stages done"),
    ("one stage", run(status="succeeded", stages_done=1, stage_of=1), State.SUCCEEDED,
     "1 of 1 stage done"),
    ("cancelled", run(status="cancelled"), State.CANCELLED, "cancelled at stage 4/5 test"),
    ("one l", run(status="canceled"), State.CANCELLED, "cancelled at stage 4/5 test"),
    ("capitals", run(status="Succeeded", stage_of=0), State.SUCCEEDED, "succeeded"),
    ("foreign word", run(status="melting"), State.UNKNOWN, "unknown status “melting”"),
    ("no word", run(status=None), State.UNKNOWN, "manifest.json has no status"),
    ("a terminal word beats a dead runner",
     run(status="succeeded", stages_done=5, runner=gone(), gone_probes=2),
     State.SUCCEEDED, "5 of 5 stages done"),
    ("restarted", run(runner=REBOOTED), State.LOST,
     "the machine was restarted since, last stage 4/5 test"),
    ("gone twice", run(runner=gone(), gone_probes=2), State.LOST,
     "runner process 48122 is gone, last stage 4/5 test"),
    ("gone once", run(runner=gone(), gone_probes=1), State.RUNNING,
     "runner 48122 was not found, looking again"),
    ("gone once and silent", run(runner=gone(), gone_probes=1, **SILENT), State.STALLED,
     "runner 48122 was not found, no heartbeat for 14 min"),
    ("silent without a runner.json", run(**SILENT), State.LOST,
     "no heartbeat for 14 min, last stage 4/5 test"),
    ("silent and probed in vain", run(runner=Runner(RunnerVerdict.UNKNOWN), **SILENT), State.LOST,
     "no heartbeat for 14 min, last stage 4/5 test"),
    ("silent less than ten times a long threshold", run(stale_after_s=120, **SILENT),
     State.STALLED, "no heartbeat for 14 min"),
    ("silent, but the lock is held", run(runner=alive(), **SILENT), State.STALLED,
     "runner 48122 alive, no heartbeat for 14 min"),
    ("quiet", run(**QUIET), State.STALLED, "no heartbeat for 40 s"),
    ("quiet, but the lock is held", run(runner=alive(), **QUIET), State.STALLED,
     "runner 48122 alive, no heartbeat for 40 s"),
    ("silent on another host", run(runner=ELSEWHERE, **SILENT), State.STALLED,
     "on host build-3, no heartbeat for 14 min"),
    ("at the threshold", run(heartbeat_at=ago(seconds=30)), State.RUNNING, "heartbeat 30 s ago"),
    ("a young log speaks for an old manifest",
     run(beats=Beats(log=ago(seconds=2)), **SILENT), State.RUNNING, "heartbeat 2.0 s ago"),
    ("running", run(), State.RUNNING, "heartbeat 0.8 s ago"),
    ("no beat, but a held lock",
     run(runner=alive(), heartbeat_at=None, updated_at=None, started_at=None),
     State.RUNNING, "runner 48122 alive"),
    ("no beat, lately written", run(heartbeat_at=None), State.RUNNING, "last written 1.0 s ago"),
    ("no beat, long since written", run(heartbeat_at=None, updated_at=ago(hours=3)),
     State.LOST, "no sign of life for 3 h, last stage 4/5 test"),
    ("no time at all", run(heartbeat_at=None, updated_at=None, started_at=None),
     State.UNKNOWN, "in progress, but without a heartbeat or any time"),
    ("queued", run(status="queued", stage_index=1, stage_id="build"), State.QUEUED,
     "waits to start stage build"),
    ("no stage begun",
     run(stage_index=1, stage_id="build", stage_status="pending", stages_done=0,
         stage_started_at=None),
     State.QUEUED, "waits to start stage build"),
    ("queued for ever", run(status="queued", **SILENT), State.LOST,
     "no heartbeat for 14 min, last stage 4/5 test"),
    ("a confirmation", with_waiting(run(), CONFIRM), State.AWAITING, "1 confirmation open"),
    ("questions", with_waiting(run(), Waiting(questions=2)), State.AWAITING, "2 questions queued"),
    ("paused", with_waiting(run(), PAUSE), State.PAUSED, "waits for the release"),
    ("stalled beats a confirmation", with_waiting(run(**QUIET), CONFIRM), State.STALLED,
     "no heartbeat for 40 s"),
    ("a beat from the future", run(heartbeat_at=ago(hours=-1)), State.RUNNING,
     "heartbeat 0.0 s ago"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "expected", "reason"), [c[1:] for c in CASES],
                         ids=[c[0] for c in CASES])  # fmt: skip
def test_state_and_reason_follow_from_what_is_known(
    state: RunState, expected: State, reason: str
) -> None:
    derived = derive_state(state, NOW)
    assert (derived.state, derived.reason) == (expected, reason)
    assert state_of(state, NOW) == expected


BADGES: list[tuple[RunState, tuple[str, ...]]] = [
    (run(), ()),
    (with_waiting(run(), Waiting(cancelling=True)), ("CANCELLING",)),
    (run(runner=replace(alive(), cancel_rung="term")), ("CANCELLING",)),
    (with_waiting(run(runner=gone(), gone_probes=2), Waiting(cancelling=True)), ()),
    (with_waiting(run(**QUIET), PAUSE), ("PAUSED",)),
    (with_waiting(run(**QUIET), CONFIRM), ("APPROVAL",)),
    (with_waiting(run(), Waiting(confirmations=1, paused=True)), ("PAUSED",)),
    (run(resumes=2), ("RESUMED x2",)),
    (run(problems=("version 3 is not known",)), ("DIRTY",)),
    (run()._replace(unreadable=UNREADABLE), ("DIRTY",)),
    (run(heartbeat_at=ago(seconds=-61)), ("CLOCK",)),
    (run(heartbeat_at=ago(seconds=-59)), ()),
    (run(runner=ELSEWHERE), ("REMOTE build-3",)),
    (with_waiting(run(status="failed", resumes=1), CONFIRM), ("RESUMED x1",)),
]


@pytest.mark.parametrize(("state", "badges"), BADGES)
def test_badges_tell_what_else_holds(state: RunState, badges: tuple[str, ...]) -> None:
    assert derive_state(state, NOW).badges == badges


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status_detail": "stage:test:failed", "exit_code": 1}, "stage test failed, exit 1"),
        (
            {"status_detail": "stage:build:failed", "stage_summary": "Timed out after 1000ms"},
            "stage build timed out",
        ),
        (
            {
                "status_detail": "stage:a:b:failed",
                "exit_code": 128,
                "stage_summary": "Terminated with signal SIGKILL",
            },
            "stage a:b failed, signal SIGKILL",
        ),
        (
            {"status_detail": "stage:x:error", "stage_summary": "Execution error: no such folder"},
            "stage x could not run: no such folder",
        ),
        ({"status_detail": "subpipeline:docs:failed"}, "sub-pipeline docs failed"),
        ({"status_detail": "subpipeline:nope:error"}, "sub-pipeline nope could not start"),
        ({"status_detail": "control_failed"}, "failed by a control request"),
        ({"stage_status": "failed", "exit_code": 3}, "stage test failed, exit 3"),
        ({"status_detail": "budget spent"}, "budget spent"),
        ({"status_detail": "pipeline-failed", "summary": "No disk left"}, "No disk left"),
        ({}, "failed"),
    ],
)
def test_a_failed_run_says_what_failed(changes: dict[str, Any], reason: str) -> None:
    assert derive_state(run(status="failed", **changes), NOW).reason == reason


@pytest.mark.acceptance(52)
def test_activity_prefers_the_newest_sign_and_floors_its_age() -> None:
    old = facts(heartbeat_at=ago(minutes=2))
    by_log = activity_report(old, Beats(log=NOW), NOW)
    assert (by_log.observed_source, by_log.stale) == (BeatSource.RUNNER_LOG, False)
    silent = activity_report(old, Beats(file=ago(minutes=2), log=ago(minutes=2)), NOW)
    assert silent.observed_source == BeatSource.MANIFEST
    assert silent.stale is True
    assert silent.age_seconds is not None
    assert silent.age_seconds >= 120


@pytest.mark.acceptance(52)
@pytest.mark.parametrize(
    ("changes", "age_s", "stale"),
    [
        ({"heartbeat_at": ago(seconds=30)}, 30, False),
        ({"heartbeat_at": ago(seconds=30.9)}, 30, False),
        ({"heartbeat_at": ago(seconds=31)}, 31, True),
        ({"heartbeat_at": ago(seconds=-5)}, 0, False),
        ({"status": "succeeded"}, None, None),
        ({"stale_after_s": None}, None, None),
        ({"stale_after_s": 0}, None, None),
        ({"heartbeat_at": None}, None, None),
    ],
)
def test_only_a_run_in_progress_with_a_threshold_has_an_age(
    changes: dict[str, Any], age_s: int | None, stale: bool | None
) -> None:
    report = activity_report(facts(**changes), Beats(), NOW)
    assert (report.age_seconds, report.stale) == (age_s, stale)


MOMENTS = st.datetimes(timezones=st.just(UTC))
TIMES = st.none() | MOMENTS
RUNNERS = st.none() | st.builds(
    Runner,
    verdict=st.sampled_from(RunnerVerdict),
    pid=st.none() | st.integers(1, 99999),
    host=st.none() | st.text(max_size=5),
    cancel_rung=st.sampled_from([None, "asked", "term"]),
)


@given(
    status=st.none() | st.sampled_from(["queued", "in_progress", "failed", ""]) | st.text(),
    detail=st.none() | st.text(max_size=20),
    times=st.tuples(TIMES, TIMES, TIMES, TIMES, TIMES, TIMES),
    stale=st.none() | st.integers(1, 10**9),
    runner=RUNNERS,
    probes=st.integers(0, 2),
    waiting=st.builds(Waiting, confirmations=st.integers(-1, 2), paused=st.booleans()),
    now=MOMENTS,
)
def test_no_state_of_the_world_makes_it_raise(
    status: str | None,
    detail: str | None,
    times: tuple[datetime | None, ...],
    stale: int | None,
    runner: Runner | None,
    probes: int,
    waiting: Waiting,
    now: datetime,
) -> None:
    started, updated, completed, heartbeat, file, log = times
    state = run(
        beats=Beats(file, log),
        runner=runner,
        gone_probes=probes,
        status=status,
        status_detail=detail,
        started_at=started,
        updated_at=updated,
        completed_at=completed,
        heartbeat_at=heartbeat,
        stale_after_s=stale,
    )._replace(waiting=waiting)
    derived = derive_state(state, now)
    assert derived.reason
    assert state_of(state, now) == derived.state


@pytest.mark.acceptance(108)
def test_a_killed_node_runner_shows_as_stalled_after_31_seconds() -> None:
    assert derive_state(run(heartbeat_at=ago(seconds=31)), NOW).state == State.STALLED


@given(jumps=st.lists(st.timedeltas(timedelta(days=-400), timedelta(days=400)), max_size=6))
def test_no_jump_of_the_clock_loses_a_run_whose_lock_is_held(jumps: list[timedelta]) -> None:
    now = NOW
    for jump in jumps:
        now += jump
        assert derive_state(run(runner=alive()), now).state in (State.RUNNING, State.STALLED)


def test_on_equal_times_the_manifest_is_the_source() -> None:
    found = newest_activity(facts(heartbeat_at=NOW), Beats(file=NOW, log=NOW))
    assert found is not None
    assert found.source == BeatSource.MANIFEST


@pytest.mark.parametrize(
    ("written", "changes", "expected"),
    [
        (ago(seconds=119), {}, ()),
        (ago(seconds=120), {}, ("QUIET 2:00",)),
        (ago(seconds=139), {}, ("QUIET 2:10",)),
        (ago(hours=2), {}, ("QUIET 2:40",)),  # the stage began 2:45 ago
        (ago(hours=2), {"stage_started_at": None}, ("QUIET 2h00m",)),
        (None, {}, ()),
        (ago(hours=2), {"stage_status": "pending"}, ()),
        (ago(hours=2), {"stage_is_run": True}, ()),
        (ago(hours=2), {"heartbeat_at": ago(seconds=60), "stage_started_at": ago(hours=3)}, ()),
    ],
)
def test_a_run_whose_heart_beats_but_whose_log_stands_still_is_quiet(
    written: datetime | None, changes: dict[str, Any], expected: tuple[str, ...]
) -> None:
    found = derive_state(run(beats=Beats(log=written), **changes), NOW)
    assert tuple(badge for badge in found.badges if badge.startswith("QUIET")) == expected


NOT_BEGUN: dict[str, Any] = {
    "status": "queued",
    "stage_status": "pending",
    "stage_started_at": None,
    "stages_done": 0,
}
BUCKETS: list[tuple[str, dict[str, Any], Waiting, State]] = [
    # what the original's dashboard calls it, the run, what it waits for, the state shown
    ("pending/not-started", {**NOT_BEGUN, "started_at": None}, Waiting(), State.QUEUED),
    ("complete/terminal", {"status": "succeeded", "completed_at": NOW}, Waiting(), State.SUCCEEDED),
    ("complete/terminal", {"status": "failed", "completed_at": NOW}, Waiting(), State.FAILED),
    ("complete/terminal", {"status": "canceled", "completed_at": NOW}, Waiting(), State.CANCELLED),
    ("ongoing/pending-approvals", {}, Waiting(confirmations=1), State.AWAITING),
    ("ongoing/stale-heartbeat", {"heartbeat_at": ago(seconds=31)}, Waiting(), State.STALLED),
    ("active/running", {}, Waiting(), State.RUNNING),
    ("active/running", {"heartbeat_at": ago(seconds=30)}, Waiting(), State.RUNNING),
    ("active/running", {"heartbeat_at": None}, Waiting(), State.RUNNING),
    # ours differ on purpose: nothing has run yet; the manifest's word holds without a time
    ("active/running", {**NOT_BEGUN, "started_at": ago(seconds=1)}, Waiting(), State.QUEUED),
    ("pending/unknown", {"status": "succeeded", "completed_at": None}, Waiting(), State.SUCCEEDED),
]


@pytest.mark.acceptance(77)
@pytest.mark.parametrize(
    ("changes", "waiting", "state"), [row[1:] for row in BUCKETS], ids=[row[0] for row in BUCKETS]
)
def test_each_bucket_of_the_originals_dashboard_has_its_state(
    changes: dict[str, Any], waiting: Waiting, state: State
) -> None:
    seen = with_waiting(run(**changes), waiting)
    assert derive_state(seen, NOW).state == state


@pytest.mark.acceptance(78)
def test_a_run_in_progress_is_running_beside_a_newer_end_of_another() -> None:
    ended = facts(RunKey(KEY.task_id, "older"), status="succeeded", completed_at=NOW)
    fleet = fleet_of(ended, facts())
    assert {key.run_id: state_of(seen, NOW) for key, seen in fleet.runs.items()} == {
        "older": State.SUCCEEDED,
        KEY.run_id: State.RUNNING,
    }
