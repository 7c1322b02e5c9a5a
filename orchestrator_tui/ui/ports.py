"""What the screens need from the world: supplied by the composition root, faked in tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import LivingProcess
from orchestrator_tui.records.line_looks import LineChoice, LineLook
from orchestrator_tui.records.logs import LogPage, LogRequest, LogSurvey
from orchestrator_tui.records.requests import (
    ActionResult,
    LaunchRun,
    Refused,
    Request,
    StartConditions,
)
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
    """Reads pages of a stage's log, and looks through it."""

    async def read(self, request: LogRequest) -> LogPage:
        """Return one page; what cannot be read is told in `LogPage.problem`."""
        ...

    async def survey(
        self, request: LogRequest, looks: Sequence[LineLook], choice: LineChoice
    ) -> LogSurvey:
        """Return what the lines AFTER the request's offset have, or BEFORE it: one step further."""
        ...


class RunProcessSource(Protocol):
    """Looks at the processes of a run."""

    async def living(self, key: RunKey) -> tuple[LivingProcess, ...]:
        """Return those that live now, the runner first; none where none can be seen."""
        ...


class StartDesk(Protocol):
    """Knows what the start form wants to know; nothing here raises."""

    async def conditions(self) -> StartConditions:
        """Return how the place is now; takes as long as git does, which is bounded."""
        ...

    async def inputs_of(self, key: RunKey) -> LaunchRun | Refused:
        """Return the request for a new run with the inputs of another; secrets are left out."""
        ...


class RunLauncher(Protocol):
    """Carries out what a person asked for."""

    async def perform(self, request: Request) -> ActionResult:
        """Carry out one request; refusals are values, never exceptions."""
        ...


class Memory(Protocol):
    """Keeps small JSON documents by name, from one day to the next; nothing here raises.

    A name is lower-case letters, digits and dashes. Of two screens that keep a document of one
    name the last one wins, so who adds to a list recalls it before and adds to what is there.
    """

    async def recall(self, name: str) -> dict[str, object]:
        """Return a document; empty where none is kept or it is damaged."""
        ...

    async def keep(self, name: str, document: Mapping[str, object]) -> str | None:
        """Keep a document in place of the one before; return why it was not kept."""
        ...


@dataclass(frozen=True, slots=True)
class Spent:
    """What the program takes: a share of one core, 0 to 1 and more, and memory in bytes."""

    core_share: float
    resident_bytes: int


class Gauge(Protocol):
    """Measures what the program itself takes."""

    async def read(self) -> Spent:
        """Return what it took since the reading before."""
        ...


class NoticeHook(Protocol):
    """A program of the person's own that is told of notices; nothing here raises."""

    async def run(self, facts: Mapping[str, str]) -> str | None:
        """Run it with facts as variables; return why it did not go well, or None."""
        ...


@dataclass(frozen=True, slots=True)
class WrittenText:
    """Where a text was written; `problem` says why it was not.

    `line` is the number, from 1, of the line that was asked for. `remark` tells what of the text
    is left out, `source` where that lies which the text was made of.
    """

    path: str = ""
    line: int = 1
    remark: str = ""
    source: str = ""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class LogTextWish:
    """A stage's log as a plain text.

    `mark` and `after_mark` name a line: the offset where a page begins, and how many lines come
    between. `attempt` is the one that is meant, as in `LogRequest`. With `to_keep` the text goes
    where the person works, else where it is not in the way.
    """

    key: RunKey
    stage_index: int
    stage_id: str
    mark: int = 0
    after_mark: int = 0
    to_keep: bool = False
    attempt: int | None = None


class TextShelf(Protocol):
    """Puts texts where a person finds them; nothing here raises."""

    async def keep_copy(self, text: str) -> WrittenText:
        """Keep what was copied last, for the person alone."""
        ...

    async def write_log(self, wish: LogTextWish) -> WrittenText:
        """Write a log as text that is safe to show."""
        ...

    async def source_path(self, name: str, folder: str) -> WrittenText:
        """Return where a file of the repository lies that a command in `folder` has named.

        What lies outside the repository is a problem.
        """
        ...

    async def show_file(self, name: str) -> WrittenText:
        """Write a file of a run, named relative to the repository, as text that is safe to show."""
        ...

    async def log_path(self, key: RunKey, stage_index: int) -> str:
        """Return where a stage's log lies; empty where it has none."""
        ...
