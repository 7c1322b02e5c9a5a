"""A process whose children are killed at every step of a write; it tells what it killed.

Usage: python -m tests.primitives.killed_writers FOLDER
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from orchestrator_tui.primitives.files import Durability, append_record, publish, write_atomic
from tests.fault_plans import Killing, When, installed, steps_of

OLD, NEW = b'{"status":"old"}', b'{"status":"new","more":true}'


def write(folder: Path) -> None:
    write_atomic(folder / "target", NEW, durability=Durability.FULL)


def publish_new(folder: Path) -> None:
    publish(folder / "target", NEW)


def append(folder: Path) -> None:
    append_record(folder / "target", NEW, durable=True)


WORKS = {"write_atomic": write, "publish": publish_new, "append_record": append}


def prepared(folder: Path, work: str) -> Path:
    """Make the folder of one trial with what lies in it before."""
    folder.mkdir()
    if work != "publish":
        (folder / "target").write_bytes(OLD + b"\n" if work == "append_record" else OLD)
    return folder


def kill_in_a_child(work: Callable[[Path], None], folder: Path, plan: Killing) -> bool:
    """Do the work in a child of this process; tell whether it was killed."""
    child = os.fork()
    if child == 0:
        with installed(plan):
            work(folder)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def main(root: Path) -> None:
    killed: list[dict[str, str]] = []
    for name, work in WORKS.items():
        count = steps_of(partial(work, prepared(root / name, name)))
        for number in range(1, count + 1):
            for when in When:
                folder = prepared(root / f"{name}-{number}-{when}", name)
                if kill_in_a_child(work, folder, Killing(number, when)):
                    killed.append({"work": name, "folder": folder.name, "when": when})
    sys.stdout.write(json.dumps(killed))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
