"""Whatever the file system refuses, a look never raises and the next one makes up for it."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from orchestrator_tui.primitives.steps import Step
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.logs import LogRequest
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.state.observations import DetailSeen, RunSeen
from orchestrator_tui.watch.logs import StageLogs
from tests.fault_plans import Failing, FailingStep, installed, steps_of
from tests.watch.disk import KEY, Watch, write_run

BAD = (errno.EIO, errno.EACCES, errno.ENOENT, errno.EMFILE, errno.ESTALE)
ENDED = RunKey(KEY.task_id, "2026-01-01T10-00-00-000Z-00000001")


def a_tree(repo: Path) -> Roots:
    """Return roots with a run that goes on and one that has ended."""
    roots = Roots.of(repo)
    paths = write_run(roots)
    paths.heartbeat.write_text("2026-01-01T12:00:00.000Z\n")
    paths.stage_log(1, "build").write_text('{"type":"command:start","command":"make"}\n')
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
