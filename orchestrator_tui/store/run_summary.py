"""Run summary: the RunSummary object that other tools read of a run that has ended.

The same object goes to `run-summary.json` and to the history in `runs.json`; a shorter copy to
`.runs/<task>/<run>/manifest.json`.
"""

from __future__ import annotations

import re
from datetime import datetime

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import Durability
from orchestrator_tui.records.manifest import (
    CommandRecord,
    CommandStatus,
    JsonObject,
    Manifest,
    RunStatus,
)
from orchestrator_tui.records.paths import Roots, RunPaths
from orchestrator_tui.records.pipeline import Pipeline
from orchestrator_tui.records.times import format_time
from orchestrator_tui.store.guardrails import GuardrailStatus, guardrail_status
from orchestrator_tui.store.json_text import encode_document

MODE = "mcp"  # the other mode is the cloud, which this program does not use
_LATE_KEYS = frozenset(["runtime", "usageKpi"])  # the shorter copy is made before these
_FAILED_STAGE = re.compile(r"^(?:stage|subpipeline):(.+):(?:failed|error)$")
_DONE = (CommandStatus.SUCCEEDED, CommandStatus.FAILED, CommandStatus.SKIPPED)


def build_run_summary(
    roots: Roots, paths: RunPaths, manifest: Manifest, now: datetime, pipeline: Pipeline | None
) -> JsonObject:
    """Return the RunSummary of a run that has ended at `now`.

    `build.success` follows the run. `test.success` says, as in the Node original, whether a
    guardrail stage passed, so a run without one succeeds with a test that did not.
    """
    guardrails = guardrail_status(manifest)
    succeeded = manifest.status == RunStatus.SUCCEEDED
    notes = _notes(manifest)
    return {
        "taskId": paths.key.task_id,
        "runId": paths.key.run_id,
        "mode": MODE,
        "plan": _plan(manifest, pipeline),
        "build": _build(roots, paths, manifest, notes),
        "test": _test(paths, manifest, guardrails, succeeded=succeeded),
        "review": _review(manifest, guardrails, notes),
        "cloudExecution": None,
        "timestamp": format_time(now),
        "runtime": {
            "modeRequested": manifest.runtime_mode_requested,
            "modeUsed": manifest.runtime_mode,
            "provider": manifest.runtime_provider,
            "fallbackOccurred": False,
            "fallbackCode": None,
            "fallbackReason": None,
            "checkedAt": manifest.started_at,
        },
        "usageKpi": _usage(manifest),
    }


def short_summary(summary: JsonObject) -> JsonObject:
    """Return the copy that lies beside the runs of a task: the summary without its late keys."""
    return {name: value for name, value in summary.items() if name not in _LATE_KEYS}


def write_run_summary(paths: RunPaths, summary: JsonObject) -> None:
    """Write `run-summary.json` into the run's folder.

    Raises:
        OSError: The environment refuses.
    """
    files.write_atomic(paths.run_summary, encode_document(summary), durability=Durability.FILE)


def review_summary(summary: JsonObject) -> str:
    """Return what a parent run says of this child: the text of its review."""
    review = summary.get("review")
    text = review.get("summary") if isinstance(review, dict) else None
    return text if isinstance(text, str) else ""


def _plan(manifest: Manifest, pipeline: Pipeline | None) -> JsonObject:
    target = manifest.plan_target_id
    items = [_plan_item(manifest, command, target) for command in manifest.commands]
    plan: JsonObject = {"items": items}
    if pipeline is not None and pipeline.description:
        plan["notes"] = pipeline.description
    plan["targetId"] = target
    return plan


def _plan_item(manifest: Manifest, command: CommandRecord, target: str | None) -> JsonObject:
    item_id = f"{manifest.pipeline_id}:{command.id}"
    return {
        "id": item_id,
        "description": command.title,
        "requires_cloud": False,
        "requiresCloud": False,
        "runnable": True,
        "metadata": {
            "pipelineId": manifest.pipeline_id,
            "stageId": command.id,
            "stageKind": command.kind,
            "index": command.index - 1,
            "requiresCloud": False,
        },
        "selected": item_id == target,
    }


def _build(roots: Roots, paths: RunPaths, manifest: Manifest, notes: str) -> JsonObject:
    artifacts = [
        {"path": roots.relative(paths.manifest), "description": "CLI run manifest"},
        {"path": roots.relative(paths.runner_log), "description": "Runner log (ndjson)"},
    ]
    for command in manifest.commands:
        if command.error_file:
            description = f"Command error artifact ({command.id})"
            artifacts.append({"path": command.error_file, "description": description})
    build: JsonObject = {
        "subtaskId": manifest.plan_target_id,
        "artifacts": artifacts,
        "mode": MODE,
        "runId": paths.key.run_id,
        "success": manifest.status == RunStatus.SUCCEEDED,
    }
    if notes:
        build["notes"] = notes
    stage = failed_stage(manifest)
    return build | {
        "failureStage": stage,
        "failureArtifactPath": _error_file(manifest, stage),
        "cloudExecution": None,
    }


def _test(
    paths: RunPaths, manifest: Manifest, guardrails: GuardrailStatus, *, succeeded: bool
) -> JsonObject:
    if succeeded:
        report = {
            "name": "guardrails",
            "status": "passed" if guardrails.is_present else "failed",
            "details": guardrails.summary,
        }
    else:
        details = f"Not reached: the run is {manifest.status}."
        report = {"name": "tests", "status": "failed", "details": details}
    return {
        "subtaskId": manifest.plan_target_id,
        "success": succeeded and guardrails.is_present,
        "reports": [report],
        "runId": paths.key.run_id,
    }


def _review(manifest: Manifest, guardrails: GuardrailStatus, notes: str) -> JsonObject:
    approved = manifest.status == RunStatus.SUCCEEDED and guardrails.is_present
    decision: JsonObject = {"approved": approved}
    feedback = notes if approved else _no_approval(manifest, guardrails)
    if feedback:
        decision["feedback"] = feedback
    return {"summary": _review_text(manifest), "decision": decision}


def _review_text(manifest: Manifest) -> str:
    title = manifest.pipeline_title or manifest.pipeline_id or "The"
    lines = [f"{title} pipeline {manifest.status}."]
    stage = failed_stage(manifest)
    if stage is not None:
        lines[0] = f"{title} pipeline {manifest.status} at {stage}."
    lines += [
        f"Manifest: {manifest.artifact_root}/manifest.json",
        f"Runner log: {manifest.log_path}",
    ]
    return "\n".join(lines)


def _no_approval(manifest: Manifest, guardrails: GuardrailStatus) -> str:
    if manifest.status == RunStatus.SUCCEEDED:
        return f"Nothing to approve by. {guardrails.summary}"
    error_file = _error_file(manifest, failed_stage(manifest))
    return manifest.summary or "" if error_file is None else f"See {error_file}."


def _notes(manifest: Manifest) -> str:
    lines = [
        f"{command.title}: {_note(command)}"
        for command in manifest.commands
        if command.status in _DONE
    ]
    return "\n".join(lines)


def _note(command: CommandRecord) -> str:
    if command.sub_run_id is not None or not command.summary:
        return command.status
    return command.summary


def _usage(manifest: Manifest) -> JsonObject:
    children = len(manifest.child_runs)
    return {
        "advancedSignalsUsed": int(children > 0),
        "advancedSignals": {
            "cloudExecution": False,
            "cloudFallback": False,
            "collabToolCalls": 0,
            "childRuns": children,
            "rlmPipeline": manifest.pipeline_id == "rlm",
        },
    }


def failed_stage(manifest: Manifest) -> str | None:
    """Return the stage (or sub-pipeline) that ended a run, None if none did."""
    if manifest.status == RunStatus.SUCCEEDED:
        return None
    if match := _FAILED_STAGE.match(manifest.status_detail or ""):
        return match.group(1)
    if manifest.status_detail:
        return None
    return next((c.id for c in manifest.commands if c.status == CommandStatus.FAILED), None)


def _error_file(manifest: Manifest, stage: str | None) -> str | None:
    for command in manifest.commands:
        if command.id == stage and command.status == CommandStatus.FAILED:
            return command.error_file
    return None
