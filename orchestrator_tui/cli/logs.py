"""orch-tui logs: what the stages of a run have written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from enum import StrEnum
from functools import partial
from typing import Final

import anyio
import anyio.to_thread
import click

from orchestrator_tui.cli.choosing import choose_run
from orchestrator_tui.cli.exits import not_found, say
from orchestrator_tui.cli.looking import LookedAt, look_at
from orchestrator_tui.cli.options import (
    Format,
    chosen_run,
    format_option,
    run_option,
    with_settings,
)
from orchestrator_tui.cli.output import flush, print_json_lines, print_line, print_lines
from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.primitives.safe_text import SafeText, safe_text, safe_texts
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.logs import LogLine, LogPage, LogRequest, Stream, Whence
from orchestrator_tui.records.manifest import CommandRecord, CommandStatus
from orchestrator_tui.records.times import format_time
from orchestrator_tui.settings import Settings
from orchestrator_tui.state.formatting import byte_count
from orchestrator_tui.state.liveness import derive_state
from orchestrator_tui.state.query import STATE_NAMES
from orchestrator_tui.store.reading import RunRef
from orchestrator_tui.watch.logs import StageLogs

FOLLOW_S: Final = 0.3  # between two looks with --follow
PAGE_LINES: Final = 10_000  # the run is found and its log opened anew for each page
_UNFINISHED = frozenset([CommandStatus.PENDING.value, CommandStatus.RUNNING.value])


class Wanted(StrEnum):
    """Which of a command's two streams is printed."""

    OUT = "out"
    ERR = "err"
    BOTH = "both"


_SHOWN: Final = {
    Wanted.OUT: frozenset([Stream.STDOUT]),
    Wanted.ERR: frozenset([Stream.STDERR]),
    Wanted.BOTH: frozenset(Stream),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is printed of a log, and how."""

    wanted: Wanted
    attempt: int | None
    timestamps: bool
    form: Format

    def chosen(self, lines: Iterable[LogLine]) -> list[LogLine]:
        """Return the lines that are printed."""
        return [
            line
            for line in lines
            if line.stream in _SHOWN[self.wanted] and self.attempt in (None, line.attempt)
        ]


@click.command("logs")
@click.argument("run", required=False)
@run_option
@click.option("--stage", "stages", multiple=True, metavar="STAGE", help="Its id or number.")
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="Only that attempt.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines.")
@click.option("--follow", "-f", is_flag=True, help="Go on until the run has ended.")
@click.option("--errors", is_flag=True, help="Only the error output, as --stream err.")
@click.option(
    "--stream",
    type=click.Choice([wanted.value for wanted in Wanted]),
    default=Wanted.BOTH.value,
    show_default=True,
)
@click.option("--timestamps", is_flag=True, help="The local time before each line.")
@format_option(Format.TEXT, Format.JSONL)
@with_settings
def command(
    settings: Settings,
    run: str | None,
    run_flag: str | None,
    stages: Sequence[str],
    attempt: int | None,
    tail: int | None,
    follow: bool,
    errors: bool,
    stream: str,
    timestamps: bool,
    form: str,
) -> None:
    """Print what the stages of a run have written; without RUN of the latest.

    RUN is a run id, a beginning or an end of one, @latest, @latest:PIPELINE or @failed.
    """
    ref = choose_run(settings, chosen_run(run, run_flag) or "@latest")
    wish = Wish(Wanted.ERR if errors else Wanted(stream), attempt, timestamps, Format(form))
    printer = _Printer(settings, ref, wish, _positions(_looked(settings, ref), stages))
    anyio.run(printer.print_all, tail, follow)


def _looked(settings: Settings, ref: RunRef) -> LookedAt:
    looked = look_at(settings.roots, ref)
    if looked is None or looked.detail is None:
        reason = looked.run.unreadable.reason if looked and looked.run.unreadable else "vanished"
        raise not_found(f"{settings.roots.relative(ref.manifest)}: {reason}")
    return looked


def _positions(looked: LookedAt, wanted: Sequence[str]) -> tuple[int, ...]:
    """Return the positions, from 1, of the stages that were named; all of them if none was.

    Raises:
        Stopped: The run has no such stage.
    """
    commands = looked.manifest.commands
    if not wanted:
        return tuple(range(1, len(commands) + 1))
    named = {command.id: position for position, command in enumerate(commands, 1)}
    numbered = {str(position): position for position in range(1, len(commands) + 1)}
    for name in wanted:
        if name not in named and name not in numbered:
            known = ", ".join(named)
            raise not_found(f"run {looked.run.key.run_id} has no stage {name}; there are: {known}")
    return tuple(sorted({named.get(name) or numbered[name] for name in wanted}))


@dataclass(slots=True)
class _Printer:
    """Prints the logs of some stages, and remembers how far."""

    settings: Settings
    ref: RunRef
    wish: Wish
    positions: tuple[int, ...]
    offsets: dict[int, int] = field(default_factory=dict)
    complete: set[int] = field(default_factory=set)
    headed: int = 0

    @property
    def key(self) -> RunKey:
        return self.ref.key

    async def print_all(self, tail: int | None, follow: bool) -> None:
        """Print what is there; with `follow` also what comes, until the run has ended."""
        logs = StageLogs(self.settings.roots)
        if tail is not None:
            await self._print_tail(logs, tail)
        while True:
            looked = await anyio.to_thread.run_sync(partial(_looked, self.settings, self.ref))
            state = derive_state(looked.run, SYSTEM_CLOCK.now()).state
            goes_on = follow and state in STATE_NAMES["active"]
            for position in self.positions:
                stage = looked.manifest.commands[position - 1]
                if position not in self.complete and not (tail is not None and not follow):
                    await self._print_new(logs, position, stage, last=not goes_on)
            if not goes_on:
                return
            await anyio.sleep(FOLLOW_S)

    async def _print_new(
        self, logs: StageLogs, position: int, stage: CommandRecord, *, last: bool
    ) -> None:
        """Print the lines of a stage that were not printed before."""
        while True:
            page = await logs.read(
                LogRequest(
                    self.key, position, Whence.AFTER, self.offsets.get(position, 0), PAGE_LINES
                )
            )
            if page.replaced:
                say(f"the log of stage {stage.id} was replaced; it is printed from its start")
                self.offsets[position] = 0
                continue
            at_end = page.at_end
            self._print(position, stage, [*page.lines, *(page.partial if last and at_end else ())])
            self.offsets[position] = page.end
            if at_end:
                if stage.status not in _UNFINISHED:
                    self.complete.add(position)
                self._tell(page, stage, last)
                return

    async def _print_tail(self, logs: StageLogs, tail: int) -> None:
        """Print the last lines of all stages together, and go on from their ends."""
        looked = await anyio.to_thread.run_sync(partial(_looked, self.settings, self.ref))
        missing = tail
        found: list[tuple[int, list[LogLine]]] = []
        for position in reversed(self.positions):
            page = await logs.read(
                LogRequest(self.key, position, Whence.END, max_lines=max(1, missing))
            )
            self.offsets[position] = page.end
            lines = self.wish.chosen([*page.lines, *page.partial])
            while len(lines) < missing and not page.at_start:
                page = await logs.read(
                    LogRequest(self.key, position, Whence.BEFORE, page.start, PAGE_LINES)
                )
                lines = self.wish.chosen(page.lines) + lines
            found.append((position, lines[max(0, len(lines) - missing) :] if missing else []))
            missing = max(0, missing - len(lines))
        for position, lines in reversed(found):
            self._print(position, looked.manifest.commands[position - 1], lines)

    def _tell(self, page: LogPage, stage: CommandRecord, last: bool) -> None:
        if page.problem and last and (len(self.positions) == 1 or stage.started_at):
            say(f"stage {stage.id}: {page.problem}")

    def _print(self, position: int, stage: CommandRecord, lines: Sequence[LogLine]) -> None:
        chosen = self.wish.chosen(lines)
        if not chosen:
            return
        if self.wish.form == Format.JSONL:
            print_json_lines(_document(position, stage, line) for line in chosen)
            return
        if len(self.positions) > 1 and self.headed != position:
            self.headed = position
            print_line(safe_text(f"==> {position} {stage.id} <=="))
        print_lines(self._texts(chosen))
        flush()

    def _texts(self, lines: Sequence[LogLine]) -> Iterable[str]:
        shown = safe_texts([line.text for line in lines])
        if self.wish.timestamps or any(
            line.cut_bytes or line.stream is Stream.NOTE for line in lines
        ):
            return map(self._with_marks, lines, shown)
        return shown

    def _with_marks(self, line: LogLine, shown: SafeText) -> str:
        moment = f"{line.at.astimezone():%H:%M:%S} " if self.wish.timestamps and line.at else ""
        cut = f" … {byte_count(line.cut_bytes)} left out" if line.cut_bytes else ""
        note = "-- " if line.stream == Stream.NOTE else ""
        return f"{moment}{note}{shown}{cut}"


def _document(position: int, stage: CommandRecord, line: LogLine) -> dict[str, object]:
    return {
        "stage": stage.id,
        "index": position,
        "attempt": line.attempt,
        "stream": line.stream.value,
        "timestamp": format_time(line.at) if line.at else None,
        "text": line.text,
        "cut_bytes": line.cut_bytes,
    }
