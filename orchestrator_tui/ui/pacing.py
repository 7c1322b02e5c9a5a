"""Pacing: no more is painted than the way to the terminal can carry.

Over a slow line whatever is written early comes late: the program, ssh and the network keep it in
their buffers, and what is on the screen gets older and older. So each frame is followed to its
arrival. A terminal answers the question where its cursor is only when it has shown all before it;
one that answers nothing is judged by how long the system takes what is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import select
import sys
from collections.abc import Callable, Mapping
from typing import IO, Any, Final

from textual.app import App

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.ui.early_screen import EarlyScreen
from orchestrator_tui.ui.hearing import HearingDriver
from orchestrator_tui.ui.sparing import SparingDriver
from orchestrator_tui.ui.tty import CLEAR_SEQUENCE, ENTER_SEQUENCE

ASK_WHERE: Final = "\x1b[6n"  # the answer is an `events.CursorPosition`
FRAME_S: Final = 0.1  # at most ten frames a second
NEAR_FRAME_S: Final = 0.03  # 33 where no network is between, and bytes cost nothing
CALM_FRAME_S: Final = 1.0  # for who wants little motion
SLOWEST_S: Final = 2.0
ANSWER_IS_SLOW_S: Final = 0.3  # more than the quickest answer took
WRITE_IS_SLOW_S: Final = 0.1  # of waiting until the system takes a frame
GIVE_UP_S: Final = 20.0  # an answer that does not come by then is lost
LOOK_S: Final = 1.0
UNSURE_S, NO_ANSWER_S = 0.5, 5.0  # after the first question: from when on, until when
PIECE_BYTES: Final = 1024  # written at once, so that a full buffer is noticed before it blocks
LATE_TIMES, QUICK_TIMES = 2, 3  # so many frames in a row make the pace slower, and quicker
QUICKER, IDLE_SHARE = 0.5, 1.5  # the line is left free for a third of the time


def frame_s_for(environ: Mapping[str, str], *, is_calm: bool) -> float:
    """Return the least time between two frames; who comes by SSH says so in the environment."""
    if is_calm:
        return CALM_FRAME_S
    is_far = any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"))
    return FRAME_S if is_far else NEAR_FRAME_S


class Pace:
    """How often is painted, from how long each frame took to arrive; times are monotonic."""

    def __init__(self, frame_s: float = FRAME_S) -> None:
        self.frame_s = frame_s
        self._sent_at: float | None = None  # of a frame that has not arrived
        self._is_taken = False  # by the system, all of it
        self._painted_at = -SLOWEST_S
        self._quickest_s: float | None = None
        self._quick = self._late = 0  # frames in a row
        self._first_asked_at = math.inf
        self.answers = False  # whether the terminal is known to answer
        self.is_slow = False
        self.interval_s = frame_s

    @property
    def is_under_way(self) -> bool:
        """Whether a frame has not arrived yet."""
        return self._sent_at is not None

    def sent(self, now: float) -> None:
        """Take note of a frame."""
        self._painted_at = now
        self._first_asked_at = min(now, self._first_asked_at)
        if self._sent_at is None:
            self._sent_at, self._is_taken = now, False

    def taken(self, blocked_s: float) -> None:
        """Take note that the system has taken all that was sent, after so much time of waiting."""
        self._is_taken = True
        if self._sent_at is not None and not self.answers:
            self._sent_at = None
            self._judge(blocked_s > WRITE_IS_SLOW_S, 4 * blocked_s)

    def answered(self, took_s: float) -> None:
        """Take note that the terminal has shown all that was sent, after so much time."""
        self.answers = True
        if self._sent_at is None:
            return
        self._sent_at = None
        if self._quickest_s is None or took_s < self._quickest_s:
            self._quickest_s = took_s
        self._judge(took_s - self._quickest_s > ANSWER_IS_SLOW_S, took_s)

    def _judge(self, is_late: bool, took_s: float) -> None:
        if is_late:
            self._quick, self._late = 0, self._late + 1
            if self._late < LATE_TIMES and not self.is_slow and took_s < SLOWEST_S:
                return  # the machine itself may have been busy once
            wanted_s = max(2 * self.frame_s, IDLE_SHARE * took_s, QUICKER * self.interval_s)
            self.interval_s = min(SLOWEST_S, wanted_s)
            self.is_slow = True
            return
        self._quick, self._late = self._quick + 1, 0
        if self.is_slow and self._quick >= QUICK_TIMES:
            self._quick = 0
            self.interval_s = max(self.frame_s, QUICKER * self.interval_s)
            if self.interval_s <= 2 * self.frame_s:
                self.is_slow, self.interval_s = False, self.frame_s

    def wait_s(self, now: float) -> float:
        """Return for how long nothing may be painted; look again then, or at an arrival."""
        if self._sent_at is not None:
            under_way_s = now - self._sent_at
            if under_way_s >= GIVE_UP_S and self._is_taken:
                self._sent_at, self.answers = None, False
                return 0.0
            patience_s = ANSWER_IS_SLOW_S + (self._quickest_s or 0.0)
            if self.is_slow or under_way_s > patience_s:
                return max(LOOK_S, GIVE_UP_S - under_way_s)
        is_far = self.frame_s > NEAR_FRAME_S
        if is_far and not self.answers and UNSURE_S <= now - self._first_asked_at < NO_ANSWER_S:
            # A first answer that is late may be on a slow line; there may be none to come, too.
            return max(0.0, self._painted_at + UNSURE_S - now)
        if self.is_slow and not self.answers:
            # Nobody tells when the buffers on the way are empty, so they are given time.
            return max(0.0, self._painted_at + self.interval_s - now)
        return 0.0

    @property
    def words(self) -> str:
        """What a person is told: `slow link: 2 fps`; empty for a quick one."""
        if not self.is_slow:
            return ""
        rate = f"{1 / self.interval_s:.1f}".removesuffix(".0")
        return f"slow link: {rate} fps"


class Meter:
    """A file between Textual's writer and the terminal; an empty text asks for word of arrival.

    What is written to a terminal that is gone is dropped: an error would end the writer's thread,
    and the screens would wait for it on their way out.
    """

    def __init__(self, file: IO[str]) -> None:
        self._descriptor = file.fileno()
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLOUT)
        self._blocked_s = 0.0
        self._was_blocked_s = 0.0
        self._asked_at = 0.0
        self.reached: Callable[[float], None] = lambda _blocked_s: None

    def write(self, text: str) -> None:
        """Have the system take a text; an empty one tells how long was waited since the last."""
        if not text:
            self._was_blocked_s, self._blocked_s = self._blocked_s, 0.0
            self.reached(self._was_blocked_s)
            return
        with contextlib.suppress(OSError):
            self._send(memoryview(text.encode("utf-8", "replace")))
        if text == ASK_WHERE:
            self._asked_at = SYSTEM_CLOCK.monotonic()

    def _send(self, content: memoryview) -> None:
        while content:
            if not self._poll.poll(0):
                begun = SYSTEM_CLOCK.monotonic()
                self._poll.poll()
                self._blocked_s += SYSTEM_CLOCK.monotonic() - begun
            # Somebody else may have made the terminal one that does not wait.
            with contextlib.suppress(BlockingIOError):
                content = content[os.write(self._descriptor, content[:PIECE_BYTES]) :]

    def took_s(self, answered_at: float) -> float:
        """Return how long the last frame was on its way.

        Taken here and where answers are read, since a busy program is no slow line.
        """
        return max(0.0, answered_at - self._asked_at) + self._was_blocked_s

    def flush(self) -> None:
        """Do nothing: each write is taken at once."""

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor


class _Counting(HearingDriver):
    """Counts what is sent; stands behind the `SparingDriver`."""

    sent_count = 0

    def write(self, data: str) -> None:
        """Send it."""
        self.sent_count += len(data)
        super().write(data)


class PacedDriver(SparingDriver, _Counting):
    """The driver, with a `Meter` before the terminal.

    An application may have an `early_screen`, of which the terminal is taken over.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # The file is private in the pinned Textual; tests/ui/test_slow_links.py holds it.
        self.meter = Meter(self._file or sys.stderr)
        self._file = self.meter  # type: ignore[assignment]
        early = getattr(self._app, "early_screen", None)
        self._early = early if isinstance(early, EarlyScreen) else None
        self._has_entered = False

    def start_application_mode(self) -> None:
        """Take the terminal, or take it over from an early screen with what stands on it."""
        early, self._early = self._early, None
        if early is not None:
            self.copy = early.hand_over()
            self._has_entered = True
        super().start_application_mode()

    def write(self, data: str) -> None:
        """Send what the terminal does not show yet."""
        if data == ENTER_SEQUENCE and self._has_entered:
            self._has_entered = False  # entered again, some terminals would empty the screen
            return
        super().write(data)

    def stop_application_mode(self) -> None:
        """Leave the terminal as it was before."""
        # tmux leaves lines of a screen that was resized behind, unless it is empty.
        self.beside(CLEAR_SEQUENCE)
        super().stop_application_mode()

    def ask_arrival(self, *, with_answer: bool) -> None:
        """Ask for word when all that was written so far is taken, and shown."""
        self.beside("")
        if with_answer:
            self.beside(ASK_WHERE)


class Pacer:
    """Holds the paint of an app back as its `Pace` wants it; of no effect without a terminal."""

    def __init__(self, app: App[Any], clock: Clock, frame_s: float = FRAME_S) -> None:
        self._app = app
        self._clock = clock
        self.pace = Pace(frame_s)
        self._held: contextlib.ExitStack | None = None
        self._owes_frame = False  # something was painted while it was held back
        self._asked_at: float | None = None  # the terminal, for its answer
        self._look_again: asyncio.TimerHandle | None = None
        self._settled = asyncio.Event()
        self._driver: PacedDriver | None = None
        self._followed = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self, driver: object) -> None:
        """Take a driver that was just started."""
        if isinstance(driver, PacedDriver):
            self._driver, self._loop = driver, asyncio.get_running_loop()
            driver.meter.reached = self._reached

    def _reached(self, blocked_s: float) -> None:  # in the writer's thread
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._taken, blocked_s)

    def _taken(self, blocked_s: float) -> None:
        self.pace.taken(blocked_s)
        self.consider()

    def answered(self, at: float) -> None:
        """Take the terminal's answer, that was read `at` a monotonic time."""
        self._asked_at = None
        self._settled.set()
        if self._driver is not None:
            self.pace.answered(self._driver.meter.took_s(at))
        self.consider()

    def painted(self) -> None:
        """Follow a frame that was just sent."""
        if self._held is not None:
            self._owes_frame = True
            return
        if self._driver is None or self._driver.sent_count == self._followed:
            return
        now, is_first = self._clock.monotonic(), not self.pace.is_under_way
        self.pace.sent(now)
        if is_first:
            asks = self._asked_at is None or now - self._asked_at >= GIVE_UP_S
            if asks:
                self._asked_at = now
                self._settled.clear()
            self._driver.ask_arrival(with_answer=asks)
        self._followed = self._driver.sent_count
        self.consider()

    def consider(self) -> None:
        """Hold the paint, or let it go on."""
        wait_s = self.pace.wait_s(self._clock.monotonic())
        if self._look_again is not None:
            self._look_again.cancel()
            self._look_again = None
        if wait_s > 0 and self._loop is not None:
            self._look_again = self._loop.call_later(wait_s, self.consider)
        if wait_s > 0 and self._held is None:
            self._held = contextlib.ExitStack()
            self._held.enter_context(self._app.batch_update())
        elif wait_s <= 0 and self._held is not None:
            self._let_go(self._held)

    def _let_go(self, held: contextlib.ExitStack) -> None:
        self._held = None
        held.close()
        screen = self._app.screen
        if self._owes_frame:
            self._owes_frame = False
            screen.refresh()
        screen.check_idle()

    @property
    def is_asking(self) -> bool:
        """Whether an answer of the terminal is under way."""
        return self._asked_at is not None and self.pace.answers

    async def settle(self, limit_s: float) -> None:
        """Wait for an answer that is under way, so that nobody else reads it."""
        if self.is_asking:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), limit_s)

    def forget(self) -> None:
        """Begin anew: the terminal was somebody else's meanwhile."""
        self._asked_at = None
        self._settled.set()
        pace, self.pace = self.pace, Pace(self.pace.frame_s)
        self.pace.answers = pace.answers
        self.consider()
