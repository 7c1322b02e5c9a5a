"""orch-tui wait: silent until runs are over, or have come to a state or past a stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from typing import Final

import click

from orchestrator_tui.cli.documents import WAIT_SCHEMA
from orchestrator_tui.cli.exits import Exit, bad_usage, not_found, say
from orchestrator_tui.cli.following import (
    TIMED_OUT_REASON,
    chosen_keys,
    follow,
    is_over,
    states_of,
    view_of,
)
from orchestrator_tui.cli.options import Format, format_option, run_option, with_settings
from orchestrator_tui.cli.output import print_json
from orchestrator_tui.cli.status import exit_of
from orchestrator_tui.cli.watch import named_states
from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.settings import Settings
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import State
from orchestrator_tui.state.run_view import RunView, StageState

STAGE_PREFIX: Final = "stage:"
_PASSED: Final = frozenset(
    [StageState.SUCCEEDED, StageState.KEPT, StageState.SKIPPED, StageState.SOFT_FAILED]
)


@dataclass(frozen=True, slots=True)
class Goal:
    """What is waited for: one of some states, the end of a stage, or the end of the run."""

    states: frozenset[State] = frozenset()
    stage_id: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """How a run stands; `exit` is None while there is something to wait for."""

    state: State
    exit: Exit | None


@click.command("wait")
@click.argument("runs", metavar="RUN...", nargs=-1)
@run_option
@click.option("--any/--all", "any_one", default=False, help="Until one of them, not all.")
@click.option("--for", "goal", metavar="STATE|stage:ID", help="Not the end, but this.")
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(min=0), metavar="SECONDS", help="At most."
)
@format_option(Format.TEXT, Format.JSON)
@with_settings
def command(
    settings: Settings,
    runs: Sequence[str],
    run_flag: str | None,
    any_one: bool,
    goal: str | None,
    timeout_s: float | None,
    form: str,
) -> int:
    """Wait until runs are over, and end with their status: 0 if all succeeded.

    With --for it ends with 0 once the runs have come that far, with 1 or 5 once they cannot any
    more. RUN is a run id, a beginning or an end of one, @latest, @latest:PIPELINE or @failed.
    """
    wanted = [*runs, *([run_flag] if run_flag else [])]
    if not wanted:
        raise bad_usage("name one or more runs: orch-tui wait RUN, for example @latest")
    keys = chosen_keys(settings, wanted)
    waiting = _Waiting(keys, _goal(goal), any_one)
    in_time = follow(settings, keys, waiting.look, timeout_s)
    if not in_time:
        say(f"orch-tui: {TIMED_OUT_REASON}")
    status = waiting.status() if in_time else Exit.TIMED_OUT
    if Format(form) == Format.JSON:
        print_json(waiting.document(status))
    return status


def wait_for_stage(settings: Settings, key: RunKey, stage_id: str, timeout_s: float | None) -> Exit:
    """Wait until a stage of a run is over and return what `wait --for stage:ID` ends with."""
    waiting = _Waiting((key,), Goal(stage_id=stage_id), any_one=False)
    if follow(settings, (key,), waiting.look, timeout_s):
        return waiting.status()
    say(f"orch-tui: {TIMED_OUT_REASON}")
    return Exit.TIMED_OUT


def _goal(text: str | None) -> Goal:
    if text is None:
        return Goal()
    if not text.startswith(STAGE_PREFIX):
        return Goal(states=named_states(text))
    stage_id = text.removeprefix(STAGE_PREFIX)
    if not stage_id:
        raise bad_usage(f"--for {STAGE_PREFIX} needs the id of a stage")
    return Goal(stage_id=stage_id)


@dataclass(slots=True)
class _Waiting:
    """Remembers how each run stands."""

    keys: tuple[RunKey, ...]
    goal: Goal
    any_one: bool
    answers: dict[RunKey, Answer] = field(default_factory=dict)

    def look(self, fleet: Fleet, now: datetime) -> bool:
        """Tell whether enough of the runs have come to what is waited for."""
        for key, state in states_of(fleet, self.keys, now).items():
            if self.goal.stage_id is None:
                self.answers[key] = Answer(state, self._of_state(state))
            elif (view := view_of(fleet, key, now)) is not None:
                self.answers[key] = Answer(state, _of_stage(view, self.goal.stage_id))
        ended = [answer for answer in self.answers.values() if answer.exit is not None]
        return bool(ended) if self.any_one else len(ended) == len(self.keys)

    def _of_state(self, state: State) -> Exit | None:
        if state in self.goal.states:
            return Exit.DONE
        if not is_over(state):
            return None
        return _short_of_it(state) if self.goal.states else exit_of([state])

    def status(self) -> Exit:
        """Return the exit status: the worst of those that count."""
        ended = [answer.exit for answer in self.answers.values() if answer.exit is not None]
        if self.any_one:
            return min(ended)
        return next((e for e in (Exit.FAILED, Exit.LOST) if e in ended), Exit.DONE)

    def document(self, status: Exit) -> dict[str, object]:
        """Return what `--format json` prints."""
        return {
            "schema": WAIT_SCHEMA,
            "timed_out": status == Exit.TIMED_OUT,
            "runs": [
                {
                    "run_id": key.run_id,
                    "task_id": key.task_id,
                    "state": answer.state.value if answer else None,
                    "reached": answer is not None and answer.exit is not None,
                }
                for key in self.keys
                for answer in [self.answers.get(key)]
            ],
        }


def _short_of_it(state: State) -> Exit:
    """Return the status of a run that is over and has not come to what was waited for."""
    return Exit.LOST if exit_of([state]) == Exit.LOST else Exit.FAILED


def _of_stage(view: RunView, stage_id: str) -> Exit | None:
    stage = next((stage for stage in view.stages if stage.id == stage_id), None)
    if stage is None and view.stages:
        known = ", ".join(stage.id for stage in view.stages)
        raise not_found(f"run {view.row.run} has no stage {stage_id}; there are: {known}")
    if stage is not None and stage.state in _PASSED:
        return Exit.DONE
    if stage is not None and stage.state == StageState.FAILED:
        return Exit.FAILED
    return _short_of_it(view.row.state) if is_over(view.row.state) else None
