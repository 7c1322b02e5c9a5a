"""Fleets that the tests of the screens show, all of them at `NOON`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator_tui.records.facts import RunShape, run_facts
from orchestrator_tui.records.identifiers import RunKey, new_run_id
from orchestrator_tui.records.life import Runner, RunnerVerdict, StageError, Waiting
from orchestrator_tui.records.logs import LogLine, Stream
from orchestrator_tui.records.manifest import CommandRecord, Manifest
from orchestrator_tui.records.pipeline import CommandStage, OrchestratorConfig, Pipeline
from orchestrator_tui.records.times import format_time
from orchestrator_tui.state.observations import (
    ConfigSeen,
    DetailSeen,
    Freshness,
    FreshnessSeen,
    Observation,
    RunDetail,
    RunnerSeen,
    RunSeen,
    WaitingSeen,
)
from tests.fakes import NOON

ALIVE = Runner(RunnerVerdict.ALIVE, 48122, "build-3", "0.1.0")
GONE = Runner(RunnerVerdict.GONE, 47001, "build-3", "0.1.0")
STAGES = ("guard", "build", "lint", "test", "spec-guard")
LENGTHS_S = (4, 62, 21, 200, 9)
HOSTILE = "[/] [bold]x[/bold] \x1b]52;c;cHduZWQ=\x07\x1b[2J\u202eevil"


@dataclass(frozen=True, slots=True)
class Sample:
    """A run in a test: `done` stages have succeeded, and `now` is what the next one does."""

    task: str
    pipeline: str
    started_s: float
    status: str = "in_progress"
    done: int = 0
    now: str = "running"
    of: int = 5
    ended_s: float | None = None
    beat_s: float = 1.0
    runner: Runner | None = ALIVE
    waiting: Waiting | None = None

    @property
    def key(self) -> RunKey:
        """The run's key; its hex digits come from how long ago it began."""
        return RunKey(self.task, new_run_id(_ago(self.started_s), f"{int(self.started_s):08x}"))

    def manifest(self) -> Manifest:
        """Return the manifest that such a run would have."""
        failed = self.status == "failed"
        return Manifest(
            run_id=self.key.run_id,
            task_id=self.task,
            pipeline_id=self.pipeline,
            pipeline_title=self.pipeline.title(),
            status=self.status,
            status_detail=f"stage:{STAGES[self.done]}:failed" if failed else None,
            started_at=format_time(_ago(self.started_s)),
            completed_at=None if self.ended_s is None else format_time(_ago(self.ended_s)),
            heartbeat_at=format_time(_ago(self.beat_s)),
            heartbeat_interval_seconds=5,
            heartbeat_stale_after_seconds=30,
            commands=tuple(self._command(index) for index in range(self.of)),
        )

    def _command(self, index: int) -> CommandRecord:
        begun = _ago(self.started_s) + timedelta(seconds=sum(LENGTHS_S[:index]))
        ended = begun + timedelta(seconds=LENGTHS_S[index])
        is_done, is_now = index < self.done, index == self.done and self.now != "pending"
        has_ended = is_done or (is_now and self.now == "failed")
        return CommandRecord(
            index=index + 1,
            id=STAGES[index],
            title=STAGES[index].title(),
            command=f"make {STAGES[index]}",
            status="succeeded" if is_done else self.now if is_now else "pending",
            started_at=format_time(begun) if is_done or is_now else None,
            completed_at=format_time(ended) if has_ended else None,
            exit_code=0 if is_done else 2 if is_now and self.now == "failed" else None,
        )

    def seen(self) -> tuple[Observation, ...]:
        """Return what a watcher would say of the run."""
        manifest = self.manifest()
        told: list[Observation] = [
            RunSeen(run_facts(self.key, RunShape.CLI, f".runs/{self.task}/cli", manifest))
        ]
        if self.runner is not None:
            told += [RunnerSeen(self.key, self.runner)] * 2
        if self.waiting is not None:
            told.append(WaitingSeen(self.key, self.waiting))
        errors = (compile_error(self.done + 1),) if self.status == "failed" else ()
        tail = () if errors else output_of_tests()
        return (*told, DetailSeen(self.key, RunDetail(manifest, errors, tail, self.done + 1)))


def _ago(seconds: float) -> datetime:
    return NOON - timedelta(seconds=seconds)


def output_of_tests() -> tuple[LogLine, ...]:
    """Return the last lines of a test stage, one of them hostile."""
    lines = [
        LogLine(Stream.STDOUT, f"tests/core/test_{n:02}.py {'.' * 12}  [{n * 4}%]", _ago(40 - n))
        for n in range(20)
    ]
    lines.append(LogLine(Stream.STDERR, "FAILED test_follow.py::test_anchor_keeps_view", _ago(9)))
    lines.append(LogLine(Stream.STDOUT, HOSTILE, _ago(8)))
    return tuple(lines)


def compile_error(index: int) -> StageError:
    """Return the error file of a compile stage with more stderr than fits."""
    stderr = "\n".join(
        f"src/module_{n}.c:12:8: error: unknown type name 'frob_t' [-Werror]" for n in range(1, 121)
    )
    return StageError(
        index=index,
        stage_id=STAGES[index - 1],
        path=f"errors/{index:02}-{STAGES[index - 1]}.json",
        reason="command-failed",
        command=f"make {STAGES[index - 1]}",
        exit_code=2,
        stderr=stderr,
        stderr_bytes=22_132,
        truncated=True,
        created_at=NOON,
    )


RUNNING = Sample("0951-tui-log-view", "diagnostics", 252, done=3)
YOUNGER = Sample("0951-tui-log-view", "docs-review", 38, done=1, of=3)
FAILED = Sample("0950-runner-core", "diagnostics", 2000, "failed", 1, "failed", ended_s=1934)
GREEN = Sample("0950-runner-core", "docs-review", 5000, "succeeded", 5, ended_s=4704)
APPROVAL = Sample(
    "0947-release-notes", "implementation-gate", 761, done=4, waiting=Waiting(confirmations=1)
)
STALLED = Sample("0911-status-ui", "docs-review", 1867, done=2, beat_s=300, runner=None)
LOST = Sample("0944-old-import", "diagnostics", 32_520, done=2, beat_s=30_000, runner=GONE)
CANCELLED = Sample("0948-spike", "diagnostics", 7000, "cancelled", 1, "failed", ended_s=6948)
QUEUED = Sample("0952-docs", "docs-review", 3, "queued", now="pending")
OLDER = tuple(
    Sample(f"0{800 + n}-older", "diagnostics", 90_000 + n * 4000, "succeeded", 5, ended_s=89_000)
    for n in range(30)
)
BUSY = (RUNNING, YOUNGER, FAILED, GREEN, APPROVAL, STALLED, LOST, CANCELLED, QUEUED, *OLDER)

CONFIG = OrchestratorConfig(
    tuple(
        Pipeline(
            id=pipeline_id,
            title=title,
            description=f"{title}: {words}.",
            stages=tuple(
                CommandStage(stage, stage.title(), f"make {stage}", allow_failure=stage == "lint")
                for stage in STAGES
            ),
        )
        for pipeline_id, title, words in (
            ("diagnostics", "Diagnostics", "guard, build, lint, test"),
            ("docs-review", "Docs review", "links, spelling, freshness"),
            ("implementation-gate", "Gate", "all that must hold before a merge"),
            ("release", "Release", "build, sign, publish"),
        )
    )
)


def fleet(*samples: Sample, config: OrchestratorConfig | None = CONFIG) -> tuple[Observation, ...]:
    """Return the first batch of a watcher that sees these runs."""
    seen = [observation for sample in samples for observation in sample.seen()]
    return (ConfigSeen(config), FreshnessSeen(Freshness("watching")), *seen)
