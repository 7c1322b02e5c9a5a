"""Both programs in one repository."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from orchestrator_tui.records.manifest import JsonObject

# Waits on disk for either tool; far above what a loaded machine needs.
RUN_TIMEOUT_S = 60

# One stage fails as long as the file `broken` is there, one runs as long as `slow` is.
CONFIG = {
    "pipelines": [
        {
            "id": "steps",
            "title": "Steps",
            "guardrailsRequired": False,
            "stages": [
                {"kind": "command", "id": "one", "title": "One", "command": "echo é one"},
                {
                    "kind": "command",
                    "id": "two",
                    "title": "Two",
                    "command": "if [ -e broken ]; then echo why >&2; exit 3; fi; echo two",
                },
                {
                    "kind": "command",
                    "id": "slow",
                    "title": "Slow",
                    "command": "touch reached; while [ -e slow ]; do sleep 0.05; done",
                },
                {"kind": "command", "id": "last", "title": "Last", "command": "echo last"},
            ],
        }
    ]
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> JsonObject:
        """Return the object on standard output; the original prints log lines before it."""
        start = 0 if self.out.startswith("{") else self.out.index("\n{") + 1
        document = orjson.loads(self.out[start:])
        assert isinstance(document, dict)
        return document


@dataclass(frozen=True, slots=True)
class Tool:
    """One of the two programs, in one repository."""

    command: tuple[str, ...]
    repo: Path

    def __call__(self, *arguments: str) -> Ended:
        """Run it to its end."""
        done = subprocess.run(
            [*self.command, *arguments],
            cwd=self.repo,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_TIMEOUT_S,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start it and return at once."""
        return subprocess.Popen(
            [*self.command, *arguments],
            cwd=self.repo,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def _environment() -> dict[str, str]:
    hidden = ("CODEX_", "MCP_RUNNER_", "ORCH_TUI_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(hidden) and k != "TASK"}
    return kept | {"MCP_RUNNER_TASK_ID": "0042-both"}


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Return a repository for both tools."""
    (tmp_path / "codex.orchestrator.json").write_bytes(orjson.dumps(CONFIG))
    return tmp_path


@pytest.fixture
def ours(shared: Path) -> Tool:
    """Return orch-tui in the shared repository."""
    return Tool((sys.executable, "-m", "orchestrator_tui"), shared)


@pytest.fixture
def peer(shared: Path, peer_binary: Path) -> Tool:
    """Return the Node original in the shared repository."""
    return Tool((str(peer_binary),), shared)
