"""Git: at which commit a repository is, and which files differ between two; all of it bounded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.git import GitAnswer, ask_git
from orchestrator_tui.records.life import GitFacts

FILES_KEPT: Final = 50  # names of changed files; of more only the number is told
NAME_CHARACTERS: Final = 300
_ANSWER_BYTES: Final = 256 * 1024
_STATUS_S, _PLAIN_STATUS_S, _DIFF_S = 2.0, 1.0, 1.5
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# How many words of a porcelain line come before the path.
_WORDS_BEFORE: Final = {"1": 8, "2": 9, "u": 10, "?": 1}


@dataclass(frozen=True, slots=True)
class ChangedFiles:
    """Names of files that differ, the first of `count`; they are whatever the repository says."""

    names: tuple[str, ...]
    count: int


def is_commit(text: str | None) -> bool:
    """Tell whether a text is the full name of a commit: git can take it for nothing else."""
    return text is not None and _COMMIT.fullmatch(text) is not None


def read_git_facts(
    repo: Path, environ: Mapping[str, str], leave_out: tuple[str, ...] = ()
) -> GitFacts | None:
    """Return at which commit a folder's repository is; None without one, or if it takes too long.

    Files that git does not know count as changed, unless looking for them takes too long.

    Args:
        repo: A folder in the repository.
        environ: Says where git is.
        leave_out: Folders, relative to `repo`, whose files are not counted.
    """
    if not _has_git(repo):
        return None
    others = tuple(f":(exclude){name}" for name in leave_out)
    for untracked, timeout_s in (("normal", _STATUS_S), ("no", _PLAIN_STATUS_S)):
        words = (
            "status",
            "--porcelain=v2",
            "--branch",
            "-z",
            "--no-renames",
            "--ignore-submodules=dirty",
            f"--untracked-files={untracked}",
            "--",
            ".",
            *others,
        )
        answer = ask_git(repo, words, environ, timeout_s=timeout_s, limit_bytes=_ANSWER_BYTES)
        if answer is not None:
            return _facts(answer)
    return None


def read_changed(
    repo: Path, environ: Mapping[str, str], base: str, head: str
) -> ChangedFiles | None:
    """Return which files differ between two commits, None if git cannot tell.

    It cannot for one where a commit is not in the repository any more.
    """
    if not (is_commit(base) and is_commit(head)):
        return None
    if base == head:
        return ChangedFiles((), 0)
    words = ("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", base, head, "--")
    answer = ask_git(repo, words, environ, timeout_s=_DIFF_S, limit_bytes=_ANSWER_BYTES)
    return None if answer is None else _changed(_texts(answer))


def _has_git(repo: Path) -> bool:
    try:
        return any(files.exists(folder / ".git") for folder in (repo, *repo.parents))
    except OSError:
        return False


def _texts(answer: GitAnswer) -> Iterator[str]:
    pieces = answer.content.split(b"\0")
    # The last piece is empty, or was cut off.
    return (piece.decode("utf-8", "replace") for piece in pieces[:-1])


def _changed(names: Iterator[str]) -> ChangedFiles:
    told = list(names)
    return ChangedFiles(tuple(name[:NAME_CHARACTERS] for name in told[:FILES_KEPT]), len(told))


def _facts(answer: GitAnswer) -> GitFacts:
    told: dict[str, str] = {}
    names: list[str] = []
    for text in _texts(answer):
        if text.startswith("# "):
            name, _, value = text[2:].partition(" ")
            told[name] = value
        elif (before := _WORDS_BEFORE.get(text[:1])) is not None and text[1:2] == " ":
            names += text.split(" ", before)[before:]
    changed = _changed(iter(names))
    branch, commit = told.get("branch.head"), told.get("branch.oid")
    return GitFacts(
        branch=branch[:NAME_CHARACTERS] if branch and branch != "(detached)" else None,
        commit=commit if is_commit(commit) else None,
        dirty=changed.count,
        changed=changed.names,
    )
