"""Which processes of a run live."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.requests import KillRun
from orchestrator_tui.runner.actions import RunActions
from orchestrator_tui.runner.launch import StartJob, launch_detached
from orchestrator_tui.watch.processes import RunProcesses
from tests.runner.repository import TASK, Repository, command


@pytest.mark.anyio
async def test_the_processes_of_a_run_are_told_by_name_while_they_live(tmp_path: Path) -> None:
    repo = Repository(tmp_path)
    repo.configure(main=[command("hold", "sleep 60 & sleep 61")])
    key = await anyio.to_thread.run_sync(
        lambda: launch_detached(repo.roots, StartJob("main", TASK), environ=repo.environ)
    )
    look = RunProcesses(repo.roots)
    with anyio.fail_after(10):
        while [p.name for p in await look.living(key)].count("sleep") < 2:  # noqa: ASYNC110
            await anyio.sleep(0.02)
    await RunActions(repo.roots, repo.environ).perform(KillRun(key))
    assert await look.living(key) == ()
    assert await look.living(RunKey(TASK, "2026-01-01T00-00-00-000Z-00000000")) == ()
