"""RunFacts: the little that a list needs to know of a run, from whichever shape of manifest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from sys import intern
from typing import Any, NamedTuple, Protocol

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.manifest import (
    SLUG_OF_COMMAND,
    STAGE_DONE,
    CommandKind,
    CommandRecord,
    CommandStatus,
    Manifest,
    accepted_resumes,
)
from orchestrator_tui.records.times import parse_time

SUMMARY_LENGTH = 240  # characters of a summary's first line that are kept
_FAILED, _RUNNING = CommandStatus.FAILED.value, CommandStatus.RUNNING.value
_SUBPIPELINE = CommandKind.SUBPIPELINE.value


class RunShape(StrEnum):
    """Which of the shapes of docs/formats.md a run was read from."""

    CLI = "cli"  # .runs/<task>/cli/<run>/manifest.json
    MCP = "mcp"  # October 2025: .runs/<task>/mcp/<run>/manifest.json
    SUMMARY = "summary"  # a RunSummary in .runs/<task>/<run>/manifest.json, without a cli run
    OTHER = "other"  # any other manifest in .runs/<task>/<run>/


class RunFacts(NamedTuple):
    """What a list shows of a run. Times are UTC.

    A tuple, since one is made of each of very many runs: in a fifth of the time, from the columns
    of what was kept.

    `stage_index` counts from 1 and names the stage that runs, failed, or comes next; 0 where no
    stage is known. `stage_started_at` is that stage's. `problems` say what is wrong with the file.
    `stage_summary` is the first line of a failed stage's summary, None for any other stage.
    `stage_is_run` tells that the stage is a run of its own, so that its output is not in this one.
    `resumed_at` is when the present attempt began, None in the first one. `folder` is the one
    that the run's own lies in, relative to the repository, and one text for all runs in it.
    """

    key: RunKey
    shape: RunShape
    folder: str
    status: str | None = None
    status_detail: str | None = None
    pipeline_id: str | None = None
    pipeline_title: str | None = None
    parent_run_id: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    updated_at: datetime | None = None
    heartbeat_at: datetime | None = None
    stale_after_s: int | None = None
    stage_index: int = 0
    stage_of: int = 0
    stage_id: str | None = None
    stage_status: str | None = None
    stage_started_at: datetime | None = None
    stages_done: int = 0
    exit_code: int | None = None
    resumes: int = 0
    summary: str | None = None
    problems: tuple[str, ...] = ()
    stage_summary: str | None = None
    stage_is_run: bool = False
    resumed_at: datetime | None = None

    @property
    def manifest(self) -> str:
        """The path of the manifest, relative to the repository."""
        return f"{self.folder}/{self.key.run_id}/manifest.json"


def _shared(text: str | None) -> str | None:
    # The same few words stand in every manifest; one copy of each halves what a long list takes.
    return None if text is None else intern(text) if type(text) is str else intern(str(text))


def _first_line(text: str | None) -> str | None:
    return text.split("\n", 1)[0][:SUMMARY_LENGTH] or None if text else None


def current_command(manifest: Manifest) -> CommandRecord | None:
    """Return the stage to name: the first failed, else running, else not done, else last."""
    for wanted in (CommandStatus.FAILED, CommandStatus.RUNNING):
        for command in manifest.commands:
            if command.status == wanted:
                return command
    for command in manifest.commands:
        if command.status not in STAGE_DONE:
            return command
    return manifest.commands[-1] if manifest.commands else None


class Told(Protocol):
    """A JSON object, or whatever else tells the value of a name, None where there is none."""

    def get(self, name: str, /) -> Any:
        """Return the value of a name."""


def facts_of_usual(key: RunKey, shape: RunShape, folder: str, document: Told) -> RunFacts:
    """Return the facts of a run whose manifest `is_usual`, straight from the JSON object.

    They are those that `run_facts` gives of the manifest, in a fifth of the time: a list has very
    many runs and shows a tenth of each.
    """
    get = document.get
    entries: list[Told] = get("commands") or []
    statuses = [entry.get("status") or _told(entry) for entry in entries]
    stages_done = sum(map(STAGE_DONE.__contains__, statuses))
    # Of a stage that is done none is failed or runs.
    position = len(statuses) - 1 if stages_done == len(statuses) else _current(statuses)
    stage: Told = entries[position] if entries else {}
    status = statuses[position] if entries else None
    index = stage.get("index")
    stale_after = get("heartbeat_stale_after_seconds")
    given: list[object] | None = get("resume_events")
    events = [event for event in given if isinstance(event, dict)] if given else []
    completed, updated, beaten = get("completed_at"), get("updated_at"), get("heartbeat_at")
    completed_at = parse_time(completed)
    # A run that has ended was written and beat last when it ended: mostly one time, kept once.
    updated_at = completed_at if updated == completed else parse_time(updated)
    return RunFacts(
        key=key,
        shape=shape,
        folder=intern(folder),
        status=_shared(get("status")),
        status_detail=_shared(get("status_detail")),
        pipeline_id=_shared(get("pipeline_id")),
        pipeline_title=_shared(get("pipeline_title")),
        parent_run_id=get("parent_run_id"),
        started_at=parse_time(get("started_at")),
        completed_at=completed_at,
        updated_at=updated_at,
        heartbeat_at=updated_at if beaten == updated else parse_time(beaten),
        stale_after_s=stale_after if stale_after is not None and stale_after > 0 else None,
        stage_index=0 if not entries else position + 1 if index is None else index,
        stage_of=len(entries),
        stage_id=_shared(usual_stage_id(stage, position + 1)) if entries else None,
        stage_status=_shared(status),
        stage_started_at=parse_time(stage.get("started_at")),
        stages_done=stages_done,
        exit_code=stage.get("exit_code"),
        resumes=sum(event.get("outcome") != "blocked" for event in events) if events else 0,
        summary=_first_line(get("summary")),
        stage_summary=_first_line(stage.get("summary")) if status == _FAILED else None,
        stage_is_run=stage.get("kind") == _SUBPIPELINE,
        resumed_at=max(accepted_resumes(events), default=None) if events else None,
    )


def usual_stage_id(entry: Told, position: int) -> str:
    """Return the id of the stage at a position, from 1 on, whose entry is as usual."""
    if name := entry.get("id"):
        return str(name)
    command: str | None = entry.get("command")
    return command.strip()[:SLUG_OF_COMMAND] if command else str(position)


def _told(entry: Told) -> str:
    status = entry.get("status")
    return CommandStatus.PENDING.value if status is None else str(status)


def _current(statuses: Sequence[str]) -> int:
    """Return the position, from 0 on, of the stage that `current_command` names."""
    for wanted in (_FAILED, _RUNNING):
        if wanted in statuses:
            return statuses.index(wanted)
    for position, status in enumerate(statuses):
        if status not in STAGE_DONE:
            return position
    return len(statuses) - 1


def run_facts(
    key: RunKey,
    shape: RunShape,
    folder: str,
    manifest: Manifest,
    problems: tuple[str, ...] = (),
) -> RunFacts:
    """Return the facts of a run that lies in a folder, which is relative to the repository."""
    stage = current_command(manifest)
    stale_after = manifest.heartbeat_stale_after_seconds
    return RunFacts(
        key=key,
        shape=shape,
        folder=intern(folder),
        status=_shared(manifest.status),
        status_detail=_shared(manifest.status_detail),
        pipeline_id=_shared(manifest.pipeline_id),
        pipeline_title=_shared(manifest.pipeline_title),
        parent_run_id=manifest.parent_run_id,
        started_at=parse_time(manifest.started_at),
        completed_at=parse_time(manifest.completed_at),
        updated_at=parse_time(manifest.updated_at),
        heartbeat_at=parse_time(manifest.heartbeat_at),
        stale_after_s=stale_after if stale_after is not None and stale_after > 0 else None,
        stage_index=stage.index if stage else 0,
        stage_of=len(manifest.commands),
        stage_id=_shared(stage.id) if stage else None,
        stage_status=_shared(stage.status) if stage else None,
        stage_started_at=parse_time(stage.started_at) if stage else None,
        stages_done=sum(c.status in STAGE_DONE for c in manifest.commands),
        exit_code=stage.exit_code if stage else None,
        resumes=sum(event.get("outcome") != "blocked" for event in manifest.resume_events),
        summary=_first_line(manifest.summary),
        problems=problems,
        stage_summary=(
            _first_line(stage.summary) if stage and stage.status == CommandStatus.FAILED else None
        ),
        stage_is_run=stage is not None and stage.kind == CommandKind.SUBPIPELINE,
        resumed_at=max(accepted_resumes(manifest.resume_events), default=None),
    )
