"""orch-tui: the screen where nothing else is said, else a verb, and the way a program ends."""

from __future__ import annotations

import atexit
import importlib
import os
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

from orchestrator_tui.cli.environment import one_command_line
from orchestrator_tui.cli.exits import Exit, Stopped, say
from orchestrator_tui.primitives.garbage import look_for_none
from orchestrator_tui.primitives.standard_streams import fill_standard_streams
from orchestrator_tui.records.program import COMPLETE_VARIABLE, PROGRAM
from orchestrator_tui.settings import Places


def run(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line and return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with one_command_line():
            status = _carry_out(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Stopped as stopped:
        stopped.show()
        return stopped.status
    return status


def _carry_out(words: Sequence[str]) -> int:
    if words or os.environ.get(COMPLETE_VARIABLE):
        program = importlib.import_module("orchestrator_tui.cli.program")
        status: int = program.carry_out(words)
        return status
    # click, whose loading takes a tenth of the time to the first frame, has nothing to read here.
    from orchestrator_tui.cli.screen import show

    return show(Places(), theme=None, query="")


def _environment_text(error: OSError) -> str:
    if error.filename and error.strerror:
        return f"{error.filename}: {error.strerror.lower()}"
    return str(error)


def main() -> NoReturn:
    """Run the program and end it; a reader of our output that has gone ends it quietly."""
    look_for_none()
    fill_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        status = run()
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter would complain about the lost reader once more while it shuts down.
        os._exit(Exit.BROKEN_PIPE)
    except OSError as error:
        say(f"{PROGRAM}: {_environment_text(error)}")
        status = Exit.FAILED
    _leave(status)


def _leave(status: int) -> NoReturn:
    """End the process without taking the interpreter apart, which takes as long as ten stages."""
    if threading.active_count() > 1:
        sys.exit(status)  # waits for what other threads still do
    atexit._run_exitfuncs()
    sys.stderr.flush()
    os._exit(status)
