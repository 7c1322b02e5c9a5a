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
}
