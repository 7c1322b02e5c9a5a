"""Lock contention: real processes, dead holders, stale files, and a control that must fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prove import contending
from prove.contending import all_take, contenders, counted, lay, left_over

from orchestrator_tui.primitives.locking import FileLock, LifeLock, LockRetry, LockTimeout
from orchestrator_tui.primitives.process_identity import own_identity

ONCE = LockRetry(attempts=1)


@pytest.fixture(scope="module")
def dead_owner() -> dict[str, Any]:
    return contending.dead_owner()


def test_a_living_holder_is_never_robbed_and_named_in_the_error(tmp_path: Path) -> None:
    with contenders(tmp_path, 1) as (holder,):
        holder.ask("hold")
        assert holder.answer() == "held"
        for is_stopped in (False, True):
            if is_stopped:
                holder.process.send_signal(signal.SIGSTOP)
            with pytest.raises(LockTimeout) as timeout:
                FileLock(tmp_path / "t.lock", task_id="t", retry=ONCE).acquire()
            assert f"pid {holder.process.pid} on host {own_identity().host}" in str(timeout.value)
            assert str(tmp_path / "t.lock") in timeout.value.diagnostics
            assert "owner_status=alive recoverable=false" in timeout.value.diagnostics


def test_the_lock_of_a_killed_holder_is_broken_at_once(tmp_path: Path) -> None:
    for _ in range(3):
        with contenders(tmp_path, 1) as (holder,):
            holder.ask("hold")
            assert holder.answer() == "held"
            holder.kill()
            with FileLock(tmp_path / "t.lock", task_id="t", retry=ONCE) as lock:
                assert lock.still_held()
        assert left_over(tmp_path) == []


@pytest.mark.acceptance(21)
def test_the_node_lock_of_a_killed_holder_is_broken_only_when_it_is_stale(
    tmp_path: Path, dead_owner: dict[str, Any]
) -> None:
    path = tmp_path / "t.lock"
    nodes = {key: value for key, value in dead_owner.items() if not key.startswith("x_")}
    lay(path, json.dumps(nodes), is_old=False)
    with pytest.raises(LockTimeout, match="owner_status=dead recoverable=false") as timeout:
        FileLock(path, task_id="t", retry=ONCE).acquire()
    assert "once older than 300 s" in timeout.value.diagnostics
    lay(path, json.dumps(nodes), is_old=True)
    with FileLock(path, task_id="t", retry=ONCE) as lock:
        assert lock.still_held()


def test_a_life_lock_is_free_right_after_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / ".runner.lck"
    script = (
        "import subprocess, sys; from pathlib import Path\n"
        "from orchestrator_tui.primitives.locking import LifeLock\n"
        "lock = LifeLock.hold(Path(sys.argv[1]))\n"
        "command = subprocess.Popen(['sleep', '60'])\n"  # must not inherit the lock
        "print(command.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", script, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as holder:
            assert holder.stdout is not None
            command = int(holder.stdout.readline())
            try:
                assert LifeLock.is_held(path) is True
                holder.kill()
                os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
                assert LifeLock.is_held(path) is False  # a zombie, and its command still runs
                LifeLock.hold(path).close()
            finally:
                os.kill(command, signal.SIGKILL)


NODE_CONTENDER = """
import { acquireLockWithRetry } from '%s';
import { readFileSync, writeFileSync, renameSync, rmSync } from 'node:fs';
const [folder, times] = process.argv.slice(2);
let overlaps = 0;
for (let turn = 0; turn < Number(times); turn += 1) {
  const lock = await acquireLockWithRetry({
    taskId: 't', lockPath: `${folder}/t.lock`, ensureDirectory: async () => {},
    retry: { maxAttempts: 5000, initialDelayMs: 1, backoffFactor: 1, maxDelayMs: 2,
             staleMs: 300000 },
    createError: (task, attempts) => new Error(`not free: ${task} ${attempts}`),
  });
  let alone = true;
  try { writeFileSync(`${folder}/inside`, '', { flag: 'wx' }); } catch { alone = false; }
  const number = Number(readFileSync(`${folder}/counter`, 'utf8'));
  writeFileSync(`${folder}/counter.tmp-${process.pid}`, String(number + 1));
  renameSync(`${folder}/counter.tmp-${process.pid}`, `${folder}/counter`);
  if (alone) rmSync(`${folder}/inside`); else overlaps += 1;
  await lock.release();
}
console.log(overlaps);
"""


@pytest.mark.interop
@pytest.mark.timeout(300)
def test_node_processes_and_ours_take_turns(tmp_path: Path, peer_binary: Path) -> None:
    package = peer_binary.resolve().parent.parent
    module = package / "dist/orchestrator/src/persistence/lockFile.js"
    script = tmp_path / "contender.mjs"
    script.write_text(NODE_CONTENDER % module.as_uri())
    folder = tmp_path / "shared"
    folder.mkdir()
    with contenders(folder, 3) as crowd:
        nodes = [
            subprocess.Popen(["node", script, folder, "40"], stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        assert all_take(crowd, 40) == 0
        for node in nodes:
            told, _ = node.communicate(timeout=30)
            assert (node.returncode, told.strip()) == (0, "0")
    assert counted(folder) == 5 * 40
    assert left_over(folder) == []
