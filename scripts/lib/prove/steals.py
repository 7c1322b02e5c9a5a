"""Six processes at a lock that a dead one left: each round one at a time, and nothing is left."""

from __future__ import annotations

from itertools import cycle, islice

from prove.contending import all_take, contenders, counted, dead_owner, lay, leavings, left_over
from prove.harness import Asked, Found

THIEVES = 6
CONTROL_ROUNDS = 400  # a naive thief was caught within a hundred in every run so far


def prove(asked: Asked) -> Found:
    """Lay stale locks of all kinds and let six processes take them at once."""
    found = Found()
    folder = asked.folder / "lock"
    folder.mkdir()
    rounds = asked.trials
    with contenders(folder, THIEVES) as crowd:
        for number, leaving in enumerate(islice(cycle(leavings(dead_owner())), rounds), 1):
            for name, (content, is_old) in leaving.items():
                lay(folder / name, content, is_old=is_old)
            if overlaps := all_take(crowd, 1):
                found.failures.append(f"round {number}: two held the lock {overlaps} times")
            if left := left_over(folder):
                found.failures.append(f"round {number}: {', '.join(left)} is left")
                break
            found.trials += 1
    if counted(folder) != THIEVES * rounds:
        found.failures.append(f"{counted(folder)} of {THIEVES * rounds} changes are there")
    found.figures = f"{THIEVES} processes, {THIEVES * found.trials} changes to one counter"
    found.caught(_overlaps_of_the_naive(asked), "the order of judging and taking")
    return found


def _overlaps_of_the_naive(asked: Asked) -> list[str]:
    """Return the first round in which thieves that judge first and unlink later met."""
    folder = asked.folder / "naive"
    folder.mkdir()
    with contenders(folder, THIEVES, "naive") as crowd:
        for number in range(1, CONTROL_ROUNDS + 1):
            lay(folder / "t.lock", "stale", is_old=True)
            if all_take(crowd, 1) or counted(folder) < THIEVES * number:
                return [f"round {number}"]
    return []
