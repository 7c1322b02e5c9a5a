"""Narrating: a run in the foreground, told line by line while it goes on."""

from __future__ import annotations

import sys
import threading
from dataclasses import field
from datetime import datetime
from typing import TextIO

from orchestrator_tui.cli.looking import LookedAt, look_at
from orchestrator_tui.cli.output import ascii_only, coloured
from orchestrator_tui.cli.report import card_lines, next_lines
from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.buffering import AssembledLine, LineAssembler
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.primitives.safe_text import SafeText, safe_text, safe_texts
from orchestrator_tui.records.facts import RunShape
from orchestrator_tui.records.logs import Stream
from orchestrator_tui.records.paths import Roots, RunPaths
from orchestrator_tui.state.formatting import byte_count
from orchestrator_tui.state.liveness import State
from orchestrator_tui.state.run_view import RunView, StageRow, StageState, project_run
from orchestrator_tui.store.reading import RunRef
from orchestrator_tui.ui.look import run_look, stage_look, symbol_of

_SILENT = frozenset([StageState.PENDING, StageState.KEPT])
_COLOURS = {
    StageState.SUCCEEDED: State.SUCCEEDED,
    StageState.FAILED: State.FAILED,
    StageState.SOFT_FAILED: State.STALLED,
    StageState.RUNNING: State.RUNNING,
}
_INDENT = " " * 11  # under the text that follows a time and a symbol


@dataclass(slots=True, eq=False)
class Narrator:
    """Tells stages on standard error and, if `with_output`, output on the stream it came from.

    Its methods may be called from any thread. A reader that goes away silences that stream; the run
    goes on.
    """

    roots: Roots
    with_output: bool
    paths: RunPaths | None = None
    _told: dict[int, StageState] = field(default_factory=dict)
    _lines: dict[tuple[str, Stream], LineAssembler] = field(default_factory=dict)
    _stage: str | None = None
    _lost: set[int] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def started(self, paths: RunPaths) -> None:
        """Say that the run is on disk; what was done before a resume is not told."""
        with self._lock:
            self.paths = paths
            if (view := self._view()) is None:
                return
            self._told = {
                stage.index: stage.state
                for stage in view.stages
                if stage.state not in (StageState.FAILED, StageState.RUNNING)
            }
            row = view.row
            words = "resumed" if view.attempt > 1 else "started"
            self._say(State.RUNNING, f"{row.run} {row.pipeline}  {row.task}  {words}")

    def output(self, stage_id: str, stream: Stream, text: str) -> None:
        """Print a chunk of output, after the stage that it belongs to was told."""
        with self._lock:
            if stage_id != self._stage:
                self._stage = stage_id
                self._tell_stages()
            if self.with_output:
                lines = self._lines.setdefault((stage_id, stream), LineAssembler())
                self._print(stream, lines.feed(text))

    def look(self) -> None:
        """Tell the stages that have begun or ended since the last look."""
        with self._lock:
            self._tell_stages()

    def ended(self) -> RunView | None:
        """Tell what is left to tell, the outcome last; return the run as it is now."""
        with self._lock:
            for (_, stream), lines in self._lines.items():
                self._print(stream, lines.finish())
            self._tell_stages()
            view = self._view()
            if view is not None:
                self._tell_outcome(view)
            return view

    def looked(self) -> LookedAt | None:
        """Return the run as its files say it now; None before it has begun."""
        if self.paths is None:
            return None
        ref = RunRef(self.paths.key, RunShape.CLI, self.paths.run_dir)
        return look_at(self.roots, ref)

    def _view(self) -> RunView | None:
        looked = self.looked()
        return project_run(looked.run, looked.detail, SYSTEM_CLOCK.now()) if looked else None

    def _tell_stages(self) -> None:
        view = self._view()
        for stage in view.stages if view else ():
            if self._told.get(stage.index, StageState.PENDING) == stage.state:
                continue
            self._told[stage.index] = stage.state
            has_begun = stage.started_at is not None
            if has_begun and stage.state not in _SILENT and view is not None:
                self._tell_stage(stage, view)

    def _tell_stage(self, stage: StageRow, view: RunView) -> None:
        place = f"{stage.index}/{len(view.stages)} {stage.id}"
        symbol = symbol_of(stage_look(stage.state.value), ascii_only=ascii_only())
        if stage.state == StageState.RUNNING:
            told = f"{symbol} {place}"
        else:
            joint = " after " if stage.state == StageState.FAILED else "  "
            told = f"{symbol} {place}  {stage.word}{joint}{stage.elapsed}"
        self._say_line(f"{self._time(stage)} {told}", _COLOURS.get(stage.state))
        if stage.state == StageState.FAILED:
            for card in view.errors:
                lines = list(card_lines(card)) if card.index == stage.index else []
                # What the command said is on the terminal already.
                for line in lines[: 1 if self.with_output else None]:
                    self._write(sys.stderr, f"{_INDENT}{line.removeprefix('  ')}")

    def _tell_outcome(self, view: RunView) -> None:
        row = view.row
        self._say(row.state, f"{row.word.long}  {row.run} {row.pipeline}  {row.elapsed}")
        self._write(sys.stderr, f"{_INDENT}{safe_text(row.reason)}")
        for line in next_lines(view):
            self._write(sys.stderr, f"{_INDENT}{line.removeprefix('  ')}")

    def _say(self, state: State, text: str) -> None:
        symbol = symbol_of(run_look(state), ascii_only=ascii_only())
        self._say_line(f"{_clock(SYSTEM_CLOCK.now())} {symbol} {text}", state)

    def _say_line(self, line: str, state: State | None) -> None:
        shown = safe_text(line)
        self._write(sys.stderr, coloured(shown, state, sys.stderr) if state else shown)

    def _time(self, stage: StageRow) -> str:
        at = stage.started_at if stage.state == StageState.RUNNING else stage.ended_at
        return _clock(at or SYSTEM_CLOCK.now())

    def _print(self, stream: Stream, lines: tuple[AssembledLine, ...]) -> None:
        # In one piece: each line by itself would be a call of the system.
        if lines:
            target = sys.stderr if stream == Stream.STDERR else sys.stdout
            shown = safe_texts([line.text for line in lines])
            self._write(target, "\n".join(map(_line_words, lines, shown)))

    def _write(self, target: TextIO, line: str) -> None:
        if target.fileno() in self._lost:
            return
        try:
            target.write(f"{line}\n")
            target.flush()
        except BrokenPipeError:
            self._lost.add(target.fileno())


def _line_words(line: AssembledLine, shown: SafeText) -> str:
    return f"{shown} … {byte_count(line.cut_bytes)} left out" if line.cut_bytes else shown


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M:%S}"
