"""A display that stands still: the terminal's own screen, and the way back."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.terminals import RealTerminal

ROOT = Path(__file__).parent.parent.parent
PROGRAM = [sys.executable, "-m", "tests.ui.program", "burst"]
ALTERNATE_ON, ALTERNATE_OFF = b"\x1b[?1049h", b"\x1b[?1049l"
MOUSE_ON, MOUSE_OFF = b"\x1b[?1000h", b"\x1b[?1000l"


def frozen() -> RealTerminal:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    terminal = RealTerminal(PROGRAM, size=(100, 30), environ=environ)
    terminal.until("0951-tui-log-view")
    terminal.until("live")
    terminal.type("p")
    terminal.until("FROZEN at ")
    return terminal


def is_in_alternate(terminal: RealTerminal) -> bool:
    return terminal.raw.rfind(ALTERNATE_ON) > terminal.raw.rfind(ALTERNATE_OFF)


def has_mouse(terminal: RealTerminal) -> bool:
    return terminal.raw.rfind(MOUSE_ON) > terminal.raw.rfind(MOUSE_OFF)


def test_nothing_is_painted_until_it_goes_on_with_the_newest_state() -> None:
    with frozen() as terminal:
        assert not is_in_alternate(terminal)
        assert not has_mouse(terminal)
        assert "p resumes" in terminal.text
        assert "0951-tui-log-view" in terminal.text, "the last picture stands there as text"
        before = len(terminal.raw)
        os.kill(terminal.pid, signal.SIGUSR1)
        terminal.pump(3)
        painted = bytes(terminal.raw[before:]).replace(b"\x1b]2;", b"")
        assert len(painted) < 200, "at most the title of the window"
        terminal.type("x")
        terminal.until("still FROZEN")
        terminal.type("p")
        terminal.until("the-last-change")
        assert is_in_alternate(terminal)
        assert has_mouse(terminal)
        terminal.type("q")
        assert terminal.wait() == 0


def test_escape_and_q_resume_too_and_do_no_more() -> None:
    for key in ("esc", "q"):
        with frozen() as terminal:
            terminal.type(key)
            terminal.pump(10, lambda: is_in_alternate(terminal))
            assert is_in_alternate(terminal)
            terminal.until("sort: attention")
            terminal.type("q")
            assert terminal.wait() == 0


def test_the_program_can_be_ended_while_all_stands_still() -> None:
    with frozen() as terminal:
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.wait(5) == 143
        assert not is_in_alternate(terminal)
        assert not has_mouse(terminal)
