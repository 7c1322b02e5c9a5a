"""Fleet: all that is known of all runs, one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from orchestrator_tui.records.facts import RunFacts
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import Beats, Runner, Waiting
from orchestrator_tui.records.pipeline import ConfigProblem, OrchestratorConfig
from orchestrator_tui.state.observations import (
    Freshness,
    RunDetail,
    Unreadable,
)


@dataclass(frozen=True, slots=True)
class RunState:
    """What is known of one run.

    `facts` is the last manifest that could be read, None before the first. `unreadable` is set
    while the file cannot be read. `gone_probes` counts how often in a row its runner was found
    gone, each time after the manifest had been read again.
    """

    key: RunKey
    facts: RunFacts | None = None
    beats: Beats = Beats()
    runner: Runner | None = None
    gone_probes: int = 0
    waiting: Waiting = Waiting()
    unreadable: Unreadable | None = None


@dataclass(frozen=True, slots=True)
class Fleet:
    """All runs, and the details of those in focus."""

    runs: Mapping[RunKey, RunState] = field(default_factory=lambda: MappingProxyType({}))
    details: Mapping[RunKey, RunDetail] = field(default_factory=lambda: MappingProxyType({}))
    config: OrchestratorConfig | ConfigProblem | None = None
    freshness: Freshness | None = None
