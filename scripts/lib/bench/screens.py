"""What the screens cost while they are used: keys, clocks, nothing at all, and a long log."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from bench.programs import orch_tui
from bench.spending import Failed, Figures, environment, in_turn, ratios
from bench.start import ROWS
from bench.table import Line, Table
from bench.terminal import Terminal
from bench.trees import counts, live_runs, runs_in

KEY_P95_MS = 10.0
KEY_KIB = 1.0
ORDER_MS = 100.0
TICK_KIB_S = 1.5
IDLE_CPU = 0.01
STILL_AFTER_S = 6.0  # what is loaded and kept after the first frame is done by then
LOG_OF_TEXTUAL = 0.05
TICKING = 50
QUIET_S = 0.4  # with nothing written for so long the key before, and its preview, are answered
ORDER_CASE = Path(__file__).with_name("order_case.py")
LOG_APP = (sys.executable, str(Path(__file__).with_name("log_app.py")))
LAST_LINE = "the-last-line-of-all"


def add_options(parser: ArgumentParser) -> None:
    """Add how many runs there are and how long the log is."""
    parser.add_argument("--runs", type=counts, default=(10_000,), help="such as 1000,100000")
    parser.add_argument("--ordered", type=int, default=100_000, help="runs, sorted and filtered")
    parser.add_argument("--keys", type=int, default=100, help="that are pressed and timed")
    parser.add_argument("--log-mib", type=int, default=20, help="size of the long log")
    parser.add_argument("--seconds", type=float, default=15.0, help="of watching clocks, and idle")


def tables(asked: Namespace) -> list[Table]:
    """Measure keys at each number of runs, then orders, then clocks and rest, then the log."""
    found = [_keys(count, asked.keys) for count in asked.runs]
    found.append(_orders(asked.ordered, asked.rounds or 5))
    clocks = _clocks(min(1000, max(asked.runs)), asked.seconds)
    return [*found, clocks, _log(asked.log_mib, asked.rounds or 3)]


def _settle(terminal: Terminal, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        terminal.read(0.05)


def _keys(count: int, presses: int) -> Table:
    with runs_in(count) as repo, Terminal(orch_tui(), repo) as terminal:
        terminal.wait_for(ROWS)
        _settle(terminal, 1 + count / 2000)
        times: list[float] = []
        sizes: list[float] = []
        for number in range(presses):
            answered_s, written = _press(terminal, "k" if number % 8 == 7 else "j")
            if written:
                times.append(answered_s)
                sizes.append(written)
    p95 = statistics.quantiles(times, n=20)[-1] if len(times) > 1 else times[0]
    return Table(
        f"A key that moves the cursor, {count:,} runs",
        (
            Line("key to first byte", tuple(times)),
            Line("the same, 95th of 100", (p95,), at_most=KEY_P95_MS),
            Line("bytes a key", tuple(sizes), "KiB", at_most=KEY_KIB),
        ),
        "With the preview of the run that the cursor comes to, which is drawn anew.",
    )


def _press(terminal: Terminal, key: str) -> tuple[float, int]:
    while terminal.read(QUIET_S):
        pass
    begun = time.perf_counter()
    terminal.press(key)
    first = terminal.read(1.0)
    answered = time.perf_counter() - begun
    # What comes later is the preview's detail, or the clock.
    return answered, len(first) + len(terminal.read(0.01))


def _orders(count: int, rounds: int) -> Table:
    words = [sys.executable, str(ORDER_CASE), str(count), str(rounds)]
    ended = subprocess.run(words, env=environment(), capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise Failed(ended.stderr[-300:])
    figures = json.loads(ended.stdout)
    return Table(
        f"Another order, grouping or filter of {count:,} runs, in memory",
        tuple(Line(name, tuple(each), at_most=ORDER_MS) for name, each in figures.items()),
        "From attention order; what the terminal gets is the same as for a key.",
    )


def _clocks(count: int, seconds: float) -> Table:
    with runs_in(count) as repo:
        with Terminal(orch_tui(), repo) as terminal:
            terminal.wait_for(ROWS)
            _settle(terminal, STILL_AFTER_S)
            before = terminal.cpu_s()
            written = terminal.written_within(seconds) / seconds
            idle = (terminal.cpu_s() - before) / seconds
        with live_runs(repo, TICKING, 10, 30 + 2 * seconds), Terminal(orch_tui(), repo) as terminal:
            terminal.wait_for(("RUNNING",))
            _settle(terminal, STILL_AFTER_S)
            before = terminal.cpu_s()
            ticking = terminal.written_within(seconds) / seconds
            busy = (terminal.cpu_s() - before) / seconds
    return Table(
        f"One second of a screen left alone, {count:,} runs, {TICKING} of them live or none",
        (
            Line("written, none live", (written,), "KiB"),
            Line("of a core, none live", (idle,), "", at_most=IDLE_CPU),
            Line(f"written, {TICKING} rows tick", (ticking,), "KiB", at_most=TICK_KIB_S),
            Line(f"of a core, {TICKING} rows tick", (busy,), ""),
        ),
    )


def _log(mib: int, rounds: int) -> Table:
    with runs_in(1, "--logs") as repo:
        (run,) = repo.glob(".runs/*/cli/*")
        log = next(run.glob("commands/01-*.ndjson"))
        plain = repo / "log.txt"
        _write_log(log, plain, mib)
        cases = {
            "ours": lambda: _open_log(repo),
            "textual": lambda: _open_plain(plain, repo),
        }
        figures: dict[str, Figures] = in_turn(cases, rounds, warm_up=False)
    ours, textual = figures["ours"], figures["textual"]
    held = ratios(ours, textual)
    return Table(
        f"A log of {mib} MiB, until its last line is shown",
        (
            Line("orch-tui", ours, "ms", held, "Textual's Log", LOG_OF_TEXTUAL),
            Line("Textual's Log, text without JSON", textual),
        ),
    )


def _write_log(log: Path, plain: Path, mib: int) -> None:
    head = json.loads(log.read_text().splitlines()[1])
    line = "collected 14 items of the suite and ran them one after the other in 3.1 s\n"
    with log.open("w") as records, plain.open("w") as texts:
        for number in range(mib * 2**20 // (64 * len(line)) + 1):
            records.write(json.dumps({**head, "sequence": number, "data": line * 64}) + "\n")
            texts.write(line * 64)
        records.write(json.dumps({**head, "sequence": 10**9, "data": LAST_LINE + "\n"}) + "\n")
        texts.write(LAST_LINE + "\n")


def _open_log(repo: Path) -> float:
    with Terminal(orch_tui(), repo) as terminal:
        terminal.wait_for(ROWS)
        _settle(terminal, 1)
        terminal.press("\r")
        _settle(terminal, 1)
        terminal.press("g")  # to the first stage, whose log is long
        terminal.press("L")
        begun = time.perf_counter()
        return terminal.wait_for((LAST_LINE,)) - begun


def _open_plain(path: Path, repo: Path) -> float:
    with Terminal([*LOG_APP, str(path)], repo) as terminal:
        ready = terminal.wait_for(("log-app-is-here",))
        return terminal.wait_for((LAST_LINE,), 300) - ready
