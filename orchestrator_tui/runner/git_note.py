"""GitNote: at which commit a run began, found out beside its first stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import anyio
from anyio import to_thread

from orchestrator_tui.runner.live_run import LiveRun
from orchestrator_tui.store.git import read_git_facts

HEAD_START_S: Final = 0.02  # the first stage begins before git does
PATIENCE_S: Final = 0.3  # how long a run that is over already waits for the answer


class GitNote:
    """Asks git once, and writes the answer into `runner.json`; never fails or holds up a run."""

    def __init__(self, run: LiveRun, environ: Mapping[str, str]) -> None:
        self._run = run
        self._environ = environ
        self._done = anyio.Event()

    async def take(self) -> None:
        """Ask and write; to be started beside the stages."""
        await anyio.sleep(HEAD_START_S)
        await to_thread.run_sync(self._take, abandon_on_cancel=True)
        self._done.set()

    def _take(self) -> None:
        roots = self._run.roots
        facts = read_git_facts(roots.repo, self._environ, roots.inside)
        if facts is not None:
            self._run.runner_file.note_git(facts)

    async def wait_a_moment(self) -> None:
        """Wait for the answer, not for long."""
        with anyio.move_on_after(PATIENCE_S):
            await self._done.wait()
