"""Kill -9 at every step of ending a run: before it, half-way through a write, and after it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

from orchestrator_tui.primitives.steps import Step
from prove.endings import (
    Model,
    faults_after,
    finish_under,
    in_a_child,
    is_killed,
    models,
    writing_in_place,
)
from prove.harness import Asked, Found
from tests.fault_plans import Killing, When


def prove(asked: Asked) -> Found:
    """Kill a runner everywhere; then let another run end, and look at everything."""
    found = Found()
    kinds = list(models(asked.folder))
    space = [(model, number, when) for model in kinds for number, when in _moments(model)]
    dice = asked.dice()
    if asked.trials < len(space):
        space = dice.sample(space, asked.trials)
    for model, number, when in space:
        found.failures += _trial(model, number, when, found)
    without: list[str] = []
    plain = kinds[0]
    for number, when in _moments(plain):
        without += _trial(plain, number, when, Found(), writing_in_place())
    found.caught(without, "the atomic replacing of files")
    steps = sum(len(model.plan.seen) for model in kinds)
    found.figures = f"{steps} steps in {len(kinds)} situations, each before, half-way and after"
    return found


def _moments(model: Model) -> Iterator[tuple[int, When]]:
    for number, (step, _) in enumerate(model.plan.seen, 1):
        for when in When:
            if when is not When.HALFWAY or step is Step.WRITE:
                yield number, when


def _trial(
    model: Model,
    number: int,
    when: When,
    found: Found,
    fault: AbstractContextManager[object] | None = None,
) -> list[str]:
    repo = model.copy(model.repo.with_name("trial"))
    with fault or nullcontext():
        status = in_a_child(lambda: finish_under(repo, Killing(number, when)))
    found.trials += is_killed(status)
    faults = faults_after(repo)
    shutil.rmtree(repo)
    where = f"{model.name}, {when} step {number}"
    return [f"{where}: {fault}" for fault in faults]
