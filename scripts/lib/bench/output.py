"""Much output through the real runner: time, memory of the runner, and bytes on disk."""

from __future__ import annotations

import shlex
import shutil
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.programs import WITHOUT_NODE, node_original, orch_tui
from bench.spending import Figures, in_turn, ratios, repository, spend
from bench.table import Line, Table

OF_PIPE = 1.4
OF_NODE = 0.25
GROWTH_MIB = 32.0
DISK_PER_BYTE = 1.1
MIB = 2**20
BLOCK, PLAIN = "block", "plain"  # files whose content is written again and again
_BLOCK_MIB = 16
_NODE_MIB = 64
_UNCAPPED = {"maxBytesPerStage": 2**40}
_WORDS = "collected compiled checked stored 'quoted' skipped naïve retried → done ok 0.25s"


@dataclass(slots=True)
class Program:
    """One program in one repository; `peaks` and `sizes`, in bytes, grow by one with each run."""

    name: str
    command: tuple[str, ...]
    repo: Path
    peaks: dict[str, list[float]] = field(default_factory=dict)
    sizes: dict[str, list[float]] = field(default_factory=dict)

    def run(self, pipeline: str) -> float:
        """Run a pipeline to its end, note memory and disk, and remove what it left."""
        words = [*self.command, "start", pipeline, "--task", "bench", "--format", "json"]
        spent = spend(words, cwd=self.repo)
        left = [self.repo / ".runs", self.repo / "out"]
        self.peaks.setdefault(pipeline, []).append(float(spent.peak_bytes))
        self.sizes.setdefault(pipeline, []).append(float(sum(map(_size_bytes, left))))
        for folder in left:
            shutil.rmtree(folder, ignore_errors=True)
        return spent.seconds


def add_options(parser: ArgumentParser) -> None:
    """Add how much is written."""
    parser.add_argument("--mib", type=int, default=1024, help="of output; --quick: 64")


def tables(asked: Namespace) -> list[Table]:
    """Measure the runner beside a pipe into a file, then beside the Node original."""
    size_mib = 64 if asked.quick else asked.mib
    rounds = asked.rounds or 3
    tables = [_beside_pipe(size_mib, rounds)]
    node = node_original()
    if node is None:
        return [*tables, Table("Beside the Node original", (), WITHOUT_NODE)]
    return [*tables, _beside_node(node, min(size_mib, _NODE_MIB), rounds)]


def _beside_pipe(size_mib: int, rounds: int) -> Table:
    with repository({"much": [_writer(size_mib)], "none": ["true"]}) as capped:
        block = _write_block(capped, size_mib)
        commands = {
            "much": [_writer(size_mib)],
            "plain": [_writer(size_mib, PLAIN)],
            "none": ["true"],
        }
        with repository(commands, logs=_UNCAPPED) as uncapped:
            shutil.copy(block, uncapped)
            _write_block(uncapped, size_mib, PLAIN)
            default = Program("default", orch_tui(), capped)
            whole = Program("whole", orch_tui(), uncapped)
            cases: dict[str, Callable[[], float]] = {
                "pipe": lambda: _piped(capped, size_mib),
                "whole": lambda: whole.run("much"),
                "plain pipe": lambda: _piped(uncapped, size_mib, PLAIN),
                "plain": lambda: whole.run("plain"),
                "default": lambda: default.run("much"),
                "nothing": lambda: whole.run("none"),
            }
            found = in_turn(cases, rounds, warm_up=False)
    lines: list[Line] = [Line("command, pipe, cat, file", found["pipe"], "s")]
    for name, program in (("whole", whole), ("default", default)):
        what = f"{name} log" if name == "whole" else "log capped by default"
        lines += _lines(what, program, found[name], found["pipe"], size_mib, whole)
    beside = found["plain pipe"]
    lines += [
        Line("command, pipe, cat, file; ASCII", beside, "s"),
        Line(
            "orch-tui, whole log; ASCII",
            found["plain"],
            "s",
            ratios(found["plain"], beside),
            "the pipe",
            OF_PIPE,
        ),
    ]
    note = (
        "Of the text four lines in ten hold a letter or a sign that is not ASCII, except where\n"
        "ASCII is named.\n\n"
        "The whole log is written with `orchTui.logs.maxBytesPerStage` out of reach. The default\n"
        "keeps 256 MiB a stage, so with it the bytes on disk per byte fall with more output."
    )
    return Table(f"{size_mib:,} MiB of text on standard output of one stage", tuple(lines), note)


def _lines(
    what: str,
    program: Program,
    seconds: Figures,
    piped: Figures,
    size_mib: int,
    idle: Program,
) -> list[Line]:
    pairs = zip(program.peaks["much"], idle.peaks["none"], strict=True)
    growth = tuple(much - none for much, none in pairs)
    disk = tuple(size / (size_mib * MIB) for size in program.sizes["much"])
    return [
        Line(f"orch-tui, {what}", seconds, "s", ratios(seconds, piped), "the pipe", OF_PIPE),
        Line(f"memory, beyond a run without output, {what}", growth, "MiB", at_most=GROWTH_MIB),
        Line(f"on disk per byte, {what}", disk, "", at_most=DISK_PER_BYTE),
    ]


def _beside_node(node: tuple[str, ...], size_mib: int, rounds: int) -> Table:
    with repository({"much": [_writer(size_mib)], "none": ["true"]}) as repo:
        _write_block(repo, size_mib)
        ours, theirs = Program("ours", orch_tui(), repo), Program("theirs", node, repo)
        cases: dict[str, Callable[[], float]] = {
            "ours": lambda: ours.run("much") - ours.run("none"),
            "theirs": lambda: theirs.run("much") - theirs.run("none"),
        }
        found = in_turn(cases, rounds, warm_up=False)
    lines = [
        Line(
            "orch-tui", mine := found["ours"], "s", ratios(mine, found["theirs"]), "Node", OF_NODE
        ),
        Line("Node", found["theirs"], "s"),
    ]
    for program, name in ((ours, "orch-tui"), (theirs, "Node")):
        disk = tuple(size / (size_mib * MIB) for size in program.sizes["much"])
        lines.append(Line(f"peak memory, {name}", tuple(program.peaks["much"]), "MiB"))
        lines.append(Line(f"on disk per byte, {name}", disk, ""))
    note = "From each time that of a run without output, measured right after it, is subtracted."
    return Table(f"{size_mib} MiB beside the Node original", tuple(lines), note)


def _writer(size_mib: int, block: str = BLOCK) -> str:
    """Return a command of one process that writes that much text from memory."""
    times = max(1, size_mib // _BLOCK_MIB)
    return "exec cat" + f" {block}" * times


def _write_block(repo: Path, size_mib: int, name: str = BLOCK) -> Path:
    """Write the text that is repeated: lines as tools write them, with quotes and accents."""
    words = _WORDS.split()
    lines = (
        f"{n:08d} {words[n % 7]} {words[n % 8]} {words[n % 9]} tests/unit/test_{n % 97}.py"
        for n in range(1000)
    )
    # Written in parts: this process has to stay smaller than the one that is measured.
    text = "\n".join(lines) + "\n"
    part = text.encode() if name == BLOCK else text.encode("ascii", "replace")
    block = repo / name
    left = min(size_mib, _BLOCK_MIB) * MIB
    with block.open("wb") as file:
        while left > 0:
            left -= file.write(part[:left])
    return block


def _piped(repo: Path, size_mib: int, block: str = BLOCK) -> float:
    target = shlex.quote(str(repo / "piped"))
    seconds = spend(
        ["/bin/sh", "-c", f"({_writer(size_mib, block)}) | cat > {target}"], cwd=repo
    ).seconds
    (repo / "piped").unlink()
    return seconds


def _size_bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
