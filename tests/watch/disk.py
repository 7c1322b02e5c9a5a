"""Runs on a real disk, notices by hand, and a watch that needs no waiting."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.manifest import CommandRecord, Manifest, manifest_to_document
from orchestrator_tui.records.paths import Roots, RunPaths, resolve_run_paths
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.observations import Observation
from orchestrator_tui.state.reducer import observe
from orchestrator_tui.watch.index import RunIndex
from orchestrator_tui.watch.lookout import Cadence, Lookout
from orchestrator_tui.watch.source import Layer
from tests.fakes import HandClock

FIXTURES = Path(__file__).parent.parent / "fixtures"
NOON_TEXT = "2026-01-01T12:00:00.000Z"  # when a `HandClock` begins
KEY = RunKey("0951-log-view", "2026-01-01T11-59-00-000Z-c2d9e410")


def manifest_of(key: RunKey = KEY, **changes: Any) -> Manifest:
    """Return the manifest of a run in its first of two stages."""
    given: dict[str, Any] = {
        "run_id": key.run_id,
        "task_id": key.task_id,
        "pipeline_id": "diagnostics",
        "status": "in_progress",
        "started_at": "2026-01-01T11:59:00.000Z",
        "updated_at": NOON_TEXT,
        "heartbeat_at": NOON_TEXT,
        "heartbeat_interval_seconds": 5,
        "heartbeat_stale_after_seconds": 30,
        "commands": (
            CommandRecord(1, "build", "Build", "make", status="running", started_at=NOON_TEXT),
            CommandRecord(2, "test", "Test", "make test"),
        ),
    }
    return Manifest(**(given | changes))


def write_run(roots: Roots, key: RunKey = KEY, **changes: Any) -> RunPaths:
    """Write a run's manifest as a writer does, by a rename; its folders are made if need be."""
    paths = resolve_run_paths(roots, key.task_id, key.run_id)
    paths.commands_dir.mkdir(parents=True, exist_ok=True)
    temporary = paths.run_dir / ".manifest.json.1.aa.tmp"
    temporary.write_text(json.dumps(manifest_to_document(manifest_of(key, **changes)), indent=2))
    temporary.rename(paths.manifest)
    return paths


class HandNotices:
    """A source of notices that tests fill; waiting for nothing lets the clock go on."""

    hears = True

    def __init__(self, clock: HandClock) -> None:
        self._clock = clock
        self._changed: set[str] = set()
        self.problem: str | None = None
        self.watched: dict[Layer, frozenset[Path]] = {}
        self.on_watch: Callable[[Layer], None] = lambda layer: None

    def put(self, *paths: Path) -> None:
        """Notice these paths at the next wait."""
        self._changed |= {str(path) for path in paths}

    def watch(self, layer: Layer, folders: frozenset[Path]) -> frozenset[Path]:
        """Remember the set."""
        new = folders - self.watched.get(layer, frozenset())
        self.watched[layer] = folders
        self.on_watch(layer)
        return new

    def wait(self, timeout_s: float) -> frozenset[str]:
        """Return the paths put in, else let the time go by."""
        if not self._changed:
            self._clock.advance(timeout_s)
        changed, self._changed = frozenset(self._changed), set()
        return changed

    def wake(self) -> None:
        """Nobody waits."""

    def close(self) -> None:
        """Nothing to stop."""


class Watch:
    """A lookout over a folder with a hand clock; keeps the fleet that follows from it."""

    def __init__(
        self, repo: Path, *, cadence: Cadence | None = None, index: RunIndex | None = None
    ) -> None:
        self.roots = Roots.of(repo)
        self.clock = HandClock()
        self.notices = HandNotices(self.clock)
        self.lookout = Lookout(self.roots, self.clock, self.notices, {}, cadence, index)
        self.fleet = Fleet()
        self.seen: list[Observation] = []

    def step(self, *changed: Path) -> tuple[Observation, ...]:
        """Look once, after a notice of these paths."""
        self.notices.put(*changed)
        batch = self.lookout.step()
        self.seen += batch
        self.fleet = observe(self.fleet, batch)
        return batch

    def settle(self) -> Fleet:
        """Look until all that is on disk has been read once."""
        self.step()
        while self.lookout.is_scanning:
            self.step()
        return self.fleet

    def let_pass(self, seconds: float) -> Fleet:
        """Look as often as it wants within that time."""
        end_s = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end_s:
            self.step()
        return self.fleet
