"""When a screen is made and painted: at once after a quiet time, else in the turn of frames."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import Final

from textual.screen import UPDATE_PERIOD, Screen
from textual.timer import Timer

FRAMES_AHEAD: Final = 2  # besides the first, that may be made at once after a quiet time
PAINTED_AHEAD: Final = 1  # and that may be painted so: a key is not held up by a clock that ticked


class FrameBudget:
    """How many frames may be made; times are monotonic, in seconds."""

    def __init__(self) -> None:
        self.made_at = self._next_at = float("-inf")

    def wait_s(self, now: float) -> float:
        """Return how long the next frame has to wait; none does if it is not above zero."""
        return self._next_at - now

    def made(self, now: float, interval_s: float, *, ahead: int = 0) -> None:
        """Take note of a frame, which a clock may have asked for before its time.

        With some `ahead` a lone change need not wait because a clock has just ticked.
        """
        advance_s = ahead * interval_s
        self._next_at = min(max(self._next_at, now - advance_s), now) + interval_s
        self.made_at = now


class FrameTimer(Timer):
    """Ticks while it is resumed: once an interval, and one more at once after a quiet time.

    The one of Textual keeps to points in time that lie an interval apart. It does not take the next
    such point, but the one after it, where the next has come while it was paused: a key or a change
    just after a frame would be shown up to two intervals later, 33 ms.
    """

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        budget, count = FrameBudget(), 0
        while True:
            await self._active.wait()
            wait_s = budget.wait_s(clock())
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            if self._active.is_set():  # it may have been painted, and paused, meanwhile
                now, count = clock(), count + 1
                budget.made(now, self._interval, ahead=PAINTED_AHEAD)
                await self._tick(next_timer=now, count=count)


class PaintsSoon:
    """A screen that is painted by a `FrameTimer`. To be named before `Screen` among the bases."""

    @cached_property
    def _update_timer(self) -> Timer:
        # Private in the pinned Textual; tests/ui/test_frames.py holds it.
        assert isinstance(self, Screen)
        timer = FrameTimer(
            self, UPDATE_PERIOD, callback=self._on_timer_update, name="screen_update", pause=True
        )
        timer._start()
        self._timers.add(timer)
        return timer
