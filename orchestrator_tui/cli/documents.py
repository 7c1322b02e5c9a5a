"""Documents: what the verbs print as JSON. Keys of the Node original first, then ours."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from orchestrator_tui.cli.looking import LookedAt
from orchestrator_tui.records.facts import RunFacts
from orchestrator_tui.records.life import GitFacts
from orchestrator_tui.records.manifest import CommandRecord, JsonObject, Manifest
from orchestrator_tui.records.times import format_time
from orchestrator_tui.state.fleet import RunState
from orchestrator_tui.state.liveness import activity_report, derive_state
from orchestrator_tui.state.run_view import RunView, StageRow, project_run

LIST_SCHEMA = "orch-tui/list/1"
STATUS_SCHEMA = "orch-tui/status/1"
RUN_SCHEMA = "orch-tui/run/1"
PLAN_SCHEMA = "orch-tui/plan/1"
CANCEL_SCHEMA = "orch-tui/cancel/1"
WAIT_SCHEMA = "orch-tui/wait/1"
KEYS_SCHEMA = "orch-tui/keys/1"
DOCTOR_SCHEMA = "orch-tui/doctor/1"
CONFIG_SCHEMA = "orch-tui/config/1"
EXPORT_SCHEMA = "orch-tui/export/1"


def list_document(runs: Iterable[RunState], now: datetime) -> JsonObject:
    """Return what `list --format json` prints."""
    return {"schema": LIST_SCHEMA, "runs": [run_line(run, now) for run in runs]}


def run_line(run: RunState, now: datetime) -> JsonObject:
    """Return one run of the list; what is not known is null."""
    derived = derive_state(run, now)
    facts = run.facts
    return {
        "run_id": run.key.run_id,
        "task_id": run.key.task_id,
        "pipeline_id": facts.pipeline_id if facts else None,
        "pipeline_title": facts.pipeline_title if facts else None,
        "status": facts.status if facts else None,
        "state": derived.state.value,
        "state_reason": derived.reason,
        "badges": list(derived.badges),
        "started_at": _time(facts.started_at) if facts else None,
        "completed_at": _time(facts.completed_at) if facts else None,
        "parent_run_id": facts.parent_run_id if facts else None,
        "stage": {
            "index": facts.stage_index if facts else 0,
            "of": facts.stage_of if facts else 0,
            "id": facts.stage_id if facts else None,
        },
        "manifest": facts.manifest if facts else run.unreadable and run.unreadable.path,
        "problems": list(_problems(run)),
    }


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None


def _problems(run: RunState) -> tuple[str, ...]:
    told = run.facts.problems if run.facts else ()
    return (run.unreadable.reason, *told) if run.unreadable else told


def git_document(git: GitFacts | None) -> JsonObject | None:
    """Return on which commit a run began, None where nobody noted it."""
    if git is None:
        return None
    return {"branch": git.branch, "commit": git.commit, "dirty": git.dirty}


def status_document(looked: LookedAt, now: datetime) -> JsonObject:
    """Return what `status --format json` prints of a run."""
    manifest, run = looked.manifest, looked.run
    facts = run.facts
    extras = manifest.extras
    return {
        "run_id": manifest.run_id or run.key.run_id,
        "status": manifest.status,
        "status_detail": manifest.status_detail,
        "started_at": manifest.started_at,
        "completed_at": manifest.completed_at,
        "manifest": facts.manifest if facts else run.unreadable and run.unreadable.path,
        "artifact_root": manifest.artifact_root,
        "log_path": manifest.log_path,
        "heartbeat_at": manifest.heartbeat_at,
        "activity": _activity(run, facts, now) if facts else None,
        "commands": [_command(command) for command in manifest.commands],
        "child_runs": [
            {
                "run_id": child.run_id,
                "pipeline_id": child.pipeline_id,
                "status": child.status,
                "manifest": child.manifest,
            }
            for child in manifest.child_runs
        ],
        "runtime_mode_requested": manifest.runtime_mode_requested,
        "runtime_mode": manifest.runtime_mode,
        "runtime_provider": manifest.runtime_provider,
        "runtime_fallback": manifest.runtime_fallback,
        "config_resolution": extras.get("config_resolution"),
        "cloud_execution": extras.get("cloud_execution"),
        "cloud_fallback": extras.get("cloud_fallback"),
        "orch_tui": _status_addition(looked, now),
    }


def _activity(run: RunState, facts: RunFacts, now: datetime) -> JsonObject:
    report = activity_report(facts, run.beats, now)
    return {
        "manifest_heartbeat_at": _time(facts.heartbeat_at),
        "heartbeat_file_at": _time(run.beats.file),
        "runner_log_mtime_at": _time(run.beats.log),
        "observed_at": _time(report.observed_at),
        "observed_source": report.observed_source,
        "stale": report.stale,
        "stale_threshold_seconds": report.stale_threshold_seconds,
        "age_seconds": report.age_seconds,
    }


def _command(command: CommandRecord) -> JsonObject:
    return {
        "index": command.index,
        "id": command.id,
        "title": command.title,
        "command": command.command,
        "kind": command.kind,
        "status": command.status,
        "started_at": command.started_at,
        "completed_at": command.completed_at,
        "exit_code": command.exit_code,
        "summary": command.summary,
        "log_path": command.log_path,
        "error_file": command.error_file,
        "sub_run_id": command.sub_run_id,
        **command.extras,
    }


def _status_addition(looked: LookedAt, now: datetime) -> JsonObject:
    view = project_run(looked.run, looked.detail, now)
    run = looked.run
    return {
        "schema": STATUS_SCHEMA,
        "state": view.row.state.value,
        "state_reason": view.row.reason,
        "badges": list(view.row.badges),
        "task_id": run.key.task_id,
        "pipeline_id": run.facts.pipeline_id if run.facts else None,
        "attempt": view.attempt,
        "elapsed_s": view.row.elapsed_s,
        "stage": _stage(view),
        "waiting_on": _waiting(run),
        "problems": [{"stage": None, "text": text} for text in view.problems]
        + [
            {"stage": card.stage_id, "text": f"{card.words}: {card.reason}"}
            for card in view.errors
            if not card.is_past
        ],
        "runner": _runner(run),
    }


def _stage(view: RunView) -> JsonObject | None:
    current = current_stage(view)
    if current is None:
        return None
    return {
        "index": current.index,
        "of": len(view.stages),
        "id": current.id,
        "state": current.state.value,
        "elapsed_s": current.elapsed_s,
    }


def current_stage(view: RunView) -> StageRow | None:
    """Return the stage that runs, failed or comes next."""
    return next((stage for stage in view.stages if stage.index == view.current_index), None)


def _waiting(run: RunState) -> list[str]:
    waiting = run.waiting
    told = [
        f"{count} {noun}"
        for count, noun in (
            (waiting.confirmations, "confirmations"),
            (waiting.questions, "questions"),
        )
        if count
    ]
    return [*told, "resume"] if waiting.paused else told


def _runner(run: RunState) -> JsonObject | None:
    runner = run.runner
    if runner is None:
        return None
    return {
        "verdict": runner.verdict.value,
        "pid": runner.pid,
        "host": runner.host,
        "version": runner.version,
    }


def run_document(
    manifest: Manifest, manifest_path: str, *, duration_s: float | None, error: Any = None
) -> JsonObject:
    """Return what `start` and `resume` print as JSON when a run has ended or was launched."""
    extras = manifest.extras
    failed = next((c.id for c in manifest.commands if c.status == "failed"), None)
    return {
        "run_id": manifest.run_id,
        "status": manifest.status,
        "artifact_root": manifest.artifact_root,
        "manifest": manifest_path,
        "log_path": manifest.log_path,
        "summary": manifest.summary,
        "runtime_mode_requested": manifest.runtime_mode_requested,
        "runtime_mode": manifest.runtime_mode,
        "runtime_provider": manifest.runtime_provider,
        "runtime_fallback": manifest.runtime_fallback,
        "config_resolution": extras.get("config_resolution"),
        "cloud_fallback": extras.get("cloud_fallback"),
        "cloud_fallback_reason": None,
        "issue_log": None,
        "issue_log_error": None,
        "orch_tui": {
            "schema": RUN_SCHEMA,
            "task_id": manifest.task_id,
            "pipeline_id": manifest.pipeline_id,
            "status_detail": manifest.status_detail,
            "duration_s": duration_s,
            "failed_stage": failed,
            "error": error,
        },
    }
