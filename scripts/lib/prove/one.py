"""One harness in a process of its own: prints what it has found as JSON.

Usage: python -m prove.one NAME TRIALS SEED
"""

from __future__ import annotations

import importlib
import json
import logging
import sys
import tempfile
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Final

from prove.claims import CLAIMS
from prove.harness import Asked, Found

FEW_SLACK: Final = 20.0  # few trials show that a harness works, beside a whole test suite


def find(name: str, trials: int, seed: int) -> Found:
    """Run a harness; one that breaks is a claim that failed."""
    with tempfile.TemporaryDirectory(
        prefix=f"orch-tui-prove-{name}-", ignore_cleanup_errors=True
    ) as place:
        slack = FEW_SLACK if trials <= CLAIMS[name].few else 1.0
        asked = Asked(trials, seed, Path(place).resolve(), slack)
        try:
            found: Found = importlib.import_module(f"prove.{name}").prove(asked)
        except Exception:
            return Found(failures=[f"the harness broke: {traceback.format_exc()}"])
        return found


def main() -> None:
    """Print the result on the real standard output; what the harness says goes to the other one."""
    told, sys.stdout = sys.stdout, sys.stderr
    logging.disable()  # what the disk refuses is told a thousand times here
    name, trials, seed = sys.argv[1:]
    json.dump(asdict(find(name, int(trials), int(seed))), told)


if __name__ == "__main__":
    main()
