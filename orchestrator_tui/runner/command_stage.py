"""run_command_stage: one command, its output bounded, its errors kept."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import anyio
from anyio import to_thread

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.buffering import CappedBuffer, StreamDecoder
from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.primitives.masking import Masker
from orchestrator_tui.records.logs import Stream
from orchestrator_tui.records.manifest import CommandStatus, JsonObject
from orchestrator_tui.records.pipeline import CommandStage, RunnerLimits
from orchestrator_tui.records.secrets import REDACTED
from orchestrator_tui.runner.environment import secrets_to_mask
from orchestrator_tui.runner.process import (
    Cause,
    ChildTree,
    Ending,
    Endings,
    supervise,
)
from orchestrator_tui.runner.stage_log import StageLog
from orchestrator_tui.store.json_text import decoded
from orchestrator_tui.store.manifests import CommandEnd, command_summary

SIGNAL_EXIT_CODE = 128  # docs/formats.md, exit: whatever the signal
SANDBOX_STATE = "none"  # the field is the Node original's; commands run as they are
TIMEOUT_VARIABLE = "CODEX_ORCHESTRATOR_STAGE_TIMEOUT_MS"

OnOutput: TypeAlias = Callable[[str, Stream, str], None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StagePlace:
    """Where a command runs and where its records go; `index` counts from 1.

    `umask` is that of the command; None leaves this process's own.
    """

    index: int
    cwd: Path
    env: Mapping[str, str]
    log_path: Path
    runner_log: Path
    umask: int | None = None


@dataclass(frozen=True, slots=True)
class StageResult:
    """What came of a command; `error` holds the details for its error file, None after success."""

    status: CommandStatus
    exit_code: int
    summary: str
    cause: Cause
    error: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """What is kept of a command's output, one buffer a stream."""

    stdout: CappedBuffer
    stderr: CappedBuffer

    @classmethod
    def of(cls, limits: RunnerLimits) -> CommandOutput:
        """Return empty buffers of the configured size."""
        size_bytes = limits.buffer_bytes_per_stream
        return cls(CappedBuffer(size_bytes), CappedBuffer(size_bytes))

    def add(self, stream: Stream, chunk: bytes) -> None:
        """Take the next bytes of a stream."""
        (self.stdout if stream is Stream.STDOUT else self.stderr).add(chunk)


class _Recorder:
    """Takes chunks in the pump's thread: to the buffers, the log and whoever watches.

    Secrets that the command knows from its variables are taken out before anybody gets them.
    """

    def __init__(
        self,
        stage_id: str,
        log: StageLog,
        on_output: OnOutput | None,
        limits: RunnerLimits,
        secrets: frozenset[bytes],
    ) -> None:
        self.output = CommandOutput.of(limits)
        self._maskers = {
            stream: Masker(secrets, REDACTED.encode())
            for stream in (Stream.STDOUT, Stream.STDERR)
            if secrets
        }
        self.correlation_id = str(uuid.uuid4())
        self._stage_id = stage_id
        self._log = log
        self._on_output = on_output
        self._sequence = 0
        self._decoders = {Stream.STDOUT: StreamDecoder(), Stream.STDERR: StreamDecoder()}

    def take(self, stream: Stream, chunk: bytes) -> None:
        """Record one chunk as it was read."""
        if self._maskers:
            chunk = self._maskers[stream].feed(chunk)
        self._record(stream, chunk)

    @property
    def masked_count(self) -> int:
        """How many secrets were taken out."""
        return sum(masker.count for masker in self._maskers.values())

    def _record(self, stream: Stream, chunk: bytes) -> None:
        if chunk:
            self.output.add(stream, chunk)
            self._pass_on(stream, self._decoders[stream].cut(chunk), len(chunk))

    def finish(self) -> None:
        """Record what was held back, and a character that a stream began and never ended."""
        for stream, masker in self._maskers.items():
            self._record(stream, masker.finish())
        for stream, decoder in self._decoders.items():
            if rest := decoder.finish():
                self._pass_on(stream, rest.encode(), 0)

    def _pass_on(self, stream: Stream, content: bytes, size_bytes: int) -> None:
        self._sequence += 1
        text, data = decoded(content)
        self._log.chunk(
            correlation_id=self.correlation_id,
            attempt=1,
            stream=stream.value,
            sequence=self._sequence,
            bytes=size_bytes,
            data=data,
        )
        if self._on_output is None:
            return
        try:
            self._on_output(self._stage_id, stream, text)
        except OSError as error:
            # The reader of our own output left; the run goes on without it.
            self._on_output = None
            _log.info("Output is no longer shown: %s", error)


async def run_command_stage(
    stage: CommandStage,
    place: StagePlace,
    endings: Endings,
    *,
    limits: RunnerLimits,
    clock: Clock,
    on_output: OnOutput | None = None,
    on_spawn: Callable[[ChildTree], None] | None = None,
    on_end: Callable[[], None] | None = None,
) -> StageResult:
    """Run one command to its end and record it while it runs.

    Args:
        stage: What to run.
        place: Where to run it, and the files of its records.
        endings: What may end it early; its `timeout_s` is set here.
        limits: Bounds of buffers and log.
        clock: Times in the records.
        on_output: Told of each chunk (stage id, stream, text) in a thread, in order.
        on_spawn: Told of the new process before its output is read, in a thread.
        on_end: Called when all is recorded, in a thread.

    Raises:
        SpawnFailed: It could not be started; nothing but `command:start` is recorded.
    """
    log = StageLog(
        place.log_path,
        place.runner_log,
        index=place.index,
        limit_bytes=limits.log_bytes_per_stage,
        clock=clock,
    )
    secrets = secrets_to_mask(place.env) if limits.masks_secrets else frozenset[bytes]()
    recorder = _Recorder(stage.id, log, on_output, limits, secrets)
    timeout_ms = stage_timeout_ms(stage, place.env)

    def begin() -> ChildTree:
        log.record("command:start", command=stage.command)
        if timeout_ms is not None:
            log.record("command:config", timeout_ms=timeout_ms)
        tree = ChildTree.spawn(
            stage.command, cwd=place.cwd, env=place.env, clock=clock, umask=place.umask
        )
        if on_spawn is not None:
            on_spawn(tree)
        log.record("exec:begin", **_begin_fields(stage, place, recorder.correlation_id))
        return tree

    def end(ending: Ending) -> StageResult:
        recorder.finish()
        output = recorder.output
        result = stage_result(stage, ending, output, timeout_ms=timeout_ms, limits=limits)
        _end_records(log, recorder, ending, result, timeout_ms)
        if on_end is not None:
            on_end()
        return result

    timeout_s = None if timeout_ms is None else timeout_ms / 1000
    try:
        return await supervise(begin, recorder.take, replace(endings, timeout_s=timeout_s), end)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(log.close)
        raise


def stage_timeout_ms(stage: CommandStage, env: Mapping[str, str]) -> int | None:
    """Return the stage's time limit in ms: its own, else the one in its environment, else None.

    Values that are no positive whole number mean none.
    """
    if stage.timeout_ms is not None:
        return stage.timeout_ms if stage.timeout_ms > 0 else None
    try:
        value = int(float(env.get(TIMEOUT_VARIABLE, "")))
    except (ValueError, OverflowError):
        return None
    return value if value > 0 else None


def stage_result(
    stage: CommandStage,
    ending: Ending,
    output: CommandOutput,
    *,
    timeout_ms: int | None,
    limits: RunnerLimits,
) -> StageResult:
    """Return what the manifest says of a command that is over.

    A stopped command is failed even where failing is allowed: a skipped stage counts as done and
    would not run again.
    """
    code = SIGNAL_EXIT_CODE if ending.exit.code is None else ending.exit.code
    end = CommandEnd(
        exit_code=code,
        signal=ending.exit.signal,
        timed_out=ending.cause is Cause.TIMED_OUT,
        timeout_ms=timeout_ms,
        stdout=output.stdout.text(),
        stderr=output.stderr.text(),
        stderr_bytes=output.stderr.total_bytes,
    )
    if code == 0 and ending.cause is Cause.EXITED:
        summary = command_summary(end, stage.summary_hint)
        return StageResult(CommandStatus.SUCCEEDED, code, summary, ending.cause)
    may_fail = stage.allow_failure and ending.cause is not Cause.STOPPED
    summary = command_summary(end, stored_bytes=limits.stderr_bytes_in_error)
    if code == 0 and ending.cause is Cause.STOPPED:
        summary = f"Stopped on request — {summary}"
    return StageResult(
        CommandStatus.SKIPPED if may_fail else CommandStatus.FAILED,
        code,
        summary,
        ending.cause,
        error=_error_details(end, ending.cause, output, may_fail=may_fail),
    )


def _error_details(
    end: CommandEnd, cause: Cause, output: CommandOutput, *, may_fail: bool
) -> JsonObject:
    told: JsonObject = {
        "signal": end.signal,
        "timeout_ms": end.timeout_ms,
        "timed_out": end.timed_out or None,
        "stopped": cause is Cause.STOPPED or None,
        "non_fatal_fallback": may_fail or None,
        "stdout_truncated": output.stdout.is_truncated or None,
        "stderr_truncated": output.stderr.is_truncated or None,
    }
    return {
        "exit_code": end.exit_code,
        "sandbox_state": SANDBOX_STATE,
        "stderr": end.stderr.strip(),
        "stderr_bytes": end.stderr_bytes,
        "failure_reason": "timed_out" if end.timed_out else "command_failed",
        **{name: value for name, value in told.items() if value is not None},
    }


def _begin_fields(stage: CommandStage, place: StagePlace, correlation_id: str) -> JsonObject:
    return {
        "correlation_id": correlation_id,
        "attempt": 1,
        "command": stage.command,
        "args": [],
        "cwd": str(place.cwd),
        "session_id": str(uuid.uuid4()),
        "sandbox_state": SANDBOX_STATE,
        "persisted": False,
    }


def _end_records(
    log: StageLog,
    recorder: _Recorder,
    ending: Ending,
    result: StageResult,
    timeout_ms: int | None,
) -> None:
    duration_ms = round(ending.exit.duration_s * 1000)
    how = {
        "exit_code": ending.exit.code,
        "signal": ending.exit.signal,
        "duration_ms": duration_ms,
    }
    status = "succeeded" if result.status is CommandStatus.SUCCEEDED else "failed"
    for warning, message in _warnings(ending, log.lost_bytes, recorder.masked_count):
        log.record("command:warning", warning=warning, message=message)
    log.record("exec:end", correlation_id=recorder.correlation_id, attempt=1, **how, status=status)
    log.record("command:end", **how)
    if result.status is CommandStatus.SKIPPED:
        reason = "timed_out" if ending.cause is Cause.TIMED_OUT else "command_failed"
        log.record(
            "command:fallback",
            fallback="allow_failure",
            reason=reason,
            exit_code=result.exit_code,
            signal=ending.exit.signal,
            timeout_ms=timeout_ms,
        )
    log.close()


def _warnings(ending: Ending, lost_bytes: int, masked: int) -> Iterator[tuple[str, str]]:
    """Yield what whoever reads a log should know of how it came about: a word and a sentence."""
    if ending.exit.held_open:
        told = "background processes still held the output; what they write later is lost"
        yield "output-held-open", told
    if ending.survivors:
        pids = ", ".join(str(process.pid) for process in ending.survivors)
        yield "processes-left", f"these processes could not be ended: {pids}"
    if lost_bytes:
        yield "log-incomplete", f"{lost_bytes:,} bytes of this log could not be written"
    if masked:
        told = "secrets that the command was given were" if masked > 1 else "a secret was"
        yield "secrets-masked", f"{told} taken out of its output, {REDACTED} stands for them"
