"""Since green: what changed in git between the last run that succeeded and one that failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from orchestrator_tui.records.facts import RunFacts
from orchestrator_tui.records.life import GitFacts
from orchestrator_tui.records.manifest import Manifest, RunStatus
from orchestrator_tui.records.paths import Roots, RunPaths, run_paths_in
from orchestrator_tui.state.observations import SinceGreen
from orchestrator_tui.store.git import ChangedFiles, read_changed
from orchestrator_tui.store.life import current_runner
from orchestrator_tui.store.reading import ReadRun, RunRef, read_run

COMPARED: Final = 2  # commits of green runs that git is asked about; the first may be gone


def git_of(paths: RunPaths, manifest: Manifest) -> GitFacts | None:
    """Return at which commit the present attempt of a run began, None where that is not known."""
    record = current_runner(paths, manifest.resume_events)
    return record.git if record else None


def since_green(
    roots: Roots,
    environ: Mapping[str, str],
    candidates: Iterable[RunRef],
    facts: RunFacts,
    git: GitFacts,
) -> SinceGreen | None:
    """Return what changed since the first of these runs that succeeded in the same pipeline.

    None where no such run noted its commit, or git knows it no more.
    """
    if git.commit is None:
        return None
    asked = 0
    for ref in candidates:
        read = read_run(roots, ref)
        if not isinstance(read, ReadRun) or read.facts.pipeline_id != facts.pipeline_id:
            continue
        if read.facts.status != RunStatus.SUCCEEDED:
            continue
        green = git_of(run_paths_in(roots, ref.key, ref.run_dir), read.manifest)
        if green is None or green.commit is None:
            continue
        changed = read_changed(roots.repo, environ, green.commit, git.commit)
        if changed is not None:
            return _joined(ref, green.commit, changed, git)
        asked += 1
        if asked == COMPARED:
            return None
    return None


def _joined(ref: RunRef, commit: str, changed: ChangedFiles, git: GitFacts) -> SinceGreen:
    """Put what was not committed before what was: it is the newer change."""
    others = [name for name in changed.names if name not in git.changed]
    twice = len(changed.names) - len(others)
    count = max(git.dirty, len(git.changed)) + changed.count - twice
    return SinceGreen(ref.key, commit, (*git.changed, *others), count)
