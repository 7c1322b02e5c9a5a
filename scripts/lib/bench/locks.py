"""Many processes that record runs of one task at the same time."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from bench.table import Line, Table
from orchestrator_tui.primitives.locking import FileLock, LockTimeout
from orchestrator_tui.records.paths import Roots, resolve_task_paths
from orchestrator_tui.store.history import History, read_history
from orchestrator_tui.store.task_state import TaskStateStore, TaskStateStoreLockError

TASK = "bench"
LONGEST_S = 3.0
HOLD_S = 0.02

# Of one process: the seconds of each record, and how many did not get the lock.
Told = tuple[list[float], int]


def add_options(parser: ArgumentParser) -> None:
    """Add how many processes record how many runs each."""
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--records", type=int, default=25, help="of each process")


def tables(asked: Namespace) -> list[Table]:
    """Let all record at once, then let all want one lock at once."""
    processes, records = asked.processes, 5 if asked.quick else asked.records
    with tempfile.TemporaryDirectory(prefix="orch-tui-bench-") as place:
        told = _together(_record, processes, Path(place), records)
        recorded, left = _what_is_there(Path(place))
    waits = tuple(seconds for found, _ in told for seconds in found)
    wanted, late = processes * records, sum(missed for _, missed in told)
    lines = (
        Line("one record", waits),
        Line("longest record", (max(waits),), "s", at_most=LONGEST_S),
        Line(f"not recorded, of {wanted:,}", (float(wanted - recorded),), "", at_most=0),
        Line("left waiting on disk", (float(left),), "", at_most=0),
        Line("records that gave up on the lock", (float(late),), ""),
    )
    title = f"{processes} processes record {records} runs of one task each"
    return [Table(title, lines), _contention(processes, asked.rounds or (2 if asked.quick else 5))]


def _contention(processes: int, rounds: int) -> Table:
    waits: list[float] = []
    late = 0
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="orch-tui-bench-") as place:
            for found, missed in _together(_hold, processes, Path(place), 1):
                waits += found
                late += missed
    lines = (
        Line("wait for the lock", tuple(waits)),
        Line(f"time-outs in {processes * rounds}", (float(late),), "", at_most=0),
    )
    return Table(f"{processes} processes want one lock and hold it for {HOLD_S * 1000:g} ms", lines)


def _together(work: Callable[..., None], processes: int, place: Path, times: int) -> list[Told]:
    """Run the same in many processes, released at the same instant."""
    context = multiprocessing.get_context("fork")
    gate, answers = context.Barrier(processes), context.SimpleQueue()
    started = [
        context.Process(target=work, args=(gate, answers, number, place, times))
        for number in range(processes)
    ]
    for process in started:
        process.start()
    told: list[Told] = [answers.get() for _ in started]
    for process in started:
        process.join()
    return told


def _record(
    gate: Barrier, answers: SimpleQueue[Told], number: int, place: Path, times: int
) -> None:
    store = TaskStateStore(Roots.of(place))
    waits, late = [], 0
    gate.wait()
    for turn in range(times):
        begun = time.perf_counter()
        try:
            store.record_run(
                {
                    "taskId": TASK,
                    "runId": f"run-{number:02d}-{turn:03d}",
                    "timestamp": f"2026-01-01T00:{number:02d}:{turn % 60:02d}.000Z",
                    "build": {"success": True},
                }
            )
        except TaskStateStoreLockError:
            late += 1
        waits.append(time.perf_counter() - begun)
    answers.put((waits, late))


def _hold(gate: Barrier, answers: SimpleQueue[Told], number: int, place: Path, times: int) -> None:
    del number, times
    lock = FileLock(place / "task.lock", task_id=TASK)
    gate.wait()
    begun = time.perf_counter()
    try:
        with lock:
            waited = time.perf_counter() - begun
            time.sleep(HOLD_S)
        answers.put(([waited], 0))
    except LockTimeout:
        answers.put(([time.perf_counter() - begun], 1))


def _what_is_there(place: Path) -> tuple[int, int]:
    """Return how many runs the history has, and how many still wait to be merged."""
    roots = Roots.of(place)
    history = read_history(roots, TASK)
    recorded = len(history.runs) if isinstance(history, History) else 0
    return recorded, len(list(resolve_task_paths(roots, TASK).pending_dir.glob("*.json")))
