"""PlanView: the stages of a run as planned: what each does, and what a resume would run again."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.pipeline import CommandStage, Pipeline, Stage
from orchestrator_tui.state.attempts import stage_numbers
from orchestrator_tui.state.formatting import counted, elapsed
from orchestrator_tui.state.run_view import RunView, StageRow, StageState

# What a resume leaves as it is; all else runs again.
STAYS = (StageState.SUCCEEDED, StageState.KEPT, StageState.SKIPPED, StageState.SOFT_FAILED)


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One stage; `again` is `kept` or `again` where the run can be resumed, else its state's word.

    `state` is None for a stage that the run does not know. Texts need not be safe.
    """

    index: int
    id: str
    title: str
    state: StageState | None
    usual: str
    again: str
    command: str
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanView:
    """The stages in order, and above them what holds for all."""

    head: str
    notes: tuple[str, ...]
    rows: tuple[PlanRow, ...]


def project_plan(view: RunView, pipeline: Pipeline | None) -> PlanView:
    """Return the plan of a run; `pipeline` is what the configuration says of it now."""
    planned = {stage.id: stage for stage in pipeline.stages} if pipeline else {}
    can_resume = view.resume_refusal is None
    rows = [_row(stage, planned.get(stage.id), can_resume) for stage in view.stages]
    if not rows and pipeline is not None:
        rows = [_row_of_stage(n, stage) for n, stage in enumerate(pipeline.stages, 1)]
    return PlanView(_head(view, len(rows)), tuple(_notes(view, pipeline)), tuple(rows))


def _head(view: RunView, count: int) -> str:
    usual = [stage.usual.usual_s for stage in view.stages if stage.usual is not None]
    told = [counted(count, "stage")]
    if usual and len(usual) == len(view.stages):
        samples = min(stage.usual.samples for stage in view.stages if stage.usual is not None)
        told.append(f"usually ~{elapsed(sum(usual))} (p50 of {counted(samples, 'run')})")
    if view.stages and view.resume_refusal is None:
        again = stage_numbers([s.index for s in view.stages if s.state not in STAYS])
        kept = stage_numbers([s.index for s in view.stages if s.state in STAYS])
        told.append(f"a resume runs {again or 'nothing'}" + (f", keeps {kept}" if kept else ""))
    return "   ".join(told)


def _notes(view: RunView, pipeline: Pipeline | None) -> Iterable[str]:
    if view.resume_refusal is not None and view.stages:
        yield f"no resume: {view.resume_refusal}"
    if pipeline is None:
        yield "the configuration has this pipeline no more: shown is what the run knows"
    elif view.stages and [s.id for s in view.stages] != [s.id for s in pipeline.stages]:
        yield "the pipeline has other stages now: only a new run can use them"


def _row(stage: StageRow, planned: Stage | None, can_resume: bool) -> PlanRow:
    again = stage.word
    if can_resume:
        again = "kept" if stage.state in STAYS else "again"
    command = stage.command or ""
    now = _command(planned) if planned is not None else command
    changed = (f"now: {now}",) if now and command and now != command else ()
    return PlanRow(
        stage.index,
        stage.id,
        stage.title,
        stage.state,
        f"~{elapsed(stage.usual.usual_s)}" if stage.usual else "",
        again,
        command or now,
        (*_remarks(planned), *changed),
    )


def _row_of_stage(index: int, stage: Stage) -> PlanRow:
    return PlanRow(index, stage.id, stage.title, None, "", "", _command(stage), _remarks(stage))


def _command(stage: Stage) -> str:
    return stage.command if isinstance(stage, CommandStage) else f"pipeline {stage.pipeline}"


def _remarks(stage: Stage | None) -> tuple[str, ...]:
    if stage is None:
        return ()
    if not isinstance(stage, CommandStage):
        return ("a run of its own", *(("may fail",) if stage.optional else ()))
    told = (
        "may fail" if stage.allow_failure else "",
        f"time-out {elapsed(stage.timeout_ms / 1000)}" if stage.timeout_ms else "",
        f"in {stage.cwd}" if stage.cwd else "",
        f"sets {', '.join(stage.env)}" if stage.env else "",
    )
    return tuple(each for each in told if each)
