"""Times as the files write them: ISO 8601, UTC, milliseconds, `Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DASHED = re.compile(
    r"^(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d)(?:-(\d{1,6}))?(Z|[+-]\d\d:?\d\d)?$", re.ASCII
)
_COMPACT = re.compile(r"^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$", re.ASCII)
MAX_TIME_LENGTH = 40
_USUAL_LENGTH = len("2026-01-02T03:04:05.678Z")
# At either end of the calendar there is no room for a zone, nor for a second more.
FIRST_YEAR, LAST_YEAR = 2, 9998


def format_time(moment: datetime) -> str:
    """Return an aware time as `YYYY-MM-DDTHH:MM:SS.mmmZ`."""
    utc = moment.astimezone(UTC)
    return f"{utc.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"


def parse_time(text: object) -> datetime | None:
    """Return the UTC time in `text`, or None for whatever is not one.

    Accepts ISO 8601, the dashed times of October 2025 (`2025-10-18T16-21-54-804Z`) and the compact
    `20251125T220723Z`. A time without a zone counts as UTC. Never raises. What it returns is a time
    in every zone: `0001-01-01T00:00:00Z`, with which some programs say "never", is none.
    """
    if not isinstance(text, str) or not 8 <= len(text) <= MAX_TIME_LENGTH:
        return None
    if len(text) == _USUAL_LENGTH and text[10] == "T" and text[13] == ":" and text[-1] == "Z":
        # As nearly all files write it; a third of the time, and a list reads five for each run.
        try:
            usual = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            return usual if FIRST_YEAR <= usual.year <= LAST_YEAR else None
    candidate = text.strip()
    if match := _DASHED.match(candidate):
        date, hour, minute, second, fraction, zone = match.groups()
        candidate = f"{date}{hour}:{minute}:{second}.{fraction or '0'}{zone or 'Z'}"
    elif match := _COMPACT.match(candidate):
        year, month, day, hour, minute, second = match.groups()
        candidate = f"{year}-{month}-{day}T{hour}:{minute}:{second}Z"
    try:
        moment = datetime.fromisoformat(candidate)
        utc = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return utc if FIRST_YEAR <= utc.year <= LAST_YEAR else None
