"""Checkout: which branch a repository stands on, read from its files, without a process."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import FileSignature

BRANCH_CHARACTERS: Final = 120
_FILE_BYTES: Final = 4096  # HEAD and the file of a linked work tree hold one line
_LINK: Final = "gitdir: "  # of a linked work tree, whose `.git` is a file
_ON_BRANCH = re.compile(r"ref: refs/heads/(\S+)\s*")
_ON_COMMIT = re.compile(r"([0-9a-f]{8})[0-9a-f]{32}(?:[0-9a-f]{24})?\s*")


def head_file(repo: Path) -> Path | None:
    """Return where the git repository around a folder says what is checked out; None without one.

    Whatever cannot be read counts as no repository.
    """
    for folder in (repo, *repo.parents):
        inside = folder / ".git"
        try:
            if files.is_folder(inside):
                return inside / "HEAD"
            if files.signature(inside) is not None:
                text = _text(inside)
                return folder / text[len(_LINK) :] / "HEAD" if text.startswith(_LINK) else None
        except OSError:
            return None
    return None


def head_signature(head: Path | None) -> FileSignature | None:
    """Return the signature of a HEAD file, None if it cannot be looked at."""
    try:
        return files.signature(head) if head is not None else None
    except OSError:
        return None


def read_branch(head: Path | None) -> str:
    """Return the branch that a HEAD file names, or the first digits of a commit in parentheses.

    Empty where there is no such file, or it holds anything else. The name is whatever somebody
    called the branch: not safe, at most `BRANCH_CHARACTERS` long.
    """
    try:
        text = _text(head) if head is not None else ""
    except OSError:
        return ""
    if on_branch := _ON_BRANCH.fullmatch(text):
        return on_branch[1][:BRANCH_CHARACTERS]
    on_commit = _ON_COMMIT.fullmatch(text)
    return f"({on_commit[1]})" if on_commit else ""


def _text(path: Path) -> str:
    return files.read_bytes(path, limit_bytes=_FILE_BYTES).decode("utf-8", "replace").strip()
