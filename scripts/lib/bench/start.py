"""What a person waits for: the short commands as whole processes, and the first frame."""

from __future__ import annotations

import contextlib
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.programs import WITHOUT_NODE, node_original, orch_tui
from bench.spending import Figures, in_turn, ratios, spend
from bench.table import Line, Table
from bench.terminal import Terminal
from bench.trees import counts, runs_in

VERSION_OF_NODE = 0.15
STATUS_OF_NODE = 0.3
FRAME_OF_BLANK = {1000: 1.3, 10_000: 1.5, 100_000: 2.5}
FRAME_OF_NODE = 0.6
BLANK = (sys.executable, str(Path(__file__).with_name("blank_app.py")))
WHOLE = ("[1 Runs]",)  # what the early frame does not have
ROWS = ("SUCCEEDED", "CANCELLED", "FAILED ")  # words of a row's state, not of the header


def add_options(parser: ArgumentParser) -> None:
    """Add how many runs there are."""
    parser.add_argument("--runs", type=counts, default=(1000, 10_000), help="such as 1000,100000")


def tables(asked: Namespace) -> list[Table]:
    """Measure commands beside their counterparts, and the screen beside an empty one."""
    node = node_original()
    runs: tuple[int, ...] = asked.runs[:1] if asked.quick else asked.runs
    rounds = asked.rounds or (3 if asked.quick else 9)
    with contextlib.ExitStack() as stack:
        small = stack.enter_context(runs_in(runs[0], "--pointers"))
        repos = {count: stack.enter_context(runs_in(count)) for count in runs}
        commands = _commands(small, node, rounds)
        frames = _frames(repos, node, rounds)
    note = "" if node else WITHOUT_NODE
    return [
        Table(f"Whole processes in a repository of {runs[0]:,} runs", commands, note),
        Table("The first frame with rows of runs, what was read before kept", frames, note),
    ]


def _commands(repo: Path, node: tuple[str, ...] | None, rounds: int) -> tuple[Line, ...]:
    found = sorted(repo.glob(".runs/*/cli/*"))
    status = ["status", "--run", found[len(found) // 2].name, "--format", "json"]
    cases = {
        "python": _process((sys.executable, "-c", "pass"), [], repo),
        "version": _process(orch_tui(), ["--version"], repo),
        "status": _process(orch_tui(), status, repo),
        "list": _process(orch_tui(), ["list"], repo),
    }
    if node:
        cases["Node version"] = _process(node, ["--version"], repo)
        cases["Node status"] = _process(node, status, repo)
    figures = in_turn(cases, rounds)
    goals = {"version": VERSION_OF_NODE, "status": STATUS_OF_NODE, "list": None}
    lines = [Line("python -c pass", figures["python"])]
    for name, goal in goals.items():
        what, spent = f"orch-tui {name}", figures[name]
        beside = "status" if name == "list" else name
        if node:
            held = ratios(spent, figures[f"Node {beside}"])
            lines.append(Line(what, spent, "ms", held, f"Node {beside}", goal))
        else:
            lines.append(Line(what, spent, "ms", ratios(spent, figures["python"]), "python"))
    if node:
        lines += [Line(f"Node {name}", figures[f"Node {name}"]) for name in ("version", "status")]
    return tuple(lines)


def _frames(repos: dict[int, Path], node: tuple[str, ...] | None, rounds: int) -> tuple[Line, ...]:
    cases: dict[str, Callable[[], float]] = {
        "blank": lambda: first_frame(BLANK, next(iter(repos.values())), ("blank-app-is-here",))
    }
    for count, repo in repos.items():
        spend([*orch_tui(), "list", "--limit", "1"], cwd=repo)  # which keeps what it reads
        cases[f"{count}"] = partial(first_frame, orch_tui(), repo, ROWS)
        cases[f"whole {count}"] = partial(first_frame, orch_tui(), repo, WHOLE)
    if node:
        hud = [*node, "start", "wait", "--task", "hud", "--ui"]
        place = next(iter(repos.values()))
        _add_waiting_pipeline(place)
        cases["Node"] = lambda: first_frame(hud, place, ("codex-orchestrator HUD",))
    figures = in_turn(cases, rounds)
    lines: list[Line] = []
    for count in repos:
        what, spent = f"orch-tui, {count:,} runs", figures[f"{count}"]
        goal = FRAME_OF_BLANK.get(count)
        lines.append(Line(what, spent, "ms", ratios(spent, figures["blank"]), "blank app", goal))
    for count in repos:
        whole = figures[f"whole {count}"]
        what = f"the whole screen, {count:,} runs"
        lines.append(Line(what, whole, "ms", ratios(whole, figures["blank"]), "blank app"))
    if node:
        first: Figures = figures[f"{next(iter(repos))}"]
        held = ratios(first, figures["Node"])
        lines.insert(1, Line(f"{lines[0].what}", first, "ms", held, "Node screen", FRAME_OF_NODE))
        lines.append(Line("Node screen", figures["Node"]))
    return (*lines, Line("blank Textual app", figures["blank"]))


def first_frame(command: tuple[str, ...] | list[str], repo: Path, texts: tuple[str, ...]) -> float:
    """Return after how many seconds a program shows one of the texts on its terminal."""
    with Terminal(command, repo) as terminal:
        return terminal.wait_for(texts) - terminal.begun


def _add_waiting_pipeline(repo: Path) -> None:
    path = repo / "codex.orchestrator.json"
    config = json.loads(path.read_text())
    stage = {"kind": "command", "id": "wait", "title": "Wait", "command": "sleep 2"}
    config["pipelines"].append(
        {"id": "wait", "title": "Wait", "guardrailsRequired": False, "stages": [stage]}
    )
    path.write_text(json.dumps(config))


def _process(command: tuple[str, ...], words: list[str], repo: Path) -> Callable[[], float]:
    return lambda: spend([*command, *words], cwd=repo).seconds
