"""The height of the sea at a time, as a sum of cosines."""

from __future__ import annotations

import math

SPEEDS_DEG_PER_HOUR = {"m2": 28.9841042, "s2": 30.0, "k1": 15.0410686, "o1": 13.9430356}


def height_m(mean_level_m: float, amplitudes_m: dict[str, float], hours: float) -> float:
    """Return the height above the chart's zero, `hours` after high water of every constituent."""
    return mean_level_m + sum(
        amplitude * math.cos(math.radians(SPEEDS_DEG_PER_HOUR[name] * hours))
        for name, amplitude in amplitudes_m.items()
    )


def high_waters(mean_level_m: float, amplitudes_m: dict[str, float], hours: int) -> list[float]:
    """Return the times of high water in the first `hours`, to a tenth of an hour."""
    heights = [height_m(mean_level_m, amplitudes_m, step / 10) for step in range(hours * 10)]
    return [
        step / 10
        for step in range(1, len(heights) - 1)
        if heights[step - 1] < heights[step] >= heights[step + 1]
    ]
