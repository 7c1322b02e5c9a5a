"""Verbs in this process, in a repository of their own."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import orjson
import pytest

from orchestrator_tui.cli.main import run
from orchestrator_tui.records.manifest import JsonObject

FIXTURES = Path(__file__).parent.parent / "fixtures"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command line ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> JsonObject:
        """Return standard output, which must be exactly one JSON object."""
        document = orjson.loads(self.out)
        assert isinstance(document, dict)
        return document


class OrchTuiCommand(Protocol):
    """Runs a command line in this process."""

    def __call__(self, *arguments: str) -> Ended:
        """Return how it ended."""
        ...


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide what the person who runs the tests has set."""
    for name in os.environ:
        if name.startswith(("CODEX_", "MCP_RUNNER_", "ORCH_TUI_")) or name in ("TASK", "COLUMNS"):
            monkeypatch.delenv(name)


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty repository, which is the working directory too."""
    folder = tmp_path / "repo"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def peer_repo(repo: Path) -> Path:
    """Return a repository with eight runs of the Node original."""
    shutil.copytree(FIXTURES / "node-peer", repo, dirs_exist_ok=True)
    return repo


@pytest.fixture
def orch_tui(capfd: pytest.CaptureFixture[str]) -> OrchTuiCommand:
    """Return the program; nothing it writes reaches a terminal."""

    def command(*arguments: str) -> Ended:
        capfd.readouterr()
        status = run(arguments)
        written = capfd.readouterr()
        return Ended(status, written.out, written.err)

    return command
