"""At which commit a run began stands in its runner.json, and never stands in its way."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from orchestrator_tui.records.life import GitFacts
from orchestrator_tui.records.manifest import RunStatus
from orchestrator_tui.store.life import read_runner
from tests.git_repository import commit, make_repository
from tests.runner.repository import Repository, command


def noted(repository: Repository) -> GitFacts | None:
    record = read_runner(repository.paths(repository.run_keys()[-1]))
    return record.git if record else None


@pytest.mark.anyio
async def test_a_run_notes_where_it_began_and_a_resume_does_so_again(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    make_repository(tmp_path)
    repository.configure(short=[command("one", "test -e cure")])
    at = commit(tmp_path, a="1")
    (tmp_path / "a").write_text("2")
    outcome = await repository.start("short")
    assert outcome.manifest.status == RunStatus.FAILED
    assert noted(repository) == GitFacts("main", at, 1, ("a",))
    later = commit(tmp_path, cure="")
    outcome = await repository.resume(outcome.key)
    assert outcome.manifest.status == RunStatus.SUCCEEDED
    assert noted(repository) == GitFacts("main", later)


@pytest.mark.anyio
async def test_a_git_that_hangs_holds_up_nothing(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repo")
    make_repository(tmp_path / "repo")
    slow = tmp_path / "bin/git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    repository.environ["PATH"] = f"{slow.parent}:{repository.environ['PATH']}"
    repository.configure(short=[command("one", "true")])
    begun = time.monotonic()
    outcome = await repository.start("short")
    assert outcome.manifest.status == RunStatus.SUCCEEDED
    assert time.monotonic() - begun < 15
    assert noted(repository) is None
