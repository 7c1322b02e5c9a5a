"""How much memory the screen holds, and how much more for each run."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from bench.programs import orch_tui
from bench.spending import Figures, in_turn, ratios
from bench.start import BLANK, ROWS
from bench.table import Line, Table
from bench.terminal import Terminal
from bench.trees import counts, runs_in

OF_BLANK = 1.6
KIB_OF_RUN = 2.0
KEPT_AFTER_S = 5.0  # by then the configuration has rested, and all is kept


def add_options(parser: ArgumentParser) -> None:
    """Add how many runs there are: two sizes, of which the difference is measured."""
    parser.add_argument("--runs", type=counts, default=(1000, 10_000), help="such as 1000,100000")
    parser.add_argument("--rest", type=float, default=3.0, help="seconds in which all are read")


def tables(asked: Namespace) -> list[Table]:
    """Measure the screen beside an empty one, at two sizes."""
    few, many = asked.runs[0], asked.runs[-1]
    with runs_in(few) as small, runs_in(many) as large:
        for repo, count in ((small, few), (large, many)):
            # So that what is read and checked only once is kept, as it is for most starts.
            _resident(orch_tui(), repo, ROWS, KEPT_AFTER_S + count / 2000)
        cases = {
            "blank": lambda: _resident(BLANK, small, ("blank-app-is-here",), 0.5),
            "few": lambda: _resident(orch_tui(), small, ROWS, asked.rest),
            "many": lambda: _resident(orch_tui(), large, ROWS, asked.rest + many / 2000),
        }
        figures = in_turn(cases, asked.rounds or 3)
    pairs = zip(figures["many"], figures["few"], strict=True)
    each: Figures = tuple((m - f) / max(1, many - few) for m, f in pairs)
    blank = figures["blank"]
    return [
        Table(
            "Resident memory once all runs have been read",
            (
                Line(
                    f"orch-tui, {few:,} runs",
                    figures["few"],
                    "MiB",
                    ratios(figures["few"], blank),
                    "blank app",
                    OF_BLANK,
                ),
                Line(f"orch-tui, {many:,} runs", figures["many"], "MiB"),
                Line("each further run", each, "KiB", at_most=KIB_OF_RUN),
                Line("blank Textual app", blank, "MiB"),
            ),
        )
    ]


def _resident(command: tuple[str, ...], repo: Path, texts: tuple[str, ...], rest_s: float) -> float:
    with Terminal(command, repo) as terminal:
        terminal.wait_for(texts)
        until = time.monotonic() + rest_s
        while time.monotonic() < until:
            terminal.read(0.1)
        return terminal.resident_bytes()
