"""Whatever the file system refuses, a look never raises and the next one makes up for it."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from orchestrator_tui.primitives.steps import Step
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.line_looks import LineChoice
from orchestrator_tui.records.logs import LogRequest, Whence
from orchestrator_tui.records.paths import Roots, resolve_run_paths
from orchestrator_tui.state.observations import DetailSeen, RunSeen
from orchestrator_tui.watch.logs import StageLogs
from tests.fault_plans import Failing, FailingStep, Watching, installed, steps_of
from tests.watch.disk import KEY, Watch, write_run

T = TypeVar("T")
BAD = (errno.EIO, errno.EACCES, errno.ENOENT, errno.EMFILE, errno.ESTALE)
NEW = RunKey(KEY.task_id, "2026-01-01T12-00-00-000Z-00000009")
ENDED = RunKey(KEY.task_id, "2026-01-01T10-00-00-000Z-00000001")


class RefusingOne(Watching):
    """Refuses to look at one path."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.refused = path

    def perform(self, step: Step, path: Path, call: Callable[[], T]) -> T:
        if step is Step.STAT and path == self.refused:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().perform(step, path, call)


def a_tree(repo: Path) -> Roots:
    """Return roots with a run that goes on and one that has ended."""
    roots = Roots.of(repo)
    paths = write_run(roots)
    paths.heartbeat.write_text("2026-01-01T12:00:00.000Z\n")
    paths.stage_log(1, "build").write_text('{"type":"command:start","command":"make"}\n')
    paths.events.write_text('{"event":"run_started","timestamp":"2026-01-01T12:00:00.000Z"}\n')
    write_run(roots, ENDED, status="failed")
    return roots


def look(repo: Path) -> Watch:
    """Look at a tree once, with both runs in focus."""
    watch = Watch(repo)
    watch.lookout.focus(frozenset([KEY, ENDED]))
    watch.settle()
    watch.step()
    return watch


@pytest.mark.parametrize("code", BAD, ids=lambda code: errno.errorcode[code])
def test_no_single_refusal_hides_a_run_for_longer_than_a_few_looks(
    tmp_path: Path, code: int
) -> None:
    a_tree(tmp_path)
    count = steps_of(lambda: look(tmp_path))
    assert count > 50
    for number in range(1, count + 1):
        with installed(Failing(number, code)):
            watch = look(tmp_path)
        fleet = watch.let_pass(12)
        assert set(fleet.runs) == {KEY, ENDED}, number
        assert set(fleet.details) == {KEY, ENDED}, number
        assert all(run.facts and not run.unreadable for run in fleet.runs.values()), number
        assert fleet.freshness is not None
        assert fleet.freshness.problem is None, number


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES])
@pytest.mark.parametrize("step", [Step.OPEN, Step.READ, Step.STAT, Step.SCAN])
def test_a_disk_that_refuses_everything_is_told_and_takes_nothing_back(
    tmp_path: Path, step: Step, code: int
) -> None:
    a_tree(tmp_path)
    watch = look(tmp_path)
    with installed(FailingStep(step, code)):
        watch.lookout.rescan()
        watch.let_pass(12)
    assert set(watch.fleet.runs) == {KEY, ENDED}
    assert all(run.facts for run in watch.fleet.runs.values())
    if step is Step.SCAN:
        assert watch.fleet.freshness is not None
        assert os.strerror(code).lower() in (watch.fleet.freshness.problem or "").lower()
    watch.let_pass(12)
    assert all(not run.unreadable for run in watch.fleet.runs.values())


@pytest.mark.parametrize("code", BAD, ids=lambda code: errno.errorcode[code])
def test_no_refusal_makes_reading_a_log_raise(tmp_path: Path, code: int) -> None:
    roots = a_tree(tmp_path)

    def read() -> None:
        StageLogs(roots).read_now(LogRequest(KEY, 1))

    for number in range(1, steps_of(read) + 1):
        with installed(Failing(number, code)):
            read()


def test_folders_that_vanish_in_the_middle_of_a_look_are_passed_over(tmp_path: Path) -> None:
    class Vanishing(Failing):
        """Deletes a run's folder right before one step."""

        def act(self, number, step, call):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
            if number == self.number:
                shutil.rmtree(Roots.of(repo).runs / KEY.task_id / "cli" / KEY.run_id)
            return call()

    a_tree(tmp_path / "counted")
    count = steps_of(lambda: look(tmp_path / "counted"))
    for number in range(1, count, 3):
        repo = tmp_path / str(number)
        a_tree(repo)
        with installed(Vanishing(number, 0)):
            watch = look(repo)
        watch.let_pass(12)
        assert set(watch.fleet.runs) == {ENDED}, number


def test_pipes_folders_and_links_in_place_of_files_are_told_and_never_block(
    tmp_path: Path,
) -> None:
    roots = Roots.of(tmp_path)
    secret = tmp_path / "secret.json"
    secret.write_text('{"status": "succeeded"}')
    kinds = ("pipe", "folder", "link", "loop")
    for kind in kinds:
        paths = write_run(roots, RunKey("odd", f"run-{kind}"))
        for path in (paths.manifest, paths.heartbeat, paths.control, paths.stage_log(1, "build")):
            path.unlink(missing_ok=True)
            match kind:
                case "pipe":
                    os.mkfifo(path)
                case "folder":
                    path.mkdir()
                case "link":
                    path.symlink_to(secret)
                case _:
                    path.symlink_to(path.name)
    watch = Watch(tmp_path)
    watch.lookout.focus(frozenset(RunKey("odd", f"run-{kind}") for kind in kinds))
    watch.settle()
    watch.let_pass(5)
    assert not any(isinstance(seen, (RunSeen, DetailSeen)) for seen in watch.seen)
    assert {key.run_id for key in watch.fleet.runs} == {f"run-{kind}" for kind in kinds}
    assert all(run.unreadable for run in watch.fleet.runs.values())


@pytest.mark.parametrize("code", BAD, ids=lambda code: errno.errorcode[code])
def test_no_refusal_makes_a_survey_of_a_log_raise(tmp_path: Path, code: int) -> None:
    roots = a_tree(tmp_path)
    request = LogRequest(KEY, 1, Whence.AFTER)

    def look_through() -> None:
        StageLogs(roots).survey_now(request, (), LineChoice())

    for number in range(1, steps_of(look_through) + 1):
        with installed(Failing(number, code)):
            look_through()


def test_what_an_old_run_kept_of_its_output_may_be_refused(tmp_path: Path) -> None:
    roots = Roots.of(tmp_path)
    old = roots.runs / KEY.task_id / KEY.run_id
    old.mkdir(parents=True)
    response = old / "response.json"
    response.mkdir()
    document = {
        "run_id": KEY.run_id,
        "task_id": KEY.task_id,
        "status": "succeeded",
        "commands": [
            {
                "index": 1,
                "id": "build",
                "command": "make",
                "status": "succeeded",
                "response_file": str(response.relative_to(tmp_path)),
            }
        ],
    }
    (old / "manifest.json").write_text(json.dumps(document))
    page = StageLogs(roots).read_now(LogRequest(KEY, 1))
    assert "cannot be read" in (page.problem or "")


def test_a_notice_of_a_task_that_cannot_be_looked_at_changes_nothing(tmp_path: Path) -> None:
    a_tree(tmp_path)
    watch = look(tmp_path)
    new = watch.roots.runs / "new-task"
    (new / "cli").mkdir(parents=True)
    with installed(FailingStep(Step.STAT, errno.EIO)):
        watch.step(new, new / "cli")
    assert set(watch.fleet.runs) == {KEY, ENDED}
    assert all(run.facts for run in watch.fleet.runs.values())


def test_a_run_that_seems_gone_while_the_disk_refuses_is_not_forgotten(tmp_path: Path) -> None:
    a_tree(tmp_path)
    watch = look(tmp_path)
    paths = resolve_run_paths(watch.roots, *ENDED)
    shutil.rmtree(paths.run_dir)
    with installed(RefusingOne(paths.run_dir)):
        watch.step(paths.manifest)
    assert ENDED in watch.fleet.runs
    assert ENDED not in watch.let_pass(12).runs


def test_a_new_run_whose_folder_cannot_be_looked_at_is_seen_later(tmp_path: Path) -> None:
    a_tree(tmp_path)
    watch = look(tmp_path)
    paths = resolve_run_paths(watch.roots, *NEW)
    paths.run_dir.mkdir()
    with installed(RefusingOne(paths.run_dir)):
        watch.let_pass(12)
    write_run(watch.roots, NEW)
    assert NEW in watch.let_pass(12).runs


def test_folders_that_are_no_runs_are_passed_over(tmp_path: Path) -> None:
    a_tree(tmp_path)
    watch = look(tmp_path)
    (watch.roots.runs / KEY.task_id / "cli" / "no\x01run").mkdir()
    watch.let_pass(12)
    assert set(watch.fleet.runs) == {KEY, ENDED}
