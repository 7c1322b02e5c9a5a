"""Whatever the disk does, a run ends; whenever the runner dies, the run can be ended or go on."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import signal
import sys
from pathlib import Path

import anyio
import pytest

from orchestrator_tui.primitives.steps import FaultPlan
from orchestrator_tui.records.requests import CancelRun, Done, Refused
from orchestrator_tui.runner.actions import RunActions
from orchestrator_tui.runner.execution import RunOutcome
from orchestrator_tui.runner.resume import ResumeRefused
from tests.fault_plans import Failing, Watching, When, installed
from tests.runner.repository import TASK, Repository, command

pytestmark = pytest.mark.usefixtures("scope")

STAGES = [
    command("one", "echo out; echo err >&2"),
    command("two", "exit 3", allowFailure=True),
    command("three", "true"),
]
STRIDE = 13  # every thirteenth step, and over the errnos in turn
CODES = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EMFILE, errno.EINTR)
BOUND_S = 20.0
PROJECT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def repository(folder: Path) -> Repository:
    folder.mkdir()
    repo = Repository(folder)
    repo.configure(main=STAGES)
    return repo


def run_under(plan: FaultPlan, repo: Repository) -> RunOutcome | None:
    """Run the pipeline while `plan` decides; None if no run could be begun."""
    config = repo.config  # what the plan is about is the run

    async def run() -> RunOutcome:
        with anyio.fail_after(BOUND_S):
            return await repo.start("main", config=config)

    with installed(plan), contextlib.suppress(OSError):
        return anyio.run(run)
    return None


def steps_of_a_run(folder: Path) -> int:
    plan = Watching()
    outcome = run_under(plan, repository(folder))
    assert outcome is not None
    assert outcome.manifest.status == "succeeded"
    return len(plan.seen)


@pytest.mark.acceptance(48)
def test_one_failing_step_never_leaves_a_run_without_an_end(tmp_path: Path) -> None:
    steps = steps_of_a_run(tmp_path / "0")
    for number in range(1, steps + 1, STRIDE):
        plan = Failing(number, CODES[number % len(CODES)])
        repo = repository(tmp_path / str(number))
        outcome = run_under(plan, repo)
        for key in repo.run_keys():
            status = repo.manifest(key).status
            assert status in ("succeeded", "failed"), plan.seen[number - 1]
            assert outcome is None or outcome.manifest.status == status


def test_a_disk_that_stays_dead_ends_the_run_in_bounded_time(tmp_path: Path) -> None:
    steps = steps_of_a_run(tmp_path / "0")
    for number in range(steps // 8, steps, steps // 3):
        plan = Failing(number, errno.EROFS, lasting=True)
        outcome = run_under(plan, repository(tmp_path / str(number)))
        assert outcome is not None
        assert outcome.manifest.is_terminal


@pytest.mark.anyio
@pytest.mark.acceptance(108)
@pytest.mark.parametrize(
    ("part", "moment"),
    [
        (0.05, When.AFTER),
        (0.3, When.HALFWAY),
        (0.55, When.BEFORE),
        (0.75, When.HALFWAY),
        (0.85, When.BEFORE),
        (0.95, When.AFTER),
    ],
)
async def test_a_runner_killed_at_any_step_leaves_a_run_that_can_be_ended(
    tmp_path: Path, part: float, moment: When
) -> None:
    steps = await anyio.to_thread.run_sync(steps_of_a_run, tmp_path / "0")
    repo = repository(tmp_path / "killed")
    script = [sys.executable, "-m", "tests.runner.killed_runner", str(repo.folder)]
    script += [str(int(part * steps)), moment.value]
    killed = await anyio.run_process(script, check=False, cwd=PROJECT)
    assert killed.returncode == -signal.SIGKILL
    (key,) = repo.run_keys()
    result = await RunActions(repo.roots, repo.environ).perform(CancelRun(key))
    manifest = repo.manifest(key)
    assert isinstance(result, Done | Refused)
    if isinstance(result, Refused):
        assert manifest.is_terminal or "nobody would obey" in result.reason
    try:
        again = (await repo.resume(key, force=True)).manifest
    except ResumeRefused as error:
        assert "Every stage succeeded" in str(error)
        again = manifest
    assert (again.status, again.started_at) == ("succeeded", manifest.started_at)
    history = repo.roots.out / TASK / "runs.json"
    if history.exists():
        assert [run["runId"] for run in json.loads(history.read_text())["runs"]] == [key.run_id]
    assert not [p for p in repo.roots.runs.rglob("*.lock") if p.name.endswith("json.lock")]
