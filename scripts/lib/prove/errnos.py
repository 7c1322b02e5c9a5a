"""A disk that refuses: nine errors at every step, once or from then on, and writes cut short."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from unittest.mock import patch

from orchestrator_tui.primitives import writing
from orchestrator_tui.primitives.locking import LockTimeout
from orchestrator_tui.primitives.steps import Step
from prove.endings import Model, faults_after, finish_under, models, writing_in_place
from prove.harness import Asked, Found
from tests.fault_plans import BAD_DAYS, Failing, Shortening, Watching

TAKEN: Final[Mapping[str, Callable[[int], int]]] = {
    "nothing": lambda size: 0,
    "one byte": lambda size: 1,
    "half": lambda size: size // 2,
    "all but one byte": lambda size: size - 1,
}


@dataclass(frozen=True, slots=True)
class Day:
    """A bad day at one step; `of` makes the plan anew for each trial."""

    model: Model
    words: str
    of: Callable[[], Watching]


def prove(asked: Asked) -> Found:
    """Let a step fail; then let another run end on a good day, and look at everything."""
    found = Found()
    kinds = list(models(asked.folder))
    errors = [day for model in kinds for day in _errors(model)]
    short = [day for model in kinds for day in _short_writes(model)]
    dice = asked.dice()
    wanted = max(1, asked.trials - len(short))
    days = dice.sample(errors, min(wanted, len(errors))) + short
    for day in days if asked.trials >= len(short) else dice.sample(days, asked.trials):
        found.trials += 1
        found.failures += _trial(day)
    seeded = list(_short_writes(kinds[0]))
    with patch.object(writing, "_write_all", writing._write_some):
        without = [fault for day in seeded[: asked.trials] for fault in _trial(day)]
    full = [day for day in _errors(kinds[0]) if "ENOSPC" in day.words]
    for day in dice.sample(full, min(len(full), asked.trials)):
        without += _trial(day, writing_in_place())
    found.caught(without, "going on after a short write, and the atomic replacing of files")
    found.figures = f"{len(BAD_DAYS)} errors, once and lasting; {len(short)} short writes"
    return found


def _errors(model: Model) -> Iterator[Day]:
    for number, (step, path) in enumerate(model.plan.seen, 1):
        for code in BAD_DAYS:
            for lasting in (False, True):
                words = f"{errno.errorcode[code]} {'from' if lasting else 'at'} step {number}"
                yield Day(
                    model,
                    f"{words}, {step} {path.name}",
                    partial(Failing, number, code, lasting=lasting),
                )


def _short_writes(model: Model) -> Iterator[Day]:
    for number, (step, path) in enumerate(model.plan.seen, 1):
        for words, taken in TAKEN.items() if step is Step.WRITE else ():
            yield Day(
                model,
                f"{words} taken at step {number}, {path.name}",
                partial(Shortening, number, taken),
            )


def _trial(day: Day, fault: AbstractContextManager[object] | None = None) -> list[str]:
    repo: Path = day.model.copy(day.model.repo.with_name("trial"))
    is_over = False
    raised: list[str] = []
    try:
        with fault or nullcontext():
            finish_under(repo, day.of())
        is_over = True
    except (OSError, LockTimeout):  # told, as it has to be
        pass
    except Exception as error:
        raised.append(f"raised {error!r}")
    faults = raised + faults_after(repo, is_over=is_over)
    shutil.rmtree(repo)
    return [f"{day.model.name}, {day.words}: {each}" for each in faults]
