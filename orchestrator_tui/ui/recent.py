"""Recent inputs: what runs were started with from the form, remembered without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from orchestrator_tui.records.requests import LaunchRun, RunInputs
from orchestrator_tui.records.secrets import is_secret
from orchestrator_tui.ui.ports import Memory

NAME: Final = "recent-starts"
KEPT: Final = 5  # as many as the form has keys for


async def recall_recent(memory: Memory | None) -> tuple[LaunchRun, ...]:
    """Return what was started last, newest first."""
    if memory is None:
        return ()
    starts = (await memory.recall(NAME)).get("starts")
    found = (_request(start) for start in starts) if isinstance(starts, list) else ()
    return tuple(request for request in found if request is not None)[:KEPT]


async def keep_recent(memory: Memory | None, request: LaunchRun) -> None:
    """Remember a start before all others; the same inputs are there once."""
    if memory is None:
        return
    bare = without_secrets(request)
    others = [other for other in await recall_recent(memory) if other != bare]
    starts = [_document(each) for each in (bare, *others)[:KEPT]]
    await memory.keep(NAME, {"version": 1, "starts": starts})


def without_secrets(request: LaunchRun) -> LaunchRun:
    """Return the request without variables that look secret."""
    env = tuple((name, value) for name, value in request.inputs.env if not is_secret(name, value))
    inputs = RunInputs(env, request.inputs.note)
    return LaunchRun(request.pipeline_id, request.task_id, request.approval_policy, inputs)


def _document(request: LaunchRun) -> dict[str, object]:
    return {
        "pipeline": request.pipeline_id,
        "task": request.task_id,
        "approval": request.approval_policy,
        "env": [list(pair) for pair in request.inputs.env],
        "note": request.inputs.note,
    }


def _request(start: object) -> LaunchRun | None:
    if not isinstance(start, Mapping):
        return None
    pipeline, task = start.get("pipeline"), start.get("task")
    if not (isinstance(pipeline, str) and isinstance(task, str) and pipeline and task):
        return None
    approval, note, pairs = start.get("approval"), start.get("note"), start.get("env")
    env = tuple(
        (pair[0], pair[1])
        for pair in (pairs if isinstance(pairs, list) else [])
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(w, str) for w in pair)
    )
    return LaunchRun(
        pipeline,
        task,
        approval if isinstance(approval, str) else None,
        RunInputs(env, note if isinstance(note, str) else None),
    )
