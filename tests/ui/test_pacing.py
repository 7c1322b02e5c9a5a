"""How the pace follows what the line to the terminal can carry."""

from __future__ import annotations

import pytest

from orchestrator_tui.ui.pacing import FRAME_S, GIVE_UP_S, NEAR_FRAME_S, SLOWEST_S, Pace


class Line:
    """A line on which a frame takes `takes_s`, and its answer `far_s` more."""

    def __init__(self, takes_s: float, *, answers: bool = True, far_s: float = 0.0) -> None:
        self.now = 100.0
        self.takes_s = takes_s
        self.far_s = far_s
        self.answers = answers
        self.pace = Pace()

    def frames(self, count: int) -> None:
        """Send frames one after the other, each as early as the pace allows."""
        for _ in range(count):
            while (wait_s := self.pace.wait_s(self.now)) > 0:
                self.now += wait_s
            self.pace.sent(self.now)
            self.now += self.takes_s
            self.pace.taken(self.takes_s)
            self.now += self.far_s
            if self.answers:
                self.pace.answered(self.takes_s + self.far_s)


def test_a_quick_line_is_painted_on_without_waiting() -> None:
    line = Line(0.01)
    line.frames(50)
    assert not line.pace.is_slow
    assert line.pace.words == ""
    assert line.now - 100 < 0.6


def test_a_far_terminal_is_not_a_slow_one() -> None:
    line = Line(0.01, far_s=0.6)
    line.frames(10)
    assert not line.pace.is_slow
    line.pace.sent(line.now)
    assert line.pace.wait_s(line.now + 0.7) == 0
    assert line.pace.wait_s(line.now + 1.0) > 0, "later than it ever was: wait for it"


@pytest.mark.parametrize("answers", [True, False])
def test_a_slow_line_is_given_time_and_a_quick_one_gets_its_frames_back(answers: bool) -> None:
    line = Line(0.02, answers=answers)
    line.frames(3)
    line.now += 10
    line.takes_s = 0.9
    line.frames(1)
    assert not line.pace.is_slow or not answers, "once may have been the machine"
    line.frames(3)
    assert line.pace.is_slow
    assert 2 * FRAME_S <= line.pace.interval_s <= SLOWEST_S
    assert line.pace.words.startswith("slow link: ")
    line.takes_s = 0.02
    line.frames(60)
    assert not line.pace.is_slow
    assert line.pace.interval_s == FRAME_S


def test_the_words_tell_frames_a_second() -> None:
    pace = Pace()
    pace.is_slow, pace.interval_s = True, 0.5
    assert pace.words == "slow link: 2 fps"
    pace.interval_s = 2.0
    assert pace.words == "slow link: 0.5 fps"


def test_no_frame_is_sent_after_one_that_the_line_has_not_taken() -> None:
    pace = Pace()
    pace.sent(50.0)
    pace.taken(0.0)
    pace.sent(100.0)
    assert pace.wait_s(100.1) == 0, "it may still be on its way"
    assert pace.wait_s(101.0) > 0
    assert pace.wait_s(100.0 + 10 * GIVE_UP_S) > 0


def test_an_answer_that_is_lost_does_not_stop_the_screen() -> None:
    pace = Pace()
    pace.sent(100.0)
    pace.answered(0.01)
    pace.sent(101.0)
    pace.taken(0.0)
    assert pace.wait_s(102.0) > 0
    assert pace.wait_s(101.0 + GIVE_UP_S) == 0
    pace.sent(130.0)
    pace.taken(0.0)
    assert pace.wait_s(131.0) == 0, "it counts as a terminal that does not answer"


def test_as_long_as_the_first_answer_may_come_little_is_sent() -> None:
    pace = Pace()
    pace.sent(100.0)
    pace.taken(0.0)
    assert pace.wait_s(100.2) == 0
    pace.sent(100.6)
    pace.taken(0.0)
    assert pace.wait_s(100.7) > 0
    assert pace.wait_s(101.2) == 0
    pace.sent(110.0)
    pace.taken(0.0)
    assert pace.wait_s(110.1) == 0, "it is one of those that do not answer"


def test_a_near_terminal_that_answers_nothing_is_not_waited_for() -> None:
    for frame_s, waits in ((NEAR_FRAME_S, False), (FRAME_S, True)):
        pace = Pace(frame_s)
        pace.sent(100.0)
        pace.taken(0.0)
        pace.sent(100.6)
        pace.taken(0.0)
        assert (pace.wait_s(100.6) > 0) is waits
