"""Which time stands before each line of a log, and how."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from orchestrator_tui.state.formatting import elapsed

TIME_CELLS = 9  # a time and a space


class Times(StrEnum):
    """What is told of a line's time; the value says so in the lower edge."""

    CLOCK = ""
    SINCE = "time since start"
    DELTA = "time since line before"
    OFF = "no times"

    def following(self) -> Times:
        """Return the next choice."""
        choices = list(Times)
        return choices[(choices.index(self) + 1) % len(choices)]


def time_cell(
    times: Times, at: datetime | None, begun_at: datetime | None, before: datetime | None
) -> str:
    """Return the cell for a line written at `at`, the line before it at `before`.

    It is empty with `Times.OFF`, else `TIME_CELLS` long; blank where nothing is known, or where no
    time went by.
    """
    words = ""
    if times is Times.OFF:
        return ""
    if at is not None:
        if times is Times.CLOCK:
            words = f"{at.astimezone():%H:%M:%S}"
        elif times is Times.SINCE and begun_at is not None:
            words = f"+{elapsed(max(0.0, (at - begun_at).total_seconds()))}"
        elif times is Times.DELTA and before is not None:
            words = _delta((at - before).total_seconds())
    return f"{words[: TIME_CELLS - 1]:>{TIME_CELLS - 1}} "


def _delta(seconds: float) -> str:
    if seconds < 0.001:
        return ""
    if seconds < 10:
        return f"+{seconds:.3f}"
    return f"+{seconds:.1f}" if seconds < 60 else f"+{elapsed(seconds)}"
