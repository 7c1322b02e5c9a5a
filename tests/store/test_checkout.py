"""The branch that a repository stands on, as git itself leaves it on disk."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from orchestrator_tui.primitives.steps import Step
from orchestrator_tui.store.checkout import (
    BRANCH_CHARACTERS,
    head_file,
    head_signature,
    read_branch,
)
from tests.fault_plans import FailingStep, installed


def git(folder: Path, *words: str) -> None:
    names = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
    subprocess.run(["git", "-C", folder, *names, *words], check=True, capture_output=True)


def branch_of(folder: Path) -> str:
    return read_branch(head_file(folder))


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    made = tmp_path / "repo"
    made.mkdir()
    git(made, "init", "--quiet", "--initial-branch", "feature/login")
    git(made, "commit", "--quiet", "--allow-empty", "--message", "begin")
    return made


def test_the_branch_is_named_from_any_folder_of_it(repo: Path) -> None:
    inner = repo / "packages" / "one"
    inner.mkdir(parents=True)
    assert branch_of(repo) == branch_of(inner) == "feature/login"


def test_another_branch_changes_the_signature(repo: Path) -> None:
    before = head_signature(head_file(repo))
    git(repo, "switch", "--quiet", "--create", "other")
    assert head_signature(head_file(repo)) != before
    assert branch_of(repo) == "other"


def test_a_commit_without_a_branch_is_told_in_parentheses(repo: Path) -> None:
    git(repo, "checkout", "--quiet", "--detach")
    said = subprocess.run(
        ["git", "-C", repo, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    )
    assert branch_of(repo) == f"({said.stdout[:8]})"


def test_a_linked_work_tree_has_a_branch_of_its_own(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "--quiet", "-b", "beside", str(tmp_path / "beside"))
    assert branch_of(tmp_path / "beside") == "beside"


def test_without_git_nothing_is_told(tmp_path: Path) -> None:
    assert head_file(tmp_path) is None
    assert branch_of(tmp_path) == ""


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 4096, b"x" * 100_000, b"ref: refs/heads/", b"ref: refs/tags/v1", b"\xff\xfe"],
)
def test_whatever_else_stands_in_head_is_no_branch(repo: Path, content: bytes) -> None:
    (repo / ".git" / "HEAD").write_bytes(content)
    assert branch_of(repo) == ""


def test_a_head_that_is_a_pipe_keeps_nobody_waiting(repo: Path) -> None:
    (repo / ".git" / "HEAD").unlink()
    os.mkfifo(repo / ".git" / "HEAD")
    assert branch_of(repo) == ""


def test_a_name_without_end_is_cut(repo: Path) -> None:
    (repo / ".git" / "HEAD").write_text("ref: refs/heads/" + "b" * 3000)
    assert branch_of(repo) == "b" * BRANCH_CHARACTERS


def test_a_head_that_cannot_be_looked_at_has_no_signature(repo: Path) -> None:
    head = head_file(repo)
    with installed(FailingStep(Step.STAT, errno.EACCES)):
        assert head_signature(head) is None
