"""When stages ran, and when those to come may be expected."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from orchestrator_tui.state.estimates import Estimate
from orchestrator_tui.state.run_view import StageRow, StageState
from orchestrator_tui.state.timeline import MOST_STEPS, Timeline, timeline
from tests.state.values import NOW

LENGTHS = st.none() | st.floats(0, 1e6)


def stage(
    state: StageState,
    begin_s: float = 0,
    length_s: float | None = None,
    usual_s: float | None = None,
) -> StageRow:
    """Return a stage that began `begin_s` after `NOW` and took `length_s`."""
    begun = None if length_s is None else NOW + timedelta(seconds=begin_s)
    return StageRow(
        index=1,
        id="s",
        title="Stage",
        state=state,
        word="",
        elapsed="",
        elapsed_s=length_s,
        started_at=begun,
        ended_at=None,
        command=None,
        summary="",
        is_subpipeline=False,
        child=None,
        usual=None if usual_s is None else Estimate(usual_s, usual_s, 3),
    )


DONE = stage(StageState.SUCCEEDED, 0, 60)
RUNNING = stage(StageState.RUNNING, 60, 30, 100)


def spans(found: Timeline | None) -> list[tuple[float | None, float | None, float | None]]:
    assert found is not None
    return [(bar.begin_s, bar.end_s, bar.expected_end_s) for bar in found.bars]


def test_stages_to_come_are_expected_one_after_the_other() -> None:
    found = timeline((DONE, RUNNING, stage(StageState.PENDING, usual_s=20)))
    assert spans(found) == [(0, 60, None), (60, 90, 160), (160, None, 180)]
    assert found is not None
    assert (found.now_s, found.expected_s, found.length_s, found.step_s) == (90, 180, 180, 30)


def test_nothing_is_expected_after_a_stage_of_unknown_length() -> None:
    new, known = stage(StageState.PENDING), stage(StageState.PENDING, usual_s=20)
    found = timeline((RUNNING, new, known))
    assert spans(found) == [(0, 30, 100), (None, None, None), (None, None, None)]
    assert found is not None and found.expected_s is None


def test_a_stage_that_takes_longer_than_usual_ends_now_at_the_earliest() -> None:
    found = timeline((stage(StageState.RUNNING, 0, 500, 100),))
    assert spans(found) == [(0, 500, 500)]


def test_a_run_that_has_ended_expects_nothing() -> None:
    failed = stage(StageState.FAILED, 60, 5, 100)
    found = timeline((DONE, failed, stage(StageState.PENDING, usual_s=20)))
    assert spans(found) == [(0, 60, None), (60, 65, None), (None, None, None)]


def test_kept_stages_do_not_stretch_the_scale() -> None:
    found = timeline((stage(StageState.KEPT, -90_000, 60), RUNNING))
    assert spans(found) == [(None, None, None), (0, 30, 100)]


def test_there_is_none_before_a_stage_has_begun() -> None:
    assert timeline((stage(StageState.PENDING, usual_s=20),)) is None
    assert timeline(()) is None


@given(
    st.lists(
        st.builds(stage, st.sampled_from(StageState), st.floats(0, 1e6), LENGTHS, LENGTHS),
        max_size=8,
    )
)
def test_every_bar_lies_within_the_scale(stages: list[StageRow]) -> None:
    found = timeline(stages)
    if found is None:
        return
    assert found.step_s > 0 and 0 < found.length_s <= found.step_s * (MOST_STEPS + 1)
    for begin_s, end_s, expected_s in spans(found):
        ends = [each for each in (begin_s, end_s, expected_s) if each is not None]
        assert ends == sorted(ends) and all(0 <= each <= found.length_s for each in ends)
