"""The screens over a scripted feed, as a program: for tests in a real terminal.

With `burst` every run changes fifty times a second after SIGUSR1, for `BURST_S`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.state.observations import Freshness, FreshnessSeen, Observation
from orchestrator_tui.ui.app import OrchTui
from orchestrator_tui.ui.clipboard import between
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.terminal import reset_at_exit
from orchestrator_tui.ui.tty import trust_the_terminal
from tests.fakes import ScriptedFeed, ScriptedLauncher, ScriptedLogs
from tests.ui.fleets import BUSY, RUNNING, Sample, fleet

BURST_S, CHANGE_S = 6.0, 0.02


class BurstFeed(ScriptedFeed):
    """A feed in which much changes when the process is told so."""

    def __init__(self, samples: tuple[Sample, ...]) -> None:
        super().__init__((*fleet(*samples), FreshnessSeen(Freshness("watching"))))
        self._samples = samples

    async def batches(self) -> AsyncIterator[tuple[Observation, ...]]:
        """Yield the runs, then the burst, then what tests put in."""
        begun = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, begun.set)
        for batch in self._batches:
            yield batch
        await begun.wait()
        end, number = SYSTEM_CLOCK.monotonic() + BURST_S, 0
        while SYSTEM_CLOCK.monotonic() < end:
            await asyncio.sleep(CHANGE_S)
            number += 1
            yield self._changed("".join(chr(97 + (number + 7 * n) % 26) for n in range(24)))
        yield self._changed("the-last-change")
        while True:
            yield await self._queue.get()

    def _changed(self, pipeline: str) -> tuple[Observation, ...]:
        changed = (replace(sample, pipeline=pipeline) for sample in self._samples)
        return tuple(seen for sample in changed for seen in sample.seen()[:1])


if __name__ == "__main__":
    samples = BUSY if "busy" in sys.argv else (RUNNING,)
    trust_the_terminal()
    undo = reset_at_exit()
    app = OrchTui(
        feed=BurstFeed(BUSY) if "burst" in sys.argv else ScriptedFeed(fleet(*samples)),
        logs=ScriptedLogs(),
        launcher=ScriptedLauncher(),
        clock=SYSTEM_CLOCK,
        options=ScreenOptions(
            place="~/src/app",
            watch_terminal=True,
            between=between(os.environ),
            environ=dict(os.environ),
        ),
    )
    app.run()
    undo()
    sys.exit(app.return_code)
