"""Formatting: ages, elapsed times, counts and byte sizes as short text."""

from __future__ import annotations

MINUTE_S = 60
HOUR_S = 60 * MINUTE_S
DAY_S = 24 * HOUR_S
_BINARY_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")
NO_TIME = "--"  # stands where a length of time is not known


def _age_parts(seconds: float) -> tuple[str, str]:
    length = max(0.0, seconds)
    if length < 9.95:
        return f"{length:.1f}", "s"
    if length < 2 * MINUTE_S:
        return f"{int(length)}", "s"
    if length < 2 * HOUR_S:
        return f"{int(length // MINUTE_S)}", "min"
    if length < 2 * DAY_S:
        return f"{int(length // HOUR_S)}", "h"
    return f"{int(length // DAY_S)}", "d"


def age(seconds: float) -> str:
    """Return how long ago something was: `0.8 s`, `40 s`, `14 min`, `3 h`, `5 d`.

    Rounded down, a negative length is 0. Each unit lasts until two of the next, so that no step
    loses more than half of what it says.
    """
    number, unit = _age_parts(seconds)
    return f"{number} {unit}"


def short_age(seconds: float) -> str:
    """Return `age` in the fewest cells: `0.8s`, `40s`, `14m`, `3h`, `5d`."""
    number, unit = _age_parts(seconds)
    return f"{number}{unit[0]}"


def elapsed(seconds: float | None) -> str:
    """Return a length as a clock shows it: `0:04`, `12:41`, `9h02m`, `3d04h`; None is `--`."""
    if seconds is None:
        return NO_TIME
    whole = max(0, int(seconds))
    if whole < HOUR_S:
        return f"{whole // MINUTE_S}:{whole % MINUTE_S:02d}"
    if whole < DAY_S:
        return f"{whole // HOUR_S}h{whole % HOUR_S // MINUTE_S:02d}m"
    return f"{whole // DAY_S}d{whole % DAY_S // HOUR_S:02d}h"


def byte_count(count: int) -> str:
    """Return a size with a binary unit and at most one decimal: `213 B`, `8 KiB`, `1.5 MiB`."""
    if count < 1024:
        return f"{max(0, count)} B"
    size = count / 1024
    for unit in _BINARY_UNITS:
        if size < 1023.95 or unit == _BINARY_UNITS[-1]:
            return f"{size:.1f}".removesuffix(".0") + f" {unit}"
        size /= 1024
    raise AssertionError("the last unit takes every size")


def number(count: int) -> str:
    """Return a whole number with commas between thousands: `1,204`."""
    return f"{count:,}"


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 question`, `2 questions`."""
    noun = singular if count == 1 else plural or f"{singular}s"
    return f"{number(count)} {noun}"
