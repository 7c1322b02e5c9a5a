"""Import an archive of gauge readings: loud, coloured, with progress bars."""

from __future__ import annotations

import math
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tideline.harmonics import height_m
from tideline.stations import read_stations

GREEN, YELLOW, RED, DIM, RESET = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[2m", "\x1b[0m"
STATIONS = read_stations(Path("docs/stations.csv"))


def bar(name: str, steps: int, pause_s: float) -> None:
    """Draw one progress bar over itself, as download tools do."""
    for step in range(steps + 1):
        done = 30 * step // steps
        print(
            f"\r{name:<14} {GREEN}{'#' * done}{RESET}{'.' * (30 - done)} {100 * step // steps:3d}%",
            end="",
            flush=True,
        )
        time.sleep(pause_s)
    print()


def fetch() -> None:
    """Pretend a download for each station's file, one bar each."""
    for station in STATIONS[:16]:
        bar(f"{station.code}.bin", 25, 0.015)


def decode() -> None:
    """Print one line a reading; some are doubtful, a few are wrong."""
    dice = random.Random(7)
    for number in range(9000):
        station = STATIONS[number % len(STATIONS)]
        hours = number / 6
        expected = height_m(station.mean_level_m, station.amplitudes_m, hours)
        reading = expected + dice.gauss(0, 0.04)
        off = abs(reading - expected)
        colour, word = (
            (RED, "ERROR") if off > 0.15 else (YELLOW, "WARN ") if off > 0.1 else (GREEN, "INFO ")
        )
        where = sys.stderr if off > 0.15 else sys.stdout
        print(
            f"{DIM}{hours:9.3f} h{RESET} {colour}{word}{RESET} {station.code} "
            f"{reading:6.3f} m  expected {expected:6.3f} m  off {off * 100:4.1f} cm",
            file=where,
            flush=True,
        )
        time.sleep(0.008 + 0.008 * math.sin(number / 300))
    print("9000 readings decoded: é, ü, 潮, ✓")


def index() -> None:
    """Build the index, one bar."""
    bar("index", 80, 0.05)


if __name__ == "__main__":
    {"fetch": fetch, "decode": decode, "index": index}[sys.argv[1]]()
