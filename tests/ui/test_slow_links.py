"""A slow line to the terminal: the screen stays as new as the line allows, and says so."""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from pathlib import Path

from orchestrator_tui.ui.pacing import PacedDriver
from tests.terminals import SlowTerminal
from tests.ui.program import BURST_S

ROOT = Path(__file__).parent.parent.parent
PROGRAM = [sys.executable, "-m", "tests.ui.program", "burst"]
SLOW = 2000.0  # bytes a second
MOST_LATE_S = 12.0


def started(*, answers: bool) -> SlowTerminal:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    terminal = SlowTerminal(PROGRAM, answers=answers, size=(140, 40), environ=environ)
    terminal.until("0951-tui-log-view")
    terminal.until("live")
    terminal.pump(1, lambda: terminal.asked > 1)
    return terminal


def test_over_two_kilobytes_a_second_the_newest_state_comes_soon() -> None:
    with started(answers=True) as terminal:
        terminal.rate = SLOW
        before, begun = len(terminal.raw), time.monotonic()
        os.kill(terminal.pid, signal.SIGUSR1)
        terminal.until("slow link: ", 30)
        terminal.until("the-last-change", BURST_S + MOST_LATE_S)
        assert time.monotonic() - begun < BURST_S + MOST_LATE_S
        assert len(terminal.raw) - before < SLOW * (BURST_S + MOST_LATE_S)
        arrived = len(terminal.raw)
        terminal.pump(2)
        assert len(terminal.raw) - arrived < 2 * SLOW, "nothing waits behind the newest state"
        # A key is answered, and when the line is quick again nothing is said of it.
        terminal.type("?")
        terminal.until("Keys", MOST_LATE_S)
        terminal.type("esc")
        terminal.rate = math.inf
        terminal.until_gone("slow link", 60)
        terminal.type("q")
        assert terminal.wait() == 0


def test_a_terminal_that_is_not_read_for_a_while_gets_the_newest_state_then() -> None:
    with started(answers=False) as terminal:
        before = len(terminal.raw)
        os.kill(terminal.pid, signal.SIGUSR1)
        time.sleep(BURST_S + 1)  # as after ctrl+s: nobody reads
        terminal.until("the-last-change", MOST_LATE_S)
        assert len(terminal.raw) - before < 150_000
        terminal.type("q")
        assert terminal.wait() == 0


def test_a_quick_terminal_is_not_told_to_be_slow() -> None:
    with started(answers=True) as terminal:
        os.kill(terminal.pid, signal.SIGUSR1)
        terminal.until("the-last-change", BURST_S + 5)
        assert terminal.asked > 3
        terminal.type("q")
        assert terminal.wait() == 0


def test_the_driver_is_paced() -> None:
    from tests.ui.test_runs_screen import World

    assert World().app.driver_class is PacedDriver
