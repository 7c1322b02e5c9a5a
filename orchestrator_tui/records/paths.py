"""Where each file of a run lies: names paths, opens none."""

from __future__ import annotations

import os.path
from pathlib import Path

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.identifiers import (
    RunKey,
    sanitize_run_id,
    sanitize_task_id,
    stage_file_stem,
)

# Folders below a task's folder that are never runs themselves.
NOT_RUNS = frozenset(["cli", "mcp", "metrics", "metrics.pending"])
LOCAL_MCP = "local-mcp"  # a pointer folder beside the tasks, never a task
CONFIG_NAME = "codex.orchestrator.json"


@dataclass(frozen=True, slots=True)
class Roots:
    """The three absolute folders that everything lies under."""

    repo: Path
    runs: Path
    out: Path

    @classmethod
    def of(cls, repo: Path) -> Roots:
        """Return the default roots of a repository: `.runs` and `out` below it."""
        return cls(repo=repo, runs=repo / ".runs", out=repo / "out")

    def relative(self, path: Path) -> str:
        """Return `path` as the manifest writes it: relative to the repository, `../` if outside."""
        text, above = str(path), f"{self.repo}/"
        if text.startswith(above) and ".." not in text:
            return text[len(above) :]  # the usual case, a tenth of the time; runs for every run
        return os.path.relpath(path, self.repo)

    @property
    def inside(self) -> tuple[str, ...]:
        """The folders of runs and of outputs that lie in the repository, relative to it."""
        names = (self.relative(folder) for folder in (self.runs, self.out))
        return tuple(name for name in names if name.split("/", 1)[0] != "..")


@dataclass(frozen=True, slots=True)
class TaskPaths:
    """The files that all runs of one task share."""

    task_dir: Path
    lock: Path
    runs_json: Path
    state_json: Path
    history_seal: Path
    pending_dir: Path
    metrics: Path
    metrics_lock: Path
    metrics_pending_dir: Path


@dataclass(frozen=True, slots=True)
class RunPaths:
    """The files of one run."""

    key: RunKey
    run_dir: Path
    manifest: Path
    heartbeat: Path
    resume_token: Path
    runner_log: Path
    events: Path
    control: Path
    confirmations: Path
    questions: Path
    run_summary: Path
    commands_dir: Path
    errors_dir: Path
    runner_json: Path
    runner_lock: Path
    runner_output: Path
    mcp_pointer: Path
    local_mcp_link: Path
    summary_manifest: Path

    def stage_log(self, index: int, stage_id: str) -> Path:
        """Return the log of one stage; `index` counts from 1."""
        return self.commands_dir / f"{stage_file_stem(index, stage_id)}.ndjson"

    def stage_error(self, index: int, stage_id: str) -> Path:
        """Return the error file of one stage; `index` counts from 1."""
        return self.errors_dir / f"{stage_file_stem(index, stage_id)}.json"


def resolve_task_paths(roots: Roots, task_id: str) -> TaskPaths:
    """Return the files of a task.

    Raises:
        InvalidIdentifier: The id may not become part of a path.
    """
    task = sanitize_task_id(task_id)
    task_dir = roots.runs / task
    out_dir = roots.out / task
    return TaskPaths(
        task_dir=task_dir,
        lock=roots.runs / f"{task}.lock",
        runs_json=out_dir / "runs.json",
        state_json=out_dir / "state.json",
        history_seal=out_dir / ".runs.seal",
        pending_dir=out_dir / ".pending",
        metrics=task_dir / "metrics.json",
        metrics_lock=task_dir / "metrics.lock",
        metrics_pending_dir=task_dir / "metrics.pending",
    )


def resolve_run_paths(roots: Roots, task_id: str, run_id: str) -> RunPaths:
    """Return the files of a run that lies in `.runs/<task>/cli/<run>`.

    Raises:
        InvalidIdentifier: An id may not become part of a path.
    """
    task, run = sanitize_task_id(task_id), sanitize_run_id(run_id)
    return run_paths_in(roots, RunKey(task, run), roots.runs / task / "cli" / run)


def run_paths_in(roots: Roots, key: RunKey, run_dir: Path) -> RunPaths:
    """Return the files of a run whose folder is known (older layouts lie elsewhere)."""
    return RunPaths(
        key=key,
        run_dir=run_dir,
        manifest=run_dir / "manifest.json",
        heartbeat=run_dir / ".heartbeat",
        resume_token=run_dir / ".resume-token",
        runner_log=run_dir / "runner.ndjson",
        events=run_dir / "events.jsonl",
        control=run_dir / "control.json",
        confirmations=run_dir / "confirmations.json",
        questions=run_dir / "questions.json",
        run_summary=run_dir / "run-summary.json",
        commands_dir=run_dir / "commands",
        errors_dir=run_dir / "errors",
        runner_json=run_dir / "runner.json",
        runner_lock=run_dir / ".runner.lck",
        runner_output=run_dir / "runner.out",
        mcp_pointer=roots.runs / key.task_id / "mcp" / key.run_id / "manifest.json",
        local_mcp_link=roots.runs / LOCAL_MCP / key.run_id / "manifest.json",
        summary_manifest=roots.runs / key.task_id / key.run_id / "manifest.json",
    )


def is_temporary(name: str) -> bool:
    """Tell whether a file name is one of a write in progress, ours or the Node original's."""
    return ".tmp-" in name or name.endswith(".tmp") or name.startswith(".nfs")
