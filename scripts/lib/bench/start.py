"""The short commands as whole processes, in a repository with many runs."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from bench.programs import WITHOUT_NODE, node_original, orch_tui
from bench.spending import Failed, in_turn, ratios, repository, spend
from bench.table import Line, Table

VERSION_OF_NODE = 0.15
STATUS_OF_NODE = 0.3
_MAKE_RUNS = Path(__file__).resolve().parents[2] / "make_runs"


def add_options(parser: ArgumentParser) -> None:
    """Add how many runs there are."""
    parser.add_argument("--runs", type=int, default=1000)


def tables(asked: Namespace) -> list[Table]:
    """Measure each command beside its counterpart."""
    node = node_original()
    with repository({"few": ["true"]}) as repo:
        run_id = _make_runs(repo, asked.runs)
        status = ["status", "--run", run_id, "--format", "json"]
        cases = {
            "python": _process((sys.executable, "-c", "pass"), [], repo),
            "version": _process(orch_tui(), ["--version"], repo),
            "status": _process(orch_tui(), status, repo),
            "list": _process(orch_tui(), ["list"], repo),
        }
        if node:
            cases["Node version"] = _process(node, ["--version"], repo)
            cases["Node status"] = _process(node, status, repo)
        found = in_turn(cases, asked.rounds or (3 if asked.quick else 15))
    goals = {"version": VERSION_OF_NODE, "status": STATUS_OF_NODE, "list": None}
    lines = [Line("python -c pass", found["python"])]
    for name, goal in goals.items():
        what, figures = f"orch-tui {name}", found[name]
        beside = "status" if name == "list" else name
        if node:
            held = ratios(figures, found[f"Node {beside}"])
            lines.append(Line(what, figures, "ms", held, f"Node {beside}", goal))
        else:
            held = ratios(figures, found["python"])
            lines.append(Line(what, figures, "ms", held, "python -c pass"))
    if node:
        lines += [Line(f"Node {name}", found[f"Node {name}"]) for name in ("version", "status")]
    title = f"Whole processes in a repository of {asked.runs:,} runs"
    return [Table(title, tuple(lines), "" if node else WITHOUT_NODE)]


def _process(command: tuple[str, ...], words: list[str], repo: Path) -> Callable[[], float]:
    return lambda: spend([*command, *words], cwd=repo).seconds


def _make_runs(repo: Path, runs: int) -> str:
    """Make believable runs, with what leads the Node original to them; return one's id."""
    made = subprocess.run(
        [sys.executable, _MAKE_RUNS, str(runs), "--root", repo, "--pointers"],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise Failed(f"make_runs: {made.stderr[-200:]}")
    found = sorted(repo.glob(".runs/*/cli/*"))
    return found[len(found) // 2].name
