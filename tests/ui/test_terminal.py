"""What reaches a real terminal, how it is left, and what its loss does."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import termios
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from rich.segment import Segment
from textual.color import Color

from orchestrator_tui.ui.terminal import Backstop
from tests.terminals import RealTerminal

ROOT = Path(__file__).parent.parent.parent
PROGRAM = [sys.executable, "-m", "tests.ui.program"]
ALTERNATE_ON, ALTERNATE_OFF = b"\x1b[?1049h", b"\x1b[?1049l"
MOUSE_ON, MOUSE_OFF = b"\x1b[?1000h", b"\x1b[?1000l"
CURSOR_SHOWN = b"\x1b[?25h"


def started(
    *arguments: str, size: tuple[int, int] = (80, 24), ignored: tuple[signal.Signals, ...] = ()
) -> RealTerminal:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    terminal = RealTerminal([*PROGRAM, *arguments], size=size, environ=environ, ignored=ignored)
    terminal.until("0951-tui-log-view")
    return terminal


def assert_left_clean(terminal: RealTerminal) -> None:
    raw = bytes(terminal.raw)
    assert ALTERNATE_ON in raw
    assert raw.rfind(ALTERNATE_OFF) > raw.rfind(ALTERNATE_ON)
    assert raw.rfind(MOUSE_OFF) > raw.rfind(MOUSE_ON)
    assert CURSOR_SHOWN in raw[raw.rfind(ALTERNATE_ON) :]
    # What the shell has shown before comes back with the end of the alternate screen.
    assert b"\x1b[2J" not in raw[raw.rfind(ALTERNATE_OFF) :]


def test_quitting_leaves_the_terminal_clean() -> None:
    with started() as terminal:
        terminal.type("q")
        assert terminal.wait() == 0
        assert_left_clean(terminal)


@pytest.mark.parametrize(
    ("signum", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=["TERM", "HUP"]
)
def test_a_signal_ends_the_screen_and_leaves_the_terminal_clean(
    signum: signal.Signals, status: int
) -> None:
    with started() as terminal:
        os.kill(terminal.pid, signum)
        assert terminal.wait(5) == status
        assert_left_clean(terminal)


def test_who_is_told_to_go_on_without_a_stop_hears_every_key_once_and_ends() -> None:
    with started() as terminal:
        for _ in range(5):
            os.kill(terminal.pid, signal.SIGCONT)
            terminal.pump(0.2)
        terminal.type("/", *"lint")
        terminal.until("filter: lint")
        terminal.type("esc", "esc", "q")
        assert terminal.wait(5) == 0
        assert_left_clean(terminal)
        assert termios.tcgetattr(terminal._fd)[3] & termios.ECHO


@pytest.mark.parametrize("ignored", [(), (signal.SIGHUP,)], ids=["heard", "ignored"])
def test_a_lost_terminal_ends_the_screen(ignored: tuple[signal.Signals, ...]) -> None:
    with started(ignored=ignored) as terminal:
        process = psutil.Process(terminal.pid)
        begun, used = time.monotonic(), sum(process.cpu_times()[:2])
        terminal.hang_up()
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            used = sum(process.cpu_times()[:2]) if process.is_running() else used
            assert time.monotonic() - begun < 20, "the screen stays though its terminal is gone"
            terminal.pump(0.05)
        assert terminal.wait(5) not in (None, 0)


@pytest.mark.parametrize("ignored", [(), (signal.SIGHUP,)], ids=["heard", "ignored"])
def test_a_lost_terminal_leaves_word_of_when_it_was_lost(
    tmp_path: Path, ignored: tuple[signal.Signals, ...]
) -> None:
    state = tmp_path / "state"
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(state)}
    (tmp_path / ".git").mkdir()
    program = [sys.executable, "-m", "orchestrator_tui", "--repo", str(tmp_path)]
    with RealTerminal(program, environ=environ, ignored=ignored) as terminal:
        terminal.until("No runs")
        lost_at = datetime.now(UTC) - timedelta(milliseconds=1)
        terminal.hang_up()
        assert terminal.wait(20) == 129
    (kept,) = state.rglob("last-seen*")
    assert datetime.fromisoformat(json.loads(kept.read_text())["at"]) >= lost_at


def test_a_terminal_that_nobody_reads_does_not_keep_the_screen_from_ending() -> None:
    with started("busy", size=(200, 60)) as terminal:
        # Without a reader the terminal takes some kilobytes, and then every write blocks.
        for columns in range(140, 200):
            terminal.resize(columns, 60)
            time.sleep(0.02)
        os.kill(terminal.pid, signal.SIGTERM)
        begun = time.monotonic()
        while (ended := os.waitpid(terminal.pid, os.WNOHANG))[0] == 0:
            assert time.monotonic() - begun < 20, "the screen waits for a reader"
            time.sleep(0.05)
        terminal.has_ended(ended[1])
        assert terminal.wait() == 143


def test_a_burst_of_sizes_is_survived() -> None:
    with started("busy") as terminal:
        for number in range(100):
            terminal.resize(40 + number % 90, 8 + number % 40)
            terminal.pump(0.01)
        terminal.resize(44, 9)
        terminal.until("Too small: 44x9")
        terminal.resize(100, 30)
        terminal.until("PIPELINE")
        terminal.type("q")
        assert terminal.wait() == 0


def test_hostile_output_reaches_the_terminal_as_harmless_text() -> None:
    with started(size=(140, 40)) as terminal:
        terminal.until("[/] [bold]x[/bold]")
        terminal.until("⟨202E⟩evil")
        raw = bytes(terminal.raw)
    assert b"cHduZWQ" not in raw
    assert "\u202e".encode() not in raw


def test_the_backstop_deletes_what_slips_through() -> None:
    dirty = Segment("a\x1b]52;c;eA==\x07b\u202ec\x9bd")
    (clean,) = Backstop().apply([dirty], Color(0, 0, 0))
    assert clean.text == "a]52;c;eA==bcd"


def test_every_app_carries_the_backstop() -> None:
    from tests.ui.test_runs_screen import World

    assert any(isinstance(each, Backstop) for each in World().app._filters)


def test_after_keys_and_sizes_the_terminal_shows_what_a_new_drawing_shows() -> None:
    with started("busy", size=(100, 30)) as terminal:
        terminal.type("j", "j", "?", "esc", "G", "k", "enter", "esc", "g")
        terminal.resize(90, 26)
        terminal.type("j", "!", "j", "!")
        terminal.pump(1)
        before = _without_times(terminal.text)
        terminal.type("\x0c")
        terminal.pump(1)
        assert _without_times(terminal.text) == before


def _without_times(text: str) -> str:
    return re.sub(r"\s*\d*:?\d+:\d\d\s*", " ", text)


def without_clock(terminal: RealTerminal) -> str:
    return re.sub(r"\d\d:\d\d:\d\d|\d+:\d\d", "", terminal.text)


def test_rows_that_the_terminal_moved_stand_where_a_new_frame_puts_them() -> None:
    """Whole lines are moved, with the frame and the preview that are beside the rows."""
    with started("busy", size=(80, 16)) as terminal:
        keys = "j" * 24 + "k" * 20 + "j" * 14
        terminal.type(*keys)
        assert b"\x1b[r" in terminal.raw
        terminal.pump(0.5)
        moved = without_clock(terminal)
        painted = len(terminal.raw)
        terminal.type("\x0c")
        terminal.pump(5, lambda: len(terminal.raw) > painted + 1000)
        assert without_clock(terminal) == moved
