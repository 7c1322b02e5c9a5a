"""ask_git: one question to git, bounded in time and bytes, that starts no hook or watcher."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK

_CHUNK_BYTES: Final = 64 * 1024
_KILLED_WITHIN_S: Final = 0.5  # a process that a dead file system holds is left to the kernel
_PROGRAM: Final = (
    "git",
    "--no-pager",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
)
# No lock that would stand in a person's way, no question at the terminal, nothing over the network.
_QUIET: Final = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C",
}


@dataclass(frozen=True, slots=True)
class GitAnswer:
    """What git wrote, whatever bytes; `is_cut` tells that there was more than was asked for."""

    content: bytes
    is_cut: bool = False


def ask_git(
    folder: Path,
    words: tuple[str, ...],
    environ: Mapping[str, str],
    *,
    timeout_s: float,
    limit_bytes: int,
) -> GitAnswer | None:
    """Return what git answers in a folder; None if there is no git, no answer in time, or an error.

    The variables by which git is told of another repository are left out: a program that a hook
    of git started must ask about the folder all the same.
    """
    own = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    deadline_s = SYSTEM_CLOCK.monotonic() + timeout_s
    try:
        git = subprocess.Popen(
            (*_PROGRAM, *words),
            cwd=folder,
            env={**own, **_QUIET},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
    except (OSError, ValueError):
        return None
    try:
        answer = _read(git, deadline_s, limit_bytes)
        if answer is None or answer.is_cut:
            return answer
        return answer if git.wait(max(0.0, deadline_s - SYSTEM_CLOCK.monotonic())) == 0 else None
    except (OSError, subprocess.TimeoutExpired):
        return None
    finally:
        _end(git)


def _read(git: subprocess.Popen[bytes], deadline_s: float, limit_bytes: int) -> GitAnswer | None:
    pipe = git.stdout
    assert pipe is not None
    content = b""
    while len(content) <= limit_bytes:
        left_s = deadline_s - SYSTEM_CLOCK.monotonic()
        if left_s <= 0 or not select.select([pipe], [], [], left_s)[0]:
            return None
        chunk = os.read(pipe.fileno(), _CHUNK_BYTES)
        if not chunk:
            return GitAnswer(content)
        content += chunk
    return GitAnswer(content[:limit_bytes], is_cut=True)


def _end(git: subprocess.Popen[bytes]) -> None:
    if git.stdout is not None:
        git.stdout.close()
    if git.poll() is None:
        # The whole group: a filter that git has started ends with it.
        with contextlib.suppress(OSError):
            os.killpg(git.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            git.wait(_KILLED_WITHIN_S)
