"""Folders of the person's own in which something is kept for each folder of runs."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import platformdirs

from orchestrator_tui.records.paths import Roots
from orchestrator_tui.records.program import PROGRAM

_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


def memory_folder(roots: Roots) -> Path:
    """Return where the documents of a repository lie: one folder for each folder of runs."""
    return platformdirs.user_state_path(PROGRAM) / _name(roots)


def index_folder(roots: Roots) -> Path:
    """Return where lies what can be read again: one folder for each folder of runs."""
    return platformdirs.user_cache_path(PROGRAM) / _name(roots)


def _name(roots: Roots) -> str:
    runs = str(roots.runs)
    mark = hashlib.sha256(runs.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    name = _UNFIT.sub("-", roots.repo.name)[:40].strip("-") or "runs"
    return f"{name}-{mark}"
