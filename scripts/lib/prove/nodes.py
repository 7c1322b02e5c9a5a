"""What is no file in place of each file that is read: told at once, never followed or waited for.

A pipe, a socket, a folder, a device, links of all kinds, a file without end, one that may not be
read; in the place of each file of a run and of a task, and read by what reads it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from orchestrator_tui.records.logs import LogRequest
from orchestrator_tui.records.paths import Roots, RunPaths, resolve_task_paths
from orchestrator_tui.store.configuration import load_config
from orchestrator_tui.store.control import read_control
from orchestrator_tui.store.events import read_last_events
from orchestrator_tui.store.history import read_history
from orchestrator_tui.store.life import probe_runner, read_beats, read_stage_errors, read_waiting
from orchestrator_tui.store.metrics import read_metrics
from orchestrator_tui.store.reading import read_object
from orchestrator_tui.watch.logs import StageLogs
from prove.harness import Asked, Found
from tests.watch.disk import KEY, write_run

SLOW_S: Final = 0.050
LONG_S: Final = 5.0  # a log without an end of a line is gone through backwards, some ms a MiB
SECRET: Final = "not for your eyes"
HUGE_BYTES: Final = 1 << 30
BLOCKED_S: Final = 0.5  # a plain opening that lasts so long would last for ever

Make = Callable[[Path, Path], None]
Read = Callable[[Roots, RunPaths], object]


def _socket(path: Path, outside: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        before = Path.cwd()
        os.chdir(path.parent)  # a socket's address is short
        listener.bind(path.name)
        os.chdir(before)


def _device(path: Path, outside: Path) -> None:
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero


def _huge(path: Path, outside: Path) -> None:
    path.touch()
    os.truncate(path, HUGE_BYTES)


def _unreadable(path: Path, outside: Path) -> None:
    path.write_text("{}")
    path.chmod(0)


def _noise(path: Path, outside: Path) -> None:
    path.write_bytes(bytes(range(256)) * 64)


NODES: Final[dict[str, Make]] = {
    "a pipe": lambda path, outside: os.mkfifo(path),
    "a socket": _socket,
    "a folder": lambda path, outside: path.mkdir(),
    "a device": _device,
    "a link to a file outside": lambda path, outside: path.symlink_to(outside),
    "a link to itself": lambda path, outside: path.symlink_to(path.name),
    "a link to nothing": lambda path, outside: path.symlink_to("nothing"),
    "a link to /proc": lambda path, outside: path.symlink_to("/proc/self/environ"),
    "a file of 1 GiB": _huge,
    "an empty file": lambda path, outside: path.touch(),
    "a file that may not be read": _unreadable,
    "random bytes": _noise,
}


def _log(roots: Roots, paths: RunPaths) -> object:
    return StageLogs(roots).read_now(LogRequest(KEY, 1))


ROLES: Final[dict[str, tuple[Callable[[Roots, RunPaths], Path], Read]]] = {
    "manifest": (lambda r, p: p.manifest, lambda r, p: read_object(r, p.manifest)),
    "heartbeat": (lambda r, p: p.heartbeat, lambda r, p: read_beats(p)),
    "control": (lambda r, p: p.control, lambda r, p: read_control(p)),
    "runner.json": (lambda r, p: p.runner_json, lambda r, p: probe_runner(p)),
    "life lock": (lambda r, p: p.runner_lock, lambda r, p: probe_runner(p)),
    "confirmations": (lambda r, p: p.confirmations, lambda r, p: read_waiting(p)),
    "questions": (lambda r, p: p.questions, lambda r, p: read_waiting(p)),
    "events": (lambda r, p: p.events, lambda r, p: _told(read_last_events, p.events)),
    "stage log": (lambda r, p: p.stage_log(1, "build"), _log),
    "stage error": (lambda r, p: p.stage_error(1, "build"), lambda r, p: read_stage_errors(p)),
    "runs.json": (
        lambda r, p: resolve_task_paths(r, KEY.task_id).runs_json,
        lambda r, p: _told(read_history, r, KEY.task_id),
    ),
    "metrics": (
        lambda r, p: resolve_task_paths(r, KEY.task_id).metrics,
        lambda r, p: _told(lambda: list(read_metrics(r, KEY.task_id))),
    ),
    "configuration": (
        lambda r, p: r.repo / "codex.orchestrator.json",
        lambda r, p: load_config(r, {}),
    ),
}


def _told(read: Callable[..., object], *arguments: object) -> object:
    """Read where a refusal is raised, with the path, for the caller to tell."""
    try:
        return read(*arguments)
    except OSError as error:
        return error


def prove(asked: Asked) -> Found:
    """Put each node into each place and read it."""
    found = Found()
    outside = asked.folder / "outside.json"
    outside.write_text(json.dumps({"status": SECRET, "runs": [], "pipelines": []}))
    pairs = [(node, role) for node in NODES for role in ROLES]
    chosen = pairs if asked.trials >= len(pairs) else asked.dice().sample(pairs, asked.trials)
    config = asked.folder / "codex.orchestrator.json"
    config.write_text('{"pipelines": []}')
    load_config(Roots.of(asked.folder), {})  # what checks it is loaded once, and takes its time
    slowest_s = 0.0
    for number, (node, role) in enumerate(chosen):
        roots = Roots.of(asked.folder / str(number))
        paths = write_run(roots)
        at, read = ROLES[role]
        path = at(roots, paths)
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            NODES[node](path, outside)
        except PermissionError:
            found.skips.append(f"{node}: only root can make one")
            continue
        is_long = (node, role) == ("a file of 1 GiB", "stage log")
        faults, seconds = _faults(roots, paths, read, asked.slack * (LONG_S if is_long else SLOW_S))
        found.failures += [f"{node} as {role}: {fault}" for fault in faults]
        if is_long:
            found.skips.append(f"the limit of {1000 * SLOW_S:.0f} ms for {node} as {role}")
        else:
            slowest_s = max(slowest_s, seconds)
        found.trials += 1
        shutil.rmtree(roots.repo)
    found.figures = f"{len(NODES)} kinds in {len(ROLES)} places, slowest {1000 * slowest_s:.0f} ms"
    found.caught(_blocked(asked.folder), "opening that does not wait")
    return found


def _faults(roots: Roots, paths: RunPaths, read: Read, limit_s: float) -> tuple[list[str], float]:
    begun = time.perf_counter()
    try:
        told = read(roots, paths)
    except Exception as error:
        return [f"raised {error!r}"], 0.0
    seconds = time.perf_counter() - begun
    faults = []
    if SECRET in repr(told):
        faults.append("what lies outside was read")
    if seconds > limit_s:
        faults.append(f"took {1000 * seconds:.0f} ms")
    return faults, seconds


def _blocked(folder: Path) -> list[str]:
    """Return whether a plain opening of a pipe waits for good."""
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.DEVNULL) as reader:
        try:
            reader.wait(BLOCKED_S)
        except subprocess.TimeoutExpired:
            reader.kill()
            return ["cat waits for good"]
    return []
