"""The programs that are measured: orch-tui, and the Node original where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_VERSION = "0.2.1"
WITHOUT_NODE = (
    "The Node original is not installed, so nothing is measured beside it: `./scripts/test "
    "tests/interop` installs it into the cache folder, or ORCH_TUI_NODE_PEER names a folder."
)


def orch_tui() -> tuple[str, ...]:
    """Return the command of this checkout."""
    script = Path(sys.prefix) / "bin" / "orch-tui"
    return (str(script),) if script.exists() else (sys.executable, "-m", "orchestrator_tui")


def node_original() -> tuple[str, ...] | None:
    """Return the command of the Node original, None if it or node is missing."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    named = os.environ.get("ORCH_TUI_NODE_PEER")
    folder = Path(named) if named else cache / "orch-tui" / f"node-peer-{_VERSION}"
    binary = folder / "node_modules" / ".bin" / "codex-orchestrator"
    return (str(binary),) if binary.exists() and shutil.which("node") else None


def node_version() -> str | None:
    """Return in words which Node original there is."""
    if node_original() is None:
        return None
    told = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True)
    return f"Node original {_VERSION} on Node.js {told.stdout.strip().removeprefix('v')}"


def last_run(repo: Path, task: str) -> Path:
    """Return the folder of the newest run of a task."""
    return max((repo / ".runs" / task / "cli").iterdir(), key=lambda run: run.name)
