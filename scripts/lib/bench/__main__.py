"""The command line of the benchmarks; a further subject is a module and a line in `SUBJECTS`.

A subject's module has `add_options(parser)`, and `tables(asked)`, which measures and returns what
is to be printed. `asked` has the subject's own options, `rounds` (None for the subject's own
number), and `quick`.
"""

from __future__ import annotations

import argparse
import importlib
import platform
import sys
from datetime import UTC, datetime
from typing import Final

from bench.programs import node_version
from bench.spending import Failed, usable_cores

SUBJECTS: Final = {
    "runner": "pipelines of trivial stages: whole runs, and one more stage",
    "output": "much output: time, memory, and bytes on disk",
    "locks": "many processes that record runs of one task",
    "start": "the short commands as whole processes, and the first frame",
    "scan": "all runs of a repository, read for the first time and again",
    "watch": "from a change on disk to the screen, and whether any is missed",
    "screens": "keys, clocks, rest and a long log on a terminal",
    "memory": "how much the screen holds, and for each run",
    "history": "one more run in a history that is long already",
}


def parse_arguments() -> argparse.Namespace:
    """Return the command line; without a subject it asks for all."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure orch-tui.")
    subjects = parser.add_subparsers(dest="subject", metavar="SUBJECT", required=True)
    for name, told in {**SUBJECTS, "all": "every subject"}.items():
        options = subjects.add_parser(name, help=told, description=told)
        options.add_argument("--rounds", type=int, help="how often each case is measured")
        options.add_argument("--quick", action="store_true", help="smaller sizes, fewer rounds")
        if name in SUBJECTS:
            importlib.import_module(f"bench.{name}").add_options(options)
    words = sys.argv[1:]
    return parser.parse_args(words if words else ["all"])


def show(subject: str, asked: argparse.Namespace) -> None:
    """Measure one subject and print its tables; what cannot be measured is told."""
    print(f"\n## {subject}\n", flush=True)
    try:
        for table in importlib.import_module(f"bench.{subject}").tables(asked):
            print(f"{table}\n", flush=True)
    except Failed as failed:
        print(f"Not measured: {failed}", flush=True)


def defaults(subject: str, asked: argparse.Namespace) -> argparse.Namespace:
    """Return the options of one subject where all were asked for."""
    parser = argparse.ArgumentParser()
    importlib.import_module(f"bench.{subject}").add_options(parser)
    parser.set_defaults(rounds=asked.rounds, quick=asked.quick)
    return parser.parse_args([])


def main() -> None:
    """Print a line about the machine, then the tables."""
    asked = parse_arguments()
    node = node_version()
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {usable_cores()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, {node or 'without the Node original'}"
    )
    if asked.subject != "all":
        show(asked.subject, asked)
        return
    for subject in SUBJECTS:
        show(subject, defaults(subject, asked))


if __name__ == "__main__":
    main()
