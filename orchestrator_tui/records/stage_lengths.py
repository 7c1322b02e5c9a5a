"""How long the stages of a run took that succeeded, from either way in which it is read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from orchestrator_tui.records.facts import usual_stage_id
from orchestrator_tui.records.manifest import CommandStatus, JsonObject, Manifest
from orchestrator_tui.records.times import parse_time

# Stage ids and seconds, in the order of the run, each id once.
StageLengths: TypeAlias = tuple[tuple[str, float], ...]

_SUCCEEDED = CommandStatus.SUCCEEDED.value


def stage_lengths(manifest: Manifest) -> StageLengths:
    """Return how long each stage took that succeeded and whose times are told."""
    return _lengths(
        (command.id, command.started_at, command.completed_at)
        for command in manifest.commands
        if command.status == _SUCCEEDED
    )


def stage_lengths_of_usual(document: JsonObject) -> StageLengths:
    """Return what `stage_lengths` does, straight from a JSON object that `is_usual`."""
    entries: list[JsonObject] = document.get("commands") or []
    return _lengths(
        (usual_stage_id(entry, position), entry.get("started_at"), entry.get("completed_at"))
        for position, entry in enumerate(entries, 1)
        if entry.get("status") == _SUCCEEDED
    )


def _lengths(stages: Iterable[tuple[str, str | None, str | None]]) -> StageLengths:
    found: dict[str, float] = {}
    for stage_id, started_at, completed_at in stages:
        begun, done = parse_time(started_at), parse_time(completed_at)
        if begun and done and done >= begun:
            found.setdefault(stage_id, (done - begun).total_seconds())
    return tuple(found.items())
