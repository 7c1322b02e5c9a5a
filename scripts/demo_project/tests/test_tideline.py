"""What a prediction must hold."""

from __future__ import annotations

import unittest
from pathlib import Path

from tideline.harmonics import height_m, high_waters
from tideline.stations import read_stations

STATIONS = read_stations(Path("docs/stations.csv"))


class Harmonics(unittest.TestCase):
    """The sum of cosines."""

    def test_all_constituents_are_high_at_the_start(self) -> None:
        """At hour zero every cosine is one."""
        self.assertAlmostEqual(height_m(2.0, {"m2": 1.0, "s2": 0.5}, 0), 3.5)

    def test_two_high_waters_in_a_lunar_day(self) -> None:
        """The lunar semidiurnal tide comes about every 12 hours 25 minutes."""
        first, second = high_waters(0.0, {"m2": 1.0}, 26)
        self.assertAlmostEqual(second - first, 12.42, delta=0.1)

    def test_every_station_stays_within_its_amplitudes(self) -> None:
        """No prediction is further from the mean than all amplitudes together."""
        for station in STATIONS:
            bound = sum(station.amplitudes_m.values())
            with self.subTest(station.code):
                for hour in range(24 * 30):
                    height = height_m(station.mean_level_m, station.amplitudes_m, hour)
                    self.assertLessEqual(abs(height - station.mean_level_m), bound + 1e-9)


class Stations(unittest.TestCase):
    """The table of stations."""

    def test_codes_are_unique(self) -> None:
        """A code names one station."""
        codes = [station.code for station in STATIONS]
        self.assertEqual(len(codes), len(set(codes)))

    def test_mean_levels_are_plausible(self) -> None:
        """All lie between one and six metres."""
        for station in STATIONS:
            with self.subTest(station.code):
                self.assertTrue(1 < station.mean_level_m < 6)


if __name__ == "__main__":
    unittest.main()
