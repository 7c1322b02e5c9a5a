"""One very long line in a log: it is told of, and costs neither memory nor the lines around it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from orchestrator_tui.records.logs import LogRequest, Whence
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.watch.logs import StageLogs
from prove.harness import Asked, Found
from prove.memory import peak_kib
from tests.watch.disk import KEY, write_run

MIB: Final = 1 << 20
MOST_MIB: Final = 16
# What a program does that reads lines, of the long one 512 MiB at most: it prints how much memory
# that took, in KiB.
READLINE: Final = (
    "import resource, sys; before = resource.getrusage(0).ru_maxrss; "
    "f = open(sys.argv[1], 'rb'); f.readline(); f.readline(1 << 29); "
    "print(resource.getrusage(0).ru_maxrss - before)"
)


def prove(asked: Asked) -> Found:
    """Write a line of so many MB between two short ones, and read the log from both ends."""
    found = Found()
    roots = Roots.of(asked.folder)
    log = write_run(roots).stage_log(1, "build")
    _write(log, asked.trials)
    logs = StageLogs(roots)
    before = peak_kib()
    begun = time.perf_counter()
    for whence in (Whence.END, Whence.START):
        page = logs.read_now(LogRequest(KEY, 1, whence))
        text = "\n".join(line.text[:200] for line in page.lines)
        wanted = "last" if whence is Whence.END else "first"
        found.trials += 1
        if page.problem or wanted not in text:
            found.failures.append(f"{whence}: {wanted!r} is not shown: {page.problem or text}")
        if sum(len(line.text) for line in page.lines) > MIB:
            found.failures.append(f"{whence}: the page is large")
    seconds = time.perf_counter() - begun
    grown = (peak_kib() - before) / 1024
    if grown > MOST_MIB:
        found.failures.append(f"{grown:.0f} MiB more were needed")
    found.figures = f"{asked.trials} MB, +{grown:.1f} MiB, both ends in {seconds:.1f} s"
    told = subprocess.run(
        [sys.executable, "-c", READLINE, log], capture_output=True, text=True, check=True
    )
    naive = int(told.stdout) / 1024
    found.caught([naive] if naive > MOST_MIB / 2 else [], f"bounds: readline needs {naive:.0f} MiB")
    return found


def _write(log: Path, megabytes: int) -> None:
    def record(text: str) -> bytes:
        at = "2026-01-01T12:00:00.000Z"
        fields = {"type": "exec:chunk", "stream": "stdout", "data": text, "timestamp": at}
        return json.dumps(fields).encode() + b"\n"

    head, _, tail = record("@").partition(b"@")
    with log.open("wb") as file:
        file.write(record("first\n"))
        file.write(head)
        for _ in range(megabytes):
            file.write(b"x" * 1_000_000)
        file.write(tail)
        file.write(record("last\n"))
