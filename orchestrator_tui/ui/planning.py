"""What would run: a pipeline's plan, or what a resume of a run would do, as a view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.pipeline import CommandStage, OrchestratorConfig, Pipeline, Stage
from orchestrator_tui.records.program import PROGRAM
from orchestrator_tui.state.estimates import PipelinePast
from orchestrator_tui.state.fleet import Fleet, RunState
from orchestrator_tui.state.formatting import counted, elapsed, short_age
from orchestrator_tui.state.liveness import FINISHED, State, state_of
from orchestrator_tui.state.run_view import StageRow, StageState, project_run

LAST_RUNS = 12  # ended runs that the share of success is told of
_STAYS = frozenset(
    [StageState.SUCCEEDED, StageState.KEPT, StageState.SKIPPED, StageState.SOFT_FAILED]
)


@dataclass(frozen=True, slots=True)
class PlanStage:
    """One stage of a plan; `stays` says that a resume would not run it. Texts are not yet safe."""

    number: int
    id: str
    usual: str
    does: str
    extras: str = ""
    stays: bool = False


@dataclass(frozen=True, slots=True)
class PlanView:
    """What would run. `length` is what it usually takes, `record` how it went of late.

    `command` does the same without a screen; `problem` says why nothing can run.
    """

    title: str
    about: str = ""
    length: str = ""
    record: str = ""
    stages: tuple[PlanStage, ...] = ()
    command: str = ""
    problem: str | None = None


def records_of(fleet: Fleet, now: datetime) -> Mapping[str, str]:
    """Return by pipeline how its last runs ended: `success 8 of last 12, last failed 2h ago`."""
    ended: dict[str, list[RunState]] = {}
    for run in fleet.runs.values():
        facts = run.facts
        if facts and facts.pipeline_id and facts.completed_at and state_of(run, now) in FINISHED:
            ended.setdefault(facts.pipeline_id, []).append(run)
    return {pipeline_id: _record(runs, now) for pipeline_id, runs in ended.items()}


def _record(runs: list[RunState], now: datetime) -> str:
    newest = sorted(runs, key=lambda run: run.key.run_id, reverse=True)[:LAST_RUNS]
    states = [state_of(run, now) for run in newest]
    good = Counter(states)[State.SUCCEEDED]
    facts = newest[0].facts
    at = facts.completed_at if facts else None
    ago = f" {short_age((now - at).total_seconds())} ago" if at else ""
    return f"success {good} of last {len(newest)}, last {states[0].value}{ago}"


def pipeline_plan(
    pipeline: Pipeline, past: PipelinePast | None, record: str = "", task_id: str = ""
) -> PlanView:
    """Return the plan of a new run."""
    task = f" --task {task_id}" if task_id else ""
    return PlanView(
        title=f"{pipeline.id}   {pipeline.title}",
        about=pipeline.description or pipeline.title,
        length=_length(pipeline, past),
        record=record,
        stages=tuple(
            _stage(number, stage, past) for number, stage in enumerate(pipeline.stages, 1)
        ),
        command=f"{PROGRAM} plan {pipeline.id}{task}",
    )


def _length(pipeline: Pipeline, past: PipelinePast | None) -> str:
    count = counted(len(pipeline.stages), "stage")
    usual = past.run if past else None
    if usual is None:
        return count
    of = counted(usual.samples, "run")
    return f"{count}, ~{elapsed(usual.usual_s)} (p50 of {of}), {elapsed(usual.long_s)} (p90)"


def _stage(number: int, stage: Stage, past: PipelinePast | None, stays: bool = False) -> PlanStage:
    known = past.stages.get(stage.id) if past else None
    usual = elapsed(known.usual_s) if known else elapsed(None)
    if not isinstance(stage, CommandStage):
        extras = "optional" if stage.optional else ""
        return PlanStage(number, stage.id, usual, f"+ pipeline {stage.pipeline}", extras, stays)
    notes = (
        f"in {stage.cwd}" if stage.cwd else "",
        f"timeout {elapsed(stage.timeout_ms / 1000)}" if stage.timeout_ms else "",
        "may fail" if stage.allow_failure else "",
        f"sets {', '.join(sorted(stage.env))}" if stage.env else "",
    )
    extras = ", ".join(note for note in notes if note)
    return PlanStage(number, stage.id, usual, stage.command, extras, stays)


def resume_plan(fleet: Fleet, key: RunKey, now: datetime) -> PlanView:
    """Return what a resume of a run would do, stage by stage, or why it cannot be."""
    run = fleet.runs.get(key)
    if run is None:
        return PlanView(f"Run {key.short}", problem="It is not there any more.")
    past = fleet.past_of(run)
    view = project_run(run, fleet.details.get(key), now, past)
    pipeline_id = (run.facts.pipeline_id if run.facts else None) or ""
    config = fleet.config
    pipeline = config.pipeline(pipeline_id) if isinstance(config, OrchestratorConfig) else None
    known = {stage.id: stage for stage in pipeline.stages} if pipeline else {}
    stages = tuple(_resumed(row, known.get(row.id), past) for row in view.stages)
    runs = sum(not stage.stays for stage in stages)
    refusal = view.resume_refusal
    if refusal is None and pipeline is None:
        refusal = f"pipeline {pipeline_id or '?'} is not in the configuration any more"
    return PlanView(
        title=view.title,
        about=f"A resume would run {runs} of {counted(len(stages), 'stage')}; = stays as it is."
        if stages
        else "",
        stages=stages,
        command=f"{PROGRAM} resume {key.run_id} --detach",
        problem=f"It cannot be resumed: {refusal}." if refusal else None,
    )


def _resumed(row: StageRow, stage: Stage | None, past: PipelinePast | None) -> PlanStage:
    stays = row.state in _STAYS
    if stage is None:
        return PlanStage(row.index, row.id, elapsed(None), row.word, "not configured", stays)
    return _stage(row.index, stage, past, stays)
