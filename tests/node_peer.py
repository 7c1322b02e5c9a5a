"""The real Node original, installed once into the user's cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

PACKAGE = "@kbediako/codex-orchestrator"
VERSION = "0.2.1"
FOLDER_VARIABLE = "ORCH_TUI_NODE_PEER"  # names a folder that it is in, or is to be installed in
INSTALL_TIMEOUT_S = 240


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "orch-tui" / f"node-peer-{VERSION}"


def _installed(folder: Path) -> Path | None:
    binary = folder / "node_modules" / ".bin" / "codex-orchestrator"
    return binary if binary.exists() else None


def _install(folder: Path) -> str | None:
    """Install the original into a folder; return why that was not possible, None if it was."""
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as attempt:
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1"]
        try:
            subprocess.run(
                [npm, "install", "--prefix", attempt, *options, f"{PACKAGE}@{VERSION}"],
                check=True,
                capture_output=True,
                timeout=INSTALL_TIMEOUT_S,
            )
        except subprocess.SubprocessError as error:
            said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
            return f"npm cannot install {PACKAGE}: {said.partition(chr(10))[0] or error}"
        if _installed(folder) is None:  # another test process may have been quicker
            shutil.rmtree(folder, ignore_errors=True)
            shutil.move(attempt, folder)
            Path(attempt).mkdir()
    return None


@pytest.fixture(scope="session")
def peer_binary() -> Path:
    """Return the original's command; skip where it cannot be had."""
    folder = Path(os.environ.get(FOLDER_VARIABLE) or _cache())
    if _installed(folder) is None and (reason := _install(folder)):
        pytest.skip(reason)
    binary = _installed(folder)
    assert binary is not None
    return binary
