"""Which stages run again, and whether they may: pure rules over a manifest and its pipeline."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from orchestrator_tui.records.manifest import (
    HEARTBEAT_INTERVAL_S,
    HEARTBEAT_STALE_AFTER_S,
    STAGE_DONE,
    CommandRecord,
    CommandStatus,
    Manifest,
    RunStatus,
)
from orchestrator_tui.records.pipeline import Pipeline
from orchestrator_tui.records.times import format_time, parse_time

INTERRUPTED = "Interrupted: its runner ended"
STAGES_LEFT = "Not all stages have run: "


class ResumeRefused(Exception):
    """A run may not be run again as asked, and nothing was changed; the text says why."""


def check_token(run_id: str, manifest: Manifest, token_file: str | None, given: str | None) -> None:
    """Pass if the run has a resume token and `given`, where there is one, equals it.

    Args:
        run_id: Names the run in the texts.
        manifest: Its token wins over that of the file.
        token_file: The content of `.resume-token`, None if it is absent.
        given: What the person supplied; None passes, as in the Node original.

    Raises:
        ResumeRefused: There is no token, or another one.
    """
    token = manifest.resume_token or (token_file or "").strip()
    if not token:
        raise ResumeRefused(
            f"Resume token missing for run {run_id}: "
            "neither its manifest nor .resume-token has one."
        )
    if given is not None and given != token:
        raise ResumeRefused("Resume token mismatch.")


def check_stages(manifest: Manifest, pipeline: Pipeline) -> None:
    """Pass if the manifest has the stages of the pipeline, one by one.

    Raises:
        ResumeRefused: They differ; the text shows where.
    """
    if not manifest.commands:
        raise ResumeRefused("Its manifest lists no stages; start the pipeline anew.")
    were = [command.id for command in manifest.commands]
    are = [stage.id for stage in pipeline.stages]
    if were == are:
        return
    differences = [
        f"stage {position} was '{was}' and is '{now}'"
        for position, (was, now) in enumerate(zip(were, are, strict=False), 1)
        if was != now
    ]
    if extra := are[len(were) :]:
        differences.append(f"new: {', '.join(extra)}")
    if gone := were[len(are) :]:
        differences.append(f"gone: {', '.join(gone)}")
    raise ResumeRefused(
        f"Pipeline '{pipeline.id}' changed since the run began ({'; '.join(differences)}); "
        "start it anew."
    )


def check_quiet(
    manifest: Manifest, last_activity: datetime | None, now: datetime, *, force: bool
) -> None:
    """Pass if no runner of another kind seems to be at work on the run.

    Only for runs whose runner left no lock to probe: all that is known is when it last gave a sign
    of life.

    Raises:
        ResumeRefused: The last sign is not older than the manifest's own limit, or 30 s.
    """
    if force or manifest.status != RunStatus.IN_PROGRESS or last_activity is None:
        return
    limit_s = manifest.heartbeat_stale_after_seconds or HEARTBEAT_STALE_AFTER_S
    age_s = max(0.0, (now - last_activity).total_seconds())
    if age_s <= limit_s:
        raise ResumeRefused(
            f"It seems to be running: its last sign of life is {age_s:.0f} s old. "
            f"Wait until it is older than {limit_s} s, or use --force if its runner is dead."
        )


def stages_to_run(
    manifest: Manifest, *, from_stage: str | None = None, only_stage: str | None = None
) -> tuple[int, ...]:
    """Return the positions, from 1, of the stages that run again, in order.

    Without a choice these are all that neither succeeded nor were skipped.

    Raises:
        ResumeRefused: There is no such stage, or nothing is left to do.
    """
    if from_stage is not None and only_stage is not None:
        raise ResumeRefused("Choose one of --from and --only.")
    if only_stage is not None:
        return (_position(manifest, only_stage),)
    if from_stage is not None:
        return tuple(range(_position(manifest, from_stage), len(manifest.commands) + 1))
    if manifest.status == RunStatus.SUCCEEDED and all(_is_done(c) for c in manifest.commands):
        raise ResumeRefused(
            "Every stage succeeded; choose --from STAGE or --only STAGE to run some again."
        )
    return tuple(p for p, c in enumerate(manifest.commands, 1) if not _is_done(c))


def resumed_manifest(
    manifest: Manifest, positions: tuple[int, ...], *, actor: str, reason: str, now: datetime
) -> Manifest:
    """Return the manifest of a run that begins again: chosen stages pending, the event noted."""
    event = {"timestamp": format_time(now), "actor": actor, "reason": reason, "outcome": "accepted"}
    return replace(
        manifest.without_summary_lines(STAGES_LEFT),
        status=RunStatus.IN_PROGRESS.value,
        status_detail=None,
        completed_at=None,
        metrics_recorded=False,
        heartbeat_at=format_time(now),
        heartbeat_interval_seconds=_positive(
            manifest.heartbeat_interval_seconds, HEARTBEAT_INTERVAL_S
        ),
        heartbeat_stale_after_seconds=_positive(
            manifest.heartbeat_stale_after_seconds, HEARTBEAT_STALE_AFTER_S
        ),
        resume_events=(*manifest.resume_events, event),
        commands=tuple(
            _as_pending(c) if position in positions else _settled(c, now)
            for position, c in enumerate(manifest.commands, 1)
        ),
        extras=MappingProxyType(
            {key: value for key, value in manifest.extras.items() if key != "guardrail_status"}
        ),
    )


def without_failure_lines(manifest: Manifest, command: CommandRecord, target: str) -> Manifest:
    """Return the manifest without what its summary says of a stage that has succeeded since.

    Args:
        manifest: Its summary may tell of an earlier attempt.
        command: The stage that succeeded.
        target: The id of its sub-pipeline, or "" for a command.
    """
    stale = f"Sub-pipeline '{target}' failed" if target else f"Stage '{command.title}' failed"
    error = "Sub-pipeline error: " if target else "Execution error: "
    return manifest.without_summary_lines(stale).without_summary_lines(error)


def newest(*moments: datetime | None) -> datetime | None:
    """Return the latest of the moments that are known."""
    return max((moment for moment in moments if moment is not None), default=None)


def last_activity(
    manifest: Manifest, beat: datetime | None, log: datetime | None
) -> datetime | None:
    """Return when a run last gave a sign of life: manifest, heartbeat file or log."""
    return newest(parse_time(manifest.heartbeat_at), beat, log)


def settle_running(manifest: Manifest, now: datetime) -> Manifest:
    """Return the manifest with every stage that nobody runs any more marked as failed."""
    return replace(manifest, commands=tuple(_settled(c, now) for c in manifest.commands))


def _position(manifest: Manifest, stage_id: str) -> int:
    ids = [command.id for command in manifest.commands]
    if stage_id not in ids:
        raise ResumeRefused(f"No stage '{stage_id}' in this run; its stages are {', '.join(ids)}.")
    return ids.index(stage_id) + 1


def _is_done(command: CommandRecord) -> bool:
    return command.status in STAGE_DONE


def _as_pending(command: CommandRecord) -> CommandRecord:
    return replace(
        command,
        status=CommandStatus.PENDING.value,
        started_at=None,
        completed_at=None,
        exit_code=None,
        summary=None,
        error_file=None,
    )


def _settled(command: CommandRecord, now: datetime) -> CommandRecord:
    if command.status != CommandStatus.RUNNING:
        return command
    return replace(
        command,
        status=CommandStatus.FAILED.value,
        completed_at=format_time(now),
        summary=INTERRUPTED,
    )


def _positive(value: int | None, default: int) -> int:
    return value if value is not None and value > 0 else default
