"""Commands that do not want to end, ended: nothing of them is left."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import anyio
import anyio.from_thread

from orchestrator_tui.records.logs import Stream
from orchestrator_tui.runner.process import Cause, ChildTree, Ending, Endings, supervise
from orchestrator_tui.runner.process_tree import TreeScope, become_subreaper, end_tree
from prove.harness import Asked, Found
from tests.runner.shapes import HOSTILE

GRACE_S = 0.2
PATIENCE_S = 10.0
SETTLE_S = 0.2  # what outlives a SIGKILL of its group does so longer than this


def prove(asked: Asked) -> Found:
    """End each shape again and again, half of them by a stop and half by a time limit."""
    found = Found()
    become_subreaper()
    scope = TreeScope()
    slowest_s = 0.0
    for number in range(max(1, asked.trials // len(HOSTILE))):
        cause = (Cause.STOPPED, Cause.TIMED_OUT)[number % 2]
        for shape, command in HOSTILE.items():
            begun = time.monotonic()
            ending = anyio.run(_ended, command, cause)
            slowest_s = max(slowest_s, time.monotonic() - begun)
            found.trials += 1
            if left := len(ending.survivors) + len(scope.members()):
                found.failures.append(f"{shape}, {cause}: {left} survivors")
            if ending.cause is not cause:
                found.failures.append(f"{shape}: {ending.cause} instead of {cause}")
            end_tree(scope.members, grace_s=0)
    found.figures = f"{len(HOSTILE)} shapes, slowest {slowest_s:.2f} s"
    found.caught(_survivors_of_a_group_kill(scope), "the walk over the tree, by a group kill alone")
    return found


async def _ended(command: str, cause: Cause) -> Ending:
    up, stop = anyio.Event(), anyio.Event()
    endings: list[Ending] = []

    def take(stream: Stream, chunk: bytes) -> None:
        anyio.from_thread.run_sync(up.set)

    async def supervised() -> None:
        tree = ChildTree.spawn(command, cwd=Path("/"), env=dict(os.environ))
        told = Endings(
            stop=stop,
            stop_grace_s=lambda: GRACE_S,
            hurry=threading.Event(),
            on_rung=lambda rung: None,
            timeout_s=2 * GRACE_S if cause is Cause.TIMED_OUT else None,
            timeout_grace_s=GRACE_S,
        )
        endings.append(await supervise(lambda: tree, take, told, lambda ending: ending))

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(supervised)
            await up.wait()
            if cause is Cause.STOPPED:
                stop.set()
    return endings[0]


def _survivors_of_a_group_kill(scope: TreeScope) -> list[str]:
    """Return which shapes outlive the SIGKILL that most supervisors send."""
    survivors = []
    for shape, command in HOSTILE.items():
        with subprocess.Popen(
            ["/bin/sh", "-c", command], start_new_session=True, stdout=subprocess.PIPE
        ) as shell:
            assert shell.stdout is not None
            shell.stdout.readline()
            os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()
            time.sleep(SETTLE_S)
            survivors += [shape] * bool(scope.members())
            end_tree(scope.members, grace_s=0)
    return survivors
