"""Predict again and again, and compare each round with the first: long and quiet."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tideline.harmonics import high_waters
from tideline.stations import read_stations


def main() -> int:
    """Soak for the time asked for; 1 if two rounds differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--report-every", type=float, required=True)
    asked = parser.parse_args()
    stations = read_stations(Path("docs/stations.csv"))
    first: dict[str, list[float]] = {}
    begun = reported = time.monotonic()
    rounds = 0
    print(f"soaking {len(stations)} stations for {asked.seconds:.0f} s", flush=True)
    while (now := time.monotonic()) - begun < asked.seconds:
        station = stations[rounds % len(stations)]
        found = high_waters(station.mean_level_m, station.amplitudes_m, 24 * 7)
        if first.setdefault(station.code, found) != found:
            print(f"{station.code} drifted in round {rounds}", file=sys.stderr)
            return 1
        rounds += 1
        if now - reported >= asked.report_every:
            reported = now
            print(f"{now - begun:4.0f} s  {rounds} predictions, no drift", flush=True)
        time.sleep(0.25)
    print(f"{rounds} predictions, no drift")
    return 0


if __name__ == "__main__":
    sys.exit(main())
