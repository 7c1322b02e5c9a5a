"""Older shapes: manifests that are not the runner's own, turned into one.

Pure: each function takes the parsed object and returns a `Manifest`. The shapes are those of
docs/formats.md: the RunSummary in camel case, and the hand-written files of October 2025.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from orchestrator_tui.records.identifiers import run_id_time
from orchestrator_tui.records.manifest import (
    CommandRecord,
    CommandStatus,
    JsonObject,
    Manifest,
    RunStatus,
)
from orchestrator_tui.records.times import format_time, parse_time

UNKNOWN = "unknown"  # the status of a stage whose file does not tell
_STAMP = re.compile(r"\d{4}-?\d\d-?\d\dT[\d-]{6,13}Z", re.ASCII)
_PASSED = {"passed": CommandStatus.SUCCEEDED.value, "failed": CommandStatus.FAILED.value}


def has_run_stamp(name: str) -> bool:
    """Tell whether a folder is named as runs are: with a time in it."""
    return _STAMP.search(name) is not None


def is_pointer(document: JsonObject) -> bool:
    """Tell whether an object only says where the run lies."""
    return "redirect_to" in document and not {"status", "commands"} & document.keys()


def is_run_summary(document: JsonObject) -> bool:
    """Tell whether an object is a RunSummary."""
    parts = ("plan", "build", "test", "review")
    return isinstance(document.get("runId"), str) and any(
        isinstance(document.get(part), dict) for part in parts
    )


def is_manifest(document: JsonObject) -> bool:
    """Tell whether an object has a field that the runner's own manifests have."""
    names = {"status", "commands", "run_id", "task_id", "started_at", "artifact_root"}
    return bool(names & document.keys())


def is_note(document: JsonObject) -> bool:
    """Tell whether an object is one of the hand-written run files of 2025."""
    run = document.get("run")
    return (isinstance(run, dict) and "id" in run) or (
        "task" in document and "timestamp" in document
    )


def manifest_of_summary(document: JsonObject) -> Manifest:
    """Return the manifest that a RunSummary tells of."""
    items = [item for item in _list(_object(document, "plan"), "items") if isinstance(item, dict)]
    run_id = _text(document, "runId")
    status = summary_status(document)
    ended = _text(document, "timestamp")
    return Manifest(
        run_id=run_id,
        task_id=_text(document, "taskId"),
        pipeline_id=_text(_object(items[0], "metadata"), "pipelineId") if items else None,
        status=status,
        started_at=_started_at(run_id),
        completed_at=ended,
        updated_at=ended,
        commands=_planned(items, status, _text(_object(document, "build"), "failureStage")),
        summary=_text(_object(document, "review"), "summary")
        or _text(_object(document, "build"), "notes"),
    )


def summary_status(document: JsonObject) -> str | None:
    """Return how the run of a RunSummary ended, None where it does not tell.

    In a summary of the command line tool `build` follows the run, and `test` only says whether a
    guardrail stage passed; in older ones a failed test or review is a failed run.
    """
    build = _flag(_object(document, "build"), "success")
    test = _flag(_object(document, "test"), "success")
    approved = _flag(_object(_object(document, "review"), "decision"), "approved")
    if build is not None and (not build or _names_a_manifest(document)):
        return (RunStatus.SUCCEEDED if build else RunStatus.FAILED).value
    if test is False or approved is False:
        return RunStatus.FAILED.value
    return RunStatus.SUCCEEDED.value if build or test or approved else None


def manifest_of_note(document: JsonObject) -> Manifest:
    """Return the manifest that a hand-written run file tells of; its status stays unknown."""
    task, run = _object(document, "task"), _object(document, "run")
    notes = document.get("notes")
    first = notes[0] if isinstance(notes, list) and notes else None
    summary = _text(notes, "summary") if isinstance(notes, dict) else first
    started = _text(run, "timestamp") or _text(document, "timestamp")
    return Manifest(
        run_id=_text(run, "id"),
        task_id=_text(task, "id") or _text(document, "task"),
        pipeline_title=_text(task, "title"),
        status=_text(document, "status"),
        started_at=started if parse_time(started) else None,
        commands=tuple(
            _validation(entry, position)
            for position, entry in enumerate(_list(document, "validations"), 1)
            if isinstance(entry, dict)
        ),
        summary=summary if isinstance(summary, str) else None,
    )


def _validation(entry: JsonObject, position: int) -> CommandRecord:
    command = _text(entry, "command")
    name = command or str(position)
    status = _text(entry, "status") or UNKNOWN
    return CommandRecord(
        index=position,
        id=name,
        title=name,
        command=command,
        status=_PASSED.get(status, status),
        log_path=_text(entry, "log_path"),
    )


def _planned(
    items: list[JsonObject], status: str | None, failed: str | None
) -> tuple[CommandRecord, ...]:
    whole = CommandStatus.SUCCEEDED.value if status == RunStatus.SUCCEEDED else UNKNOWN
    stages = []
    for index, item in enumerate(items, 1):
        metadata = _object(item, "metadata")
        name = _text(metadata, "stageId") or _text(item, "id") or str(index)
        stages.append(
            CommandRecord(
                index=index,
                id=name,
                title=_text(item, "description") or name,
                kind=_text(metadata, "stageKind") or "command",
                status=CommandStatus.FAILED.value if name == failed else whole,
            )
        )
    return tuple(stages)


def _names_a_manifest(document: JsonObject) -> bool:
    artifacts = _list(_object(document, "build"), "artifacts")
    return any(
        isinstance(artifact, dict) and (_text(artifact, "path") or "").endswith("/manifest.json")
        for artifact in artifacts
    )


def _started_at(run_id: str | None) -> str | None:
    stamp = _STAMP.search(run_id or "")
    moment = (run_id_time(stamp.group()) or parse_time(stamp.group())) if stamp else None
    return format_time(moment) if moment else None


def _object(document: Mapping[str, Any], name: str) -> JsonObject:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _list(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name)
    return value if isinstance(value, list) else []


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and value else None


def _flag(document: Mapping[str, Any], name: str) -> bool | None:
    value = document.get(name)
    return value if isinstance(value, bool) else None
