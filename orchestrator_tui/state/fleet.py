"""Fleet: all that is known of all runs, one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import NamedTuple

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.facts import RunFacts
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import Beats, Runner, Waiting
from orchestrator_tui.records.pipeline import ConfigProblem, OrchestratorConfig, Pipeline
from orchestrator_tui.state.estimates import PipelinePast
from orchestrator_tui.state.observations import (
    Freshness,
    RunDetail,
    Unreadable,
)
from orchestrator_tui.state.run_map import RunMap


class RunState(NamedTuple):
    """What is known of one run.

    A tuple, since one is made of each of very many runs.

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
    """All runs, the details of those in focus, and by id what pipelines took in the past."""

    runs: RunMap[RunState] = field(default_factory=RunMap)
    details: Mapping[RunKey, RunDetail] = field(default_factory=lambda: MappingProxyType({}))
    config: OrchestratorConfig | ConfigProblem | None = None
    freshness: Freshness | None = None
    pasts: Mapping[str, PipelinePast] = field(default_factory=lambda: MappingProxyType({}))
    branch: str = ""  # that the repository stands on

    @property
    def is_config_known(self) -> bool:
        """Whether somebody has looked for the configuration."""
        return self.config is not None or self.freshness is not None

    @property
    def is_read(self) -> bool:
        """Whether all runs that there were at first have been read."""
        return self.freshness is not None and not self.freshness.scanning

    def past_of(self, run: RunState) -> PipelinePast | None:
        """Return what the pipeline of a run took in the past, None where nothing is known."""
        pipeline_id = run.facts.pipeline_id if run.facts else None
        return self.pasts.get(pipeline_id) if pipeline_id else None

    def pipeline_of(self, run: RunState) -> Pipeline | None:
        """Return what the configuration says of a run's pipeline now, None if it has it not."""
        pipeline_id = run.facts.pipeline_id if run.facts else None
        if pipeline_id is None or not isinstance(self.config, OrchestratorConfig):
            return None
        return self.config.pipeline(pipeline_id)
