"""CommandHook: a person's own command, told of each notice."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from typing import Final

import anyio
from anyio.abc import Process

from orchestrator_tui.runner.environment import environment_of_no_run

SHELL: Final = "/bin/sh"
TIME_LIMIT_S: Final = 30.0
MOST_AT_ONCE: Final = 4
VALUE_LENGTH: Final = 1000  # characters of one fact
_NUL: Final = "\0"  # what no variable can hold


class CommandHook:
    """Runs `/bin/sh -c command` with facts in its environment, apart from the terminal.

    What a file says reaches the command as the value of a variable alone, never as a part of its
    text. It has no input, its output goes nowhere, and after `TIME_LIMIT_S`, or when the screen is
    closed, it is ended with all it started.
    """

    def __init__(
        self, command: str, environ: Mapping[str, str], *, limit_s: float = TIME_LIMIT_S
    ) -> None:
        self._command = command
        self._environ = environment_of_no_run(environ)
        self._limit_s = limit_s
        self._running = 0

    async def run(self, facts: Mapping[str, str]) -> str | None:
        """Run the command; return why it did not go well, or None."""
        if self._running >= MOST_AT_ONCE:
            return f"{self._running} of it run already"
        values = {name: value.replace(_NUL, "")[:VALUE_LENGTH] for name, value in facts.items()}
        self._running += 1
        try:
            process = await anyio.open_process(
                [SHELL, "-c", self._command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**self._environ, **values},
                start_new_session=True,
            )
            return await self._ended(process)
        except (OSError, ValueError) as error:
            return str(error)
        finally:
            self._running -= 1

    async def _ended(self, process: Process) -> str | None:
        try:
            with anyio.move_on_after(self._limit_s):
                code = await process.wait()
                return f"it ended with {code}" if code else None
            return f"it was ended after {self._limit_s:.0f} s"
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                with anyio.CancelScope(shield=True):
                    await process.wait()
