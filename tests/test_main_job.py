"""The main job, whole: the real program in a real terminal over real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from orchestrator_tui.ui.screens.dialogs import DEAF_S
from tests.terminals import RealTerminal

ORCH_TUI = [sys.executable, "-m", "orchestrator_tui"]
CONFIG = {
    "pipelines": [
        {
            "id": "broken",
            "title": "Broken build",
            "stages": [
                {"kind": "command", "id": "fetch", "title": "Fetch", "command": "echo fetched"},
                {
                    "kind": "command",
                    "id": "compile",
                    "title": "Compile",
                    "command": (
                        "test -e mended && echo built && exit 0;"
                        " for i in $(seq 1 300); do"
                        ' echo "src/part_$i.c:12:8: error: unknown type name" >&2; done; exit 2'
                    ),
                },
                {"kind": "command", "id": "package", "title": "Package", "command": "echo packed"},
            ],
        },
        {
            "id": "short",
            "title": "A few seconds",
            "stages": [
                {"kind": "command", "id": "wait", "title": "Wait", "command": "sleep 3; echo done"}
            ],
        },
        {
            "id": "ticking",
            "title": "Goes on and on",
            "stages": [
                {
                    "kind": "command",
                    "id": "tick",
                    "title": "Tick",
                    "command": 'for i in $(seq 1 600); do echo "tick $i"; sleep 0.1; done',
                }
            ],
        },
    ]
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with pipelines and no run."""
    (tmp_path / "codex.orchestrator.json").write_text(json.dumps(CONFIG))
    return tmp_path


def environ() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CODEX_", "MCP_", "TASK"))}
    return kept | {"TZ": "UTC"}


def manifests(repository: Path) -> list[dict[str, Any]]:
    paths = sorted(repository.glob(".runs/*/cli/*/manifest.json"))
    return [json.loads(path.read_text()) for path in paths]


def run_of(repository: Path, pipeline: str) -> dict[str, Any]:
    """Return the newest manifest of a pipeline."""
    return [m for m in manifests(repository) if m["pipeline_id"] == pipeline][-1]


def start(terminal: RealTerminal, *moves: str) -> None:
    """Start the pipeline that these keys lead to in the form."""
    terminal.type("s")
    terminal.until("enter take it")
    terminal.type(*moves, "enter")
    terminal.until("enter start it")
    terminal.pump(DEAF_S + 0.1)  # a held-down enter starts nothing
    terminal.type("enter")
    terminal.until_gone("Start a run")


def test_start_watch_cancel_run_again_resume_and_quit(repository: Path) -> None:
    command = [*ORCH_TUI, "--repo", str(repository)]
    with RealTerminal(command, size=(100, 30), environ=environ()) as terminal:
        terminal.until("No runs here yet.")

        start(terminal, "G")
        terminal.until("▸ RUN")
        terminal.until("tick 5")
        terminal.until("tick 12")

        terminal.type("x")
        terminal.until("Cancel this run?")
        terminal.pump(0.5)
        terminal.type("y")
        terminal.until("⊘ CANCEL")
        assert run_of(repository, "ticking")["status"] == "cancelled"

        terminal.type("r")
        terminal.until("Run again")
        terminal.pump(0.5)
        terminal.type("n")
        terminal.until("▸ RUN")
        terminal.until("tick 3")
        assert [m["pipeline_id"] for m in manifests(repository)] == ["ticking", "ticking"]

        start(terminal, "g")
        terminal.until("✗ FAIL")
        terminal.until("src/part_1.c:12:8: error: unknown type name")
        terminal.type("enter")
        terminal.until("[Errors 1]")
        terminal.until("lines left out here")
        terminal.type("G")
        terminal.until("src/part_300.c:12:8")

        (repository / "mended").touch()
        terminal.type("r")
        terminal.until("Resume from stage 2 compile")
        terminal.pump(0.5)
        terminal.type("enter")
        terminal.until("✓")
        terminal.until("OK")
        broken = run_of(repository, "broken")
        assert broken["status"] == "succeeded"
        assert len(broken["resume_events"]) == 1
        assert [c["status"] for c in broken["commands"]] == ["succeeded"] * 3

        terminal.type("esc")
        terminal.until("PIPELINE")
        start(terminal, "g", "j")
        terminal.until("short")
        terminal.until("1/1 wait")
        terminal.type("q")
        assert terminal.wait() == 0
        assert b"keep going" in terminal.raw

    deadline = time.monotonic() + 20
    while run_of(repository, "short")["status"] != "succeeded":
        assert time.monotonic() < deadline, run_of(repository, "short")
        time.sleep(0.1)
    stop_what_ticks(repository)


def stop_what_ticks(repository: Path) -> None:
    """End the run that would go on for a minute, by the command line."""
    listed = subprocess.run(
        [*ORCH_TUI, "--repo", str(repository), "list", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
        env=environ(),
    )
    states = [(run["pipeline_id"], run["state"]) for run in json.loads(listed.stdout)["runs"]]
    assert states == [
        ("short", "succeeded"),
        ("broken", "succeeded"),
        ("ticking", "running"),
        ("ticking", "cancelled"),
    ]
    ended = subprocess.run(
        [*ORCH_TUI, "--repo", str(repository), "cancel", "--yes", "--all"],
        capture_output=True,
        text=True,
        check=False,
        env=environ(),
    )
    assert ended.returncode == 0, ended.stderr
