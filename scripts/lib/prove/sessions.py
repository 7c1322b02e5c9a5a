"""The real screen in a terminal that goes away, and when it is told to end.

A lost connection with SIGHUP heard and ignored, and SIGTERM, while the screens are being
loaded and when they are there: the screen is gone within two seconds, a terminal that is still
there is set back, and the run goes on to its end.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from orchestrator_tui.records.life import RunnerVerdict
from orchestrator_tui.runner.launch import StartJob, launch_detached
from orchestrator_tui.runner.process_tree import TreeScope, become_subreaper, end_tree
from orchestrator_tui.store.life import probe_runner
from prove.harness import Asked, Found
from tests.runner.repository import TASK, Repository, command
from tests.terminals import RealTerminal

GONE_S: Final = 2.0
WHOLE: Final = "[1 Runs]"  # is on the screens, and not on the early frame
LATER_S: Final = 15.0
LOADED_S: Final = 0.4  # in which the screens are loaded, more or less
PROGRAM: Final = (sys.executable, "-m", "orchestrator_tui")
# The same without what watches over the terminal.
UNGUARDED: Final = (
    sys.executable,
    "-c",
    "from orchestrator_tui.ui import terminal\n"
    "terminal.TerminalGuard.start = lambda self: None\n"
    "from orchestrator_tui.cli.main import main\n"
    "main()",
)


@dataclass(frozen=True, slots=True)
class Way:
    """A way to lose a screen; `status` is what it ends with."""

    words: str
    lose: Callable[[RealTerminal], None]
    status: int
    ignored: tuple[signal.Signals, ...] = ()
    is_left: bool = False  # the terminal is still there, to be set back


def _terminate(terminal: RealTerminal) -> None:
    os.kill(terminal.pid, signal.SIGTERM)


WAYS: Final = (
    Way("connection lost", RealTerminal.hang_up, 129),
    Way("connection lost, SIGHUP ignored", RealTerminal.hang_up, 129, (signal.SIGHUP,)),
    Way("SIGTERM", _terminate, 143, is_left=True),
)


def prove(asked: Asked) -> Found:
    """Lose the screen in each way again and again while a run goes on."""
    found, chance = Found(), random.Random(asked.seed)
    become_subreaper()
    scope = TreeScope()
    slowest_s = 0.0
    try:
        for number in range(max(1, asked.trials // len(WAYS))):
            folder = asked.folder / str(number)
            folder.mkdir()
            repo = Repository(folder)
            repo.configure(main=[command("wait", "while [ ! -e go ]; do sleep 0.1; done")])
            key = launch_detached(repo.roots, StartJob("main", TASK), environ=repo.environ)
            for way in WAYS:
                # Once somewhere between the early frame and the screens, once when all is loaded.
                moment = (WHOLE, 0.0) if number % 2 else (TASK, chance.uniform(0, LOADED_S))
                faults, seconds = _lose(repo, way, PROGRAM, asked.slack * GONE_S, moment)
                found.failures += faults
                found.trials += 1
                slowest_s = max(slowest_s, seconds)
                if probe_runner(repo.paths(key)).verdict is not RunnerVerdict.ALIVE:
                    found.failures.append(f"{way.words}: the run ended with the screen")
            (folder / "go").touch()
            until = time.monotonic() + LATER_S
            while not repo.manifest(key).is_terminal and time.monotonic() < until:
                time.sleep(0.02)
            if repo.manifest(key).status != "succeeded":
                found.failures.append(f"the run came to be {repo.manifest(key).status}")
        without = [
            fault
            for way in WAYS[1:]
            for fault in _lose(repo, way, UNGUARDED, GONE_S, (WHOLE, 0.0))[0]
        ]
    finally:
        end_tree(scope.members, grace_s=0)
    found.figures = f"{', '.join(way.words for way in WAYS)}; slowest {slowest_s:.2f} s"
    found.caught(without, "the guard of the terminal")
    return found


def _lose(
    repo: Repository,
    way: Way,
    program: tuple[str, ...],
    patience_s: float,
    moment: tuple[str, float],
) -> tuple[list[str], float]:
    """Lose the screen so long after a text is shown; return what was wrong, and how long it stayed.

    Args:
        repo: Where it is opened.
        way: How it is lost.
        program: What shows it.
        patience_s: How long it may stay.
        moment: The text, and the seconds after it.
    """
    shown, later_s = moment
    state = repo.folder.parent / "state"
    environ = {**os.environ, "XDG_STATE_HOME": str(state), "XDG_CACHE_HOME": str(state)}
    words = [*program, "--repo", str(repo.folder)]
    with RealTerminal(words, environ=environ, ignored=way.ignored) as terminal:
        terminal.until(shown)
        terminal.pump(later_s)
        begun = time.monotonic()
        way.lose(terminal)
        status = terminal.wait(patience_s)
        seconds = time.monotonic() - begun
        raw = bytes(terminal.raw)
    faults = []
    if status is None:
        faults.append("the screen stays")
    elif status != way.status:
        faults.append(f"it ended with {status} instead of {way.status}")
    if way.is_left and not _is_left_clean(raw):
        faults.append("the terminal is not set back")
    return [f"{way.words}: {fault}" for fault in faults], seconds


def _is_left_clean(raw: bytes) -> bool:
    """Tell whether the alternate screen and the mouse are off, and the cursor is on, in the end."""
    pairs = ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?1000h", b"\x1b[?1000l"))
    is_off = all(raw.rfind(off) > raw.rfind(on) or on not in raw for on, off in pairs)
    return is_off and raw.rfind(b"\x1b[?25h") > raw.rfind(b"\x1b[?25l")
