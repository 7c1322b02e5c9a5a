"""Fitting safe text into a given number of terminal cells."""

from __future__ import annotations

from datetime import datetime

from rich.cells import cell_len, set_cell_size

CUT = "›"  # marks text that goes on to the right; one cell in every locale
GAP = ".."  # marks text left out in the middle of a name


def fit(text: str, width: int) -> str:
    """Return `text` in exactly `width` cells: filled with spaces, or cut and marked at the end."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1) + CUT


def fit_name(text: str, width: int) -> str:
    """Return a name in exactly `width` cells; a long one loses its middle, not its ends."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    if width < 8:
        return fit(text, width)
    tail_cells = (width - len(GAP)) // 3
    head = set_cell_size(text, width - len(GAP) - tail_cells)
    tail = text[-1:]
    for char in reversed(text[:-1]):
        if cell_len(char + tail) > tail_cells:
            break
        tail = char + tail
    return set_cell_size(head + GAP + tail, width)


def fit_right(text: str, width: int) -> str:
    """Return `text` in exactly `width` cells, set to the right; a long one is cut at the end."""
    missing = width - cell_len(text)
    return " " * missing + text if missing >= 0 else fit(text, width)


def broken_at_spaces(text: str, room: int) -> list[str]:
    """Return a text in pieces that fit, as far as it has spaces to break at."""
    pieces = [""]
    for word in text.split(" "):
        longer = f"{pieces[-1]} {word}" if pieces[-1] else word
        if pieces[-1] and cell_len(longer) > room:
            pieces.append(word)
        else:
            pieces[-1] = longer
    return pieces


def when(moment: datetime | None, now: datetime) -> str:
    """Return a moment in local time: `14:27:55` today, else `Nov 21`, else `2025-10-18`."""
    if moment is None:
        return ""
    local, today = moment.astimezone(), now.astimezone()
    if local.date() == today.date():
        return f"{local:%H:%M:%S}"
    return f"{local:%b %d}" if local.year == today.year else f"{local:%Y-%m-%d}"


def moment_words(moment: datetime | None, now: datetime) -> str:
    """Return a local moment: `14:27:55` today, else `Nov 21 14:27`, else `2025-10-18`."""
    if moment is None:
        return ""
    day, local, today = when(moment, now), moment.astimezone(), now.astimezone()
    is_near = local.year == today.year and local.date() != today.date()
    return f"{day} {local:%H:%M}" if is_near else day
