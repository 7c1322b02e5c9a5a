"""A process that runs the pipeline `main` of a repository and is killed at one step of its files.

Usage: killed_runner.py REPOSITORY STEP MOMENT
"""

from __future__ import annotations

import sys
from pathlib import Path

import anyio

from tests.fault_plans import Killing, When, installed
from tests.runner.repository import Repository


def main() -> None:
    """Run until the step comes."""
    repo = Repository(Path(sys.argv[1]))
    with installed(Killing(int(sys.argv[2]), When(sys.argv[3]))):
        anyio.run(repo.start, "main")


if __name__ == "__main__":
    main()
