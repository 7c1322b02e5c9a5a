"""Lock contention: real processes, dead holders, stale files, and a control that must fail."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from orchestrator_tui.primitives.locking import FileLock, LifeLock, LockRetry, LockTimeout
from orchestrator_tui.primitives.process_identity import own_identity

ONCE = LockRetry(attempts=1)
LONG_AGO = 1_600_000_000


class Contender:
    """One contending process and the conversation with it."""

    def __init__(self, folder: Path, how: str = "protocol") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.primitives.contender", folder, how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        """Kill it and leave it a zombie, which is what a pid check takes for alive."""
        self.process.kill()
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextlib.contextmanager
def contenders(folder: Path, count: int, how: str = "protocol") -> Iterator[list[Contender]]:
    (folder / "counter").write_text("0")
    crowd = [Contender(folder, how) for _ in range(count)]
    try:
        yield crowd
    finally:
        for each in crowd:
            each.end()


def all_take(crowd: list[Contender], times: int) -> int:
    """Let all take the lock at once; return how often two were inside together."""
    for each in crowd:
        each.ask(f"take {times}")
    return sum(int(each.answer()) for each in crowd)


def counted(folder: Path) -> int:
    return int((folder / "counter").read_text())


def left_over(folder: Path) -> list[str]:
    return sorted({path.name for path in folder.iterdir()} - {"counter", "t.lock.flock"})


@pytest.fixture(scope="module")
def dead_owner() -> dict[str, Any]:
    """Return what a process of ours, ended since, would have written into its lock."""
    with subprocess.Popen(["sleep", "60"]) as process:
        stat = Path(f"/proc/{process.pid}/stat").read_text()
        process.kill()
    own = own_identity()
    return {
        "schema_version": 1,
        "kind": "codex-lock-owner",
        "token": "dead",
        "task_id": "t",
        "pid": process.pid,
        "host": own.host,
        "acquired_at": "2026-01-01T00:00:00.000Z",
        "stale_ms": 300_000,
        "x_start_ticks": int(stat.rpartition(")")[2].split()[19]),
        "x_boot_id": own.boot_id,
        "x_pid_ns": own.pid_ns,
        "x_impl": "orch-tui",
    }


def lay(path: Path, content: str, *, is_old: bool) -> None:
    """Put a lock file there that somebody left."""
    path.write_text(content)
    if is_old:
        os.utime(path, (LONG_AGO, LONG_AGO))


@pytest.mark.acceptance(28)
def test_sixteen_processes_lose_no_increment(tmp_path: Path) -> None:
    with contenders(tmp_path, 16) as crowd:
        assert all_take(crowd, 25) == 0
    assert counted(tmp_path) == 400
    assert left_over(tmp_path) == []


def test_stale_locks_are_stolen_by_one_at_a_time(
    tmp_path: Path, dead_owner: dict[str, Any]
) -> None:
    ours = json.dumps(dead_owner)
    nodes = json.dumps({key: dead_owner[key] for key in dead_owner if key[:2] != "x_"})
    leavings = [
        {"t.lock": (ours, False)},
        {"t.lock": (nodes, True)},
        {"t.lock": ("locked", True)},
        {"t.lock": ("", True), "t.lock.acquire": (ours, False)},
        {"t.lock.acquire": ("", True)},
    ]
    rounds = 200
    with contenders(tmp_path, 4) as crowd:
        for leaving in islice(cycle(leavings), rounds):
            for name, (content, is_old) in leaving.items():
                lay(tmp_path / name, content, is_old=is_old)
            assert all_take(crowd, 1) == 0
            assert left_over(tmp_path) == []
    assert counted(tmp_path) == 4 * rounds


def test_the_same_trial_finds_out_a_naive_thief(tmp_path: Path) -> None:
    """Without this the trial above could pass because it cannot see anything."""
    with contenders(tmp_path, 4, "naive") as crowd:
        for done in range(1, 101):
            lay(tmp_path / "t.lock", "stale", is_old=True)
            overlaps = all_take(crowd, 1)
            if overlaps or counted(tmp_path) < 4 * done:
                return
    pytest.fail("a thief that judges first and unlinks later was never caught")


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
