"""Identifiers and paths from data: none leads out of its root, also while folders are swapped."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final

from orchestrator_tui.primitives import opening
from orchestrator_tui.primitives.files import read_bytes
from orchestrator_tui.records.identifiers import InvalidIdentifier
from orchestrator_tui.records.paths import Roots, resolve_run_paths, resolve_task_paths
from prove.harness import Asked, Found

SECRET: Final = b"secret"
OPENS_PER_ID: Final = 5  # so many ids for each opening in a race
CONTROL_OPENS: Final = 20_000
PIECES: Final = (
    *("..", "../", "/", "\\", "\0", "~", ".", " ", "con", "NUL", ".txt", "%2e%2e%2f", "a", "run-1"),
    *(
        "\u2024\u2024/",
        "\uff0e\uff0e",
        "\u2215",
        "\u202e",
        "\ud800",
        "é" * 120,
        "x" * 300,
        "\x1b[2J",
    ),
    *("/etc/passwd", "C:", "|", "\r\n", "*", "?", "-rf", "$(id)", "..\u200b", "./.", "\x7f"),
)


def prove(asked: Asked) -> Found:
    """Make up ids, then open files of a folder that is swapped for a link all the time."""
    found = Found()
    dice = asked.dice()
    roots = Roots.of(asked.folder / "repo")
    accepted = 0
    for _ in range(asked.trials):
        task, run = _made_up(dice), _made_up(dice)
        found.trials += 1
        with suppress(InvalidIdentifier):
            accepted += 1
            found.failures += _escapes(roots, task, run)
    opens = asked.trials // OPENS_PER_ID
    for mechanism in ("openat2", "a walk over the components"):
        with _using(mechanism):
            seen = _race(asked.folder / mechanism, opens // 2, _confined)
        if SECRET in seen:
            found.failures.append(f"a file outside was read by {mechanism}")
    found.trials += opens
    found.figures = f"{asked.trials} pairs of ids, {opens} openings during swaps"
    seen = _race(asked.folder / "naive", CONTROL_OPENS, _naively)
    without = [f"{task!r}" for task in PIECES if _leads_out(roots, roots.runs / _bare(task))]
    found.caught([*without, *([SECRET] if SECRET in seen else [])], "checks and confined opening")
    if SECRET not in seen:
        found.is_caught = False
    return found


def _made_up(dice: Random) -> str:
    return "".join(dice.choice(PIECES) for _ in range(dice.randint(1, 4)))


def _escapes(roots: Roots, task: str, run: str) -> list[str]:
    """Return which paths of accepted ids are not where they belong."""
    paths = resolve_run_paths(roots, task, run)
    lock = resolve_task_paths(roots, task).lock
    is_wrong = (
        _leads_out(roots, paths.manifest)
        or paths.run_dir.parent.parent.parent != roots.runs
        or lock.parent != roots.runs
        or len(os.fsencode(lock.name)) > 255
    )
    return [f"ids {task!r} and {run!r} lead to {paths.run_dir}"] if is_wrong else []


def _leads_out(roots: Roots, path: Path) -> bool:
    return not Path(os.path.normpath(path)).is_relative_to(roots.runs)


def _bare(text: str) -> str:
    return text.replace("\0", "")


class _using:  # noqa: N801 (a context, read as a word)
    """Opens files by one of the two mechanisms meanwhile."""

    def __init__(self, mechanism: str) -> None:
        self._wanted = mechanism == "openat2" and opening._has_openat2
        self._before = opening._has_openat2

    def __enter__(self) -> None:
        opening._has_openat2 = self._wanted

    def __exit__(self, *_: object) -> None:
        opening._has_openat2 = self._before


def _confined(path: Path, root: Path) -> bytes:
    return read_bytes(path, limit_bytes=100, root=root)


def _naively(path: Path, root: Path) -> bytes:
    """Judge first and open afterwards, as one would at first."""
    if not path.resolve().is_relative_to(root):
        raise PermissionError
    return path.read_bytes()


def _race(place: Path, opens: int, read: Callable[[Path, Path], bytes]) -> set[bytes]:
    """Read a file again and again while its folder is swapped for a link to the outside."""
    root = place / "root"
    victim, spare, third = root / "victim", root / "spare", root / "third"
    victim.mkdir(parents=True)
    (victim / "good").write_bytes(b"good")
    (place / "outside").mkdir()
    (place / "outside" / "good").write_bytes(SECRET)
    spare.symlink_to("../outside")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            victim.rename(third)
            spare.rename(victim)
            third.rename(spare)

    swapper = threading.Thread(target=swap)
    swapper.start()
    seen: set[bytes] = set()
    try:
        for _ in range(opens):
            with suppress(OSError):  # refused, or absent just then
                seen.add(read(victim / "good", root))
    finally:
        stop.set()
        swapper.join()
    return seen
