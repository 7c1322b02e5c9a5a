"""Runners in processes of their own: they outlive us, and their death is seen and cleaned up."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from orchestrator_tui.primitives.process_identity import identity_of, processes_given
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import RunnerVerdict
from orchestrator_tui.records.requests import (
    CancelRun,
    Done,
    KillRun,
    LaunchRun,
    Refused,
    ResumeRun,
)
from orchestrator_tui.records.times import format_time
from orchestrator_tui.runner.actions import RunActions
from orchestrator_tui.runner.launch import (
    LaunchFailed,
    LaunchRefused,
    StartJob,
    launch_detached,
)
from orchestrator_tui.store.life import probe_runner, read_runner
from tests.runner.repository import TASK, Repository, command, eventually
from tests.runner.shapes import HOSTILE

pytestmark = pytest.mark.anyio

LAUNCHER = """
import os, signal, sys
from pathlib import Path
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.runner.launch import StartJob, launch_detached
roots = Roots.of(Path(sys.argv[1]))
launch_detached(roots, StartJob("main", sys.argv[2]), environ=os.environ)
signal.pause()
"""

DETACHER = """
import os, sys
from pathlib import Path
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.runner.launch import StartJob, launch_detached
launch_detached(Roots.of(Path(sys.argv[1])), StartJob("inner", sys.argv[2]), environ=os.environ)
"""


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def actions(repo: Repository) -> RunActions:
    return RunActions(repo.roots, repo.environ)


def runner_pid(repo: Repository, key: RunKey) -> int:
    record = read_runner(repo.paths(key))
    assert record is not None
    return record.pid


def left_of(repo: Repository, key: RunKey) -> list[int]:
    entry = f"CODEX_ORCHESTRATOR_RUN_DIR={repo.paths(key).run_dir}".encode()
    return [process.pid for process in processes_given(entry)]


def launcher_of(repo: Repository, terminal: int) -> subprocess.Popen[bytes]:
    """Return a process that launches a run and then only waits."""
    return subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(repo.folder), TASK],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )


async def launched(repo: Repository) -> RunKey:
    result = await actions(repo).perform(LaunchRun("main", TASK))
    assert isinstance(result, Done), result
    assert result.key is not None
    return result.key


async def until_over(repo: Repository, key: RunKey) -> str:
    await eventually(lambda: repo.manifest(key).is_terminal)
    return repo.manifest(key).status or ""


async def until_up(repo: Repository, key: RunKey, stage_id: str = "one") -> None:
    log = repo.paths(key).stage_log(1, stage_id)
    await eventually(lambda: log.exists() and '"up' in log.read_text())


async def until_dead(pid: int) -> None:
    await eventually(lambda: identity_of(pid) is None)


async def test_a_launched_run_runs_in_a_session_of_its_own(repo: Repository) -> None:
    repo.configure(main=[command("one", "ps -o sid= -p $PPID; echo $PPID")])
    key = await launched(repo)
    assert await until_over(repo, key) == "succeeded"
    pid = runner_pid(repo, key)
    session, parent = (repo.manifest(key).commands[0].summary or "").split()
    assert session == parent == str(pid)
    await until_dead(pid)
    words = repo.paths(key).runner_output.read_text()
    assert f"Process {pid} runs {key}" in words
    assert "succeeded" in words


async def test_no_zombie_is_left_of_a_runner(repo: Repository) -> None:
    repo.configure(main=[command("one", "true")])
    key = await launched(repo)
    pid = runner_pid(repo, key)
    await eventually(lambda: not Path(f"/proc/{pid}").exists())


async def test_a_run_outlives_the_sigkill_of_its_launcher(repo: Repository) -> None:
    repo.configure(main=[command("one", "echo up; while ! test -e go; do sleep 0.05; done")])
    launcher = launcher_of(repo, subprocess.DEVNULL)
    key = await repo.only_run()
    await until_up(repo, key)
    launcher.kill()
    launcher.wait()
    assert probe_runner(repo.paths(key)).verdict is RunnerVerdict.ALIVE
    (repo.folder / "go").touch()
    assert await until_over(repo, key) == "succeeded"
    await until_dead(runner_pid(repo, key))


async def test_a_run_outlives_the_end_of_its_terminal(repo: Repository) -> None:
    repo.configure(main=[command("one", "echo up; while ! test -e go; do sleep 0.05; done")])
    master, slave = pty.openpty()
    launcher = launcher_of(repo, slave)
    os.close(slave)
    key = await repo.only_run()
    await until_up(repo, key)
    os.close(master)
    launcher.kill()
    launcher.wait()
    (repo.folder / "go").touch()
    assert await until_over(repo, key) == "succeeded"


@pytest.mark.parametrize("way", ["cancel", "kill", "timeout"])
async def test_a_run_that_a_stage_detached_outlives_the_end_of_that_stage(
    repo: Repository, way: str
) -> None:
    (repo.folder / "detach.py").write_text(DETACHER)
    hold = f"{sys.executable} detach.py {repo.folder} {TASK}; echo up; sleep 100 & wait"
    limit = {"timeoutMs": 3000} if way == "timeout" else {}
    waits = "echo $PPID > inner; while ! test -e go; do sleep 0.05; done"
    repo.configure(main=[command("one", hold, **limit)], inner=[command("in", waits)])
    outer = await launched(repo)
    await until_up(repo, outer)
    (inner,) = (key for key in await repo.runs(2) if key != outer)
    await eventually((repo.folder / "inner").exists)
    if way != "timeout":
        asked = CancelRun(outer, "enough") if way == "cancel" else KillRun(outer, "enough")
        assert isinstance(await actions(repo).perform(asked), Done)
    assert await until_over(repo, outer) == ("failed" if way == "timeout" else "cancelled")
    await until_dead(runner_pid(repo, outer))
    assert left_of(repo, outer) == []
    assert probe_runner(repo.paths(inner)).verdict is RunnerVerdict.ALIVE
    (repo.folder / "go").touch()
    assert await until_over(repo, inner) == "succeeded"


@pytest.mark.acceptance(108)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_to_a_detached_runner_cancels_within_three_seconds(
    repo: Repository, number: signal.Signals
) -> None:
    repo.configure(main=[command("one", HOSTILE["ignores SIGTERM"])])
    key = await launched(repo)
    await until_up(repo, key)
    pid, asked = runner_pid(repo, key), time.monotonic()
    os.kill(pid, number)
    await until_dead(pid)
    assert time.monotonic() - asked < 3
    assert "Traceback" not in repo.paths(key).runner_output.read_text()
    assert repo.manifest(key).status == "cancelled"
    assert left_of(repo, key) == []


async def test_a_hangup_does_not_touch_a_detached_runner(repo: Repository) -> None:
    repo.configure(main=[command("one", "echo up; while ! test -e go; do sleep 0.05; done")])
    key = await launched(repo)
    await until_up(repo, key)
    os.kill(runner_pid(repo, key), signal.SIGHUP)
    (repo.folder / "go").touch()
    assert await until_over(repo, key) == "succeeded"


@pytest.mark.acceptance(108)
async def test_what_a_killed_runner_left_is_ended_by_a_cancel(repo: Repository) -> None:
    daemon = "setsid sh -c 'trap \"\" TERM; exec sleep 60' > /dev/null 2>&1 &"
    repo.configure(main=[command("one", f"{daemon} echo up; sleep 60")])
    key = await launched(repo)
    await until_up(repo, key)
    pid = runner_pid(repo, key)
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: probe_runner(repo.paths(key)).verdict is RunnerVerdict.GONE)
    assert repo.manifest(key).status == "in_progress"
    assert len(left_of(repo, key)) >= 2
    refused = await actions(repo).perform(ResumeRun(key))
    assert isinstance(refused, Refused)
    assert "left processes that still run" in refused.reason
    result = await actions(repo).perform(CancelRun(key, "cleaning"))
    assert isinstance(result, Done), result
    assert "Its runner was dead: ended" in result.message
    manifest = repo.manifest(key)
    assert (manifest.status, manifest.commands[0].status) == ("cancelled", "failed")
    assert "Reason: cleaning" in (manifest.summary or "")
    assert left_of(repo, key) == []


@pytest.mark.acceptance(108)
async def test_a_run_whose_runner_was_killed_can_be_resumed(repo: Repository) -> None:
    repo.configure(main=[command("one", "echo up; test -e ok || exec sleep 60")])
    key = await launched(repo)
    await until_up(repo, key)
    os.kill(runner_pid(repo, key), signal.SIGKILL)
    for pid in left_of(repo, key):
        os.kill(pid, signal.SIGKILL)
    await eventually(lambda: not left_of(repo, key))
    (repo.folder / "ok").touch()
    result = await actions(repo).perform(ResumeRun(key))
    assert isinstance(result, Done), result
    assert await until_over(repo, key) == "succeeded"


async def test_of_many_detached_resumes_exactly_one_wins(repo: Repository) -> None:
    repo.configure(main=[command("one", "echo ran >> told; test -e ok && sleep 1.5")])
    key = await launched(repo)
    await until_over(repo, key)
    await until_dead(runner_pid(repo, key))
    (repo.folder / "ok").touch()
    results: list[object] = []

    async def resume() -> None:
        results.append(await actions(repo).perform(ResumeRun(key)))

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(resume)
    assert sorted(type(result).__name__ for result in results) == ["Done", "Refused", "Refused"]
    assert await until_over(repo, key) == "succeeded"
    assert (repo.folder / "told").read_text() == "ran\nran\n"


async def test_cancel_asks_a_living_runner_and_refuses_an_ended_run(repo: Repository) -> None:
    repo.configure(main=[command("one", "echo up; sleep 60")])
    key = await launched(repo)
    await until_up(repo, key)
    assert await actions(repo).perform(CancelRun(key)) == Done("Asked its runner to stop", key)
    assert await until_over(repo, key) == "cancelled"
    refused = await actions(repo).perform(CancelRun(key))
    assert refused == Refused(f"Run {key} has ended already: cancelled.")


async def test_a_second_cancel_kills_at_once(repo: Repository) -> None:
    repo.configure(main=[command("one", HOSTILE["ignores SIGTERM"])])
    key = await launched(repo)
    await until_up(repo, key)
    await actions(repo).perform(CancelRun(key))
    await eventually(lambda: probe_runner(repo.paths(key)).cancel_rung == "term")
    again, asked = await actions(repo).perform(CancelRun(key)), time.monotonic()
    assert isinstance(again, Done)
    assert again.message.startswith("Asked again")
    assert await until_over(repo, key) == "cancelled"
    assert time.monotonic() - asked < 3, "the usual grace is ten seconds"


async def test_a_wish_that_nobody_would_hear_is_refused(repo: Repository) -> None:
    repo.configure(main=[command("one", "true")])
    key = (await repo.start("main")).key
    paths = repo.paths(key)
    paths.runner_json.unlink()
    paths.runner_lock.unlink()
    old = "2026-01-01T00:00:00.000Z"
    paths.heartbeat.write_text(f"{old}\n")
    for log in (paths.runner_log, *paths.commands_dir.iterdir()):
        log.unlink()
    document = {**repo.document(key), "status": "in_progress", "heartbeat_at": old}
    paths.manifest.write_text(json.dumps(document))
    refused = await actions(repo).perform(CancelRun(key))
    assert isinstance(refused, Refused)
    assert "nobody would obey" in refused.reason
    assert not paths.control.exists()


async def test_a_living_run_of_another_runner_is_asked_and_never_buried(repo: Repository) -> None:
    repo.configure(main=[command("one", "true"), command("two", "true")])
    key = (await repo.start("main")).key
    paths = repo.paths(key)
    paths.runner_json.unlink()
    paths.runner_lock.unlink()
    beat = format_time(datetime.now(UTC))
    document = {**repo.document(key), "status": "in_progress", "heartbeat_at": beat}
    paths.manifest.write_text(json.dumps(document))
    refused = await actions(repo).perform(ResumeRun(key, from_stage="one"))
    assert isinstance(refused, Refused)
    assert "seems to be running" in refused.reason
    assert not paths.runner_lock.exists(), "it would make the other runner look dead"
    for leave_lock in (False, True):
        if leave_lock:
            paths.runner_lock.touch()
        result = await actions(repo).perform(CancelRun(key))
        assert result == Done("Asked its runner to stop", key)
        assert repo.manifest(key).status == "in_progress"
    assert json.loads(paths.control.read_text())["control_seq"] == 2


async def test_a_bad_configuration_is_refused_before_anything_is_made(repo: Repository) -> None:
    repo.configure(main=[command("one", "true")])
    with pytest.raises(LaunchRefused, match="Pipeline 'nope' not found"):
        launch_detached(repo.roots, StartJob("nope", TASK), environ=repo.environ)
    (repo.folder / "codex.orchestrator.json").write_text("{")
    refused = await actions(repo).perform(LaunchRun("main", TASK))
    assert isinstance(refused, Refused)
    assert "codex.orchestrator.json" in refused.reason
    (repo.folder / "codex.orchestrator.json").unlink()
    refused = await actions(repo).perform(LaunchRun("main", TASK))
    assert isinstance(refused, Refused)
    assert not repo.roots.runs.exists()


async def test_a_bad_task_is_refused(repo: Repository) -> None:
    repo.configure(main=[command("one", "true")])
    refused = await actions(repo).perform(LaunchRun("main", "../out"))
    assert isinstance(refused, Refused)
    assert "Invalid task ID" in refused.reason
    assert not repo.roots.runs.exists()


def _interpreter(folder: Path, script: str) -> str:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


async def test_a_runner_that_dies_at_once_has_the_last_word(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = _interpreter(repo.folder, "echo no such module >&2; exit 7")
    monkeypatch.setattr(sys, "executable", broken)
    with pytest.raises(LaunchFailed, match=r"ended at once with exit code 7: no such module"):
        launch_detached(repo.roots, StartJob("main", TASK), environ=repo.environ)


async def test_a_runner_that_says_nothing_is_ended(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    mute = _interpreter(repo.folder, "echo $$ > pid; exec sleep 60")
    monkeypatch.setattr(sys, "executable", mute)
    with pytest.raises(LaunchFailed, match=r"was ended after 0.3 s without a word"):
        launch_detached(repo.roots, StartJob("main", TASK), environ=repo.environ, timeout_s=0.3)
    await until_dead(int((repo.folder / "pid").read_text()))


async def test_a_missing_interpreter_is_named(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(repo.folder / "gone"))
    with pytest.raises(LaunchFailed, match=r"gone cannot be started"):
        launch_detached(repo.roots, StartJob("main", TASK), environ=repo.environ)


async def test_a_module_in_the_repository_is_not_taken_for_ours(repo: Repository) -> None:
    repo.configure(main=[command("one", "true")])
    (repo.folder / "anyio.py").write_text("raise SystemExit('taken')")
    (repo.folder / "orchestrator_tui").mkdir()
    key = await launched(repo)
    assert await until_over(repo, key) == "succeeded"
