"""orch-tui watch: what happens to runs, line by line, until they are over."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from typing import Final

import click

from orchestrator_tui.cli import output
from orchestrator_tui.cli.exits import Exit, bad_usage, say
from orchestrator_tui.cli.following import (
    chosen_keys,
    follow,
    is_over,
    states_of,
    timed_out,
    view_of,
)
from orchestrator_tui.cli.happenings import Happening, happenings
from orchestrator_tui.cli.looking import look_at_unfinished
from orchestrator_tui.cli.options import Format, format_option, run_option, with_settings
from orchestrator_tui.cli.output import coloured, print_json_line, print_line
from orchestrator_tui.cli.report import card_lines, next_lines
from orchestrator_tui.cli.status import exit_of
from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.settings import Settings
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import State, derive_state
from orchestrator_tui.state.query import STATE_NAMES
from orchestrator_tui.state.run_view import RunView, StageRow, StageState
from orchestrator_tui.ui.look import run_look, stage_look, symbol_of

_INDENT: Final = " " * 11  # under the text that follows a time and a symbol
_DONE: Final = frozenset([StageState.SUCCEEDED, StageState.SKIPPED])
_COLOURS: Final = {
    StageState.SUCCEEDED: State.SUCCEEDED,
    StageState.FAILED: State.FAILED,
    StageState.SOFT_FAILED: State.STALLED,
    StageState.RUNNING: State.RUNNING,
}


@click.command("watch")
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@run_option
@click.option("--compact", is_flag=True, help="Stages that succeed on the line of the next one.")
@click.option("--plain", is_flag=True, help="ASCII symbols and no colours.")
@click.option("--exit-status", is_flag=True, help="End with the status of the runs.")
@click.option("--until", metavar="STATES", help="Until each run is in one of them, or over.")
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(min=0), metavar="SECONDS", help="At most."
)
@format_option(Format.TEXT, Format.JSONL)
@with_settings
def command(
    settings: Settings,
    runs: Sequence[str],
    run_flag: str | None,
    compact: bool,
    plain: bool,
    exit_status: bool,
    until: str | None,
    timeout_s: float | None,
    form: str,
) -> int:
    """Tell what happens to runs until they are over; without RUN to all that are active now.

    RUN is a run id, a beginning or an end of one, @latest, @latest:PIPELINE or @failed. Ctrl-C ends
    the watching; the runs keep going.
    """
    goal = named_states(until) if until else frozenset[State]()
    wanted = [*runs, *([run_flag] if run_flag else [])]
    keys = chosen_keys(settings, wanted) if wanted else _active(settings)
    if not keys:
        say(f"no active runs in {settings.roots.runs}")
        return Exit.DONE
    watching = _Watching(keys, goal, Format(form), compact=compact, plain=plain)
    if not follow(settings, keys, watching.look, timeout_s):
        raise timed_out()
    return exit_of(list(watching.states.values())) if exit_status else Exit.DONE


def named_states(text: str) -> frozenset[State]:
    """Return the states of a list such as `succeeded,failed`.

    Raises:
        Stopped: One of the words is no state.
    """
    states: frozenset[State] = frozenset()
    for word in text.split(","):
        name = word.strip().lower()
        if name not in STATE_NAMES:
            known = ", ".join(state.value for state in State)
            raise bad_usage(f"{word.strip() or 'an empty word'} is no state; states: {known}")
        states |= STATE_NAMES[name]
    return states


def _active(settings: Settings) -> tuple[RunKey, ...]:
    now = SYSTEM_CLOCK.now()
    return tuple(
        looked.run.key
        for looked in look_at_unfinished(settings.roots)
        if not is_over(derive_state(looked.run, now).state)
    )


@dataclass(slots=True)
class _Watching:
    """Prints what is new of each run, and remembers what was."""

    keys: tuple[RunKey, ...]
    goal: frozenset[State]
    form: Format
    compact: bool
    plain: bool
    states: dict[RunKey, State] = field(default_factory=dict)
    _views: dict[RunKey, RunView] = field(default_factory=dict)
    _done: dict[RunKey, list[StageRow]] = field(default_factory=dict)
    _count: int = 0

    def look(self, fleet: Fleet, now: datetime) -> bool:
        """Print what is new; tell whether each run is where it should be, or over."""
        seen = states_of(fleet, self.keys, now)
        for key in self.keys:
            view = view_of(fleet, key, now) if key in seen else None
            if view is not None:
                for happening in happenings(self._views.get(key), view, now):
                    self._tell(happening)
                self._views[key] = view
                self.states[key] = view.row.state
        return len(self.states) == len(self.keys) and all(
            state in self.goal or is_over(state) for state in self.states.values()
        )

    def _tell(self, happening: Happening) -> None:
        if self.form == Format.JSONL:
            self._count += 1
            print_json_line(happening.document(self._count))
            return
        if happening.stage is None:
            self._tell_run(happening)
        else:
            self._tell_stage(happening, happening.stage)
        sys.stdout.flush()

    def _tell_run(self, happening: Happening) -> None:
        view, row = happening.view, happening.view.row
        symbol = symbol_of(run_look(row.state), ascii_only=self._is_ascii)
        if happening.event == "run_started":
            text = f"{row.run} {row.pipeline}  {row.task}  started"
            symbol = symbol_of(run_look(State.RUNNING), ascii_only=self._is_ascii)
            self._line(happening.at, f"{symbol} {text}", State.RUNNING)
            return
        self._line(happening.at, f"{symbol} {row.word.long}  {row.run}  {row.elapsed}", row.state)
        self._below(row.reason)
        if is_over(row.state):
            for line in next_lines(view):
                self._below(line.strip())

    def _tell_stage(self, happening: Happening, stage: StageRow) -> None:
        view, done = happening.view, self._done.setdefault(happening.view.row.key, [])
        if self.compact and stage.state in _DONE:
            done.append(stage)
            return
        symbol = symbol_of(stage_look(stage.state.value), ascii_only=self._is_ascii)
        name = f"{view.row.run} " if len(self.keys) > 1 else ""
        text = f"{symbol} {name}{stage.index}/{len(view.stages)} {stage.id}"
        if happening.event != "step_started":
            joint = " after " if stage.state == StageState.FAILED else "  "
            text += f"  {stage.word}{joint}{stage.elapsed}"
        if done:
            text += f"   ({', '.join(f'{each.id} {each.elapsed}' for each in done)} ok)"
            done.clear()
        self._line(happening.at, text, _COLOURS.get(stage.state))
        if stage.state == StageState.FAILED:
            for card in view.errors:
                if card.index == stage.index:
                    for line in card_lines(card):
                        self._below(line.removeprefix("  "))

    def _line(self, at: datetime, text: str, state: State | None) -> None:
        shown = safe_text(f"{at.astimezone():%H:%M:%S} {text}")
        print_line(shown if state is None or self.plain else coloured(shown, state))

    def _below(self, text: str) -> None:
        print_line(f"{_INDENT}{safe_text(text)}")

    @property
    def _is_ascii(self) -> bool:
        return self.plain or output.ascii_only()
