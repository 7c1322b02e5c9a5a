"""Conversations with processes that contend for a lock, and the locks that dead ones leave."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestrator_tui.primitives.process_identity import own_identity

LONG_AGO = 1_600_000_000
_IMPORTS = (str(Path(__file__).parents[1]), str(Path(__file__).parents[3]))


class Contender:
    """One contending process and the conversation with it."""

    def __init__(self, folder: Path, how: str = "protocol") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "prove.contender", folder, how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(_IMPORTS)},
        )

    def ask(self, command: str) -> None:
        """Send a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        """Return the next answer."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        """Kill it and leave it a zombie, which is what a pid check takes for alive."""
        self.process.kill()
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)

    def end(self) -> None:
        """Kill it and bury it."""
        self.process.kill()
        self.process.communicate()


@contextlib.contextmanager
def contenders(folder: Path, count: int, how: str = "protocol") -> Iterator[list[Contender]]:
    """Have so many processes contend in a folder meanwhile."""
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
    """Return what all have counted together."""
    return int((folder / "counter").read_text())


def left_over(folder: Path) -> list[str]:
    """Return what lies in the folder though nobody holds the lock."""
    return sorted({path.name for path in folder.iterdir()} - {"counter", "t.lock.flock"})


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


def of_node(owner: dict[str, Any]) -> dict[str, Any]:
    """Return an owner as the Node original would have written it."""
    return {key: value for key, value in owner.items() if not key.startswith("x_")}


def leavings(owner: dict[str, Any]) -> list[dict[str, tuple[str, bool]]]:
    """Return what dead holders leave: contents by file, and whether they are old."""
    ours, nodes = json.dumps(owner), json.dumps(of_node(owner))
    return [
        {"t.lock": (ours, False)},
        {"t.lock": (nodes, True)},
        {"t.lock": ("locked", True)},
        {"t.lock": ("", True), "t.lock.acquire": (ours, False)},
        {"t.lock.acquire": ("", True)},
    ]


def lay(path: Path, content: str, *, is_old: bool) -> None:
    """Put a lock file there that somebody left."""
    path.write_text(content)
    if is_old:
        os.utime(path, (LONG_AGO, LONG_AGO))
