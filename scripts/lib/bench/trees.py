"""Repositories with very many believable runs, made for one subject and removed after it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path

from bench.spending import Failed, repository

MAKE_RUNS = Path(__file__).resolve().parents[2] / "make_runs"


def counts(text: str) -> tuple[int, ...]:
    """Return the numbers in `1000,10000`, for the command line."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not like 1000,10000") from error


def make_runs(repo: Path, runs: int, *flags: str) -> None:
    """Write finished runs; `flags` are those of `scripts/make_runs`."""
    words = [sys.executable, str(MAKE_RUNS), str(runs), "--root", str(repo), *flags]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise Failed(f"make_runs: {made.stderr[-200:]}")


@contextlib.contextmanager
def runs_in(runs: int, *flags: str) -> Iterator[Path]:
    """Make a repository with so many finished runs, and remove it in the end."""
    with repository({"few": ["true"]}) as repo:
        make_runs(repo, runs, *(flags or ("--bare",)))
        yield repo


@contextlib.contextmanager
def live_runs(repo: Path, runs: int, changes_per_s: float, seconds: float) -> Iterator[None]:
    """Have runs beat in a repository meanwhile."""
    words = [sys.executable, str(MAKE_RUNS), "0", "--root", str(repo), "--live", str(runs)]
    words += ["--changes-per-second", str(changes_per_s), "--seconds", str(seconds)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as beating:
        assert beating.stdout is not None
        beating.stdout.readline()
        beating.stdout.readline()  # all of them are there
        try:
            yield
        finally:
            beating.terminate()
