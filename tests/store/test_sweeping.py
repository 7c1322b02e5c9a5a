"""Sweeping: only what nobody can still be writing is removed."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from prove.endings import TASK, summary

from orchestrator_tui.records.paths import Roots, resolve_task_paths
from orchestrator_tui.store.sweeping import MOST_AT_ONCE, sweep_orphans
from orchestrator_tui.store.task_state import TaskStateStore
from tests.fakes import NOON, HandClock
from tests.store.conftest import put

NOBODY = 2**31 - 2  # above every pid that a kernel gives
NAME = f".manifest.json.{NOBODY}.0123456789ab.tmp"


def left(folder: Path, name: str, age: timedelta = timedelta(hours=2)) -> Path:
    path = put(folder / name, "torn")
    then = (NOON - age).timestamp()
    os.utime(path, (then, then))
    return path


def test_what_a_dead_writer_left_an_hour_ago_is_removed(tmp_path: Path) -> None:
    orphan = left(tmp_path, NAME)
    assert sweep_orphans(tmp_path, NOON) == 1
    assert not orphan.exists()


@pytest.mark.parametrize(
    ("name", "age"),
    [
        (NAME, timedelta(minutes=59)),
        (f".manifest.json.{os.getpid()}.0123456789ab.tmp", timedelta(days=9)),
        (f"manifest.json.tmp-{NOBODY}-1766300000000-1", timedelta(days=9)),
        (f".manifest.json.{NOBODY}.xyz.tmp", timedelta(days=9)),
        ("data.json.tmp", timedelta(days=9)),
        ("manifest.json", timedelta(days=9)),
    ],
    ids=["young", "of a living process", "of the original", "other letters", "other", "target"],
)
def test_everything_else_is_left_alone(tmp_path: Path, name: str, age: timedelta) -> None:
    path = left(tmp_path, name, age)
    assert sweep_orphans(tmp_path, NOON) == 0
    assert path.exists()


def test_folders_and_links_of_that_name_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME.replace("0123", "4567")).symlink_to("/etc/passwd")
    assert sweep_orphans(tmp_path, NOON) == 0
    assert sweep_orphans(tmp_path / "absent", NOON) == 0


def test_a_sweep_ends_after_a_hundred_files(tmp_path: Path) -> None:
    for number in range(MOST_AT_ONCE + 5):
        left(tmp_path, f".x.{NOBODY}.{number:012x}.tmp")
    assert sweep_orphans(tmp_path, NOON) == MOST_AT_ONCE
    assert sweep_orphans(tmp_path, NOON) == 5


def test_a_recorded_run_sweeps_the_folders_of_the_history(roots: Roots) -> None:
    paths = resolve_task_paths(roots, TASK)
    orphans = [left(folder, NAME) for folder in (paths.runs_json.parent, paths.pending_dir)]
    TaskStateStore(roots, clock=HandClock()).record_run(summary("a"))
    assert not any(orphan.exists() for orphan in orphans)
