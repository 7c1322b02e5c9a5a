"""The program as it is, with a count of its asyncio tasks in a file that a watcher reads.

Usage: python -m prove.soaked COUNTS LEAK ARGUMENT...   LEAK is `leak` or `tight`
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

EVERY_S = 2.0
LEAKED_BYTES = 256 * 1024  # each time, in the control that has to be caught

_loops: list[asyncio.AbstractEventLoop] = []
_leaked: list[object] = []


def remember_loops() -> None:
    """Keep every event loop that is made from now on in `_loops`."""
    make = asyncio.new_event_loop

    def making() -> asyncio.AbstractEventLoop:
        loop = make()
        _loops.append(loop)
        return loop

    asyncio.new_event_loop = asyncio.events.new_event_loop = making
    runners: Any = asyncio.runners
    runners.events.new_event_loop = making


def keep_counting(counts: Path, *, does_leak: bool) -> None:
    """Write the number of tasks down again and again."""
    while True:
        try:
            number = sum(len(asyncio.all_tasks(loop)) for loop in _loops)
        except RuntimeError:  # a loop has ended
            continue
        temporary = counts.with_suffix(".tmp")
        temporary.write_text(str(number))
        temporary.replace(counts)
        if does_leak:
            _leaked.append((os.urandom(LEAKED_BYTES), os.open("/dev/null", os.O_RDONLY)))
        time.sleep(EVERY_S)


def main() -> None:
    """Count in a thread, and be the program in this one."""
    counts, leak, *arguments = sys.argv[1:]
    sys.argv = ["orch-tui", *arguments]
    remember_loops()
    threading.Thread(
        target=keep_counting,
        args=(Path(counts),),
        kwargs={"does_leak": leak == "leak"},
        daemon=True,
    ).start()
    from orchestrator_tui.cli.main import main as program

    program()


if __name__ == "__main__":
    main()
