"""Orders and filters of many runs in memory, timed: `order_case.py COUNT ROUNDS`.

Prints an object: by name of what is asked for, the seconds of each round.
"""

from __future__ import annotations

import gc
import json
import random
import sys
import time
from datetime import UTC, datetime, timedelta

from orchestrator_tui.primitives.garbage import OBJECTS_BEFORE_LOOK
from orchestrator_tui.records.facts import RunFacts, RunShape
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.observations import RunSeen
from orchestrator_tui.state.ordering import RunOrder
from orchestrator_tui.state.placing import Asked, Group, Sort
from orchestrator_tui.state.query import Query, parse_query
from orchestrator_tui.state.reducer import observe

SEED = 20261127
TASKS, PIPELINES = 40, 5
OUTCOMES = ("succeeded",) * 16 + ("failed",) * 3 + ("cancelled",)
FILTERS = ("state:failed", "pipeline-3", "since:30d", "stage-2 -state:failed", "no such word")


def fleet_of(count: int, now: datetime) -> Fleet:
    """Return runs of the last hundred days, all ended, newest first as an index has them."""
    dice = random.Random(SEED)
    seen = []
    for age_s in sorted(dice.uniform(0, 100 * 86_400) for _ in range(count)):
        task, begun = sys.intern(f"task-{dice.randrange(TASKS)}"), now - timedelta(seconds=age_s)
        ended = begun + timedelta(seconds=dice.uniform(1, 900))
        status, pipeline = dice.choice(OUTCOMES), dice.randrange(PIPELINES)
        is_bad = status == "failed"
        facts = RunFacts(
            RunKey(task, f"{begun:%Y-%m-%dT%H-%M-%S}-000Z-{dice.getrandbits(32):08x}"),
            RunShape.CLI,
            folder=sys.intern(f".runs/{task}/cli"),
            status=status,
            pipeline_id=sys.intern(f"pipeline-{pipeline}"),
            pipeline_title=sys.intern(f"Pipeline {pipeline}"),
            started_at=begun,
            completed_at=ended,
            updated_at=ended,
            heartbeat_at=ended,
            stage_of=5,
            stage_id=sys.intern(f"stage-{dice.randrange(5)}") if is_bad else None,
            summary=f"Stage ended with {dice.randrange(256)}" if is_bad else None,
        )
        seen.append(RunSeen(facts))
    return observe(Fleet(), tuple(seen))


def wishes() -> dict[str, Asked]:
    """Return what is asked for by turns, by the name of its line."""
    asked = {f"order: {sort}": Asked(sort=sort) for sort in Sort if sort is not Sort.ATTENTION}
    asked |= {f"by {group}": Asked(group=group) for group in Group if group is not Group.NONE}
    for text in FILTERS:
        query = parse_query(text)
        if isinstance(query, Query):
            asked[f"filter: {text}"] = Asked(query)
    return asked


def main() -> None:
    """Time each wish, and the way back to attention order, in one process."""
    count, rounds = int(sys.argv[1]), int(sys.argv[2])
    gc.set_threshold(OBJECTS_BEFORE_LOOK)
    now = datetime.now(UTC)
    fleet, order = fleet_of(count, now), RunOrder()
    order.answer(fleet, now, Asked())
    gc.freeze()
    figures: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, asked in wishes().items():
            begun = time.perf_counter()
            order.answer(fleet, now, asked)
            figures.setdefault(name, []).append(time.perf_counter() - begun)
            begun = time.perf_counter()
            order.answer(fleet, now, Asked())
            if asked.sort is Sort.NEWEST:
                figures.setdefault("order: attention", []).append(time.perf_counter() - begun)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
