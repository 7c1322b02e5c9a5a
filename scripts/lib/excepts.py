"""Which `except` blocks below the screens are reached by a test; the others are told, and counted.

What stands in such a block runs when something has gone wrong already, and is what is tried least.
Tests run with coverage, in every process that they start. A block that only raises anew what it
caught, and one marked `# not reached: WHY`, does not count.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import coverage

ROOT: Final = Path(__file__).parent.parent.parent
ROOMS: Final = ("primitives", "store", "runner", "watch")
MORE: Final = ("cli", "interop", "test_main_job.py", "test_prove.py")
TESTS: Final = tuple(f"tests/{name}" for name in (*ROOMS, *MORE))
EXCUSE: Final = "# not reached: "
CONFIG: Final = """
[run]
source = {source}
parallel = true
patch = subprocess, fork, _exit
sigterm = true
data_file = {data}
disable_warnings = no-data-collected, module-not-imported
"""


@dataclass(frozen=True, slots=True)
class Handler:
    """An `except` block; `line` is that of the word, `excuse` says why nothing can reach it."""

    path: Path
    line: int
    body: frozenset[int]
    caught: str
    excuse: str


def handlers_of(path: Path) -> Iterator[Handler]:
    """Yield the handlers of a module that do something of their own."""
    text = path.read_text()
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        if isinstance(node.body[0], ast.Raise) and node.body[0].exc is None:
            continue
        caught = ast.unparse(node.type) if node.type else "everything"
        body = frozenset(statement.lineno for statement in node.body)
        own = lines[node.lineno - 1 : node.body[0].end_lineno]
        excuse = next((line.split(EXCUSE, 1)[1] for line in own if EXCUSE in line), "")
        yield Handler(path, node.lineno, body, caught, excuse)


def main(words: list[str]) -> int:
    """Run the tests and print what they leave out; return 1 if anything is left out."""
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "coverage"
        config = Path(place) / "coveragerc"
        config.write_text(CONFIG.format(source=ROOT / "orchestrator_tui", data=data))
        tests = [*(words or TESTS), "-q", "-n", "2", "-p", "no:cacheprovider"]
        run = [sys.executable, "-m", "coverage", "run", f"--rcfile={config}", "-m", "pytest"]
        subprocess.run([*run, *tests], cwd=ROOT, env=dict(os.environ), check=False)
        measured = coverage.Coverage(data_file=str(data), config_file=str(config))
        measured.combine([place])
        found = measured.get_data()
        paths = sorted(
            p for room in ROOMS for p in (ROOT / "orchestrator_tui" / room).rglob("*.py")
        )
        handlers = [handler for path in paths for handler in handlers_of(path)]
        reached = {path: set(found.lines(str(path)) or ()) for path in paths}
    idle = [each for each in handlers if not each.body & reached[each.path]]
    left = [each for each in idle if not each.excuse]
    for each in idle:
        why = f"  ({each.excuse})" if each.excuse else ""
        print(f"{each.path.relative_to(ROOT)}:{each.line}: except {each.caught}{why}")
    print(f"{len(handlers) - len(idle)} of {len(handlers)} handlers are reached", end="")
    print(f", {len(idle) - len(left)} cannot be, {len(left)} are left")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
