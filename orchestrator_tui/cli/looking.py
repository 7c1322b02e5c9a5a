"""Looking: one run or all of them, read once, as the pure core sees them."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.records.life import GitFacts, RunnerVerdict
from orchestrator_tui.records.manifest import Manifest
from orchestrator_tui.records.paths import Roots, RunPaths, run_paths_in
from orchestrator_tui.settings import Settings
from orchestrator_tui.state.fleet import Fleet, RunState
from orchestrator_tui.state.liveness import is_terminal
from orchestrator_tui.state.observations import (
    BeatsSeen,
    Observation,
    RunDetail,
    RunnerSeen,
    RunSeen,
    Unreadable,
    WaitingSeen,
)
from orchestrator_tui.state.reducer import GONE_ENOUGH, observe
from orchestrator_tui.store.discovery import all_runs
from orchestrator_tui.store.life import (
    current_runner,
    probe_runner,
    read_beats,
    read_stage_errors,
    read_waiting,
)
from orchestrator_tui.store.reading import BadContent, ReadRun, RunRef, read_run


@dataclass(frozen=True, slots=True)
class LookedAt:
    """One run as it is on disk; `detail` is None where its manifest cannot be read."""

    run: RunState
    detail: RunDetail | None
    paths: RunPaths

    @property
    def manifest(self) -> Manifest:
        """Return the manifest, an empty one where it cannot be read."""
        return self.detail.manifest if self.detail else Manifest()


def look_at(roots: Roots, ref: RunRef) -> LookedAt | None:
    """Return what the files of a run say now; None if there is no run after all.

    A runner that is found gone is believed only after the manifest was read once more: it may have
    ended between the two looks.
    """
    paths = run_paths_in(roots, ref.key, ref.run_dir)
    fleet = Fleet()
    manifest: Manifest | None = None
    for _ in range(GONE_ENOUGH):
        read = read_run(roots, ref)
        if read is None:
            return None
        if isinstance(read, BadContent):
            fleet = observe(fleet, (Unreadable(ref.key, read.path, read.reason),))
            break
        manifest = read.manifest
        fleet = observe(fleet, (RunSeen(read.facts), *_signs(paths, is_terminal(read.facts))))
        runner = fleet.runs[ref.key].runner
        if runner is None or runner.verdict != RunnerVerdict.GONE:
            break
    detail = (
        RunDetail(manifest, read_stage_errors(paths), git=_git(paths, manifest))
        if manifest
        else None
    )
    return LookedAt(fleet.runs[ref.key], detail, paths)


def look_closely(settings: Settings, looked: LookedAt) -> RunDetail | None:
    """Return the details of a run as the screen has them: earlier runs and git are asked, too."""
    from orchestrator_tui.watch.details import FocusedRuns  # only `errors` needs it
    from orchestrator_tui.watch.places import Places

    places = Places(settings.roots, SYSTEM_CLOCK)
    places.list_all()
    focused = FocusedRuns(settings.roots, SYSTEM_CLOCK, places, settings.environ)
    return focused.read_now(looked.run.key) or looked.detail


def _git(paths: RunPaths, manifest: Manifest) -> GitFacts | None:
    record = current_runner(paths, manifest.resume_events)
    return record.git if record else None


def _signs(paths: RunPaths, has_ended: bool) -> tuple[Observation, ...]:
    beats = BeatsSeen(paths.key, read_beats(paths))
    if has_ended:
        return (beats,)
    return (
        beats,
        WaitingSeen(paths.key, read_waiting(paths)),
        RunnerSeen(paths.key, probe_runner(paths)),
    )


def look_at_unfinished(roots: Roots) -> Iterator[LookedAt]:
    """Yield every run whose manifest can be read and does not say that the run has ended.

    Raises:
        OSError: A folder is there and cannot be listed.
    """
    for ref in all_runs(roots):
        read = read_run(roots, ref)
        if isinstance(read, ReadRun) and not is_terminal(read.facts):
            looked = look_at(roots, ref)
            if looked is not None:
                yield looked


def look_at_all(roots: Roots) -> Fleet:
    """Return all runs as they are on disk.

    Raises:
        OSError: A folder is there and cannot be listed.
    """
    from orchestrator_tui.cli.places import index_folder  # only `list` needs them
    from orchestrator_tui.watch.feed import observe_once
    from orchestrator_tui.watch.index import RunIndex

    index = RunIndex(index_folder(roots), roots)
    return observe_once(roots, SYSTEM_CLOCK, index)
