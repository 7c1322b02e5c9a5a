"""What changed in git since a green run, and the files that belong to a run."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import GitFacts, RunnerRecord
from orchestrator_tui.records.paths import RunPaths
from orchestrator_tui.state.observations import SinceGreen
from orchestrator_tui.store.life import write_runner
from orchestrator_tui.watch.artifacts import MOST_FILES
from tests.fakes import NOON
from tests.git_repository import commit, make_repository
from tests.watch.disk import KEY, Watch, write_run

GREEN = RunKey(KEY.task_id, "2026-01-01T11-10-00-000Z-00000010")
ELSEWHERE = RunKey("another", "2026-01-01T11-20-00-000Z-00000020")


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    (tmp_path / ".runs").mkdir()
    make_repository(tmp_path)
    (tmp_path / ".gitignore").write_text(".runs\nout\n")
    watch = Watch(tmp_path)
    watch.lookout = type(watch.lookout)(
        watch.roots, watch.clock, watch.notices, {"PATH": os.environ["PATH"]}
    )
    return watch


def note(paths: RunPaths, at: str, *changed: str) -> None:
    git = GitFacts("main", at, len(changed), changed)
    began = "2026-01-01T11:59:00.000Z"
    write_runner(paths, RunnerRecord(1, 1, None, None, None, "here", "0.1.0", began, git=git))


def look_at(watch: Watch, key: RunKey = KEY) -> SinceGreen | None:
    watch.settle()
    watch.lookout.focus(frozenset([key]))
    watch.let_pass(3)
    return watch.fleet.details[key].since_green


def test_a_failed_run_says_what_changed_since_the_last_green_one(watch: Watch) -> None:
    base = commit(watch.roots.repo, a="1", b="1")
    note(write_run(watch.roots, GREEN, status="succeeded"), base)
    head = commit(watch.roots.repo, b="2", c="1")
    note(write_run(watch.roots, KEY, status="failed"), head, "d", "c")
    assert look_at(watch) == SinceGreen(GREEN, base, ("d", "c", "b"), 3)


def test_a_green_run_of_another_task_is_better_than_none(watch: Watch) -> None:
    base = commit(watch.roots.repo, a="1")
    write_run(watch.roots, GREEN, status="succeeded")  # of a program that notes no commit
    note(write_run(watch.roots, ELSEWHERE, status="succeeded"), base)
    note(write_run(watch.roots, KEY, status="failed"), base)
    assert look_at(watch) == SinceGreen(ELSEWHERE, base, (), 0)


@pytest.mark.parametrize("status", ["failed", "succeeded"])
def test_nothing_is_said_where_no_green_commit_is_known(watch: Watch, status: str) -> None:
    at = commit(watch.roots.repo, a="1")
    note(write_run(watch.roots, GREEN, status="succeeded", pipeline_id="docs"), at)
    note(write_run(watch.roots, ELSEWHERE, status="succeeded"), "1" * 40)
    note(write_run(watch.roots, KEY, status=status), at)
    assert look_at(watch) is None


# --- artifacts ----------------------------------------------------------------------------------


def put(path: Path, at: datetime, text: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (at.timestamp(), at.timestamp()))


def names(watch: Watch) -> list[str]:
    watch.settle()
    watch.lookout.focus(frozenset([KEY]))
    watch.let_pass(3)
    return [file.path for file in watch.fleet.details[KEY].artifacts.files]


def test_the_files_of_a_run_are_those_of_its_folder_and_what_it_wrote_meanwhile(
    watch: Watch, tmp_path: Path
) -> None:
    paths = write_run(watch.roots, status="succeeded", completed_at="2026-01-01T12:00:00.000Z")
    out = watch.roots.out / KEY.task_id
    put(out / "report.html", NOON - timedelta(seconds=10))
    put(out / "older.html", NOON - timedelta(hours=2))
    put(out / "later.html", NOON + timedelta(hours=2))
    put(out / "runs.json", NOON, json.dumps({}))
    put(paths.run_dir / ".resume-token", NOON)
    put(paths.commands_dir / "01-build.ndjson", NOON)
    outside = tmp_path / "outside"
    put(outside / "secret", NOON)
    (paths.run_dir / "linked").symlink_to(outside)
    (out / "secret").symlink_to(outside / "secret")
    folder = f".runs/{KEY.task_id}/cli/{KEY.run_id}"
    assert names(watch) == [
        f"out/{KEY.task_id}/report.html",
        f"{folder}/manifest.json",
        f"{folder}/commands/01-build.ndjson",
    ]


def test_only_so_many_files_are_listed(watch: Watch) -> None:
    paths = write_run(watch.roots, status="succeeded", completed_at="2026-01-01T12:00:00.000Z")
    for number in range(MOST_FILES + 1):
        put(paths.run_dir / f"f{number}", NOON)
    assert len(names(watch)) == MOST_FILES
    assert watch.fleet.details[KEY].artifacts.is_cut
