"""RunContext: what a run and the child runs of its sub-pipelines have in common."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.records.pipeline import OrchestratorConfig, Pipeline
from orchestrator_tui.runner.command_stage import OnOutput
from orchestrator_tui.runner.intervals import Intervals


class UnknownPipeline(Exception):
    """A pipeline cannot be started; the text says why. No folder was made."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """Where runs happen, what can be run there, and how.

    `on_output` is told of every chunk of output (stage id, stream, text) in a thread, in order.
    `command_umask` is that of commands where this process has another one.
    """

    roots: Roots
    config: OrchestratorConfig
    environ: Mapping[str, str]
    intervals: Intervals
    on_output: OnOutput | None = None
    clock: Clock = SYSTEM_CLOCK
    command_umask: int | None = None

    def pipeline(self, pipeline_id: str) -> Pipeline:
        """Return the pipeline of that id.

        Raises:
            UnknownPipeline: There is none, or it did not pass the checks.
        """
        if (problem := self.config.problems.get(pipeline_id)) is not None:
            raise UnknownPipeline(problem.text)
        pipeline = self.config.pipeline(pipeline_id)
        if pipeline is None:
            raise UnknownPipeline(f"Pipeline '{pipeline_id}' not found.")
        return pipeline
