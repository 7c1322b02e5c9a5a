"""Tables: one line a case, with its spread, its ratio to another case, and its goal."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Final

from bench.spending import Figures

_UNITS: Final = {"ms": 1000.0, "s": 1.0, "MiB": 1 / 2**20, "KiB": 1 / 2**10, "": 1.0}
_HEAD: Final = ("what", "median", "min .. max", "ratio", "to", "goal", "met")
NOTHING: Final = "–"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table.

    Attributes:
        what: The case.
        figures: One a round, in s, bytes or pure numbers.
        unit: In which they are shown: ms, s, MiB, or nothing.
        ratios: To another case, one a round.
        to: That case.
        at_most: The goal: of the ratio where there are ratios, else of the figure as it is shown.
    """

    what: str
    figures: Figures
    unit: str = "ms"
    ratios: Figures = ()
    to: str = ""
    at_most: float | None = None

    def cells(self) -> tuple[str, ...]:
        """Return the texts of the line."""
        scaled = [figure * _UNITS[self.unit] for figure in self.figures]
        median = statistics.median(scaled)
        ratio = statistics.median(self.ratios) if self.ratios else None
        held = median if ratio is None else ratio
        goal = met = NOTHING
        if self.at_most is not None:
            goal = f"≤ {self.at_most:g}" + (f" {self.unit}".rstrip() if ratio is None else "")
            met = "yes" if held <= self.at_most else "no"
        return (
            self.what,
            f"{_number(median)} {self.unit}".rstrip(),
            f"{_number(min(scaled))} .. {_number(max(scaled))}",
            NOTHING if ratio is None else f"{_number(ratio)} x",
            self.to or NOTHING,
            goal,
            met,
        )


@dataclass(frozen=True, slots=True)
class Table:
    """A title, lines, and what a reader has to know of them."""

    title: str
    lines: tuple[Line, ...]
    note: str = ""

    def __str__(self) -> str:
        rows = [_HEAD, *(line.cells() for line in self.lines)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        drawn = [
            "| " + " | ".join(map(str.ljust, row, widths)) + " |"
            for row in (rows[0], tuple("-" * width for width in widths), *rows[1:])
        ]
        note = [self.note, ""] if self.note else []
        return "\n".join([f"{self.title}", "", *note, *drawn])


def _number(value: float) -> str:
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
