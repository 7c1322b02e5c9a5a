"""The stations that predictions are made for."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

CONSTITUENTS = ("m2", "s2", "k1", "o1")


class Station(NamedTuple):
    """A tide gauge and the amplitudes found there."""

    code: str
    name: str
    mean_level_m: float
    amplitudes_m: dict[str, float]


def read_stations(path: Path) -> list[Station]:
    """Return the stations of a table like docs/stations.csv."""
    with path.open(newline="") as table:
        return [
            Station(
                row["code"],
                row["name"],
                float(row["mean_level_m"]),
                {name: float(row[f"{name}_m"]) for name in CONSTITUENTS},
            )
            for row in csv.DictReader(table)
        ]
