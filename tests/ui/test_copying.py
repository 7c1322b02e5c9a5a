"""Copying: what is offered, what reaches the terminal, and that it is told."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from orchestrator_tui.primitives.safe_text import BACKSTOP
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.reducer import observe
from orchestrator_tui.ui.app import OrchTui
from orchestrator_tui.ui.clipboard import (
    Between,
    between,
    clipboard_sequence,
    copied_words,
    fit_to_copy,
)
from orchestrator_tui.ui.copying import Piece, copied_lines, copy_choices, copy_source
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.ports import LogTextWish, WrittenText
from orchestrator_tui.ui.screens.copying import CopyMenu
from orchestrator_tui.ui.screens.run import RunScreen
from orchestrator_tui.ui.widgets.choice_list import ChoiceList
from orchestrator_tui.ui.widgets.log_view import LogView
from tests.fakes import NOON, HandClock, ScriptedFeed, ScriptedLauncher, ScriptedLogs
from tests.terminals import RealTerminal
from tests.ui.fleets import FAILED, HOSTILE, RUNNING, Sample, fleet, output_of_tests
from tests.ui.run_apps import until

ROOT = Path(__file__).parent.parent.parent
OSC_52 = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07")
PASSED_ON = re.compile(rb"\x1bPtmux;\x1b\x1b\]52;c;([A-Za-z0-9+/=]+)\x07\x1b\\")


class ScriptedShelf:
    """A `TextShelf` in memory."""

    def __init__(self, log: Path | None = None) -> None:
        self.copies: list[str] = []
        self.wishes: list[LogTextWish] = []
        self.sources: list[tuple[str, str]] = []
        self.log = log

    async def keep_copy(self, text: str) -> WrittenText:
        self.copies.append(text)
        return WrittenText("/run/user/1/orch-tui/last-copy.txt")

    async def write_log(self, wish: LogTextWish) -> WrittenText:
        self.wishes.append(wish)
        if self.log is None:
            return WrittenText(problem="the disk is full")
        return WrittenText(str(self.log), wish.after_mark + 1)

    async def source_path(self, name: str, folder: str) -> WrittenText:
        self.sources.append((name, folder))
        return WrittenText(problem=f"There is no file {name} in this repository.")

    async def show_file(self, name: str) -> WrittenText:
        self.sources.append((name, ""))
        return WrittenText(problem="the disk is full")

    async def log_path(self, key: object, stage_index: int) -> str:
        return f"/src/app/.runs/x/commands/{stage_index:02}.ndjson"


class CopyWorld:
    """The program with one run open, and what it was told to copy."""

    def __init__(self, sample: Sample, between: Between = Between.NOTHING) -> None:
        self.shelf = ScriptedShelf()
        self.logs = ScriptedLogs()
        self.logs.add(sample.key, sample.done + 1, *output_of_tests())
        self.said: list[str] = []
        self.app = OrchTui(
            feed=ScriptedFeed(fleet(sample)),
            logs=self.logs,
            launcher=ScriptedLauncher(),
            clock=HandClock(),
            options=ScreenOptions(repo="/src/app", between=between),
            shelf=self.shelf,
        )

    async def open(self, pilot: Pilot[None]) -> LogView:
        await until(pilot, lambda: self.app.runs_screen.table.selected is not None)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(self.app.screen, RunScreen))
        log = self.app.screen.query_one(LogView)
        await until(pilot, lambda: bool(log.lines.window.shown))
        log.lines.focus()
        await pilot.pause()
        return log

    @property
    def told(self) -> str:
        return "\n".join(note.message for note in self.app._notifications)


# --- the bytes ----------------------------------------------------------------------------------


def decoded(sequence: str) -> list[str]:
    return [base64.b64decode(found).decode() for found in OSC_52.findall(sequence.encode())]


def test_a_copy_for_the_bare_terminal_is_one_sequence() -> None:
    sequence = clipboard_sequence("naïve\nlines", Between.NOTHING)
    assert sequence is not None
    assert decoded(sequence) == ["naïve\nlines"]
    assert sequence.count("\x1b") == 1


def test_tmux_gets_a_copy_for_either_of_its_settings() -> None:
    sequence = clipboard_sequence("text", Between.TMUX)
    assert sequence is not None
    assert decoded(sequence) == ["text"] * 2
    (handed_on,) = PASSED_ON.findall(sequence.encode())
    assert base64.b64decode(handed_on) == b"text"


@given(st.text(max_size=3000))
def test_screen_gets_a_copy_in_strings_that_it_takes(text: str) -> None:
    text = fit_to_copy(text.split("\n"))
    sequence = clipboard_sequence(text, Between.SCREEN)
    assert sequence is not None
    pieces = re.findall(r"\x1bP(.*?)\x1b\\", sequence, re.DOTALL)
    assert all(len(piece) <= 252 for piece in pieces)
    assert decoded("".join(pieces) + "") == ([text] if text else [])


def test_a_text_that_terminals_would_cut_is_not_sent_but_told() -> None:
    assert clipboard_sequence("x" * 60_000, Between.NOTHING) is None
    words = copied_words("the log", "x" * 60_000, sent=False, between=Between.TMUX, kept="in f")
    assert words == "Not sent to the terminal: the log, 1 line, has 58.6 KiB, too much; in f"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TERM": "xterm-256color"}, Between.NOTHING),
        ({"TERM": "tmux-256color"}, Between.TMUX),
        ({"TERM": "screen-256color", "TMUX": "/tmp/tmux-0/default,1,0"}, Between.TMUX),
        ({"TERM": "screen-256color"}, Between.SCREEN),
        ({"TERM": "xterm", "STY": "7.pts-0"}, Between.SCREEN),
        ({}, Between.NOTHING),
    ],
)
def test_what_stands_between_is_told_by_the_environment(
    environ: dict[str, str], expected: Between
) -> None:
    assert between(environ) is expected


@given(st.text(max_size=200))
def test_nothing_that_a_terminal_obeys_is_copied(text: str) -> None:
    copied = fit_to_copy([text, HOSTILE])
    assert not BACKSTOP.search(copied.replace("\n", ""))


# --- the pieces ---------------------------------------------------------------------------------


def test_what_is_not_there_is_refused_with_the_reason() -> None:
    source = copy_source(observe(Fleet(), fleet(RUNNING)), RUNNING.key, 4, None, "/src/app", NOON)
    assert source is not None
    refusals = {choice.key: choice.refusal for choice in copy_choices(source)}
    assert refusals[Piece.CARD] == "no stage has failed"
    assert refusals[Piece.PATH] == "this stage has no log of its own"
    assert refusals[Piece.COMMAND] is None


def test_a_failed_stage_is_copied_as_steps_and_as_a_card() -> None:
    source = copy_source(observe(Fleet(), fleet(FAILED)), FAILED.key, 2, None, "/src/my app", NOON)
    assert source is not None
    _, steps = copied_lines(source, Piece.REPRODUCE)
    assert steps[1:] == ["cd '/src/my app'", "make build"]
    assert steps[0].startswith("# stage 2 build of diagnostics, run ")
    _, card = copied_lines(source, Piece.CARD)
    assert card[0] == "### diagnostics: stage 2 build exit 2"
    assert "- command: `make build`" in card
    assert card[-1] == "````"


# --- the keys -----------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_key_in_the_menu_copies_at_once_and_says_how() -> None:
    world = CopyWorld(RUNNING, Between.TMUX)
    async with world.app.run_test(size=(100, 30)) as pilot:
        await world.open(pilot)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(world.app.screen, CopyMenu))
        await pilot.press("c")
        await until(pilot, lambda: world.shelf.copies == ["make test"])
        await until(pilot, lambda: "Copied the command, by OSC 52" in world.told)
    assert "also in /run/user/1/orch-tui/last-copy.txt" in world.told
    assert "tmux: set-clipboard" in world.told


@pytest.mark.anyio
async def test_the_manifest_is_copied_as_json_without_its_token() -> None:
    world = CopyWorld(RUNNING)
    async with world.app.run_test(size=(100, 30)) as pilot:
        await world.open(pilot)
        await until(pilot, lambda: bool(world.app.fleet.details))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(world.app.screen, CopyMenu))
        await pilot.press("j")
        await until(pilot, lambda: bool(world.shelf.copies))
    copied = json.loads(world.shelf.copies[-1])
    assert copied["run_id"] == RUNNING.key.run_id
    assert copied.get("resume_token") in (None, "(hidden)")


@pytest.mark.anyio
async def test_a_refused_piece_keeps_the_menu_open_and_says_why() -> None:
    world = CopyWorld(RUNNING)
    async with world.app.run_test(size=(100, 30)) as pilot:
        await world.open(pilot)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(world.app.screen, CopyMenu))
        await pilot.press("e")
        await pilot.pause()
        chosen = world.app.screen.query_one(ChoiceList).chosen
        assert isinstance(world.app.screen, CopyMenu)
        assert chosen is not None and chosen.key == Piece.CARD
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(world.app.screen, RunScreen))
    assert world.shelf.copies == []


@pytest.mark.anyio
@pytest.mark.parametrize("last", ["y", "enter"])
async def test_lines_are_selected_and_copied(last: str) -> None:
    world = CopyWorld(RUNNING)
    async with world.app.run_test(size=(100, 30)) as pilot:
        log = await world.open(pilot)
        await pilot.press("G", "k", "k", "v", "k", "k")
        chosen = log.lines.selected_lines
        assert len(chosen) == 3
        styles = [next(iter(log.lines.render_line(y))).style for y in range(22)]
        grounds = [style.bgcolor if style else None for style in styles]
        assert [y for y in range(22) if grounds[y] != grounds[0]] == [19, 20, 21]
        await pilot.press(last)
        await until(pilot, lambda: bool(world.shelf.copies))
        assert not log.lines.is_selecting
        assert isinstance(world.app.screen, RunScreen)
    assert world.shelf.copies == [fit_to_copy(chosen)]


@pytest.mark.anyio
async def test_esc_selects_nothing_and_stays_on_the_screen() -> None:
    world = CopyWorld(RUNNING)
    async with world.app.run_test(size=(100, 30)) as pilot:
        log = await world.open(pilot)
        await pilot.press("v", "k", "escape")
        assert not log.lines.is_selecting
        assert isinstance(world.app.screen, RunScreen)
    assert world.shelf.copies == []


# --- a real terminal ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "times"),
    [
        (["TERM=xterm-256color"], 1),
        (["TERM=tmux-256color"], 2),
        (["TERM=screen-256color", "TMUX=/tmp/tmux-0/default,7,0"], 2),
    ],
    ids=["xterm", "tmux", "tmux-as-screen"],
)
def test_a_copy_reaches_the_terminal_as_bytes(told: list[str], times: int) -> None:
    outside = {name: value for name, value in os.environ.items() if name not in ("TMUX", "STY")}
    command = ["/usr/bin/env", *told, sys.executable, "-m", "tests.ui.program"]
    environ = {**outside, "PYTHONPATH": str(ROOT)}
    with RealTerminal(command, size=(100, 30), environ=environ) as terminal:
        terminal.until("0951-tui-log-view")
        terminal.type("enter")
        terminal.until("Stages")
        terminal.type("y")
        terminal.until("Run id")
        terminal.type("i")
        terminal.until("Copied the run id")
        raw = bytes(terminal.raw)
    found = OSC_52.findall(raw)
    assert [base64.b64decode(each).decode() for each in found] == [RUNNING.key.run_id] * times
    assert len(PASSED_ON.findall(raw)) == times - 1


def test_the_mouse_is_left_to_the_terminal_and_taken_back() -> None:
    command = [sys.executable, "-m", "tests.ui.program"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with RealTerminal(command, size=(100, 30), environ=environ) as terminal:
        terminal.until("0951-tui-log-view")
        begun = len(terminal.raw)
        terminal.type("M")
        terminal.until("The mouse is the terminal")
        told = bytes(terminal.raw[begun:])
        assert b"\x1b[?1000l\x1b[?1003l" in told
        assert b"\x1b[?1000h" not in told
        terminal.type("M")
        terminal.until("The mouse works in")
        assert b"\x1b[?1000h\x1b[?1003h" in bytes(terminal.raw[begun:])
