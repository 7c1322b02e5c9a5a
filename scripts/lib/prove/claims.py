"""The register of claims: a further harness is a module and a line here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NIGHTLY_TIMES: Final = 10


@dataclass(frozen=True, slots=True)
class Claim:
    """A promise, and how often it is tried.

    Attributes:
        promise: What is claimed, in the words of the table.
        trials: How often in a usual run.
        few: How often in the test suite, which shows that the harness works.
    """

    promise: str
    trials: int
    few: int


CLAIMS: Final = {
    "kills": Claim("a kill at any step of ending a run loses and tears nothing", 1000, 40),
    "errnos": Claim("a disk that refuses any step loses and tears nothing", 600, 30),
    "power": Claim("a power cut takes nothing that was told to be done", 5000, 60),
    "writers": Claim("sixteen processes that record runs at once lose none", 400, 60),
    "steals": Claim("of six thieves of a stale lock one at a time succeeds", 300, 20),
    "verdicts": Claim("a killed runner is seen at once, a living one never lost", 60, 3),
    "ladder": Claim("nothing of a command survives its end, whatever it is", 84, 7),
    "paths": Claim("no id and no path from data leads out of its folder", 100_000, 2_000),
    "manifests": Claim("a damaged manifest never raises, is slow or large", 3000, 200),
    "nodes": Claim("what is no file is told at once wherever a file is read", 156, 144),
    "clocks": Claim("no jump of the clock loses a living run or stops its beat", 2000, 100),
    "folders": Claim("a look at ten thousand runs does not hold up the screen", 10_000, 500),
    "line": Claim("a line of 500 MB costs no memory", 500, 20),
    "flood": Claim("a log that grows by 200 MB/s costs no memory", 1000, 40),
    "terminal": Claim("no byte of data reaches the terminal as a command", 10_000, 200),
    "secrets": Claim("no secret that a command was given reaches the disk", 100, 38),
    "sessions": Claim("a run outlives its screen, and the terminal is left clean", 15, 3),
}
