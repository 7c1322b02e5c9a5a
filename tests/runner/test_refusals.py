"""What the runner does where the system refuses: it says so, and leaves nothing half done."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator_tui.primitives.locking import LifeLock
from orchestrator_tui.primitives.process_identity import Presence, presence
from orchestrator_tui.primitives.steps import Step
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.requests import CancelRun, Refused, RunInputs
from orchestrator_tui.runner import launch, opening
from orchestrator_tui.runner.actions import RunActions
from orchestrator_tui.runner.launch import (
    Assignment,
    LaunchFailed,
    ResumeJob,
    StartJob,
    launch_detached,
)
from orchestrator_tui.runner.process import ChildTree, SpawnFailed
from orchestrator_tui.runner.reopening import take_lock
from orchestrator_tui.runner.resume import ResumeRefused
from orchestrator_tui.runner.stage_log import head_path, join_parts
from orchestrator_tui.runner.starting import StartDesk
from orchestrator_tui.store.life import read_runner
from tests.fakes import NOON
from tests.fault_plans import FailingStep, installed
from tests.runner.repository import TASK, Repository, command, eventually, lines_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("scope")]
GONE = RunKey(TASK, "2026-01-01T00-00-00-000Z-00000001")


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repo = Repository(tmp_path)
    repo.configure(main=[command("one", "echo hi; test -e ok")])
    return repo


@pytest.fixture
def launched(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have a script of the shell launched in place of Python."""

    def launch_instead(script: str) -> None:
        path = repo.folder / "interpreter"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))

    return launch_instead


async def test_a_run_that_cannot_be_locked_says_that_it_failed(repo: Repository) -> None:
    config = repo.config
    with installed(FailingStep(Step.LOCK, errno.EIO)), pytest.raises(OSError, match="error"):
        await repo.start("main", config=config)
    (key,) = repo.run_keys()
    assert (repo.manifest(key).status, repo.manifest(key).status_detail) == (
        "failed",
        "pipeline-failed",
    )


async def test_a_run_that_can_neither_begin_nor_say_so_still_ends(
    repo: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    class Dying(FailingStep):
        """Refuses a lock, and from then on every new file."""

        def act(self, number, step, call):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
            if step is Step.LOCK:
                self.step = Step.OPEN
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().act(number, step, call)

    config = repo.config
    with installed(Dying(Step.LOCK, errno.EROFS)), pytest.raises(OSError, match="error"):
        await repo.start("main", config=config)
    assert "cannot say that it failed" in caplog.text


async def test_an_id_that_is_taken_is_followed_by_another(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = (await repo.start("main")).key
    made = iter([first.run_id, "2099-01-01T00-00-00-000Z-00000002"])
    monkeypatch.setattr(opening, "new_run_id", lambda _now, _suffix: next(made))
    second = (await repo.start("main")).key
    assert second.run_id == "2099-01-01T00-00-00-000Z-00000002"
    assert set(repo.run_keys()) == {first, second}


async def test_a_run_that_is_busy_is_not_taken(repo: Repository) -> None:
    paths = repo.paths((await repo.start("main")).key)
    with LifeLock.hold(paths.runner_lock), pytest.raises(ResumeRefused):
        take_lock(paths)


async def test_a_resume_that_the_disk_refuses_leaves_the_run_free(repo: Repository) -> None:
    key = (await repo.start("main")).key
    with installed(FailingStep(Step.WRITE, errno.ENOSPC)), pytest.raises(OSError, match="space"):
        await repo.resume(key)
    assert not LifeLock.is_held(repo.paths(key).runner_lock)
    (repo.folder / "ok").touch()
    assert (await repo.resume(key)).manifest.status == "succeeded"


async def test_an_action_that_the_disk_refuses_is_refused_with_its_words(repo: Repository) -> None:
    key = (await repo.start("main")).key
    left = {**repo.document(key), "status": "in_progress", "completed_at": None}
    repo.paths(key).manifest.write_text(json.dumps(left))
    with installed(FailingStep(Step.WRITE, errno.ENOSPC)):
        result = await RunActions(repo.roots, repo.environ).perform(CancelRun(key))
    assert isinstance(result, Refused)
    assert "The disk refuses: " in result.reason
    assert repo.document(key) == left


async def test_a_form_opens_where_the_disk_does_not_tell_its_room(repo: Repository) -> None:
    desk = StartDesk(repo.roots, repo.environ)
    with installed(FailingStep(Step.STAT, errno.EIO)):
        assert (await desk.conditions()).free_bytes is None
    assert isinstance(await desk.inputs_of(GONE), Refused)


async def test_a_run_goes_on_though_its_words_cannot_be_kept(repo: Repository) -> None:
    key = (await repo.start("main")).key
    repo.paths(key).runner_output.mkdir()
    (repo.folder / "ok").touch()
    launch_detached(repo.roots, ResumeJob(*key), environ=repo.environ)
    await eventually(lambda: repo.manifest(key).status == "succeeded")
    record = read_runner(repo.paths(key))
    assert record is not None
    await eventually(lambda: not Path(f"/proc/{record.pid}").exists())


def test_a_runner_whose_launcher_has_gone_runs_all_the_same(repo: Repository) -> None:
    """Its words go to a pipe, not to memory shared with whoever launched it."""
    (repo.folder / "ok").touch()
    reader, writer = os.pipe()
    os.close(reader)
    assignment = Assignment(repo.roots, StartJob("main", TASK), writer).to_json()
    words = [sys.executable, "-P", "-m", "orchestrator_tui.runner", "start", "main", TASK]
    ended = subprocess.run(
        words,
        input=assignment,
        pass_fds=(writer,),
        cwd=repo.folder,
        capture_output=True,
        check=False,
    )
    os.close(writer)
    assert ended.returncode == 0, ended.stderr
    (key,) = repo.run_keys()
    assert repo.manifest(key).status == "succeeded"


def test_a_runner_that_dies_before_it_is_told_what_to_do_has_the_last_word(
    repo: Repository, launched: Callable[[str], None]
) -> None:
    launched("echo no memory >&2; exit 7")
    long = RunInputs(note="x" * 1_000_000)  # more than a pipe holds
    with pytest.raises(LaunchFailed, match=r"exit code 7: no memory"):
        launch_detached(repo.roots, StartJob("main", TASK, inputs=long), environ=repo.environ)


async def test_a_mute_runner_that_ignores_sigterm_is_killed(
    repo: Repository, launched: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "END_TIMEOUT_S", 0.2)
    launched("trap '' TERM; echo $$ > pid; while :; do sleep 1; done")
    with pytest.raises(LaunchFailed, match=r"without a word"):
        launch_detached(repo.roots, StartJob("main", TASK), environ=repo.environ, timeout_s=1)
    pid = int((repo.folder / "pid").read_text())
    await eventually(lambda: not Path(f"/proc/{pid}").exists())


def test_a_command_that_cannot_be_watched_does_not_live(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refused(_pid: int, _flags: int = 0) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patched, pytest.raises(SpawnFailed, match="Too many open"):
        patched.setattr(os, "pidfd_open", refused)
        ChildTree.spawn(f"sleep 1; touch {tmp_path}/lived", cwd=tmp_path, env=dict(os.environ))
    assert list(tmp_path.iterdir()) == []


def test_a_command_whose_output_nobody_takes_is_ended(tmp_path: Path) -> None:
    tree = ChildTree.spawn("echo hi; sleep 60", cwd=tmp_path, env=dict(os.environ))

    def take(_stream: object, _chunk: bytes) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        tree.pump(take)
    assert tree.identity is not None
    assert presence(tree.identity) is not Presence.ALIVE


def test_a_beginning_without_the_rest_of_a_log_becomes_the_log(tmp_path: Path) -> None:
    path = tmp_path / "01-one.ndjson"
    head_path(path).write_text('{"type":"command:start"}\n')
    join_parts(path, None, now=NOON, index=1)
    assert [each["type"] for each in lines_of(path)] == ["command:start", "command:warning"]
    assert list(tmp_path.iterdir()) == [path]
