"""A run that is killed: nothing of it stays alive, and disk says cancelled."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import anyio
import pytest

from orchestrator_tui.primitives.process_identity import identity_of
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.requests import Done, KillRun, Refused, RestartRun
from orchestrator_tui.runner.actions import RunActions
from orchestrator_tui.runner.launch import StartJob, launch_detached
from orchestrator_tui.runner.process_tree import TreeScope
from orchestrator_tui.store.life import read_runner
from tests.runner.repository import TASK, Repository, command, eventually

# A shell that ignores SIGTERM, a child that does, and one that left its session and environment.
STUBBORN = (
    "trap '' TERM; (trap '' TERM; while :; do sleep 0.1; done) & "
    "env -i setsid sh -c 'trap \"\" TERM; echo $$ > escaped; while :; do sleep 0.1; done' & "
    "echo $$ > shell; while :; do sleep 0.1; done"
)


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


async def pid_in(path: Path) -> int:
    await eventually(lambda: path.exists() and path.read_text().strip())
    return int(await anyio.Path(path).read_text())


async def started(repo: Repository) -> tuple[RunKey, tuple[int, ...]]:
    """Launch a run that ignores SIGTERM, and return it and its processes."""
    repo.configure(main=[command("hold", STUBBORN), command("after", "true")])
    key = await anyio.to_thread.run_sync(
        lambda: launch_detached(repo.roots, StartJob("main", TASK), environ=repo.environ)
    )
    pids = [await pid_in(repo.folder / name) for name in ("shell", "escaped")]
    record = read_runner(repo.paths(key))
    assert record is not None
    return key, (record.pid, *pids)


@pytest.mark.anyio
@pytest.mark.parametrize("runner", ["answers", "stopped", "dead"])
async def test_nothing_of_a_killed_run_is_left_whatever_its_runner_does(
    runner: str, repo: Repository, scope: TreeScope
) -> None:
    key, pids = await started(repo)
    if runner == "stopped":
        os.kill(pids[0], signal.SIGSTOP)
    if runner == "dead":
        os.kill(pids[0], signal.SIGKILL)
        # Its environment was taken from it, so that nothing proves whose process it is.
        os.kill(pids[2], signal.SIGKILL)
    with anyio.fail_after(20):
        result = await RunActions(repo.roots, repo.environ).perform(KillRun(key, "enough"))
    assert isinstance(result, Done), result
    assert [identity_of(pid) for pid in pids] == [None, None, None]
    manifest = repo.manifest(key)
    assert (manifest.status, manifest.status_detail) == ("cancelled", "run-canceled")
    assert "Reason: enough" in (manifest.summary or "")


KILLER = """
import os, signal, sys, time
from pathlib import Path

import anyio
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.records.requests import KillRun
from orchestrator_tui.runner.actions import RunActions

here = Path.cwd()
while not (here / "key").exists():
    time.sleep(0.02)
task, run, runner = (here / "key").read_text().split()
os.kill(int(runner), signal.SIGSTOP)
roots = Roots(here, here / ".runs", here / "out")
result = anyio.run(RunActions(roots, os.environ).perform, KillRun(RunKey(task, run)))
(here / "told.tmp").write_text(repr(result))
(here / "told.tmp").rename(here / "told")
"""


@pytest.mark.anyio
async def test_a_command_can_kill_its_own_run_though_the_runner_is_deaf(
    repo: Repository, scope: TreeScope
) -> None:
    killer = repo.folder / "killer.py"
    await anyio.Path(killer).write_text(KILLER)
    root = Path(__file__).parents[2]
    held = f"sleep 100 & PYTHONPATH={root} {sys.executable} {killer}; :"
    repo.configure(main=[command("hold", held)])
    key = await anyio.to_thread.run_sync(
        lambda: launch_detached(repo.roots, StartJob("main", TASK), environ=repo.environ)
    )
    record = read_runner(repo.paths(key))
    assert record is not None
    await anyio.Path(repo.folder / "key.tmp").write_text(f"{key.task_id} {key.run_id} {record.pid}")
    await anyio.Path(repo.folder / "key.tmp").rename(repo.folder / "key")
    told = repo.folder / "told"
    await eventually(lambda: told.exists() and told.read_text())
    assert told.read_text().startswith("Done(")
    assert repo.manifest(key).status == "cancelled"


@pytest.mark.anyio
async def test_a_run_that_has_ended_or_that_nobody_here_can_signal_is_not_killed(
    repo: Repository,
) -> None:
    repo.configure(main=[command("one", "true")])
    actions = RunActions(repo.roots, repo.environ)
    key = (await repo.start("main")).key
    result = await actions.perform(KillRun(key))
    assert isinstance(result, Refused)
    assert "has ended already: succeeded" in result.reason


@pytest.mark.anyio
async def test_a_run_is_started_again_with_its_inputs(repo: Repository, scope: TreeScope) -> None:
    repo.configure(main=[command("one", "true")])
    key = (await repo.start("main", approval_policy="on-request")).key
    result = await RunActions(repo.roots, repo.environ).perform(RestartRun(key))
    assert isinstance(result, Done), result
    assert result.key is not None
    again = repo.manifest(result.key)
    assert (again.pipeline_id, again.approval_policy) == ("main", "on-request")
    missing = await RunActions(repo.roots, repo.environ).perform(RestartRun(RunKey(TASK, "no")))
    assert isinstance(missing, Refused)
