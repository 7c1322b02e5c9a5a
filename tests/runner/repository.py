"""A repository of one test: its configuration, its runs, and quick intervals."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.manifest import Manifest, manifest_from_document
from orchestrator_tui.records.paths import Roots, RunPaths, resolve_run_paths
from orchestrator_tui.records.pipeline import OrchestratorConfig
from orchestrator_tui.runner.execution import RunOutcome
from orchestrator_tui.runner.foreground import resume_foreground, start_foreground
from orchestrator_tui.runner.intervals import Intervals
from orchestrator_tui.store.configuration import load_config

TASK = "0202-runner"
QUICK = Intervals(
    heartbeat_s=0.05,
    manifest_s=0.2,
    control_poll_s=0.02,
    stop_grace_s=0.3,
    signal_grace_s=0.3,
    timeout_grace_s=0.2,
)
PATIENCE_S = 10.0


def command(stage_id: str, shell: str, **more: Any) -> dict[str, Any]:
    """Return a command stage as the configuration writes it."""
    return {"kind": "command", "id": stage_id, "title": stage_id.title(), "command": shell, **more}


def child(stage_id: str, pipeline: str, **more: Any) -> dict[str, Any]:
    """Return a sub-pipeline stage as the configuration writes it."""
    title = stage_id.title()
    return {"kind": "subpipeline", "id": stage_id, "title": title, "pipeline": pipeline, **more}


@dataclass
class Repository:
    """A repository in a folder of its own."""

    folder: Path
    environ: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def roots(self) -> Roots:
        return Roots.of(self.folder)

    def configure(self, *, settings: dict[str, Any] | None = None, **pipelines: Any) -> None:
        """Write the configuration: pipelines by id, each a list of stages."""
        document = {
            "pipelines": [
                {"id": name, "title": name.title(), "stages": stages, "guardrailsRequired": False}
                for name, stages in pipelines.items()
            ],
            "orchTui": settings or {},
        }
        (self.folder / "codex.orchestrator.json").write_text(json.dumps(document))

    @property
    def config(self) -> OrchestratorConfig:
        config = load_config(self.roots, self.environ)
        assert isinstance(config, OrchestratorConfig), config
        return config

    async def start(self, pipeline: str, **more: Any) -> RunOutcome:
        """Run a pipeline in this process."""
        more = {"environ": self.environ, "intervals": QUICK, **more}
        config = more.pop("config", None) or self.config
        return await start_foreground(self.roots, config, pipeline, TASK, **more)

    async def resume(self, key: RunKey, **more: Any) -> RunOutcome:
        """Go on with a run in this process."""
        more = {"environ": self.environ, "intervals": QUICK, **more}
        return await resume_foreground(self.roots, self.config, key, **more)

    def paths(self, key: RunKey) -> RunPaths:
        return resolve_run_paths(self.roots, key.task_id, key.run_id)

    def run_keys(self) -> list[RunKey]:
        """Return the runs of the task, oldest first."""
        folder = self.roots.runs / TASK / "cli"
        names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
        return [RunKey(TASK, name) for name in names]

    def manifest(self, key: RunKey) -> Manifest:
        return manifest_from_document(self.document(key))[0]

    def document(self, key: RunKey) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.paths(key).manifest.read_text())
        return document

    def events(self, key: RunKey) -> list[dict[str, Any]]:
        return lines_of(self.paths(key).events)

    def event_names(self, key: RunKey) -> list[str]:
        return [event["event"] for event in self.events(key)]

    def write_control(self, key: RunKey, seq: int, action: str, **more: Any) -> None:
        """Ask something of a run as any tool would."""
        latest = {"action": action, "request_id": f"r{seq}", "requested_by": "test", **more}
        document = {"run_id": key.run_id, "control_seq": seq, "latest_action": latest}
        path = self.paths(key).control
        temporary = path.with_name("control.json.tmp")
        temporary.write_text(json.dumps(document))
        temporary.rename(path)

    async def only_run(self) -> RunKey:
        """Wait for the first run of the task and return it."""
        return (await self.runs(1))[0]

    async def runs(self, count: int) -> list[RunKey]:
        """Wait for so many runs of the task and return them, oldest first."""
        await eventually(lambda: len(self.run_keys()) == count)
        await eventually(lambda: all(self.paths(key).manifest.exists() for key in self.run_keys()))
        return self.run_keys()


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]


async def eventually(holds: Any, patience_s: float = PATIENCE_S) -> None:
    """Return once `holds()` is true; fail if it never is."""
    with anyio.fail_after(patience_s):
        while not holds():  # noqa: ASYNC110 (what is waited for is in another process)
            await anyio.sleep(0.01)
