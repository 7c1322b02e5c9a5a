"""Folders of the person's own in which something is kept for each folder of runs."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import platformdirs

from orchestrator_tui.records.paths import Roots
from orchestrator_tui.records.program import PROGRAM

# hashlib loads a library of ciphers, which takes three milliseconds of the first frame and half a
# mebibyte for one name. What it falls back upon itself is in the interpreter, by version.
_HOMES_OF_SHA256: Final = ("_sha2", "_sha256", "hashlib")
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


def memory_folder(roots: Roots) -> Path:
    """Return where the documents of a repository lie: one folder for each folder of runs."""
    return platformdirs.user_state_path(PROGRAM) / _name(roots)


def index_folder(roots: Roots) -> Path:
    """Return where lies what can be read again: one folder for each folder of runs."""
    return platformdirs.user_cache_path(PROGRAM) / _name(roots)


def _name(roots: Roots) -> str:
    runs = str(roots.runs)
    mark = _sha256()(runs.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    name = _UNFIT.sub("-", roots.repo.name)[:40].strip("-") or "runs"
    return f"{name}-{mark}"


def _sha256() -> Any:
    for home in _HOMES_OF_SHA256:
        try:
            return import_module(home).sha256
        except ImportError:
            continue
    raise ImportError("this interpreter has no SHA-256")
