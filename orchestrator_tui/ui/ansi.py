"""Colours of a line of output, and nothing else of its escape sequences."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.safe_text import safe_text

Span = tuple[int, int, Style]

# The same sequences as safe_text drops, whole or torn; a colour inside an OSC belongs to the OSC,
# so the leftmost match decides. Every repetition is possessive.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)(?P<params>[0-?]*+)[ -/]*+(?P<final>[@-~]?)"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c\n]*+(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*+[0-~]"
)
_PARAMS = re.compile(r"\d{0,3}(?:;\d{0,3}){0,15}")
TAB_CELLS = 4
MOST_SPANS = 200  # a line that changes colour more often is plain from there on


@dataclass(frozen=True, slots=True)
class StyledText:
    """A safe line, and which parts of it the program that wrote it coloured."""

    plain: str
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class _Pen:
    """What SGR sequences have set so far."""

    color: str | int | None = None
    background: str | int | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    reverse: bool = False


_PLAIN_PEN = _Pen()
_ATTRIBUTES = {
    1: ("bold",),
    2: ("dim",),
    3: ("italic",),
    4: ("underline",),
    7: ("reverse",),
    9: ("strike",),
}
_ENDED = {
    22: ("bold", "dim"),
    23: ("italic",),
    24: ("underline",),
    27: ("reverse",),
    29: ("strike",),
    39: ("color",),
    49: ("background",),
}


def _without(pen: _Pen, names: Iterable[str]) -> _Pen:
    return replace(pen, **{name: getattr(_PLAIN_PEN, name) for name in names})


def _extended(codes: Iterator[int]) -> str | int | None:
    """Return the colour after 38 or 48: `5;N` or `2;R;G;B`."""
    kind = next(codes, None)
    if kind == 5:
        number = next(codes, 0)
        return number if number < 256 else None
    if kind == 2:
        red, green, blue = (min(next(codes, 0), 255) for _ in range(3))
        return f"#{red:02x}{green:02x}{blue:02x}"
    return None


def _colored(pen: _Pen, code: int, codes: Iterator[int]) -> _Pen:
    if code in (38, 48):
        color = _extended(codes)
        return replace(pen, color=color) if code == 38 else replace(pen, background=color)
    bright = 8 if code >= 90 else 0
    if code // 10 in (3, 9) and code % 10 < 8:
        return replace(pen, color=code % 10 + bright)
    if 40 <= code <= 47 or 100 <= code <= 107:
        return replace(pen, background=code % 10 + bright)
    return pen


def _after(pen: _Pen, params: str) -> _Pen:
    """Return the pen after one SGR sequence; a sequence that is not understood changes nothing."""
    if _PARAMS.fullmatch(params) is None:
        return pen
    codes = iter([int(part or 0) for part in params.split(";")])
    for code in codes:
        if code == 0:
            pen = _PLAIN_PEN
        elif code in _ATTRIBUTES:
            pen = replace(pen, **dict.fromkeys(_ATTRIBUTES[code], True))
        elif code in _ENDED:
            pen = _without(pen, _ENDED[code])
        else:
            pen = _colored(pen, code, codes)
    return pen


def _color(value: str | int | None) -> Color | None:
    if value is None:
        return None
    return Color.parse(value) if isinstance(value, str) else Color.from_ansi(value)


@lru_cache(maxsize=256)
def _style(pen: _Pen) -> Style:
    return Style(
        color=_color(pen.color),
        bgcolor=_color(pen.background),
        bold=pen.bold or None,
        dim=pen.dim or None,
        italic=pen.italic or None,
        underline=pen.underline or None,
        strike=pen.strike or None,
        reverse=pen.reverse or None,
    )


def _aligned(text: str, column: int) -> str:
    """Return `text` with its tabs filled up as if it began at a column."""
    if "\t" not in text:
        return text
    lead = column % TAB_CELLS
    return (" " * lead + text).expandtabs(TAB_CELLS)[lead:]


def _without_leading_marks(text: str) -> str:
    """Return `text` without combining marks in front, so that pieces joined cannot pile them up."""
    start = 0
    while start < len(text) and unicodedata.category(text[start]).startswith("M"):
        start += 1
    return text[start:]


def styled_text(text: str) -> StyledText:
    """Return one line of raw output as safe text with its colours.

    Only SGR sequences count, and of these only colours, bold, dim, italic, underline, strike and
    reverse. Every other sequence is left out, and all that remains goes through `safe_text`.
    """
    if "\x1b" not in text:
        return StyledText(safe_text(text))
    pieces: list[str] = []
    spans: list[Span] = []
    pen, length, column, begin = _PLAIN_PEN, 0, 0, 0

    def take(raw: str) -> None:
        nonlocal length, column
        aligned = _aligned(raw, column)
        piece = safe_text(_without_leading_marks(aligned) if pieces else aligned)
        if not piece:
            return
        if pen != _PLAIN_PEN and len(spans) < MOST_SPANS:
            spans.append((length, length + len(piece), _style(pen)))
        pieces.append(piece)
        length += len(piece)
        column += cell_len(piece)

    for match in _SEQUENCE.finditer(text):
        take(text[begin : match.start()])
        begin = match.end()
        if match["final"] == "m":
            pen = _after(pen, match["params"])
    take(text[begin:])
    return StyledText("".join(pieces), tuple(spans))


def segments(plain: str, spans: Iterable[Span], base: Style) -> list[Segment]:
    """Return safe text as segments; later spans are painted over earlier ones."""
    marks = [(start, end, style) for start, end, style in spans if start < end]
    if not marks:
        return [Segment(plain, base)] if plain else []
    edges = sorted({0, len(plain), *(min(e, len(plain)) for m in marks for e in m[:2])})
    pieces: list[Segment] = []
    for start, end in pairwise(edges):
        style = base
        for first, last, mark in marks:
            if first <= start and end <= last:
                style = style + mark
        pieces.append(Segment(plain[start:end], style))
    return pieces
