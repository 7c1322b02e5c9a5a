"""A log that grows faster than anybody reads: whoever follows it stays small and up to date.

As a program: python -m prove.flood LOG MEGABYTES   writes so much, as fast as 200 MB/s allow.
"""

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

RATE_MB_S: Final = 200
MOST_MIB: Final = 150
CHUNK: Final = 1_000_000
LOOK_S: Final = 0.05
END: Final = "the very last line"


def prove(asked: Asked) -> Found:
    """Follow the end of a log while a process floods it."""
    found = Found()
    roots = Roots.of(asked.folder)
    log = write_run(roots).stage_log(1, "build")
    log.touch()
    logs = StageLogs(roots)
    words = [sys.executable, "-m", "prove.flood", str(log), str(asked.trials)]
    begun = time.monotonic()
    kept: list[bytes] = []
    with subprocess.Popen(words) as flood:
        while flood.poll() is None:
            page = logs.read_now(LogRequest(KEY, 1, Whence.END))
            found.trials += 1
            if page.problem:
                found.failures.append(page.problem)
            time.sleep(LOOK_S)
    seconds = time.monotonic() - begun
    page = logs.read_now(LogRequest(KEY, 1, Whence.END))
    if not page.lines or END not in page.lines[-1].text:
        found.failures.append("the last line is not shown")
    held = peak_kib() // 1024
    if held > MOST_MIB:
        found.failures.append(f"{held} MiB were held")
    found.figures = (
        f"{asked.trials / seconds:.0f} MB/s for {seconds:.1f} s, at most {held} MiB held"
    )
    with log.open("rb") as file:  # last: what this needs counts as held from then on
        while block := file.read(CHUNK):
            kept.append(block)
    naive = peak_kib() // 1024
    without = [naive] if naive - held > asked.trials // 2 else []
    found.caught(without, f"bounds: one who keeps all holds {naive} MiB")
    return found


def main() -> None:
    """Flood a log."""
    path, megabytes = Path(sys.argv[1]), int(sys.argv[2])

    def record(text: str) -> bytes:
        at = "2026-01-01T12:00:00.000Z"
        fields = {"type": "exec:chunk", "stream": "stdout", "data": text, "timestamp": at}
        return json.dumps(fields).encode() + b"\n"

    one = record("a line of what a build says, again and again\n" * 50)
    block = one * (CHUNK // len(one))
    begun = time.monotonic()
    with path.open("ab", buffering=0) as log:
        for number in range(megabytes):
            log.write(block)
            time.sleep(max(0.0, begun + number / RATE_MB_S - time.monotonic()))
        log.write(record(f"{END}\n"))


if __name__ == "__main__":
    main()
