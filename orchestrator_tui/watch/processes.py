"""RunProcesses: which processes of a run live now."""

from __future__ import annotations

from anyio import to_thread

from orchestrator_tui.primitives.process_identity import (
    Presence,
    descendants,
    presence,
    process_name,
)
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import LivingProcess
from orchestrator_tui.records.paths import Roots, resolve_run_paths
from orchestrator_tui.store.detached import detached_within
from orchestrator_tui.store.life import identity_in, read_runner


class RunProcesses:
    """Looks at the processes below a run's runner; on another host there are none to see."""

    def __init__(self, roots: Roots) -> None:
        self._roots = roots

    async def living(self, key: RunKey) -> tuple[LivingProcess, ...]:
        """Return the runner and what descends from it, the oldest first; none if it is dead.

        What was detached has a run of its own, and is left out.
        """
        return await to_thread.run_sync(self._living, key)

    def _living(self, key: RunKey) -> tuple[LivingProcess, ...]:
        record = read_runner(resolve_run_paths(self._roots, key.task_id, key.run_id))
        if record is None or presence(identity_in(record)) is not Presence.ALIVE:
            return ()
        runner = identity_in(record)
        try:
            below = descendants(runner.pid)
            others = detached_within(below)
            found = (runner, *(process for process in below if process not in others))
        except OSError:  # no /proc
            # not reached: there is /proc on every Linux
            return ()
        named = ((process, process_name(process)) for process in found)
        return tuple(LivingProcess(process.pid, name) for process, name in named if name)
