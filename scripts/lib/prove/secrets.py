"""Real runs that print secrets they were given, cut in two at every byte: no file holds one.

As a program: python -m prove.secrets NAME   prints the value of a variable so, on both streams.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from unittest.mock import patch

import anyio

from orchestrator_tui.primitives.masking import Masker
from orchestrator_tui.records.secrets import REDACTED
from orchestrator_tui.runner.process import GATHER_S
from prove.harness import Asked, Found
from tests.runner.repository import Repository, command

NAME: Final = "CANARY_TOKEN"
CANARIES: Final = (
    "canary-0123456789-ab",
    'quo"ted\\canary-0123',
    "first-line-1234\nsecond-line-5678",
)
PAUSE_S: Final = 1.4 * GATHER_S  # what is read together is recorded together


def prove(asked: Asked) -> Found:
    """Have runs print a secret, and look for it in all that they left and told."""
    found = Found()
    cuts = _cuts_of(CANARIES[0])
    while not found.trials or found.trials < asked.trials:
        canary = CANARIES[found.trials // cuts % len(CANARIES)]
        folder = asked.folder / str(found.trials)
        found.failures += _leaks(folder, canary)
        found.trials += _cuts_of(canary)
    with patch.object(Masker, "_begun_at", _hold_nothing_back):
        without = _leaks(asked.folder / "without", CANARIES[0])
    found.figures = f"{len(CANARIES)} secrets, both streams, every byte"
    found.caught(without, "holding back what may become a secret")
    return found


def _hold_nothing_back(_masker: Masker, content: bytes) -> int:
    return len(content)


def _cuts_of(canary: str) -> int:
    return 2 * (len(canary) - 1)


def _leaks(folder: Path, canary: str) -> list[str]:
    """Return where a secret is found after a run that printed it and failed."""
    folder.mkdir()
    repo = Repository(folder)
    paths = os.pathsep.join(sys.path)
    repo.environ = {**os.environ, NAME: canary, "PYTHONPATH": paths}
    repo.configure(main=[command("tell", f"{sys.executable} -m prove.secrets {NAME}; exit 3")])
    told: list[str] = []

    async def run() -> None:
        outcome = await repo.start("main", on_output=lambda _id, _stream, text: told.append(text))
        assert outcome.manifest.status == "failed"

    anyio.run(run)
    texts = {"what is told": "".join(told), **dict(_written(repo))}
    # Of a secret of several lines each is one; JSON writes some characters in two.
    lines = [line for text in (canary, json.dumps(canary)[1:-1]) for line in text.splitlines()]
    leaks = [
        f"{name} holds {line!r}" for name, text in texts.items() for line in lines if line in text
    ]
    if not leaks and not any(REDACTED in text for text in texts.values()):
        leaks.append("nothing was told of the secret at all")
    return leaks


def _written(repo: Repository) -> Iterator[tuple[str, str]]:
    """Yield each file of the runs, and each stream of a log in one piece."""
    for path in sorted([*repo.roots.runs.rglob("*"), *repo.roots.out.rglob("*")]):
        if not path.is_file():
            continue
        content = path.read_text("utf-8", "replace")
        yield path.name, content
        if path.suffix == ".ndjson":
            records = [json.loads(line) for line in content.splitlines()]
            for stream in ("stdout", "stderr"):
                pieces = [each.get("data", "") for each in records if each.get("stream") == stream]
                yield f"{path.name}, {stream}", "".join(pieces)


def _print(canary: str) -> None:
    content = canary.encode()
    for cut in range(1, len(content)):
        for stream in (sys.stdout.buffer, sys.stderr.buffer):
            stream.write(b"before " + content[:cut])
            stream.flush()
        time.sleep(PAUSE_S)
        for stream in (sys.stdout.buffer, sys.stderr.buffer):
            stream.write(content[cut:] + b" after\n")
            stream.flush()
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    _print(os.environ[sys.argv[1]])
