"""What a case costs: whole processes timed, cases measured in turn, temporary repositories."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

Figures = tuple[float, ...]

# Variables that would lead a program elsewhere than into its temporary repository.
_HIDDEN = ("CODEX_", "MCP_RUNNER_", "ORCH_TUI_", "PYTHON")


class Failed(Exception):
    """A case did not do its work, so that its time would mean nothing."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What one process took from its start until it was waited for.

    `cpu_s` is what it and its children spent on processors: that hardly depends on what else runs.
    """

    seconds: float
    peak_bytes: int
    cpu_s: float


def environment() -> dict[str, str]:
    """Return the environment of every measured process; what it keeps goes with this one."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_HIDDEN)}
    kept.pop("TASK", None)
    own = _own_folder()
    return kept | {"XDG_CACHE_HOME": f"{own}/cache", "XDG_STATE_HOME": f"{own}/state"}


@cache
def _own_folder() -> str:
    folder = tempfile.mkdtemp(prefix="orch-tui-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def spend(command: Sequence[str | Path], *, cwd: Path) -> Spent:
    """Run a command to its end, its output thrown away.

    `peak_bytes` is that of the process or of the largest child that it waited for; this process
    has to be small, since the system counts what the new one was before it became the command.

    Raises:
        Failed: It ended with another status than 0.
    """
    words = [str(word) for word in command]
    begun = time.perf_counter()
    process = subprocess.Popen(
        words,
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failed(f"{' '.join(words)[:200]} ended with {process.returncode}")
    return Spent(seconds, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime)


def in_turn(
    cases: Mapping[str, Callable[[], float]], rounds: int, *, warm_up: bool = True
) -> dict[str, Figures]:
    """Measure all cases once a round, so that whatever disturbs a round disturbs all of them."""
    figures: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + warm_up):
        for name, case in cases.items():
            figure = case()
            if number >= warm_up:
                figures[name].append(figure)
    return {name: tuple(found) for name, found in figures.items()}


def ratios(figures: Figures, beside: Figures) -> Figures:
    """Return the ratio of each round."""
    return tuple(a / b for a, b in zip(figures, beside, strict=True) if b > 0)


@contextmanager
def repository(commands: Mapping[str, Sequence[str]], **own: object) -> Iterator[Path]:
    """Make a repository with pipelines, and remove it in the end.

    Args:
        commands: Of each pipeline, its id and the commands of its stages.
        own: What stands under `orchTui`.
    """
    pipelines = [
        {
            "id": name,
            "title": name,
            "guardrailsRequired": False,
            "stages": [
                {"kind": "command", "id": f"stage-{n}", "title": f"Stage {n}", "command": command}
                for n, command in enumerate(stages, 1)
            ],
        }
        for name, stages in commands.items()
    ]
    config: dict[str, object] = {"pipelines": pipelines}
    if own:
        config["orchTui"] = own
    with tempfile.TemporaryDirectory(prefix="orch-tui-bench-", ignore_cleanup_errors=True) as place:
        root = Path(place)
        (root / "codex.orchestrator.json").write_text(json.dumps(config))
        yield root


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))
