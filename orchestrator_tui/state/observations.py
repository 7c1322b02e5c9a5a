"""Observation: what the watcher can say of the disk, in the language of the pure core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from datetime import datetime
from typing import TypeAlias

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.facts import RunFacts
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import Beats, GitFacts, Runner, StageError, Waiting
from orchestrator_tui.records.logs import LogLine
from orchestrator_tui.records.manifest import Manifest
from orchestrator_tui.records.pipeline import ConfigProblem, OrchestratorConfig
from orchestrator_tui.records.stage_lengths import StageLengths
from orchestrator_tui.state.event_words import RunEvent


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A run of the same task and pipeline that succeeded or failed before, and its errors."""

    key: RunKey
    has_failed: bool
    errors: tuple[StageError, ...] = ()


@dataclass(frozen=True, slots=True)
class SinceGreen:
    """Which files changed since a run that succeeded: the first names of `count`, not safe.

    `commit` is that run's.
    """

    run: RunKey
    commit: str
    names: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file of a run: its path relative to the repository, its size, when it was written."""

    path: str
    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The files of a run; `is_cut` tells that there are more."""

    files: tuple[Artifact, ...] = ()
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class RunDetail:
    """All that is read of a run in focus: whole manifest, errors, and the tail of its log.

    `tail` belongs to the stage at `tail_stage_index` (from 1; 0 for none). `earlier` is read for a
    failed run alone, newest first. `events` are the last ones, oldest first. `git` tells where the
    present attempt began; `since_green` is read for a failed run, a moment after the rest.
    """

    manifest: Manifest
    errors: tuple[StageError, ...] = ()
    tail: tuple[LogLine, ...] = ()
    tail_stage_index: int = 0
    earlier: tuple[EarlierRun, ...] = ()
    events: tuple[RunEvent, ...] = ()
    git: GitFacts | None = None
    since_green: SinceGreen | None = None
    artifacts: Artifacts = Artifacts()


@dataclass(frozen=True, slots=True)
class RunSeen:
    """A manifest was read; where it tells how long its stages took, `stages` reads that of it."""

    facts: RunFacts
    stages: Callable[[], StageLengths] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class RunsRecalled:
    """The manifests of runs that have ended are the same that were read at an earlier start."""

    runs: tuple[RunFacts, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A manifest is there and cannot be read; `path` is relative to the repository."""

    key: RunKey
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunVanished:
    """A run's folder is gone."""

    key: RunKey


@dataclass(frozen=True, slots=True)
class BeatsSeen:
    """A run gave a sign of life."""

    key: RunKey
    beats: Beats


@dataclass(frozen=True, slots=True)
class RunnerSeen:
    """The runner of a run was probed; each GONE after a re-read of the manifest counts."""

    key: RunKey
    runner: Runner


@dataclass(frozen=True, slots=True)
class WaitingSeen:
    """The files that hold a run's requests were read."""

    key: RunKey
    waiting: Waiting


@dataclass(frozen=True, slots=True)
class DetailSeen:
    """A run in focus was read whole."""

    key: RunKey
    detail: RunDetail


@dataclass(frozen=True, slots=True)
class ConfigSeen:
    """The configuration was read; `pipelines` is None where there is no file."""

    config: OrchestratorConfig | ConfigProblem | None


@dataclass(frozen=True, slots=True)
class Freshness:
    """How changes are noticed: `mode` is `watching` or `polling`, `problem` why not better.

    `runs_exists` tells whether the `.runs` folder is there.
    """

    mode: str
    runs_exists: bool = True
    scanning: bool = False
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class FreshnessSeen:
    """The watcher looked at the disk."""

    freshness: Freshness


@dataclass(frozen=True, slots=True)
class CheckoutSeen:
    """The repository stands on a branch, or on a commit in parentheses; empty without git."""

    branch: str


Observation: TypeAlias = (
    RunSeen
    | RunsRecalled
    | Unreadable
    | RunVanished
    | BeatsSeen
    | RunnerSeen
    | WaitingSeen
    | DetailSeen
    | ConfigSeen
    | CheckoutSeen
    | FreshnessSeen
)
