"""Manifests: how a run's own files are first made, saved, and told of their stages' ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.buffering import truncate_utf8
from orchestrator_tui.primitives.files import Durability
from orchestrator_tui.records.manifest import (
    HEARTBEAT_INTERVAL_S,
    HEARTBEAT_STALE_AFTER_S,
    CommandKind,
    CommandRecord,
    JsonObject,
    Manifest,
    RunStatus,
    manifest_to_document,
)
from orchestrator_tui.records.paths import Roots, RunPaths
from orchestrator_tui.records.pipeline import CommandStage, Pipeline, Stage
from orchestrator_tui.records.times import format_time
from orchestrator_tui.store.guardrails import requirement_of
from orchestrator_tui.store.json_text import encode_document, encode_line

STDERR_LIMIT_BYTES = 8 * 1024  # docs/formats.md, error files
SUMMARY_LENGTH = 240  # characters of a stage's output that its summary shows
REASON_FAILED = "command-failed"
REASON_ALLOWED = "command-allow-failure"
_RUNTIME_MODE = "cli"
_RUNTIME_PROVIDER = "CliRuntimeProvider"
_SMALLEST_CUT_BYTES = 64


def new_manifest(
    roots: Roots,
    paths: RunPaths,
    pipeline: Pipeline,
    *,
    resume_token: str,
    now: datetime,
    task_slug: str | None = None,
    parent_run_id: str | None = None,
    approval_policy: str | None = None,
    heartbeat_interval_s: int = HEARTBEAT_INTERVAL_S,
) -> Manifest:
    """Return the manifest of a run that is about to start: queued, every stage pending.

    `resume_token` is 64 hex digits; `task_slug` is the task's id where the task index has none.
    """
    required, source = requirement_of(pipeline)
    moment = format_time(now)
    return Manifest(
        run_id=paths.key.run_id,
        task_id=paths.key.task_id,
        task_slug=task_slug or paths.key.task_id,
        parent_run_id=parent_run_id,
        pipeline_id=pipeline.id,
        pipeline_title=pipeline.title,
        approval_policy=approval_policy,
        status=RunStatus.QUEUED.value,
        started_at=moment,
        updated_at=moment,
        heartbeat_at=moment,
        heartbeat_interval_seconds=heartbeat_interval_s,
        heartbeat_stale_after_seconds=HEARTBEAT_STALE_AFTER_S,
        artifact_root=roots.relative(paths.run_dir),
        compat_path=roots.relative(paths.mcp_pointer.parent),
        log_path=roots.relative(paths.runner_log),
        resume_token=resume_token,
        commands=tuple(_pending(index, stage) for index, stage in enumerate(pipeline.stages, 1)),
        plan_target_id=f"{pipeline.id}:{pipeline.stages[0].id}" if pipeline.stages else None,
        guardrails_required=required,
        guardrails_required_source=source,
        runtime_mode_requested=_RUNTIME_MODE,
        runtime_mode=_RUNTIME_MODE,
        runtime_provider=_RUNTIME_PROVIDER,
    )


def _pending(index: int, stage: Stage) -> CommandRecord:
    is_command = isinstance(stage, CommandStage)
    return CommandRecord(
        index=index,
        id=stage.id,
        title=stage.title,
        command=stage.command if isinstance(stage, CommandStage) else None,
        kind=(CommandKind.COMMAND if is_command else CommandKind.SUBPIPELINE).value,
    )


def save_manifest(
    paths: RunPaths, manifest: Manifest, now: datetime, *, durability: Durability | None = None
) -> Manifest:
    """Replace the manifest on disk and return it as saved, `updated_at` being `now`.

    Without a `durability` an ended run is safe from a power cut once this returns, a running one
    at most loses its newest version.

    Raises:
        OSError: The environment refuses; the old file is as it was.
    """
    saved = replace(manifest, updated_at=format_time(now))
    by_status = Durability.FULL if manifest.is_terminal else Durability.FILE
    content = encode_document(manifest_to_document(saved))
    files.write_atomic(paths.manifest, content, durability=durability or by_status)
    return saved


def write_heartbeat(paths: RunPaths, moment: datetime) -> None:
    """Replace `.heartbeat` by one time and a newline, 25 bytes; no reader sees less.

    Raises:
        OSError: The environment refuses.
    """
    files.write_atomic(paths.heartbeat, f"{format_time(moment)}\n".encode("ascii"))


@dataclass(frozen=True, slots=True)
class CommandEnd:
    """How a command ended, and what is kept of its output, decoded.

    `exit_code` is None if it did not start, `signal` the name of the one that killed it.
    `stderr_bytes` counts all of stderr, kept or not.
    """

    exit_code: int | None
    signal: str | None = None
    timed_out: bool = False
    timeout_ms: int | None = None
    stdout: str = ""
    stderr: str = ""
    stderr_bytes: int = 0


def command_summary(
    end: CommandEnd, hint: str | None = None, *, stored_bytes: int = STDERR_LIMIT_BYTES
) -> str:
    """Return the line that a manifest shows of a command that ended.

    A failure names its cause and the beginning of stderr; where the error file, which stores
    `stored_bytes`, cannot hold all of stderr, its length too. A success shows its hint, else its
    output.
    """
    cause = _cause(end)
    if cause is None:
        for text in (hint, end.stdout, end.stderr):
            if text and text.strip():
                return _shown(text)
        return f"Command completed with code {end.exit_code or 0}"
    stderr = _shown(end.stderr)
    if not stderr:
        return cause
    if end.stderr_bytes > stored_bytes:
        stderr = f"{stderr.removesuffix('…')}… (stderr {end.stderr_bytes:,} bytes, truncated)"
    return f"{cause} — {stderr}"


def _cause(end: CommandEnd) -> str | None:
    if end.timed_out:
        return f"Timed out after {end.timeout_ms}ms"
    if end.signal is not None:
        return f"Terminated with signal {end.signal}"
    return f"Exited with code {end.exit_code}" if end.exit_code else None


def _shown(text: str) -> str:
    stripped = text.strip()
    return stripped if len(stripped) <= SUMMARY_LENGTH else f"{stripped[:SUMMARY_LENGTH]}…"


def append_command_error(
    roots: Roots,
    paths: RunPaths,
    command: CommandRecord,
    *,
    reason: str,
    details: Mapping[str, Any],
    now: datetime,
    limit_bytes: int = STDERR_LIMIT_BYTES,
) -> str:
    """Write the error file of a stage and return its path, relative to the repository.

    Each text in `details` takes at most `limit_bytes` in the file, escapes and a line that says
    what is left out included; `<name>_truncated` marks a cut one. `stderr_bytes` is the length of
    all of stderr, as `details` tells it or as `stderr` shows.

    Raises:
        OSError: The environment refuses.
    """
    path = paths.stage_error(command.index, command.id)
    document = {
        "run_id": paths.key.run_id,
        "task_id": paths.key.task_id,
        "command_index": command.index,
        "command_id": command.id,
        "command": command.command,
        "reason": reason,
        "details": bounded_details(details, limit_bytes),
        "created_at": format_time(now),
    }
    files.make_folder(path.parent)
    files.write_atomic(path, encode_document(document), durability=Durability.FILE)
    return roots.relative(path)


def bounded_details(details: Mapping[str, Any], limit_bytes: int) -> JsonObject:
    """Return details whose texts take at most `limit_bytes` each once they are JSON."""
    bounded: JsonObject = {}
    for name, value in details.items():
        total_bytes = details.get("stderr_bytes") if name == "stderr" else None
        bounded[name] = (
            _cut(value, limit_bytes, total_bytes or 0) if isinstance(value, str) else value
        )
        if bounded[name] != value:
            bounded[f"{name}_truncated"] = details.get(f"{name}_truncated", True)
    stderr = details.get("stderr")
    if isinstance(stderr, str):
        bounded.setdefault("stderr_bytes", _length(stderr))
    return bounded


def _cut(text: str, limit_bytes: int, total_bytes: int) -> str:
    """Return the beginning and the end of a text, as much as fits once it is JSON.

    `total_bytes` is how long the text was before somebody else cut it, so that the line between
    beginning and end tells of all that is missing.
    """
    missing_before = max(0, total_bytes - _length(text))
    if _json_length(text) <= limit_bytes:
        return text
    budget = limit_bytes
    while budget >= _SMALLEST_CUT_BYTES:
        kept, left_out = truncate_utf8(text, budget)
        kept = kept.replace(_marker(left_out), _marker(left_out + missing_before), 1)
        size = _json_length(kept)
        if size <= limit_bytes:
            return kept
        # Escapes take more bytes than the characters they stand for.
        budget = min(budget - 1, budget * limit_bytes // size)
    return ""


def _json_length(text: str) -> int:
    return len(encode_line(text)) - len('""\n')


def _marker(left_out_bytes: int) -> str:
    return f"… {left_out_bytes:,} bytes left out …"


def _length(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
