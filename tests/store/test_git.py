"""Git: what is asked of a repository, and that neither it nor its names can do harm."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from orchestrator_tui.primitives.git import ask_git
from orchestrator_tui.records.life import GitFacts
from orchestrator_tui.store.git import FILES_KEPT, ChangedFiles, read_changed, read_git_facts
from tests.git_repository import commit, git, make_repository

HOSTILE = "evil\x1b[2J\nname.py"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    make_repository(folder)
    return folder


def facts(folder: Path, *leave_out: str) -> GitFacts | None:
    return read_git_facts(folder, os.environ, leave_out)


def test_branch_commit_and_changed_files_are_told(repo: Path) -> None:
    at = commit(repo, src__a="1", src__b="1")
    (repo / "src/a").write_text("2")
    (repo / HOSTILE).write_text("")
    assert facts(repo) == GitFacts("main", at, 2, ("src/a", HOSTILE))


def test_what_runs_write_is_no_change(repo: Path) -> None:
    at = commit(repo, a="1")
    (repo / ".runs/x").mkdir(parents=True)
    (repo / ".runs/x/manifest.json").write_text("{}")
    assert facts(repo, ".runs", "out") == GitFacts("main", at)


def test_before_the_first_commit_and_off_a_branch(repo: Path) -> None:
    assert facts(repo) == GitFacts("main", None)
    at = commit(repo, a="1")
    git(repo, "checkout", "-q", "--detach")
    assert facts(repo) == GitFacts(None, at)


def test_a_folder_without_git_has_no_facts(tmp_path: Path) -> None:
    assert facts(tmp_path) is None


def test_another_repository_named_by_the_environment_is_not_asked(
    repo: Path, tmp_path: Path
) -> None:
    at = commit(repo, a="1")
    make_repository(tmp_path / "other")
    environ = {**os.environ, "GIT_DIR": str(tmp_path / "other/.git")}
    assert read_git_facts(repo, environ) == GitFacts("main", at)


def test_changed_files_between_commits(repo: Path) -> None:
    base = commit(repo, a="1", b="1")
    head = commit(repo, b="2", c="1")
    assert read_changed(repo, os.environ, base, head) == ChangedFiles(("b", "c"), 2)
    assert read_changed(repo, os.environ, base, base) == ChangedFiles((), 0)
    many = commit(repo, **{f"f{number}": "" for number in range(FILES_KEPT + 7)})
    found = read_changed(repo, os.environ, head, many)
    assert found is not None
    assert (len(found.names), found.count) == (FILES_KEPT, FILES_KEPT + 7)


@pytest.mark.parametrize("base", ["--output=evil", "HEAD", "0" * 40, ""])
def test_what_is_no_commit_here_is_not_compared(repo: Path, base: str) -> None:
    head = commit(repo, a="1")
    assert read_changed(repo, os.environ, base, head) is None
    assert not (repo / "evil").exists()


def test_a_git_that_hangs_is_left_in_time(repo: Path, tmp_path: Path) -> None:
    slow = tmp_path / "bin/git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    environ = {**os.environ, "PATH": f"{slow.parent}:{os.environ['PATH']}"}
    begun = time.monotonic()
    answer = ask_git(repo, ("status",), environ, timeout_s=0.2, limit_bytes=100)
    assert answer is None
    assert time.monotonic() - begun < 5


def test_an_endless_answer_is_cut(repo: Path, tmp_path: Path) -> None:
    loud = tmp_path / "bin/git"
    loud.parent.mkdir()
    loud.write_text("#!/bin/sh\nexec yes\n")
    loud.chmod(0o755)
    environ = {**os.environ, "PATH": f"{loud.parent}:{os.environ['PATH']}"}
    answer = ask_git(repo, ("status",), environ, timeout_s=5, limit_bytes=1000)
    assert answer is not None
    assert (len(answer.content), answer.is_cut) == (1000, True)
