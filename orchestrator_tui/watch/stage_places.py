"""Which stage of which run is meant, and where its log lies."""

from __future__ import annotations

from pathlib import Path

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.records.facts import RunShape
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.manifest import CommandKind, CommandRecord, Manifest
from orchestrator_tui.records.paths import Roots, run_paths_in
from orchestrator_tui.store.discovery import ref_of_manifest
from orchestrator_tui.store.reading import BadContent, RunRef, read_run


@dataclass(frozen=True, slots=True)
class StagePlace:
    """A stage and the run that it belongs to."""

    ref: RunRef
    manifest: Manifest
    command: CommandRecord


def find_stage(roots: Roots, key: RunKey, stage_index: int) -> StagePlace | str:
    """Return a stage of a run, or in plain words why there is none; `stage_index` counts from 1."""
    ref = _ref_of(roots, key)
    if ref is None:
        return "the run is gone"
    found = read_run(roots, ref)
    if found is None:
        return "the run is gone"
    if isinstance(found, BadContent):
        return f"{found.path} cannot be read: {found.reason}"
    commands = found.manifest.commands
    if not 1 <= stage_index <= len(commands):
        return f"the run has no stage {stage_index}"
    return StagePlace(ref, found.manifest, commands[stage_index - 1])


def find_stages(roots: Roots, key: RunKey) -> tuple[StagePlace, ...] | str:
    """Return all stages of a run in their order, or in plain words why there are none."""
    first = find_stage(roots, key, 1)
    if isinstance(first, str):
        return first
    return tuple(StagePlace(first.ref, first.manifest, each) for each in first.manifest.commands)


def log_path(roots: Roots, place: StagePlace) -> Path | None:
    """Return where a stage's log lies or will lie; None for a stage that writes none."""
    command = place.command
    if place.ref.shape is not RunShape.CLI:
        plain = place.ref.run_dir / "runner.log"
        found = files.signature(plain)
        return plain if found is not None and found.size > 0 else None
    if command.kind == CommandKind.SUBPIPELINE:
        return None
    paths = run_paths_in(roots, place.ref.key, place.ref.run_dir)
    usual = paths.stage_log(command.index, command.id)
    if files.signature(usual) is None and command.log_path:
        told = roots.repo / command.log_path
        if told.is_relative_to(place.ref.run_dir) and told != paths.runner_log:
            return told
    return usual


def _ref_of(roots: Roots, key: RunKey) -> RunRef | None:
    task_dir = roots.runs / key.task_id
    for folder in (task_dir / "cli", task_dir / "mcp", task_dir):
        ref = ref_of_manifest(roots, folder / key.run_id / "manifest.json")
        if ref is not None and _is_there(ref.manifest):
            return ref
    return None


def _is_there(path: Path) -> bool:
    try:
        return files.exists(path)
    except OSError:  # the read that follows tells why
        return True
