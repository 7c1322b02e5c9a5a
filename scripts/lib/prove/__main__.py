"""The command line: runs harnesses one after the other and prints a table of what they found."""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from prove.claims import CLAIMS, NIGHTLY_TIMES
from prove.harness import Found

SHOWN_FAILURES: Final = 5
HEAD: Final = ("claim", "trials", "seed", "skips", "failures", "control", "seconds")


@dataclass(frozen=True, slots=True)
class Row:
    """One harness that was run."""

    name: str
    seed: int
    seconds: float
    found: Found

    def cells(self) -> tuple[str, ...]:
        """Return the texts of its line."""
        found = self.found
        return (
            f"{self.name}: {CLAIMS[self.name].promise}",
            f"{found.trials:,}",
            str(self.seed),
            str(len(found.skips)),
            str(len(found.failures)),
            "caught" if found.is_caught else "NOT CAUGHT",
            f"{self.seconds:.1f}",
        )


def parse_arguments() -> argparse.Namespace:
    """Return the command line; without a name it asks for every claim."""
    parser = argparse.ArgumentParser(
        prog="prove",
        description="Prove what orch-tui promises against faults.",
        epilog="soak --minutes N watches for leaks; soak --help tells more.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CLAIMS))
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--nightly", action="store_true", help="ten times the trials")
    size.add_argument("--few", action="store_true", help="few trials: does the harness work?")
    parser.add_argument("--seed", type=int, help="what all chance follows from")
    asked = parser.parse_args()
    if unknown := [name for name in asked.names if name not in CLAIMS]:
        parser.error(f"no claim {', '.join(unknown)}; there are: {', '.join(CLAIMS)}, soak")
    return asked


def run(name: str, trials: int, seed: int) -> Row:
    """Run one harness in a process of its own."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "prove.one", name, str(trials), str(seed)]
    # Forks of a warm process are quick only where nothing else has to be put away.
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    try:
        found = Found(**json.loads(ended.stdout))
    except ValueError:
        found = Found(failures=[f"the harness ended with status {ended.returncode}"])
    return Row(name, seed, time.monotonic() - begun, found)


def tell(row: Row) -> None:
    """Print what is not in the table: figures, the control, skips, and the first failures."""
    found = row.found
    print(f"{row.name}: {found.trials:,} trials in {row.seconds:.1f} s; {found.figures}")
    print(f"  control, {found.control or 'not run'}")
    for skip in found.skips:
        print(f"  skipped: {skip}")
    for failure in found.failures[:SHOWN_FAILURES]:
        print(f"  FAILED: {failure}")
    sys.stdout.flush()


def table(rows: list[Row]) -> str:
    """Return the table, as Markdown."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = tuple("-" * width for width in widths)
    return "\n".join(
        "| " + " | ".join(map(str.ljust, line, widths)) + " |"
        for line in (lines[0], rule, *lines[1:])
    )


def commit() -> str:
    """Return the commit that is tried, in short."""
    git = ["git", "describe", "--always", "--dirty"]
    told = subprocess.run(git, capture_output=True, text=True, check=False)
    return told.stdout.strip() or "no commit"


def main() -> int:
    """Run what was asked for; return 1 if a claim fails or a seeded fault is not found."""
    if sys.argv[1:2] == ["soak"]:
        from prove.soak import main as soak

        return soak(sys.argv[2:])
    asked = parse_arguments()
    seed = random.randrange(2**32) if asked.seed is None else asked.seed
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit()}, {len(os.sched_getaffinity(0))} cores, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}\n"
    )
    rows = []
    for name in asked.names or CLAIMS:
        claim = CLAIMS[name]
        trials = claim.few if asked.few else claim.trials
        rows.append(run(name, trials * (NIGHTLY_TIMES if asked.nightly else 1), seed))
        tell(rows[-1])
    print(f"\n{table(rows)}")
    failed = [row.name for row in rows if not row.found.holds]
    print(f"\n{'FAILED: ' + ', '.join(failed) if failed else 'Every claim held.'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
