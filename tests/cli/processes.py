"""The program as a process of its own, in a repository with quick pipelines."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from tests.cli.conftest import Ended

PATIENCE_S = 20.0
CONFIG = {
    "defaultPipeline": "steps",
    "pipelines": [
        {
            "id": "steps",
            "title": "Steps",
            "stages": [
                {
                    "kind": "command",
                    "id": "one",
                    "title": "One",
                    "command": "echo out; echo err >&2",
                },
                {
                    "kind": "command",
                    "id": "two",
                    "title": "Two",
                    "command": "[ ! -e broken ] || { printf 'why\\033[31m\\n' >&2; exit 3; }",
                },
                {
                    "kind": "command",
                    "id": "slow",
                    "title": "Slow",
                    "command": "touch reached; while [ -e slow ]; do sleep 0.05; done",
                },
            ],
        },
        {
            "id": "say",
            "title": "Say",
            "stages": [
                {"kind": "command", "id": "say", "title": "Say", "command": 'echo "$GREETING"'}
            ],
        },
        {
            "id": "many",
            "title": "Many",
            "stages": [
                {
                    "kind": "command",
                    "id": "count",
                    "title": "Count",
                    "command": "seq 1 20000",
                }
            ],
        },
        {"id": "empty", "title": "Empty", "stages": []},
    ],
}


@dataclass(frozen=True, slots=True)
class Project:
    """A repository and the program in it."""

    repo: Path

    def command(self, *arguments: str) -> list[str]:
        """Return a command line."""
        return [sys.executable, "-m", "orchestrator_tui", "--repo", str(self.repo), *arguments]

    def __call__(self, *arguments: str) -> Ended:
        """Run the program to its end."""
        done = subprocess.run(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the program and return at once."""
        return subprocess.Popen(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def make_slow(self) -> None:
        """Have the last stage wait until `slow` is removed."""
        (self.repo / "slow").touch()

    def wait_until_slow(self) -> None:
        """Return when the last stage has begun."""
        wait_for((self.repo / "reached").exists)


def project_in(folder: Path) -> Project:
    """Return a new project."""
    folder.mkdir(exist_ok=True)
    (folder / "codex.orchestrator.json").write_bytes(orjson.dumps(CONFIG))
    return Project(folder)


def wait_for(condition: Callable[[], bool]) -> None:
    """Return as soon as a condition holds; fail when it takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        os.sched_yield()
        time.sleep(0.01)
