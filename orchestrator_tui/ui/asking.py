"""What the dialogs are told: views made from the fleet."""

from __future__ import annotations

from datetime import datetime

from orchestrator_tui.records.facts import RunShape
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import RunnerVerdict
from orchestrator_tui.records.pipeline import ConfigProblem, OrchestratorConfig
from orchestrator_tui.records.requests import CancelRun
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.formatting import counted, elapsed
from orchestrator_tui.state.liveness import FINISHED, State, derive_state
from orchestrator_tui.state.ordering import live_keys
from orchestrator_tui.state.run_view import RunView, project_run
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.screens.dialogs import AgainStage, CancelView, RunAgainView
from orchestrator_tui.ui.screens.start import Offer, StartView

KNOWN_TASKS = 200  # task ids that the form completes


def _view(fleet: Fleet, key: RunKey, now: datetime) -> RunView | None:
    run = fleet.runs.get(key)
    return project_run(run, fleet.details.get(key), now, fleet.past_of(run)) if run else None


def cancel_view(fleet: Fleet, key: RunKey, now: datetime) -> CancelView | str:
    """Return what the cancel dialog shows, or why the run cannot be cancelled."""
    view = _view(fleet, key, now)
    if view is None:
        return "The run is not there any more."
    if view.cancel_refusal is not None:
        return f"{key.short} cannot be cancelled: {view.cancel_refusal}."
    runner = fleet.runs[key].runner
    stage = f"stage {view.row.stage}" if view.row.stage else "no stage has begun"
    where = f"{stage}, {view.row.elapsed} in"
    if runner is not None and runner.pid is not None:
        where += f"; runner pid {runner.pid}"
    done = view.row.stages_done
    stays = f"{counted(done, 'finished stage')} {'stays' if done == 1 else 'stay'}"
    return CancelView(
        request=CancelRun(key),
        name=view.title,
        where=where,
        kept=f"{stays}; you can resume later." if done else "",
        obeys_at_once=runner is not None and runner.verdict is RunnerVerdict.ALIVE,
    )


def again_view(fleet: Fleet, key: RunKey, now: datetime) -> RunAgainView | str:
    """Return what the run-again dialog shows, or why there is nothing to offer."""
    view = _view(fleet, key, now)
    if view is None:
        return "The run is not there any more."
    facts = fleet.runs[key].facts
    pipeline_id = (facts.pipeline_id if facts else None) or ""
    stage_id = next((s.id for s in view.stages if s.index == view.current_index), None)
    return RunAgainView(
        key=key,
        name=view.title,
        pipeline_id=pipeline_id,
        stages=tuple(AgainStage(s.id, s.title, s.word) for s in view.stages),
        stage_id=stage_id,
        prefers_resume=view.resume_refusal is None,
        resume_refusal=view.resume_refusal,
        launch_refusal=_launch_refusal(fleet, pipeline_id, facts.shape if facts else None),
    )


def _launch_refusal(fleet: Fleet, pipeline_id: str, shape: RunShape | None) -> str | None:
    if not pipeline_id:
        older = shape is not None and shape is not RunShape.CLI
        return "a run of this older layout names no pipeline" if older else "it names no pipeline"
    config = fleet.config
    if config is None:
        return "there is no codex.orchestrator.json"
    if isinstance(config, ConfigProblem):
        return config.text
    if problem := config.problems.get(pipeline_id):
        return problem.text
    if config.pipeline(pipeline_id) is None:
        return f"pipeline {pipeline_id} is not in the configuration any more"
    return None


def start_view(
    fleet: Fleet,
    highlighted: RunKey | None,
    options: ScreenOptions,
    now: datetime,
    pipeline_id: str | None = None,
) -> StartView:
    """Return what the start form shows; it begins with the highlighted run's task and pipeline."""
    task_id = highlighted.task_id if highlighted else options.task_id
    config = fleet.config
    if not isinstance(config, OrchestratorConfig):
        text = (
            config.text
            if isinstance(config, ConfigProblem)
            else f"{options.config_path} is not there. It names the pipelines to start."
        )
        return StartView((), task_id, problem=text)
    chosen = pipeline_id
    if chosen is None and highlighted is not None and highlighted in fleet.runs:
        facts = fleet.runs[highlighted].facts
        chosen = facts.pipeline_id if facts else None
    offers = [Offer(p, p.id, p.title, past=_past(fleet, p.id)) for p in config.pipelines]
    known = {offer.id for offer in offers}
    offers += [
        Offer(None, bad, problem.text, problem=problem.text)
        for bad, problem in config.problems.items()
        if bad not in known
    ]
    return StartView(
        offers=tuple(offers),
        task_id=task_id,
        known_tasks=_known_tasks(fleet, options),
        chosen=chosen or config.default_pipeline,
        busy_tasks=_busy_tasks(fleet, now),
    )


def _known_tasks(fleet: Fleet, options: ScreenOptions) -> tuple[str, ...]:
    tasks = dict.fromkeys([options.task_id, *(key.task_id for key in fleet.runs)])
    return tuple(tasks)[:KNOWN_TASKS]


def _busy_tasks(fleet: Fleet, now: datetime) -> tuple[str, ...]:
    ended = FINISHED | {State.LOST, State.UNKNOWN}
    live = (
        key for key in live_keys(fleet) if derive_state(fleet.runs[key], now).state not in ended
    )
    return tuple(sorted({key.task_id for key in live}))


def _past(fleet: Fleet, pipeline_id: str) -> str:
    past = fleet.pasts.get(pipeline_id)
    usual = past.run if past else None
    if usual is None:
        return ""
    return f"~{elapsed(usual.usual_s)} (p50 of {counted(usual.samples, 'run')})"
