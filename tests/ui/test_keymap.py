"""Other keys for bindings: what can be wished, and what the screens then say and do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from textual.binding import Binding
from textual.screen import ModalScreen, Screen

from orchestrator_tui.ui import keys as keys_module
from orchestrator_tui.ui.keymap import ON_SCREENS, all_bindings, check_keymap, normal_key, shown_key
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.screens.ending import CancelDialog
from orchestrator_tui.ui.screens.help import HelpDialog
from orchestrator_tui.ui.warming import load_the_rest
from orchestrator_tui.ui.widgets.bars import FooterBar, HeaderCounts
from tests.ui.fleets import BUSY, RUNNING, fleet
from tests.ui.test_runs_screen import WIDE, World, select

# Terminals, shells, multiplexers and editors take these before a program sees them.
NEVER_BOUND = {
    *(f"ctrl+{letter}" for letter in "abhijmnoqstwz"),
    *("ctrl+backslash", "ctrl+left_square_bracket", "ctrl+space", "ctrl+enter"),
    *("f1", "f10", "f11", "shift+up", "shift+down", "shift+left", "shift+right"),
    *("shift+pageup", "shift+pagedown"),
    *("ctrl+up", "ctrl+down", "ctrl+left", "ctrl+right"),
}


def test_no_key_that_something_else_takes_is_bound() -> None:
    for name, group in vars(keys_module).items():
        for binding in group if name.endswith("_KEYS") else ():
            assert isinstance(binding, Binding)
            bound = set(binding.key.split(","))
            is_theirs = binding.id == "app.suspend"  # which does with ctrl+z what shells mean by it
            assert not bound & NEVER_BOUND or is_theirs, binding
            assert not any(key.startswith("alt+") or "ctrl+shift+" in key for key in bound)


def test_every_binding_has_an_id() -> None:
    for name, group in vars(keys_module).items():
        for binding in group if name.endswith("_KEYS") else ():
            assert isinstance(binding, Binding)
            assert binding.id, binding


def kinds_of(kind: type[Screen[Any]]) -> Iterator[type[Screen[Any]]]:
    for each in kind.__subclasses__():
        yield each
        yield from kinds_of(each)


def test_conflicts_are_looked_for_on_every_screen() -> None:
    """Groups that no conflict is looked for in are those of dialogs, whose keys are fixed."""
    load_the_rest()
    dialogs = [each.BINDINGS for each in kinds_of(ModalScreen)]
    dialogs += [keys_module.PIECE_KEYS, keys_module.ANSWER_KEYS]  # of lists within them
    for name, group in vars(keys_module).items():
        if name.endswith("_KEYS") and name.removesuffix("_KEYS").lower() not in ON_SCREENS:
            assert any(group is each for each in dialogs), name


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("K", "K"),
        ("?", "question_mark"),
        ("+", "plus"),
        ("esc", "escape"),
        ("PgDn", "pagedown"),
        ("shift+a", "A"),
        ("Ctrl+X", "ctrl+x"),
        ("f12", "f12"),
        ("é", "é"),
        ("slash", "slash"),
        ("nonsense", None),
        ("ctrl+", None),
        ("", None),
        ("\x1b", None),
    ],
)
def test_keys_are_read_as_a_person_writes_them(written: str, key: str | None) -> None:
    assert normal_key(written) == key


def test_every_key_of_the_program_can_be_wished_as_it_is_shown() -> None:
    for bound in all_bindings():
        for key in bound.keys:
            assert normal_key(shown_key(key)) == key


def test_two_bindings_may_change_places() -> None:
    checked = check_keymap({"run.cancel": "s", "run.start": "x"})
    assert not checked.conflicts
    assert checked.keymap == {"run.cancel": "s", "run.start": "x"}


def test_a_key_of_another_screen_is_no_conflict() -> None:
    assert not check_keymap({"run.start": "w"}).conflicts  # wraps lines, in logs only


def edges(world: World) -> str:
    return " ".join(str(pane.border_subtitle) for pane in world.app.screen.query("RunPreview *"))


@pytest.mark.anyio
async def test_other_keys_work_and_stand_in_footer_and_help() -> None:
    options = ScreenOptions(keymap={"run.cancel": "ctrl+x"})
    world = World(fleet(*BUSY), options=options)
    async with world.app.run_test(size=WIDE) as pilot:
        await select(pilot, world, RUNNING.key)
        footer = world.app.screen.query_one(FooterBar)
        assert ("ctrl+x", "cancel") in footer.view.keys
        assert "enter open   ctrl+x cancel" in edges(world)
        await pilot.press("question_mark")
        assert isinstance(world.app.screen, HelpDialog)
        assert any(keys == "ctrl+x" for _, keys, _ in world.app.screen._rows)
        await pilot.press("escape", "x")
        assert world.is_home
        await pilot.press("ctrl+x")
        assert isinstance(world.app.screen, CancelDialog)


@pytest.mark.anyio
async def test_read_only_screens_have_no_key_that_acts_and_say_so() -> None:
    world = World(fleet(*BUSY), options=ScreenOptions(read_only=True, place="~/app"))
    async with world.app.run_test(size=WIDE) as pilot:
        await select(pilot, world, RUNNING.key)
        footer = world.app.screen.query_one(FooterBar)
        words = {word for _, word in footer.view.keys}
        assert not words & {"start", "again", "cancel"}
        assert "cancel" not in edges(world)
        await pilot.press("s", "r", "x", "X")
        assert world.is_home
        told = list(world.app._notifications)
        assert len(told) == 4
        assert all("read-only" in each.message for each in told)
        world.app.ask_cancel((RUNNING.key,))
        await pilot.pause()
        assert len(world.app._notifications) == 5
        assert world.launcher.requests == []


@pytest.mark.anyio
@pytest.mark.parametrize("size", [(60, 15), (80, 24), (140, 40)])
async def test_the_header_says_that_screens_are_read_only(size: tuple[int, int]) -> None:
    world = World(fleet(*BUSY), options=ScreenOptions(read_only=True))
    async with world.app.run_test(size=size) as pilot:
        await select(pilot, world, RUNNING.key)
        for press in ("1", "5"):
            await pilot.press(press)
            await pilot.pause()
            header = world.app.screen.query_one(HeaderCounts)
            assert "read-only" in header.render_line(0).text
