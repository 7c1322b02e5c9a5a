"""Pipelines of stages that do nothing: what a run costs, and what one more stage does."""

from __future__ import annotations

import os
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from bench.programs import WITHOUT_NODE, node_original, orch_tui
from bench.spending import Figures, environment, in_turn, ratios, repository, spend
from bench.table import Line, Table

COMMAND = "true"
OF_NODE = 0.4  # a run of few stages
STAGE_OF_SPAWN = 5.0
STAGE_OF_NODE = 0.5


def add_options(parser: ArgumentParser) -> None:
    """Add how many stages the two pipelines have."""
    parser.add_argument("--stages", type=int, nargs=2, default=(5, 50), metavar=("FEW", "MANY"))


def tables(asked: Namespace) -> list[Table]:
    """Measure runs of two lengths; the difference is what the further stages cost."""
    few, many = asked.stages
    node = node_original()
    programs = {"orch-tui": orch_tui(), **({"Node": node} if node else {})}
    with repository({"few": [COMMAND] * few, "many": [COMMAND] * many}) as repo:
        cpu: dict[str, list[float]] = {}
        cases: dict[str, Callable[[], float]] = {"spawn": lambda: _spawned(many) / many}
        for length, stages in (("few", few), ("many", many)):
            for name, command in programs.items():
                cases[f"{name} {length}"] = _run(command, length, name, repo, cpu)
            cases[f"sh {length}"] = _shell(stages, repo)
        found = in_turn(cases, asked.rounds or (3 if asked.quick else 9))
    lines = []
    for length, stages in (("few", few), ("many", many)):
        ours, bare = found[f"orch-tui {length}"], found[f"sh {length}"]
        theirs = found.get(f"Node {length}")
        what = f"{stages} stages"
        if theirs:
            goal = OF_NODE if length == "few" else None
            lines += [Line(f"{what}, orch-tui", ours, "ms", ratios(ours, theirs), "Node", goal)]
            lines += [Line(f"{what}, Node", theirs)]
        lines += [Line(f"{what}, orch-tui", ours, "ms", ratios(ours, bare), "one shell")]
        lines += [Line(f"{what}, one shell", bare)]
        lines += _on_processors(what, cpu, length, len(ours))
    return [
        Table("Whole runs, start of the process included", tuple(lines)),
        Table("One more stage", _further(found, many - few), "" if node else WITHOUT_NODE),
    ]


def _on_processors(
    what: str, cpu: dict[str, list[float]], length: str, rounds: int
) -> tuple[Line, ...]:
    """Return what the same runs spent on processors, which other work disturbs less."""
    ours = tuple(cpu[f"orch-tui {length}"][-rounds:])
    if f"Node {length}" not in cpu:
        return (Line(f"{what}, processors, orch-tui", ours),)
    theirs = tuple(cpu[f"Node {length}"][-rounds:])
    held = ratios(ours, theirs)
    return (
        Line(f"{what}, processors, orch-tui", ours, "ms", held, "Node"),
        Line(f"{what}, processors, Node", theirs),
    )


def _further(found: dict[str, Figures], further: int) -> tuple[Line, ...]:
    def each(name: str) -> Figures:
        pairs = zip(found[f"{name} many"], found[f"{name} few"], strict=True)
        return tuple((many - few) / further for many, few in pairs)

    ours, spawn = each("orch-tui"), found["spawn"]
    lines = [Line("orch-tui", ours, "ms", ratios(ours, spawn), "posix_spawn", STAGE_OF_SPAWN)]
    if "Node many" in found:
        theirs = each("Node")
        lines += [Line("orch-tui", ours, "ms", ratios(ours, theirs), "Node", STAGE_OF_NODE)]
        lines += [Line("Node", theirs, "ms", ratios(theirs, spawn), "posix_spawn")]
    lines += [Line("one shell", each("sh"), "ms", ratios(each("sh"), spawn), "posix_spawn")]
    return (*lines, Line("posix_spawn of a shell", spawn))


def _run(
    command: tuple[str, ...], pipeline: str, name: str, repo: Path, cpu: dict[str, list[float]]
) -> Callable[[], float]:
    words = [*command, "start", pipeline, "--task", f"bench-{name.lower()}", "--format", "json"]

    def case() -> float:
        spent = spend(words, cwd=repo)
        cpu.setdefault(f"{name} {pipeline}", []).append(spent.cpu_s)
        return spent.seconds

    return case


def _shell(stages: int, repo: Path) -> Callable[[], float]:
    script = "\n".join([f"/bin/sh -c {COMMAND}"] * stages)
    return lambda: spend(["/bin/sh", "-c", script], cwd=repo).seconds


def _spawned(times: int) -> float:
    """Return the seconds of as many shells, one after the other, started from here."""
    environ = environment()
    begun = time.perf_counter()
    for _ in range(times):
        os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", COMMAND], environ), 0)
    return time.perf_counter() - begun
