"""What the screens need from the world: supplied by the composition root, faked in tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.logs import LogPage, LogRequest
from orchestrator_tui.records.requests import ActionResult, Request
from orchestrator_tui.state.observations import Observation


class ObservationFeed(Protocol):
    """Tells what is on disk, first all of it, then what changes."""

    def batches(self) -> AsyncIterator[tuple[Observation, ...]]:
        """Yield what was seen, in order; a batch is worth one repaint."""
        ...

    def focus(self, keys: frozenset[RunKey]) -> None:
        """Choose the runs whose details are read too; returns at once."""
        ...

    def rescan(self) -> None:
        """Ask for a full look at the disk soon; returns at once."""
        ...


class LogSource(Protocol):
    """Reads pages of a stage's log."""

    async def read(self, request: LogRequest) -> LogPage:
        """Return one page; what cannot be read is told in `LogPage.problem`."""
        ...


class RunLauncher(Protocol):
    """Carries out what a person asked for."""

    async def perform(self, request: Request) -> ActionResult:
        """Carry out one request; refusals are values, never exceptions."""
        ...
