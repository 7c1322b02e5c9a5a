"""StartDesk: what a person wants to know before starting a run."""

from __future__ import annotations

from collections.abc import Mapping

from anyio import to_thread

from orchestrator_tui.primitives import files
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.records.requests import LaunchRun, Refused, StartConditions
from orchestrator_tui.runner.actions import restart_job
from orchestrator_tui.runner.launch import LaunchRefused
from orchestrator_tui.store.bootstrap import indexed_tasks
from orchestrator_tui.store.git import read_git_facts


class StartDesk:
    """Looks at the repository; what cannot be looked at is not known."""

    def __init__(self, roots: Roots, environ: Mapping[str, str]) -> None:
        self._roots = roots
        self._environ = environ

    async def conditions(self) -> StartConditions:
        """Return how the place is now."""
        return await to_thread.run_sync(self._conditions)

    async def inputs_of(self, key: RunKey) -> LaunchRun | Refused:
        """Return the request for a new run with the inputs of another; secrets are left out."""
        return await to_thread.run_sync(self._inputs_of, key)

    def _conditions(self) -> StartConditions:
        roots = self._roots
        git = read_git_facts(roots.repo, self._environ, roots.inside)
        try:
            free = files.free_bytes(roots.runs)
        except OSError:
            free = None
        return StartConditions(git.dirty if git else None, free, indexed_tasks(roots))

    def _inputs_of(self, key: RunKey) -> LaunchRun | Refused:
        try:
            job = restart_job(self._roots, key, {}, complete=False)
        except (LaunchRefused, OSError) as error:
            return Refused(str(error))
        return LaunchRun(job.pipeline_id or "", job.task_id, job.approval_policy, job.inputs)
