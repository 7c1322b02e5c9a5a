"""Configuration doubts: keys that change nothing and look like a slip for one that would.

The Node original, like this program, passes over keys that it does not know, and others may keep
their own there. So only what is nearly a known key is told, and all in `orchTui`, which is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final

from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.store.configuration_shapes import (
    CommandShape,
    LimitsShape,
    LogsShape,
    PipelineShape,
    SubpipelineShape,
    keys_of,
)

MOST_DOUBTS: Final = 50
_ALIKE: Final = 0.8  # share of equal characters from which on a key is nearly another one
_WHOLE: Final = frozenset({"pipelines", "defaultPipeline", "stageSets", "orchTui", "runtimeMode"})
_STAGE_SET: Final = frozenset({"kind", "ref"})


def doubts_about(document: JsonObject) -> tuple[str, ...]:
    """Return what is doubtful in a configuration that passed its checks, each with the cure."""
    return tuple(islice(_all(document), MOST_DOUBTS))


def _all(document: JsonObject) -> Iterator[str]:
    yield from _slips("", document, _WHOLE)
    for entry in document.get("pipelines") or []:
        if isinstance(entry, Mapping):
            place = f'pipeline "{str(entry.get("id"))[:80]}"'
            yield from _slips(place, entry, keys_of(PipelineShape))
            yield from _in_stages(place, entry.get("stages"))
    sets = document.get("stageSets")
    for name, stages in sets.items() if isinstance(sets, Mapping) else ():
        yield from _in_stages(f'stage set "{name[:80]}"', stages)
    own = document.get("orchTui")
    if isinstance(own, Mapping):
        yield from _unknown("orchTui", own, keys_of(LimitsShape))
        if isinstance(own.get("logs"), Mapping):
            yield from _unknown("orchTui.logs", own["logs"], keys_of(LogsShape))


def _in_stages(place: str, stages: Any) -> Iterator[str]:
    for index, stage in enumerate(stages if isinstance(stages, list) else (), 1):
        if isinstance(stage, Mapping):
            kind = stage.get("kind")
            known = keys_of(SubpipelineShape if kind == "subpipeline" else CommandShape)
            if kind == "stage-set":
                known = _STAGE_SET
            name = f' ("{stage["id"][:80]}")' if isinstance(stage.get("id"), str) else ""
            yield from _slips(f"{place}, stage {index}{name}", stage, known)


def _slips(place: str, entry: Mapping[str, Any], known: frozenset[str]) -> Iterator[str]:
    for key in entry:
        if key not in known and (meant := _meant(key, known - set(entry))):
            yield _told(place, key, meant)


def _unknown(place: str, entry: Mapping[str, Any], known: frozenset[str]) -> Iterator[str]:
    for key in entry:
        if key not in known:
            yield _told(place, key, _meant(key, known))


def _meant(key: str, known: frozenset[str]) -> str | None:
    """Return the known key that one is nearly: written in another way, or with a slip or two."""
    plain = {_plain(each): each for each in sorted(known)}
    near = get_close_matches(_plain(key), plain, n=1, cutoff=_ALIKE)
    return plain[near[0]] if near else None


def _plain(key: str) -> str:
    return key.replace("_", "").replace("-", "").lower()


def _told(place: str, key: str, meant: str | None) -> str:
    where = f"{place}: " if place else ""
    cure = f"; did you mean {meant}?" if meant else "; take it away"
    return f'{where}"{key[:40]}" is not known and changes nothing{cure}'
