"""RunView: what the screen of one run shows; its stages, its errors and the facts around it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.facts import RunFacts
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import GitFacts, RunnerVerdict, StageError
from orchestrator_tui.records.logs import LogLine, Stream
from orchestrator_tui.records.manifest import (
    CommandKind,
    CommandRecord,
    CommandStatus,
    Manifest,
    accepted_resumes,
)
from orchestrator_tui.records.pipeline import CommandStage, Pipeline
from orchestrator_tui.records.times import parse_time
from orchestrator_tui.state.attempts import attempt_of, attempt_starts
from orchestrator_tui.state.cancelling import ladder_words
from orchestrator_tui.state.estimates import (
    Estimate,
    Forecast,
    PipelinePast,
    StageProgress,
    forecast,
)
from orchestrator_tui.state.failure import exit_words
from orchestrator_tui.state.fleet import RunState
from orchestrator_tui.state.formatting import age, byte_count, elapsed
from orchestrator_tui.state.liveness import (
    BeatSource,
    State,
    is_terminal,
    newest_activity,
)
from orchestrator_tui.state.observations import Artifacts, EarlierRun, RunDetail, SinceGreen
from orchestrator_tui.state.refusals import cancel_refusal, resume_refusal
from orchestrator_tui.state.views import CANCELLING_WORD, RunRow, project_row, seconds_between


class StageState(StrEnum):
    """What a stage is doing, the state of its run taken into account."""

    PENDING = "pending"
    RUNNING = "running"
    STALLED = "stalled"
    INTERRUPTED = "interrupted"
    SUCCEEDED = "succeeded"
    KEPT = "kept"  # succeeded before the current attempt
    FAILED = "failed"
    SOFT_FAILED = "soft_failed"  # failed, and the pipeline allows it
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


_PLAIN_WORDS = {
    StageState.PENDING: "pending",
    StageState.RUNNING: "running",
    StageState.STALLED: "stalled",
    StageState.INTERRUPTED: "interrupted",
    StageState.SUCCEEDED: "ok",
    StageState.KEPT: "kept",
    StageState.SOFT_FAILED: "failed, allowed",
    StageState.SKIPPED: "skipped",
    StageState.CANCELLED: "cancelled",
}
# What a stage that is said to run does in a run of that state.
_RUNNING_IN = {
    State.STALLED: StageState.STALLED,
    State.LOST: StageState.INTERRUPTED,
    State.CANCELLED: StageState.CANCELLED,
    State.FAILED: StageState.INTERRUPTED,
    State.SUCCEEDED: StageState.INTERRUPTED,
}
_TO_COME = (StageState.PENDING, StageState.RUNNING)
_REASONS = {
    "command-failed": "the command failed",
    "command-allow-failure": "the command failed; the pipeline allows it",
}
_SOURCES = {
    BeatSource.MANIFEST: "manifest",
    BeatSource.HEARTBEAT_FILE: "heartbeat file",
    BeatSource.RUNNER_LOG: "log",
}


@dataclass(frozen=True, slots=True)
class StageRow:
    """One stage; `word` says its state and, for a failed one, how it ended: `exit 2`.

    `index` counts from 1. `child` is the run that a sub-pipeline stage started, as far as known.
    `usual` is what the stage took in earlier runs, None where too few are known.
    """

    index: int
    id: str
    title: str
    state: StageState
    word: str
    elapsed: str
    elapsed_s: float | None
    started_at: datetime | None
    ended_at: datetime | None
    command: str | None
    summary: str
    is_subpipeline: bool
    child: RunKey | None
    usual: Estimate | None = None


@dataclass(frozen=True, slots=True)
class ErrorCard:
    """Why a stage failed; `stderr` holds whole lines as kept, not yet safe for a terminal.

    `cut` says how much of the error output is kept, empty if all of it. `is_past` tells that the
    stage has succeeded or begun anew since. `path` is None where the runner wrote no error file.
    `attempt` is that of the run in which it failed, of `attempts`; `into_s` is how far into it.
    `started_at` and `took_s` are not known of what is past, `cwd` (relative to the repository) only
    where the configuration still has the stage. `stdout` is the end of the standard output, as
    lines like those of `stderr`, where that is empty.
    """

    index: int
    stage_id: str
    title: str
    words: str
    reason: str
    command: str | None
    stderr: tuple[str, ...]
    cut: str
    path: str | None
    at: datetime | None
    is_past: bool
    attempt: int = 1
    attempts: int = 1
    into_s: float | None = None
    started_at: datetime | None = None
    took_s: float | None = None
    cwd: str | None = None
    stdout: tuple[str, ...] = ()

    @property
    def output(self) -> tuple[str, ...]:
        """What the stage said of its failure, wherever it said it."""
        return self.stderr or self.stdout

    @property
    def output_name(self) -> str:
        """The stream that `output` comes from."""
        return "stdout" if self.stdout and not self.stderr else "stderr"


@dataclass(frozen=True, slots=True)
class Fact:
    """A label with what is known; `at` is a moment to show before the text, in local time."""

    label: str
    text: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChildRow:
    """A run that this one started."""

    key: RunKey
    pipeline: str
    status: str


@dataclass(frozen=True, slots=True)
class RunView:
    """All that the screen of a run shows.

    `is_loaded` is False until the run's details were read. `current_index` names the stage that
    runs, failed or comes next (0: none). `cancel_refusal` and `resume_refusal` say why a run
    cannot be stopped or resumed now, None if it can.
    """

    row: RunRow
    title: str
    attempt: int
    is_loaded: bool
    stages: tuple[StageRow, ...]
    current_index: int
    errors: tuple[ErrorCard, ...]
    facts: tuple[Fact, ...]
    problems: tuple[str, ...]
    children: tuple[ChildRow, ...]
    tail: tuple[LogLine, ...]
    tail_stage_index: int
    cancel_refusal: str | None
    resume_refusal: str | None
    forecast: Forecast | None = None
    earlier: tuple[EarlierRun, ...] = ()
    git: GitFacts | None = None
    since_green: SinceGreen | None = None
    artifacts: Artifacts = Artifacts()


def project_run(
    run: RunState,
    detail: RunDetail | None,
    now: datetime,
    past: PipelinePast | None = None,
    pipeline: Pipeline | None = None,
) -> RunView:
    """Return what the screen of a run shows at `now` (aware); no `detail` was read yet if None.

    `past` is that of the run's pipeline; without it nothing is estimated. `pipeline` is what the
    configuration says of it now.
    """
    row = project_row(run, now, past)
    manifest = detail.manifest if detail else Manifest()
    resumed_at = max(accepted_resumes(manifest.resume_events), default=None)
    stages = tuple(
        _stage_row(command, position, run, row.state, resumed_at, now, past)
        for position, command in enumerate(manifest.commands, 1)
    )
    return RunView(
        row=row,
        title=" / ".join(part for part in (row.task, row.pipeline, row.run) if part),
        attempt=(run.facts.resumes if run.facts else 0) + 1,
        is_loaded=detail is not None,
        stages=stages,
        current_index=run.facts.stage_index if run.facts else 0,
        errors=tuple(
            _with_moments(_with_stdout(card, detail), stages, attempt_starts(manifest), pipeline)
            for card in _error_cards(detail.errors if detail else (), stages)
        ),
        facts=_facts(run, manifest, detail.git if detail else None, now),
        problems=_problems(run, now),
        children=tuple(
            ChildRow(RunKey(run.key.task_id, child.run_id), child.pipeline_id, child.status)
            for child in manifest.child_runs
        ),
        tail=detail.tail if detail else (),
        tail_stage_index=detail.tail_stage_index if detail else 0,
        cancel_refusal=cancel_refusal(run, row.state),
        resume_refusal=resume_refusal(run, row.state),
        forecast=_forecast(row, stages, past),
        earlier=detail.earlier if detail else (),
        git=detail.git if detail else None,
        since_green=detail.since_green if detail else None,
        artifacts=detail.artifacts if detail else Artifacts(),
    )


def _forecast(
    row: RunRow, stages: tuple[StageRow, ...], past: PipelinePast | None
) -> Forecast | None:
    """Return what is left of a run that runs; one that waits or is being ended has no end to tell.

    A stage that ended in whatever way is done, since the run went on after it.
    """
    if row.state not in (State.RUNNING, State.QUEUED) or row.word == CANCELLING_WORD:
        return None
    progress = (StageProgress(s.id, s.state not in _TO_COME, s.elapsed_s) for s in stages)
    return forecast(progress, past)


def _stage_state(
    command: CommandRecord, run_state: State, resumed_at: datetime | None
) -> StageState:
    match command.status:
        case CommandStatus.PENDING:
            stopped = run_state == State.CANCELLED
            return StageState.CANCELLED if stopped else StageState.PENDING
        case CommandStatus.RUNNING:
            return _RUNNING_IN.get(run_state, StageState.RUNNING)
        case CommandStatus.SUCCEEDED:
            ended = parse_time(command.completed_at)
            kept = ended is not None and resumed_at is not None and ended < resumed_at
            return StageState.KEPT if kept else StageState.SUCCEEDED
        case CommandStatus.FAILED:
            # A stage that fails by itself ends its run as failed: this one the cancel has ended.
            stopped = run_state == State.CANCELLED
            return StageState.CANCELLED if stopped else StageState.FAILED
        case CommandStatus.SKIPPED:
            return StageState.SOFT_FAILED if command.error_file else StageState.SKIPPED
        case _:
            return StageState.UNKNOWN


def _stage_row(
    command: CommandRecord,
    position: int,
    run: RunState,
    run_state: State,
    resumed_at: datetime | None,
    now: datetime,
    past: PipelinePast | None,
) -> StageRow:
    state = _stage_state(command, run_state, resumed_at)
    started, ended = parse_time(command.started_at), parse_time(command.completed_at)
    length_s = seconds_between(started, ended or _still(state, run, now))
    word = _PLAIN_WORDS.get(state, command.status)
    if state == StageState.FAILED:
        word = exit_words(command.exit_code, command.summary)
    return StageRow(
        index=position,
        id=command.id,
        title=command.title,
        state=state,
        word=word,
        elapsed=elapsed(length_s),
        elapsed_s=length_s,
        started_at=started,
        ended_at=ended,
        command=command.command,
        summary=command.summary or "",
        is_subpipeline=command.kind == CommandKind.SUBPIPELINE,
        child=RunKey(run.key.task_id, command.sub_run_id) if command.sub_run_id else None,
        usual=past.stages.get(command.id) if past else None,
    )


def _still(state: StageState, run: RunState, now: datetime) -> datetime | None:
    """Return until when a stage without an end has lasted, None where that cannot be said."""
    if state in (StageState.RUNNING, StageState.STALLED):
        return now
    if state == StageState.INTERRUPTED and run.facts is not None:
        seen = newest_activity(run.facts, run.beats)
        return seen.at if seen else None
    return None


def _error_cards(
    errors: tuple[StageError, ...], stages: tuple[StageRow, ...]
) -> tuple[ErrorCard, ...]:
    """Return a card for each error file, and one for each stage that failed without one.

    A stage that a cancel has ended did not fail, whatever its runner wrote.
    """
    ended = {stage.index for stage in stages if stage.state == StageState.CANCELLED}
    cards = [_card(e, _stage_of(e, stages)) for e in errors if e.index not in ended]
    told = {card.index for card in cards}
    cards += [
        _card_without_file(stage)
        for stage in stages
        if stage.state == StageState.FAILED and stage.index not in told
    ]
    # What stands in the way now comes before what is past.
    return tuple(sorted(cards, key=lambda card: (card.is_past, card.index)))


def _stage_of(error: StageError, stages: tuple[StageRow, ...]) -> StageRow | None:
    return stages[error.index - 1] if 1 <= error.index <= len(stages) else None


def _card(error: StageError, stage: StageRow | None) -> ErrorCard:
    failed = stage is None or stage.state in (StageState.FAILED, StageState.SOFT_FAILED)
    return ErrorCard(
        index=error.index,
        stage_id=error.stage_id,
        title=stage.title if stage else error.stage_id,
        words=exit_words(
            error.exit_code,
            stage.summary if stage and failed else None,
            signal=error.signal,
            timed_out=error.timed_out,
        ),
        reason=_REASONS.get(error.reason, error.reason),
        command=error.command or (stage.command if stage else None),
        stderr=tuple(error.stderr.rstrip("\n").split("\n")) if error.stderr.strip() else (),
        cut=_cut(error),
        path=error.path,
        at=error.created_at,
        is_past=not failed,
    )


def _with_stdout(card: ErrorCard, detail: RunDetail | None) -> ErrorCard:
    """Return a card that has the end of the standard output where it has no error output.

    Many programs, most that run tests or check types, tell there what is wrong.
    """
    if detail is None or detail.tail_stage_index != card.index or card.is_past or card.stderr:
        return card
    newest = max((line.attempt for line in detail.tail), default=1)
    lines = [line for line in detail.tail if line.attempt == newest]
    if any(line.stream is Stream.STDERR and line.text.strip() for line in lines):
        return card  # the runner wrote no error file: what it would hold is not all here
    texts = [line.text for line in lines if line.stream is Stream.STDOUT]
    while texts and not texts[-1].strip():
        texts.pop()
    return replace(card, stdout=tuple(texts))


def _with_moments(
    card: ErrorCard,
    stages: tuple[StageRow, ...],
    starts: tuple[datetime, ...],
    pipeline: Pipeline | None,
) -> ErrorCard:
    """Return a card that also says when and where the stage ran."""
    attempt = attempt_of(starts, card.at)
    begun = starts[attempt - 1] if attempt <= len(starts) else None
    stage = next((s for s in stages if s.index == card.index and not card.is_past), None)
    planned = pipeline.stages if pipeline else ()
    cwd = next(
        (s.cwd or "." for s in planned if isinstance(s, CommandStage) and s.id == card.stage_id),
        None,
    )
    ended = stage.ended_at if stage and stage.ended_at else card.at
    return replace(
        card,
        attempt=attempt,
        attempts=max(1, len(starts)),
        into_s=seconds_between(begun, ended),
        started_at=stage.started_at if stage else None,
        took_s=stage.elapsed_s if stage else None,
        cwd=cwd,
    )


def _cut(error: StageError) -> str:
    if not error.truncated:  # a writer may trim spaces at either end, which is no cut
        return ""
    kept = byte_count(len(error.stderr.encode("utf-8", "surrogatepass")))
    if error.stderr_bytes is None:
        return f"cut to {kept}"
    return f"{kept} of {byte_count(error.stderr_bytes)} kept"


def _card_without_file(stage: StageRow) -> ErrorCard:
    return ErrorCard(
        index=stage.index,
        stage_id=stage.id,
        title=stage.title,
        words=stage.word,
        reason=stage.summary or "the runner wrote no reason",
        command=stage.command,
        stderr=(),
        cut="",
        path=None,
        at=stage.ended_at,
        is_past=False,
    )


def _runner_fact(run: RunState, facts: RunFacts) -> Fact | None:
    if not is_terminal(facts):
        return Fact("runner", _runner_text(run))
    # The runner of a run that has ended is not looked for: its pid is a name, no claim of life.
    pid = run.runner.pid if run.runner else None
    return None if pid is None else Fact("runner", f"pid {pid}")


def _runner_text(run: RunState) -> str:
    runner = run.runner
    if runner is None or runner.verdict == RunnerVerdict.UNKNOWN:
        return "not known; it left no runner.json"
    pid = f"pid {runner.pid}" if runner.pid is not None else "pid not known"
    if runner.verdict == RunnerVerdict.ELSEWHERE:
        return f"{pid} on host {runner.host or 'unknown'}"
    if runner.verdict == RunnerVerdict.REBOOTED:
        return f"{pid} before the machine was restarted"
    return f"{pid} {runner.verdict.value}"


def git_words(git: GitFacts) -> str:
    """Return at which commit a run began: `main 8c1d2e9 dirty(3)`; not yet safe."""
    commit = git.commit[:7] if git.commit else "no commit"
    return f"{git.branch or 'detached'} {commit}" + (f" dirty({git.dirty})" if git.dirty else "")


def _attempt_fact(facts: RunFacts) -> Fact:
    """Say which attempt it is; of a later one also when the run was resumed."""
    resumed = f"{facts.resumed_at.astimezone():%b %d %H:%M:%S}" if facts.resumed_at else ""
    return Fact("attempt", str(facts.resumes + 1) + (f" (since {resumed})" if resumed else ""))


def _total_fact(facts: RunFacts, now: datetime) -> Fact | None:
    """Say how long ago a resumed run first began: its elapsed time counts from the resume."""
    if facts.resumed_at is None:
        return None
    whole_s = seconds_between(facts.started_at, facts.completed_at or now)
    return Fact("in all", f"{elapsed(whole_s)} with its pauses")


def _facts(
    run: RunState, manifest: Manifest, git: GitFacts | None, now: datetime
) -> tuple[Fact, ...]:
    facts = run.facts
    if facts is None:
        return ()
    told = [
        Fact("started", "", facts.started_at) if facts.started_at else None,
        Fact("ended", "", facts.completed_at) if facts.completed_at else None,
        _attempt_fact(facts),
        _total_fact(facts, now),
        _runner_fact(run, facts),
        Fact("ending", words) if (words := _ending(run, facts, now)) else None,
        _beat_fact(run, facts, now),
        Fact("git", git_words(git)) if git else None,
        Fact("parent", facts.parent_run_id) if facts.parent_run_id else None,
        Fact("approval", manifest.approval_policy) if manifest.approval_policy else None,
        Fact("manifest", facts.manifest),
    ]
    return tuple(fact for fact in told if fact is not None)


def _ending(run: RunState, facts: RunFacts, now: datetime) -> str | None:
    return None if is_terminal(facts) else ladder_words(run, now)


def _beat_fact(run: RunState, facts: RunFacts, now: datetime) -> Fact:
    seen = newest_activity(facts, run.beats)
    if seen is None:
        return Fact("beat", "none seen")
    source = _SOURCES[seen.source]
    if is_terminal(facts):
        return Fact("beat", f"({source})", seen.at)
    return Fact("beat", f"{age((now - seen.at).total_seconds())} ago ({source})")


def _problems(run: RunState, now: datetime) -> tuple[str, ...]:
    problems = list(run.facts.problems) if run.facts else []
    if run.unreadable is not None:
        problems.insert(0, f"{run.unreadable.path} cannot be read: {run.unreadable.reason}")
        if run.facts is not None:
            problems.insert(1, f"shown is the last version that could be read{_since(run, now)}")
    return tuple(problems)


def _since(run: RunState, now: datetime) -> str:
    written = run.facts.updated_at if run.facts else None
    if written is None:
        return ""
    ago = age(max(0.0, (now - written).total_seconds()))
    return f", written {written.astimezone():%H:%M:%S}, {ago} ago"
