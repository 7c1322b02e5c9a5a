"""Bytes that a terminal would obey: none reaches it, from whatever text of a run it came.

First every code point and very many strings go through `safe_text`. Then the program's screens are
shown with a fleet in which every text is hostile, and every cell that would be painted is looked
at: once with the filter before the terminal taken out, so that `safe_text` has to hold alone, once
with `safe_text` taken out, so that the filter has to hold alone, and once, the control, without
both.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from random import Random
from typing import Any, Final
from unittest.mock import patch

import anyio
from textual.pilot import Pilot

from orchestrator_tui.primitives.safe_text import BACKSTOP, safe_lines, safe_text
from orchestrator_tui.records.logs import LogLine, Stream
from orchestrator_tui.records.requests import Refused
from orchestrator_tui.state.observations import ConfigSeen, Observation
from orchestrator_tui.ui.app import OrchTui
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.terminal import Backstop
from prove.harness import Asked, Found
from prove.hostile import hostile_text, spoilt, texts_of
from tests.fakes import NOON, HandClock, ScriptedFeed, ScriptedLauncher, ScriptedLogs
from tests.ui.fleets import (
    APPROVAL,
    CANCELLED,
    CONFIG,
    FAILED,
    GREEN,
    LOST,
    QUEUED,
    RUNNING,
    STALLED,
    YOUNGER,
    fleet,
)

SAMPLES: Final = (RUNNING, YOUNGER, FAILED, GREEN, APPROVAL, STALLED, LOST, CANCELLED, QUEUED)
NEVER_SHOWN: Final = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp", "Cf"})
STRINGS_PER_FLEET: Final = 10_000
SIZE: Final = (140, 40)
SHORT_WALK: Final = 10
LINES_PER_LOG: Final = 400
# Through the screens: lists, previews, tabs, dialogs, the palette, the activity, toasts.
WALK: Final = (
    *("j", "j", "k", "enter", "right_square_bracket", "right_square_bracket"),
    *("right_square_bracket", "right_square_bracket", "right_square_bracket", "T", "P", "i"),
    *("escape", "s", "j", "enter", "escape", "escape", "r", "escape", "x", "enter", "escape"),
    *("X", "escape", "colon", "escape", "5", "escape", "1", "question_mark", "escape"),
    *("y", "escape", "S", "escape", "V", "escape", "P", "escape", "L"),
    *("g", *("pagedown",) * 12, "escape"),
)


def prove(asked: Asked) -> Found:
    """Look at what `safe_text` gives, then at the cells of every screen."""
    found = Found()
    dice = asked.dice()
    found.failures += _code_points()
    found.trials += 0x110000
    for _ in range(asked.trials):
        text = hostile_text(dice)
        for shown in (safe_text(text), *safe_lines(text)):
            if unsafe := _unsafe(shown):
                found.failures.append(f"{text!r} is shown with {unsafe!r}")
    found.trials += asked.trials
    rounds = max(1, asked.trials // STRINGS_PER_FLEET)
    walk = WALK if asked.trials >= STRINGS_PER_FLEET else WALK[:SHORT_WALK]
    screens = 0
    for number in range(rounds):
        seed = asked.seed + number
        for sanitise, backstop in ((True, False), (False, True)):
            leaks, seen = anyio.run(_leaks, Random(seed), sanitise, backstop, walk)
            found.failures += leaks
            screens += seen
    found.figures = (
        f"every code point, {asked.trials:,} strings, {screens} looks at whole screens "
        "with one of the two protections each"
    )
    leaks, _ = anyio.run(_leaks, asked.dice(), False, False, WALK[:SHORT_WALK])
    found.caught(leaks, "safe texts and the filter before the terminal")
    return found


def _code_points() -> list[str]:
    faults = []
    for start in range(0, 0x110000, 0x1000):
        block = "".join(map(chr, range(start, start + 0x1000)))
        if unsafe := _unsafe(safe_text(block, limit=10 * len(block))):
            faults.append(f"{unsafe!r} is let through")
    return faults


def _unsafe(text: str) -> str:
    return "".join(
        char for char in set(text) if unicodedata.category(char) in NEVER_SHOWN
    ) or "".join(BACKSTOP.findall(text))


async def _leaks(
    dice: Random, sanitise: bool, backstop: bool, keys: Sequence[str]
) -> tuple[list[str], int]:
    """Walk through the screens; return what would reach the terminal, and how often was looked."""
    with ExitStack() as faults:
        if not sanitise:
            faults.enter_context(_unsanitised())
        app = _app(dice)
        if not backstop:
            app._filters[:] = [each for each in app._filters if not isinstance(each, Backstop)]
        leaks: list[str] = []
        looks = 0
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            for key in keys:
                await pilot.press(key)
                await pilot.pause(0.02)
                looks += 1
                leaks += [f"after {key}: {text!r}" for text in _raw(pilot)]
        return leaks, looks


def _raw(pilot: Pilot[Any]) -> Iterator[str]:
    """Yield the texts on the screen that a terminal would obey."""
    for strip in pilot.app.screen._compositor.render_strips():
        for segment in strip:
            if not segment.control and BACKSTOP.search(segment.text):
                yield segment.text


def _app(dice: Random) -> OrchTui:
    texts = texts_of(dice)
    seen: Sequence[Observation] = (*fleet(*SAMPLES), ConfigSeen(CONFIG))
    logs = ScriptedLogs()
    for sample in SAMPLES:
        for stage in range(1, sample.of + 1):
            lines = (LogLine(Stream.STDOUT, next(texts), NOON) for _ in range(LINES_PER_LOG))
            logs.add(sample.key, stage, *lines)
    return OrchTui(
        feed=ScriptedFeed(tuple(spoilt(each, texts) for each in seen)),
        logs=logs,
        launcher=ScriptedLauncher(Refused(next(texts))),
        clock=HandClock(),
        options=ScreenOptions(place=next(texts), runs_dir=next(texts), repo=next(texts)),
    )


@contextmanager
def _unsanitised() -> Iterator[None]:
    """Take the protection out: every text is shown as it is, wherever it is made safe."""
    stand_ins: dict[Callable[..., object], Callable[..., object]] = {
        safe_text: lambda text, **_: text,
        safe_lines: lambda text, **_: tuple(text.split("\n")),
    }
    with ExitStack() as patches:
        for module in list(sys.modules.values()):
            if not getattr(module, "__name__", "").startswith("orchestrator_tui"):
                continue
            for real, stand_in in stand_ins.items():
                if getattr(module, real.__name__, None) is real:
                    patches.enter_context(patch.object(module, real.__name__, stand_in))
        yield
