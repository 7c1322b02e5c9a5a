"""Life: what the files around a manifest tell of its runner, its beats and what it waits for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import Durability, EntryKind
from orchestrator_tui.primitives.life_lock import LifeLock
from orchestrator_tui.primitives.process_identity import Presence, ProcessIdentity, presence
from orchestrator_tui.records.life import (
    Beats,
    CancelTimes,
    GitFacts,
    Runner,
    RunnerRecord,
    RunnerVerdict,
    StageError,
    Waiting,
)
from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.paths import RunPaths, is_temporary
from orchestrator_tui.records.times import parse_time
from orchestrator_tui.store.control import ActionKind, ControlRequest, read_control
from orchestrator_tui.store.events import EventName, read_last_events
from orchestrator_tui.store.json_text import encode_document
from orchestrator_tui.store.reading import (
    MANIFEST_LIMIT_BYTES,
    BadContent,
    parse_object,
    reason_of,
)

T = TypeVar("T")

_BEAT_LIMIT_BYTES = 256  # docs/formats.md, limits
_SMALL_LIMIT_BYTES = 64 * 1024
_QUESTIONS_LIMIT_BYTES = 1024 * 1024  # prompts may be long
_TAILS_BYTES = (4 * 1024, 128 * 1024)  # the second only if one line fills the first
# The last key but one of every log line; quotes inside the output are escaped and never match.
_LINE_TIME = re.compile(rb'"timestamp":\s?"([^"\\]{8,40})"')
_TURNS = {
    EventName.RUN_PAUSED.value,
    EventName.RUN_RESUMED.value,
    EventName.RUN_STARTED.value,
    EventName.RUN_COMPLETED.value,
    EventName.RUN_FAILED.value,
    EventName.RUN_CANCELED.value,
}
_VERDICTS = {
    Presence.ALIVE: RunnerVerdict.ALIVE,
    Presence.GONE: RunnerVerdict.GONE,
    Presence.REBOOTED: RunnerVerdict.REBOOTED,
    Presence.ELSEWHERE: RunnerVerdict.ELSEWHERE,
    Presence.UNKNOWN: RunnerVerdict.UNKNOWN,
}


def read_beats(paths: RunPaths) -> Beats:
    """Return a run's signs of life besides its manifest; what cannot be read is no sign.

    The time of a log is that in its last whole line: a copied tree has fresh file times and must
    not look alive. Only a log without such a line counts by its file time.
    """
    return Beats(file=_quietly(_file_beat, paths), log=_quietly(_log_beat, paths))


def read_runner(paths: RunPaths) -> RunnerRecord | None:
    """Return what `runner.json` says, None if it is absent or makes no sense."""
    document = _read_json(paths, paths.runner_json, _SMALL_LIMIT_BYTES)
    return None if document is None else _runner_record(document)


def write_runner(
    paths: RunPaths, record: RunnerRecord, *, durability: Durability = Durability.FULL
) -> None:
    """Replace `runner.json`, which tells a later reader whose processes these are.

    Raises:
        OSError: The environment refuses.
    """
    document = {**asdict(record), "env": dict(record.env)}
    files.write_atomic(
        paths.runner_json, encode_document(document), durability=durability, mode=0o644
    )


def current_runner(paths: RunPaths, resume_events: Iterable[object]) -> RunnerRecord | None:
    """Return what `runner.json` says, None if somebody else has resumed the run since.

    The Node original resumes runs of this program and leaves the file as it is.

    Args:
        paths: The files of the run.
        resume_events: Those of its manifest.
    """
    record = read_runner(paths)
    return None if record is not None and _was_resumed_since(record, resume_events) else record


def probe_runner(paths: RunPaths) -> Runner:
    """Return what can be said now of the process that runs a run.

    A held lock proves life. A free one proves nothing about another host or boot, nor about a run
    without a record: the Node original takes no lock, and a refused resume may have left the file.
    So the recorded identity is asked next, unless the record is of an earlier attempt.
    """
    held = LifeLock.is_held(paths.runner_lock)
    record = read_runner(paths)
    if record is None:
        return Runner(RunnerVerdict.ALIVE if held else RunnerVerdict.UNKNOWN)
    verdict = RunnerVerdict.ALIVE if held else _VERDICTS[presence(identity_in(record))]
    if verdict is not RunnerVerdict.ALIVE and _was_resumed_since(record, _resume_events(paths)):
        return Runner(RunnerVerdict.UNKNOWN)
    return Runner(
        verdict,
        pid=record.pid,
        host=record.host,
        version=record.version,
        cancel_rung=record.cancel_rung,
        cancel_times=CancelTimes(
            parse_time(record.cancel_asked_at),
            parse_time(record.cancel_term_at),
            parse_time(record.cancel_kill_at),
            record.cancel_grace_s,
        ),
    )


def identity_in(record: RunnerRecord) -> ProcessIdentity:
    """Return the identity of the runner's process."""
    return ProcessIdentity(
        record.pid, record.start_ticks, record.boot_id, record.pid_ns, record.host
    )


def read_waiting(paths: RunPaths) -> Waiting:
    """Return what a run waits for; files that cannot be read count as absent.

    A request in `control.json` that the runner has consumed and not obeyed (an old one, met by a
    resume) is no request any more.
    """
    request = read_control(paths)
    if not isinstance(request, ControlRequest) or _is_spent(paths, request):
        request = None
    action = request.action if request else None
    turn = _quietly(_last_turn, paths) or {}
    paused = turn.get("event") == EventName.RUN_PAUSED or action is ActionKind.PAUSE
    cancelling = action is ActionKind.CANCEL
    payload = turn.get("payload")
    told = payload.get("requested_reason") if paused and isinstance(payload, dict) else None
    return Waiting(
        confirmations=_open_confirmations(paths),
        questions=_queued_questions(paths),
        paused=paused,
        cancelling=cancelling,
        reason=(request.reason if request else None) or (told if isinstance(told, str) else None),
        asked_at=parse_time(request.requested_at) if request and cancelling else None,
    )


def read_stage_errors(paths: RunPaths) -> tuple[StageError, ...]:
    """Return a run's error files in the order of their stages.

    One that cannot be read is there too, its reason telling why.
    """
    try:
        entries = files.list_folder(paths.errors_dir)
    except OSError:
        return ()
    names = [
        entry.name
        for entry in entries
        if entry.kind is EntryKind.FILE
        and entry.name.endswith(".json")
        and not is_temporary(entry.name)
    ]
    errors = [_stage_error(paths, name) for name in names]
    return tuple(sorted(errors, key=lambda error: (error.index, error.path)))


def _quietly(read: Callable[[RunPaths], T], paths: RunPaths) -> T | None:
    try:
        return read(paths)
    except OSError:  # a sign of life that cannot be read is no sign
        return None


def _file_beat(paths: RunPaths) -> datetime | None:
    content = files.read_bytes(paths.heartbeat, limit_bytes=_BEAT_LIMIT_BYTES, root=paths.run_dir)
    return parse_time(content.decode("ascii", "replace").strip())


def _log_beat(paths: RunPaths) -> datetime | None:
    times = [_log_time(paths, log) for log in (paths.runner_log, _newest_stage_log(paths)) if log]
    return max((time for time in times if time), default=None)


def _newest_stage_log(paths: RunPaths) -> Path | None:
    try:
        entries = files.list_folder(paths.commands_dir)
    except OSError:
        return None
    signed = [
        (signature.mtime_ns, path)
        for entry in entries
        if entry.kind is EntryKind.FILE and entry.name.endswith(".ndjson")
        for path in (paths.commands_dir / entry.name,)
        if (signature := files.signature(path)) is not None
    ]
    return max(signed)[1] if signed else None


def _log_time(paths: RunPaths, log: Path) -> datetime | None:
    for limit_bytes in _TAILS_BYTES:
        try:
            signature, _, tail = files.read_tail(log, limit_bytes, root=paths.run_dir)
        except OSError:
            return None
        whole = tail[: tail.rfind(b"\n") + 1]
        if told := _LINE_TIME.findall(whole):
            return parse_time(told[-1].decode("ascii", "replace")) or signature.modified_at
    return signature.modified_at if signature.size else None


def _read_json(paths: RunPaths, path: Path, limit_bytes: int) -> JsonObject | None:
    try:
        content = files.read_bytes(path, limit_bytes=limit_bytes, root=paths.run_dir)
    except OSError:
        return None
    document = parse_object(content, path.name)
    return None if isinstance(document, BadContent) else document


def _number(document: Mapping[str, Any], name: str) -> int | None:
    value = document.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _seconds(document: Mapping[str, Any], name: str) -> float | None:
    value = document.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
        return None
    return float(value)


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and value else None


def _runner_record(document: JsonObject) -> RunnerRecord | None:
    pid, host = _number(document, "pid"), _text(document, "host")
    if pid is None or pid <= 0 or host is None:
        return None
    return RunnerRecord(
        pid=pid,
        pgid=_number(document, "pgid") or pid,
        start_ticks=_number(document, "start_ticks"),
        boot_id=_text(document, "boot_id"),
        pid_ns=_number(document, "pid_ns"),
        host=host,
        version=_text(document, "version") or "",
        started_at=_text(document, "started_at") or "",
        state=_text(document, "state") or "running",
        stage_pgid=_number(document, "stage_pgid"),
        stage_start_ticks=_number(document, "stage_start_ticks"),
        cancel_rung=_text(document, "cancel_rung"),
        cancel_asked_at=_text(document, "cancel_asked_at"),
        cancel_term_at=_text(document, "cancel_term_at"),
        cancel_kill_at=_text(document, "cancel_kill_at"),
        cancel_grace_s=_seconds(document, "cancel_grace_s"),
        control_seq=max(0, _number(document, "control_seq") or 0),
        note=_text(document, "note"),
        env=_variables(document.get("env")),
        git=_git_facts(document.get("git")),
    )


def _variables(document: object) -> tuple[tuple[str, str | None], ...]:
    if not isinstance(document, dict):
        return ()
    return tuple(
        (name, value if isinstance(value, str) else None) for name, value in document.items()
    )


def _git_facts(document: object) -> GitFacts | None:
    if not isinstance(document, dict):
        return None
    changed = document.get("changed")
    return GitFacts(
        branch=_text(document, "branch"),
        commit=_text(document, "commit"),
        dirty=max(0, _number(document, "dirty") or 0),
        changed=tuple(name for name in changed if isinstance(name, str))
        if isinstance(changed, list)
        else (),
    )


def _resume_events(paths: RunPaths) -> list[object]:
    manifest = _read_json(paths, paths.manifest, MANIFEST_LIMIT_BYTES) or {}
    events = manifest.get("resume_events")
    return events if isinstance(events, list) else []


def _was_resumed_since(record: RunnerRecord, resume_events: Iterable[object]) -> bool:
    """Tell whether a resume was accepted after a runner began; its own comes just before that."""
    began = parse_time(record.started_at)
    resumed = (
        parse_time(event.get("timestamp"))
        for event in resume_events
        if isinstance(event, Mapping) and event.get("outcome") != "blocked"
    )
    return began is not None and any(at > began for at in resumed if at)


def _is_spent(paths: RunPaths, request: ControlRequest) -> bool:
    record = read_runner(paths)
    return record is not None and request.seq <= record.control_seq and record.cancel_rung is None


def _last_turn(paths: RunPaths) -> JsonObject | None:
    turns = [e for e in read_last_events(paths.events) if e.get("event") in _TURNS]
    return turns[-1] if turns else None


def _open_confirmations(paths: RunPaths) -> int:
    document = _read_json(paths, paths.confirmations, _QUESTIONS_LIMIT_BYTES) or {}
    pending = document.get("pending")
    entries = pending if isinstance(pending, list) else []
    return sum(isinstance(entry, dict) and not entry.get("approved_at") for entry in entries)


def _queued_questions(paths: RunPaths) -> int:
    document = _read_json(paths, paths.questions, _QUESTIONS_LIMIT_BYTES) or {}
    questions = document.get("questions")
    entries = questions if isinstance(questions, list) else []
    return sum(isinstance(entry, dict) and entry.get("status") == "queued" for entry in entries)


def _stage_error(paths: RunPaths, name: str) -> StageError:
    path = paths.errors_dir / name
    number, _, slug = name.removesuffix(".json").partition("-")
    index = int(number) if number.isascii() and number.isdigit() else 0
    try:
        content = files.read_bytes(path, limit_bytes=_SMALL_LIMIT_BYTES, root=paths.run_dir)
        document = parse_object(content, name)
    except OSError as error:
        document = BadContent(name, reason_of(error))
    if isinstance(document, BadContent):
        return StageError(index, slug, f"errors/{name}", f"unreadable: {document.reason}")
    told = document.get("details")
    details: JsonObject = told if isinstance(told, dict) else {}
    return StageError(
        index=_number(document, "command_index") or index,
        stage_id=_text(document, "command_id") or slug,
        path=f"errors/{name}",
        reason=_text(document, "reason") or "",
        command=_text(document, "command"),
        exit_code=_number(details, "exit_code"),
        signal=_text(details, "signal"),
        timed_out=details.get("timed_out") is True or details.get("failure_reason") == "timed_out",
        timeout_ms=_number(details, "timeout_ms"),
        stderr=_text(details, "stderr") or "",
        stderr_bytes=_number(details, "stderr_bytes"),
        truncated=details.get("stderr_truncated") is True,
        created_at=parse_time(document.get("created_at")),
    )
