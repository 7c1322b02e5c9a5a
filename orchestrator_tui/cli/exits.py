"""Exit statuses, and the errors that carry one to the end of the program."""

from __future__ import annotations

import sys
from enum import IntEnum

from orchestrator_tui.primitives.safe_text import safe_lines


class Exit(IntEnum):
    """What the program's exit status says; docs/interop.md compares it with the Node original."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    LOST = 5
    WAITING = 6
    TIMED_OUT = 124
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143


class Stopped(Exception):
    """A verb cannot go on; the message says what is wrong and the cure, the status what kind."""

    def __init__(self, status: Exit, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def show(self) -> None:
        """Write the message to standard error, safe for a terminal."""
        say(f"orch-tui: {self.message}")


def not_found(message: str) -> Stopped:
    """Return the error for a run, task or pipeline that is not there."""
    return Stopped(Exit.NOT_FOUND, message)


def refused(message: str) -> Stopped:
    """Return the error for what may not be done now; nothing was changed."""
    return Stopped(Exit.REFUSED, message)


def bad_usage(message: str) -> Stopped:
    """Return the error for flags, variables or a configuration that cannot be used."""
    return Stopped(Exit.USAGE, message)


def say(text: str) -> None:
    """Write lines to standard error, whatever they hold, safe for a terminal."""
    for line in safe_lines(text):
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
