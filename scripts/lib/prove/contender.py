"""A process that contends for a lock around a counter, and tells whether it was ever not alone.

Usage: python -m prove.contender FOLDER protocol|naive
Commands come on standard input, one a line, and each is answered by one line:
`take N` adds one to FOLDER/counter N times under FOLDER/t.lock; `hold` takes the lock for good.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from orchestrator_tui.primitives.files import publish, read_bytes, remove, write_atomic
from orchestrator_tui.primitives.locking import FileLock, LockRetry

STUBBORN = LockRetry(attempts=5000, first_delay_s=0.001, max_delay_s=0.004, deadline_s=30)
OLD_S = 3600  # a lock older than this is stale to the naive


def by_protocol(folder: Path) -> AbstractContextManager[object]:
    """Take the lock as every process of ours does."""
    return FileLock(folder / "t.lock", task_id="t", retry=STUBBORN)


@contextlib.contextmanager
def naively(folder: Path) -> Iterator[None]:
    """Take a lock file as one would at first: judge, then unlink, with time in between."""
    lock = folder / "t.lock"
    while not publish(lock, b"fresh"):
        with contextlib.suppress(FileNotFoundError):
            is_old = time.time() - lock.stat().st_mtime > OLD_S
            time.sleep(0.001)  # the gap that the protocol closes
            if is_old:
                remove(lock)
    yield
    remove(lock)


def add_one(folder: Path) -> bool:
    """Add one to the counter as only a lone writer may; tell whether another was there too."""
    marker, counter = folder / "inside", folder / "counter"
    is_alone = publish(marker, b"")
    number = int(read_bytes(counter, limit_bytes=100))
    os.sched_yield()
    write_atomic(counter, b"%d" % (number + 1))
    if is_alone:
        remove(marker)
    return not is_alone


def main(folder: Path, how: str) -> None:
    """Obey the commands."""
    lock = {"protocol": by_protocol, "naive": naively}[how]
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "hold":
            with lock(folder):
                answer("held")
                sys.stdin.read()
            return
        overlaps = 0
        for _ in range(int(arguments[0])):
            with lock(folder):
                overlaps += add_one(folder)
        answer(json.dumps(overlaps))


def answer(text: str) -> None:
    """Say a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
