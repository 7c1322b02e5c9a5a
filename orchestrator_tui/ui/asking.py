"""What the dialogs are told: views made from the fleet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from orchestrator_tui.records.facts import RunShape
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import RunnerVerdict
from orchestrator_tui.records.pipeline import ConfigProblem, OrchestratorConfig
from orchestrator_tui.records.requests import (
    ActionResult,
    CancelRun,
    Done,
    KillRun,
    LaunchRun,
    Refused,
    Request,
    command_line,
)
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.formatting import counted
from orchestrator_tui.state.liveness import FINISHED, State, derive_state
from orchestrator_tui.state.ordering import live_keys
from orchestrator_tui.state.refusals import kill_refusal
from orchestrator_tui.state.run_view import RunView, project_run
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.planning import PlanView, pipeline_plan, records_of, resume_plan
from orchestrator_tui.ui.screens.again import AgainStage, RunAgainView
from orchestrator_tui.ui.screens.dialogs import RunLine
from orchestrator_tui.ui.screens.ending import CancelView, KillView
from orchestrator_tui.ui.screens.quitting import QuitView
from orchestrator_tui.ui.screens.start import Offer, StartView

KNOWN_TASKS = 200  # task ids that the form completes
GONE = "it is not there any more"
DEAD = frozenset([RunnerVerdict.GONE, RunnerVerdict.REBOOTED])


def _view(fleet: Fleet, key: RunKey, now: datetime) -> RunView | None:
    run = fleet.runs.get(key)
    return project_run(run, fleet.details.get(key), now, fleet.past_of(run)) if run else None


def cancel_view(fleet: Fleet, keys: Sequence[RunKey], now: datetime) -> CancelView | str:
    """Return what the cancel dialog shows, or why none of the runs can be cancelled."""
    views = {key: _view(fleet, key, now) for key in keys}
    refusals = {key: _cancel_refusal(view) for key, view in views.items()}
    requests = tuple(CancelRun(key) for key, refusal in refusals.items() if refusal is None)
    if not requests:
        return _none_of(refusals, "cancelled")
    if len(keys) > 1:
        lines = tuple(
            RunLine(_line_name(key, view), _doing(view), refusals[key])
            for key, view in views.items()
        )
        return CancelView(requests, lines=lines)
    view, runner = views[keys[0]], fleet.runs[keys[0]].runner
    if view is None:
        return GONE
    verdict = runner.verdict if runner else RunnerVerdict.UNKNOWN
    where = _doing(view)
    if runner is not None and runner.pid is not None:
        where += f"; runner pid {runner.pid}"
    done = view.row.stages_done
    stays = f"{counted(done, 'finished stage')} {'stays' if done == 1 else 'stay'}"
    return CancelView(
        requests=requests,
        name=view.title,
        where=where,
        kept=f"{stays}; you can resume later." if done else "",
        obeys_at_once=verdict is RunnerVerdict.ALIVE,
        is_dead=verdict in DEAD,
    )


def kill_view(fleet: Fleet, keys: Sequence[RunKey], now: datetime) -> KillView | str:
    """Return what the kill dialog shows, or why none of the runs can be killed."""
    views = {key: _view(fleet, key, now) for key in keys}
    refusals = {
        key: GONE if view is None else kill_refusal(fleet.runs[key], view.row.state)
        for key, view in views.items()
    }
    requests = tuple(KillRun(key) for key, refusal in refusals.items() if refusal is None)
    if not requests:
        return _none_of(refusals, "killed")
    lines = tuple(
        RunLine(_line_name(key, view), _pid(fleet, key), refusals[key])
        for key, view in views.items()
    )
    return KillView(requests, lines)


def _cancel_refusal(view: RunView | None) -> str | None:
    return GONE if view is None else view.cancel_refusal


def _none_of(refusals: Mapping[RunKey, str | None], done: str) -> str:
    """Return why nothing can be done, the same reason once."""
    if len(refusals) == 1:
        key, reason = next(iter(refusals.items()))
        return f"{key.short} cannot be {done}: {reason}."
    told: dict[str, list[str]] = {}
    for key, refusal in refusals.items():
        told.setdefault(refusal or "", []).append(key.short)
    return "\n".join(f"{', '.join(names)}: {reason}." for reason, names in told.items())


def _line_name(key: RunKey, view: RunView | None) -> str:
    return f"{key.short}  {view.row.pipeline}" if view else key.short


def _doing(view: RunView | None) -> str:
    if view is None:
        return ""
    stage = f"stage {view.row.stage}" if view.row.stage else "no stage has begun"
    return f"{stage}, {view.row.elapsed} in"


def _pid(fleet: Fleet, key: RunKey) -> str:
    runner = fleet.runs[key].runner if key in fleet.runs else None
    if runner is None or runner.pid is None:
        return ""
    return f"pid {runner.pid}" + (", dead" if runner.verdict in DEAD else "")


def again_view(fleet: Fleet, keys: Sequence[RunKey], now: datetime) -> RunAgainView | str:
    """Return what the run-again dialog shows, or why there is nothing to offer."""
    views = {key: view for key in keys if (view := _view(fleet, key, now)) is not None}
    if not views:
        return f"{keys[0].short}: {GONE}."
    resume = {key: view.resume_refusal for key, view in views.items()}
    launch = {key: _restart_refusal(fleet, key) for key in views}
    resumable = tuple(key for key, refusal in resume.items() if refusal is None)
    restartable = tuple(key for key, refusal in launch.items() if refusal is None)
    many, first = len(keys) > 1, next(iter(views.values()))
    stage_id = next((s.id for s in first.stages if s.index == first.current_index), None)
    return RunAgainView(
        name=f"{len(keys)} runs: {', '.join(key.short for key in keys)}" if many else first.title,
        resumable=resumable,
        restartable=restartable,
        count=len(keys),
        stages=() if many else tuple(AgainStage(s.id, s.title, s.word) for s in first.stages),
        stage_id=None if many else stage_id,
        resume_refusal=None if resumable else next(iter(resume.values())),
        launch_refusal=None if restartable else next(iter(launch.values())),
    )


def _restart_refusal(fleet: Fleet, key: RunKey) -> str | None:
    facts = fleet.runs[key].facts
    pipeline_id = (facts.pipeline_id if facts else None) or ""
    return _launch_refusal(fleet, pipeline_id, facts.shape if facts else None)


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
    *,
    begin: LaunchRun | None = None,
    recent: tuple[LaunchRun, ...] = (),
) -> StartView:
    """Return what the start form shows.

    It begins with the request `begin`, or else with the highlighted run's task and pipeline.
    """
    task_id = highlighted.task_id if highlighted else options.task_id
    config = fleet.config
    if not isinstance(config, OrchestratorConfig):
        return StartView((), LaunchRun("", task_id), problem=_no_config(fleet, options))
    chosen = pipeline_id
    if chosen is None and highlighted is not None and highlighted in fleet.runs:
        facts = fleet.runs[highlighted].facts
        chosen = facts.pipeline_id if facts else None
    records = records_of(fleet, now)
    offers = [
        Offer(p.id, p.title, pipeline_plan(p, fleet.pasts.get(p.id), records.get(p.id, "")))
        for p in config.pipelines
    ]
    known = {offer.id for offer in offers}
    offers += [
        Offer(bad, problem.text, PlanView(bad, problem=problem.text), problem.text)
        for bad, problem in config.problems.items()
        if bad not in known
    ]
    return StartView(
        offers=tuple(offers),
        begin=begin or LaunchRun(chosen or config.default_pipeline, task_id),
        known_tasks=_known_tasks(fleet, options),
        busy=_busy(fleet, now),
        recent=recent,
    )


def _no_config(fleet: Fleet, options: ScreenOptions) -> str:
    if isinstance(fleet.config, ConfigProblem):
        return fleet.config.text
    if fleet.freshness is None:
        return f"{options.config_path} has not been read yet; try again in a moment."
    return f"{options.config_path} is not there. It names the pipelines to start."


def plan_view(fleet: Fleet, key: RunKey | None, now: datetime) -> PlanView | None:
    """Return what a resume of a run would do; of one that cannot go on, its pipeline's plan."""
    if key is None:
        return None
    resumed = resume_plan(fleet, key, now)
    run, config = fleet.runs.get(key), fleet.config
    facts = run.facts if run else None
    if resumed.problem is None or facts is None or not isinstance(config, OrchestratorConfig):
        return resumed
    pipeline = config.pipeline(facts.pipeline_id or "")
    if pipeline is None:
        return resumed
    record = records_of(fleet, now).get(pipeline.id, "")
    plan = pipeline_plan(pipeline, fleet.pasts.get(pipeline.id), record)
    return replace(plan, about=f"{plan.about}\n{resumed.problem}")


def _known_tasks(fleet: Fleet, options: ScreenOptions) -> tuple[str, ...]:
    """Return the tasks to offer: the one that is meant, then those with the newest runs."""
    newest: dict[str, str] = {}
    for key in fleet.runs:
        newest[key.task_id] = max(key.run_id, newest.get(key.task_id, ""))
    ordered = sorted(newest, key=lambda task: newest[task], reverse=True)
    return tuple(dict.fromkeys([options.task_id, *ordered]))[:KNOWN_TASKS]


def _busy(fleet: Fleet, now: datetime) -> tuple[tuple[str, str], ...]:
    """Return the tasks that have a run now, each with its pipeline and id."""
    ended = FINISHED | {State.LOST, State.UNKNOWN}
    newest = sorted(live_keys(fleet), key=lambda key: key.run_id, reverse=True)
    live = (fleet.runs[key] for key in newest)
    return tuple(
        (run.key.task_id, f"{run.facts.pipeline_id or 'a run'} ({run.key.short})")
        for run in live
        if run.facts and derive_state(run, now).state not in ended
    )


def quit_view(fleet: Fleet, started_here: Iterable[RunKey], now: datetime) -> QuitView:
    """Return which of the runs that were started here go on."""
    over = FINISHED | {State.LOST}
    views = {key: view for key in started_here if (view := _view(fleet, key, now)) is not None}
    going = {key: view for key, view in sorted(views.items()) if view.row.state not in over}
    return QuitView(
        lines=tuple(RunLine(_line_name(key, view), _doing(view)) for key, view in going.items()),
        stops=tuple(CancelRun(key) for key, view in going.items() if view.cancel_refusal is None),
    )


def told_together(requests: Sequence[Request], results: Sequence[ActionResult]) -> tuple[str, bool]:
    """Return what came of requests in words, the same words once, and whether any was refused."""
    told: dict[str, list[str]] = {}
    for request, result in zip(requests, results, strict=True):
        words = result.message if isinstance(result, Done) else result.reason
        name = "" if isinstance(request, LaunchRun) else request.key.short
        told.setdefault(words, []).append(name)
    if len(requests) == 1:
        lines = list(told)
    else:
        lines = [f"{', '.join(names)}: {words}" for words, names in told.items()]
    is_refusal = any(isinstance(result, Refused) for result in results)
    return "\n".join([*lines, f"$ {command_line(requests)}"]), is_refusal
