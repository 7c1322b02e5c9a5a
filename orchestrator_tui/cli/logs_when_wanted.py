"""LogsWhenWanted: the logs of stages, whose reader is loaded with the first log."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import anyio.to_thread

from orchestrator_tui.records.line_looks import LineChoice, LineLook
from orchestrator_tui.records.logs import LogPage, LogRequest, LogSurvey
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.ui.ports import LogSource


class LogsWhenWanted:
    """Reads logs as `watch.logs.StageLogs`, which the first frame does not wait for."""

    def __init__(self, roots: Roots) -> None:
        self._roots = roots
        self._reader: LogSource | None = None

    async def read(self, request: LogRequest) -> LogPage:
        """Return one page; what cannot be read is told in `LogPage.problem`."""
        return await (await self._loaded()).read(request)

    async def survey(
        self, request: LogRequest, looks: Sequence[LineLook], choice: LineChoice
    ) -> LogSurvey:
        """Return what the lines AFTER the request's offset have, or BEFORE it: one step further."""
        return await (await self._loaded()).survey(request, looks, choice)

    async def _loaded(self) -> LogSource:
        if self._reader is None:
            await anyio.to_thread.run_sync(importlib.import_module, "orchestrator_tui.watch.logs")
        return self._made()

    def _made(self) -> LogSource:
        if self._reader is None:  # nobody else has made it meanwhile
            from orchestrator_tui.watch.logs import StageLogs

            self._reader = StageLogs(self._roots)
        return self._reader
