"""The early frame: runs on the screen before it is loaded, and the terminal given on unharmed."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.color import ColorSystem
from rich.style import Style

from orchestrator_tui.cli.early import color_system
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.placing import Asked
from orchestrator_tui.state.reducer import observe
from orchestrator_tui.ui.colours import PALETTES
from orchestrator_tui.ui.early_frame import Page, early_frame, line_styles
from orchestrator_tui.ui.themes import THEME_NAMES
from tests.fakes import NOON
from tests.terminals import RealTerminal
from tests.ui.fleets import BUSY, FAILED, GREEN, RUNNING, Sample, fleet
from tests.ui.run_apps import until
from tests.ui.test_runs_screen import World
from tests.watch.disk import write_run

PAGE = Page(100, 30, PALETTES["dark"], ColorSystem.TRUECOLOR)
# The program, which loads its screens only once it may.
HELD = """
import importlib.abc, os, sys, time
from orchestrator_tui.cli.main import main

class Hold(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "orchestrator_tui.cli.home":
            while not os.path.exists({go!r}):
                time.sleep(0.01)
            if {fails}:
                raise ImportError("no screens today")

sys.meta_path.insert(0, Hold())
main()
"""
# The program, whose screens do not end when they are told to.
DEAF = """
from orchestrator_tui.cli.main import main
from orchestrator_tui.ui.app import OrchTui

OrchTui.leave = lambda self, status=0: None
main()
"""
READING = "reading"


class Held:
    """The program in a terminal, held where the early frame is all that there is."""

    def __init__(self, folder: Path, *, fails: bool = False) -> None:
        self._go = folder / "go"
        self.command = [sys.executable, "-c", HELD.format(go=str(self._go), fails=fails)]
        self.environ = os.environ | {"HOME": str(folder), "TZ": "UTC"}

    def let_go(self) -> None:
        self._go.touch()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a repository with runs, in which the program is started."""
    roots = Roots(tmp_path, tmp_path / ".runs", tmp_path / "out")
    for sample in (FAILED, GREEN):
        write_run(roots, sample.key)
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def modes_of(terminal: RealTerminal) -> list[object]:
    return list(termios.tcgetattr(terminal._fd))


def rows_of(terminal: RealTerminal, *words: str) -> list[int]:
    lines = terminal.text.split("\n")
    return [next(y for y, line in enumerate(lines) if word in line) for word in words]


def test_runs_are_shown_while_the_screens_are_loaded_and_stay_where_they_are(
    repository: Path,
) -> None:
    held = Held(repository)
    with RealTerminal(held.command, size=(100, 30), environ=held.environ) as terminal:
        terminal.until(READING)
        names = [GREEN.key.task_id, FAILED.key.task_id]
        before = rows_of(terminal, *names)
        assert "[1 Runs]" not in terminal.text
        held.let_go()
        terminal.until("[1 Runs]")
        terminal.until("sort: attention")
        assert rows_of(terminal, *names) == before
        terminal.type("q")
        assert terminal.wait() == 0
    assert terminal.raw.count(b"\x1b[?1049h") == 1
    assert terminal.raw.count(b"\x1b[?1049l") == 1


def test_keys_typed_meanwhile_are_obeyed_and_not_shown(repository: Path) -> None:
    held = Held(repository)
    with RealTerminal(held.command, size=(100, 30), environ=held.environ) as terminal:
        terminal.until(READING)
        terminal.type("?", "Z")
        assert "?Z" not in terminal.text
        held.let_go()
        terminal.until("Keys")
        assert "^[" not in terminal.text


@pytest.mark.parametrize(
    ("how", "status"),
    [
        (signal.SIGTERM, 128 + signal.SIGTERM),
        (signal.SIGHUP, 128 + signal.SIGHUP),
        (signal.SIGQUIT, 128 + signal.SIGQUIT),
        ("ctrl+c", 130),
    ],
)
def test_an_end_before_the_screens_leaves_the_terminal_as_it_was(
    repository: Path, how: signal.Signals | str, status: int
) -> None:
    held = Held(repository)
    with RealTerminal(held.command, size=(100, 30), environ=held.environ) as terminal:
        before = modes_of(terminal)
        terminal.until(READING)
        assert modes_of(terminal) != before
        if isinstance(how, signal.Signals):
            os.kill(terminal.pid, how)
        else:
            terminal.type(how)
        assert terminal.wait() == status
        assert modes_of(terminal) == before
    assert terminal.raw.endswith(b"\x1b[0m\x1b[?1049l\x1b[?25h")


def test_an_interrupt_while_the_terminal_is_being_taken_gives_it_back(repository: Path) -> None:
    for trial in range(6):
        held = Held(repository)
        with RealTerminal(held.command, size=(100, 30), environ=held.environ) as terminal:
            before = modes_of(terminal)
            end = time.monotonic() + 10
            while modes_of(terminal) == before and time.monotonic() < end:
                pass
            os.kill(terminal.pid, signal.SIGINT)
            assert terminal.wait() == 130
            assert modes_of(terminal) == before, f"trial {trial}"


def test_screens_that_do_not_end_leave_the_modes_that_were_there_before_the_frame(
    repository: Path,
) -> None:
    environ = Held(repository).environ
    with RealTerminal([sys.executable, "-c", DEAF], size=(100, 30), environ=environ) as terminal:
        before = modes_of(terminal)
        terminal.until("sort: attention")
        terminal.pump(0.5)
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.wait() == 128 + signal.SIGTERM
        assert modes_of(terminal) == before


def test_an_error_while_the_screens_are_loaded_can_be_read(repository: Path) -> None:
    held = Held(repository, fails=True)
    with RealTerminal(held.command, size=(100, 30), environ=held.environ) as terminal:
        terminal.until(READING)
        held.let_go()
        assert terminal.wait() == 1
        left_at = terminal.raw.index(b"\x1b[?1049l")
        assert b"no screens today" in terminal.raw[left_at:]


@pytest.mark.parametrize("words", [["--view", "mine"], ["--repo", "/nowhere"]])
def test_what_is_not_known_yet_is_not_guessed(repository: Path, words: list[str]) -> None:
    held = Held(repository)
    command = [*held.command, *words]
    with RealTerminal(command, size=(100, 30), environ=held.environ) as terminal:
        terminal.pump(1.0, lambda: READING in terminal.text)
        assert READING not in terminal.text


def test_a_program_in_the_background_takes_no_terminal(repository: Path) -> None:
    held = Held(repository)
    # Job control gives the program a group of its own, which is not the one in front.
    command = ["sh", "-c", f"set -m; {shlex.join(held.command)} & sleep 60"]
    with RealTerminal(command, size=(100, 30), environ=held.environ) as terminal:
        terminal.pump(2.0, lambda: READING in terminal.text)
        assert READING not in terminal.text
        children = Path(f"/proc/{terminal.pid}/task/{terminal.pid}/children").read_text().split()
        states = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][1] for pid in children]
        assert "T" not in states  # stopped for it took what it may not
        for pid in children:
            os.kill(int(pid), signal.SIGKILL)


def test_no_terminal_that_is_too_small_gets_one() -> None:
    seen = observe(Fleet(), fleet(*BUSY))
    for columns, rows in ((59, 30), (100, 14)):
        page = replace(PAGE, columns=columns, rows=rows)
        assert early_frame(seen, Asked(), {}, NOON, place="~", page=page) == ""
    assert early_frame(Fleet(), Asked(), {}, NOON, place="~", page=PAGE) == ""
    assert early_frame(seen, Asked(), {}, NOON, place="~", page=PAGE)


def test_nothing_but_places_styles_and_safe_text_is_written() -> None:
    hostile = "\x1b]52;c;cHduZWQ=\x07\u202e\x9b31m"
    sample = replace(RUNNING, pipeline=hostile)
    frame = early_frame(
        observe(Fleet(), fleet(sample)), Asked(), {}, NOON, place=hostile, page=PAGE
    )
    rest = re.sub(r"\x1b\[(\d+;1H|[\d;]*m)", "", frame)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202e]", rest)


SIZES = [
    *((60, 20), (79, 30), (80, 16), (80, 24), (100, 20), (100, 21), (119, 50)),
    *((120, 20), (120, 34), (200, 60)),
]


@pytest.mark.parametrize("count", [3, 8, 60])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.anyio
async def test_the_table_has_as_many_lines_as_it_will_have(
    size: tuple[int, int], count: int
) -> None:
    world = World(fleet(*many(count)))
    async with world.app.run_test(size=size) as pilot:
        await until(pilot, lambda: world.table.size.height > 0)
        page = replace(PAGE, columns=size[0], rows=size[1])
        assert page.table_rows(count) == world.table.size.height


def many(count: int) -> list[Sample]:
    return [replace(GREEN, started_s=GREEN.started_s + number) for number in range(count)]


@pytest.mark.parametrize("word", PALETTES)
@pytest.mark.anyio
async def test_its_colours_are_those_of_the_theme(word: str) -> None:
    world = World(fleet(*BUSY))
    async with world.app.run_test() as pilot:
        world.app.theme = THEME_NAMES[word]
        await pilot.pause()
        for name, style in line_styles(PALETTES[word]).items():
            if name:
                assert is_like(style, world.app.style_named(name)), name


def is_like(one: Style, other: Style) -> bool:
    """Tell whether styles look the same; Textual's sum of a colour may be one off."""

    def numbers(style: Style) -> list[int]:
        colours = (style.color, style.bgcolor)
        return [n for c in colours for n in (c.get_truecolor() if c else (-9, -9, -9))]

    near = all(abs(a - b) <= 1 for a, b in zip(numbers(one), numbers(other), strict=True))
    return near and (bool(one.bold), bool(one.dim)) == (bool(other.bold), bool(other.dim))


@pytest.mark.parametrize(
    ("environ", "system"),
    [
        ({"COLORTERM": "truecolor", "TERM": "xterm"}, ColorSystem.TRUECOLOR),
        ({"TERM": "screen-256color"}, ColorSystem.EIGHT_BIT),
        ({"TERM": "linux"}, ColorSystem.STANDARD),
        ({"COLORTERM": "yes", "TERM": "xterm-kitty"}, ColorSystem.EIGHT_BIT),
    ],
)
def test_colours_are_told_as_the_terminal_knows_them(
    environ: dict[str, str], system: ColorSystem
) -> None:
    assert color_system(environ) is system


@pytest.mark.parametrize("command", ["{}", "sh -c '{}; echo over'"])
def test_ctrl_z_goes_to_the_shell_and_fg_comes_back(repository: Path, command: str) -> None:
    program = f"{sys.executable} -m orchestrator_tui"
    environ = os.environ | {"HOME": str(repository), "PS1": "at your service> "}
    shell = ["bash", "--norc", "-i"]
    with RealTerminal(shell, size=(100, 30), environ=environ) as terminal:
        terminal.until("at your service>")
        terminal.type(command.format(program), "enter")
        terminal.until("live")
        for _ in range(2):
            terminal.type("\x1a")
            terminal.until("Stopped")
            terminal.type("echo $((6*7))", "enter")
            terminal.until("42")
            terminal.type("fg", "enter")
            terminal.until("live")
            assert FAILED.key.task_id in terminal.text
        terminal.type("q")
        terminal.until("at your service>")
