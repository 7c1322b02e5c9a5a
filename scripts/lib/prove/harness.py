"""What a harness is asked, and what it has found; the modules of the claims know only this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random


@dataclass(frozen=True, slots=True)
class Asked:
    """What a harness is to do.

    Attributes:
        trials: How many at least; where a space is walked through, it is walked through whole.
        seed: What all chance follows from.
        folder: An empty folder, removed afterwards.
        slack: How much longer than promised anything may take, on a machine that does other work.
    """

    trials: int
    seed: int
    folder: Path
    slack: float = 1.0

    def dice(self) -> Random:
        """Return new dice that always fall the same way for this seed."""
        return Random(self.seed)


@dataclass(slots=True)
class Found:
    """What a harness has found.

    Attributes:
        trials: How many there were.
        failures: What broke the claim, one text each.
        control: What became of the seeded fault, in words.
        is_caught: Whether the same trial found the seeded fault.
        figures: What was measured, in words.
        skips: What could not be tried here, one text each.
    """

    trials: int = 0
    failures: list[str] = field(default_factory=list)
    control: str = ""
    is_caught: bool = False
    figures: str = ""
    skips: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether the claim held and the trial can see a fault."""
        return self.trials > 0 and not self.failures and self.is_caught

    def caught(self, failures: Sequence[object], without: str) -> None:
        """Take in what the trial found `without` the protection; nothing found is a blind trial."""
        self.is_caught = bool(failures)
        self.control = f"without {without}: {len(failures)} found"
