"""A change is shown soon: what waits for a frame, and how long."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from textual.app import App
from textual.screen import UPDATE_PERIOD, Screen

from orchestrator_tui.records.life import Beats
from orchestrator_tui.state.observations import BeatsSeen, RunSeen
from orchestrator_tui.ui import commands
from orchestrator_tui.ui import screens as screens_package
from orchestrator_tui.ui.frames import FRAMES_AHEAD, FrameBudget, FrameTimer, PaintsSoon
from tests.ui.fleets import RUNNING, STALLED, Sample, fleet
from tests.ui.test_runs_screen import World, until

INTERVAL_S = 0.25


class HandLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes at once, by the time that is waited for."""

    _now = 1000.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        waiting: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        if not self._ready and waiting:  # type: ignore[attr-defined]
            self._now = max(self._now, waiting[0].when())
        super()._run_once()  # type: ignore[misc]


def ticks_of(*resumed_at: float) -> list[float]:
    """Return when a timer ticks that is resumed at some times, all from its start."""
    loop = HandLoop()
    ticked: list[float] = []

    async def resume() -> None:
        begun = loop.time()

        class Timer(FrameTimer):
            async def _tick(self, *, next_timer: float, count: int) -> None:
                ticked.append(round(loop.time() - begun, 6))
                self.pause()

        timer = Timer(App(), INTERVAL_S, pause=True)
        timer._start()
        for at in resumed_at:
            await asyncio.sleep(begun + at - loop.time())
            timer.resume()
        await asyncio.sleep(10 * INTERVAL_S)
        timer.stop()

    try:
        loop.run_until_complete(resume())
    finally:
        loop.close()
    return ticked


def test_after_a_quiet_time_two_frames_come_at_once_and_then_one_an_interval() -> None:
    assert ticks_of(0.01) == [0.01]
    assert ticks_of(0.0, 0.01) == [0.0, 0.01]
    assert ticks_of(0.0, 0.01, 0.02, 0.24) == [0.0, 0.01, 0.25]
    assert ticks_of(0.0, 0.01, 0.26, 0.27) == [0.0, 0.01, 0.26, 0.5]
    assert ticks_of(0.0, 5.1, 5.2) == [0.0, 5.1, 5.2]


def screens(kind: type[Screen[Any]]) -> Iterator[type[Screen[Any]]]:
    """Yield all screens of the program."""
    for each in kind.__subclasses__():
        if each.__module__.startswith("orchestrator_tui."):
            yield each
        yield from screens(each)


def test_every_screen_is_painted_in_this_way() -> None:
    for module in pkgutil.iter_modules(screens_package.__path__):
        importlib.import_module(f"{screens_package.__name__}.{module.name}")
    found = set(screens(Screen))
    assert len(found) > 10
    assert commands.Palette in found
    assert not {each.__name__ for each in found if not issubclass(each, PaintsSoon)}
    own = vars(PaintsSoon)["_update_timer"]
    assert all(inspect.getattr_static(each, "_update_timer") is own for each in found)


@pytest.mark.anyio
async def test_textual_paints_by_this_timer() -> None:
    world = World(fleet(RUNNING))
    async with world.app.run_test():
        timer = world.app.screen._update_timer
        assert isinstance(timer, FrameTimer)
        assert timer._interval == UPDATE_PERIOD
        assert timer in world.app.screen._timers


def test_frames_of_many_changes_come_in_turn() -> None:
    budget, now = FrameBudget(), 50.0
    assert budget.wait_s(now) <= 0
    budget.made(now, INTERVAL_S, ahead=0)
    assert budget.wait_s(now) == INTERVAL_S
    now += INTERVAL_S
    assert budget.wait_s(now) <= 0


def test_after_a_quiet_time_some_come_at_once() -> None:
    budget, now = FrameBudget(), 50.0
    for _ in range(FRAMES_AHEAD + 1):
        assert budget.wait_s(now) <= 0
        budget.made(now, INTERVAL_S, ahead=FRAMES_AHEAD)
    assert budget.wait_s(now) == INTERVAL_S


def test_frames_that_a_clock_asked_for_hold_nothing_up() -> None:
    budget, now = FrameBudget(), 50.0
    for _ in range(20):
        budget.made(now, INTERVAL_S, ahead=FRAMES_AHEAD)
        assert budget.wait_s(now) <= INTERVAL_S


@pytest.mark.anyio
async def test_a_beat_is_shown_at_once_where_it_changes_what_a_run_is() -> None:
    world = World(fleet(RUNNING, STALLED))
    app = world.app
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: "STALLED" in world.shown())
        app._tick()
        made_at = app._frames.made_at
        world.clock.advance(5)
        beat = Beats(file=world.clock.now())
        app.take((BeatsSeen(RUNNING.key, beat),))
        assert app.fleet.runs[RUNNING.key].beats == beat
        assert app._frames.made_at == made_at
        app.take((BeatsSeen(STALLED.key, beat),))
        await until(pilot, lambda: "STALLED" not in world.shown())


@pytest.mark.anyio
async def test_what_else_is_seen_of_a_run_that_goes_on_is_shown_at_once() -> None:
    world = World(fleet(RUNNING))
    app = world.app
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: bool(world.rows()))
        app._tick()
        world.clock.advance(5)
        facts = app.fleet.runs[RUNNING.key].facts
        assert facts is not None
        app.take((RunSeen(facts._replace(pipeline_id="another")),))
        await until(pilot, lambda: "another" in world.rows()[0])


@pytest.mark.anyio
async def test_where_nothing_goes_on_the_clock_ticks_and_times_are_at_most_five_seconds_late() -> (
    None
):
    ended = Sample("0951", "check", 700.0, "succeeded", 5, "", ended_s=357.0)
    world = World(fleet(ended))
    app = world.app
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: "6m ago" in world.shown() or "5m ago" in world.shown())
        was = next(words for words in ("5m ago", "6m ago") if words in world.shown())
        shown: list[str] = []
        for _ in range(12):
            world.clock.advance(1)
            app._tick()
            at = f"{world.clock.now().astimezone():%H:%M:%S}"
            await until(pilot, partial(lambda at: at in world.shown(), at))
            shown.append(world.shown())
        late = sum(was in each for each in shown)
        assert late <= 3 + 5  # it ended 357 s ago, so that another minute begins in three seconds


@pytest.mark.anyio
async def test_where_a_run_goes_on_each_second_is_shown() -> None:
    world = World(fleet(RUNNING))
    async with world.app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: bool(world.rows()))
        for _ in range(3):
            before = world.rows()
            world.clock.advance(1)
            world.app._tick()
            await until(pilot, partial(lambda before: world.rows() != before, before))
