"""Repositories in a folder of their own, some of them copies of real ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest

from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.paths import Roots, RunPaths, resolve_run_paths
from orchestrator_tui.records.pipeline import CommandStage, Pipeline
from tests.fakes import HandClock

FIXTURES = Path(__file__).parent.parent / "fixtures"
TASK = "0777-py"
RUN = "2026-01-02T03-04-05-678Z-0badcafe"
TOKEN = "ab" * 32
TWO_STAGES = Pipeline(
    "two", "Two", (CommandStage("a", "A", "echo a"), CommandStage("b", "B", "exit 3"))
)


@pytest.fixture
def clock() -> HandClock:
    """Return a clock that stands still."""
    return HandClock()


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    """Return the roots of an empty repository."""
    repo = tmp_path / "repo"
    repo.mkdir()
    return Roots.of(repo)


@pytest.fixture
def paths(roots: Roots) -> RunPaths:
    """Return the paths of a run whose folder is there and empty."""
    found = resolve_run_paths(roots, TASK, RUN)
    found.run_dir.mkdir(parents=True)
    return found


def copied(name: str, folder: Path) -> Roots:
    """Return the roots of a copy of a fixture, its flattened links made links again."""
    repo = folder / name
    shutil.copytree(FIXTURES / name, repo)
    for pointer in repo.glob(".runs/local-mcp/*/manifest.json"):
        target = pointer.read_text().strip()
        pointer.unlink()
        pointer.symlink_to(target)
    return Roots.of(repo)


def put(path: Path, content: object) -> Path:
    """Write JSON, text or bytes to a path, folders included, and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_text(content)
    else:
        path.write_bytes(orjson.dumps(content))
    return path


def got(path: Path) -> JsonObject:
    """Return the JSON object in a file."""
    document = orjson.loads(path.read_bytes())
    assert isinstance(document, dict)
    return document
