"""Run here: a new run or one that goes on, in this process, obeying signals."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace

import anyio
from anyio import to_thread

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.records.identifiers import RunKey, sanitize_task_id
from orchestrator_tui.records.paths import Roots, RunPaths
from orchestrator_tui.records.pipeline import OrchestratorConfig, RunnerLimits
from orchestrator_tui.records.requests import NO_INPUTS, RunInputs
from orchestrator_tui.runner.command_stage import OnOutput
from orchestrator_tui.runner.context import RunContext
from orchestrator_tui.runner.control import Order, RunControl
from orchestrator_tui.runner.execution import RunOutcome, run_pipeline
from orchestrator_tui.runner.intervals import Intervals
from orchestrator_tui.runner.opening import open_new_run
from orchestrator_tui.runner.process_tree import become_subreaper
from orchestrator_tui.runner.reopening import Reopened, ResumeChoice, reopen

PRIVATE_UMASK = 0o077
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def start_foreground(
    roots: Roots,
    config: OrchestratorConfig,
    pipeline_id: str | None,
    task_id: str,
    *,
    environ: Mapping[str, str] | None = None,
    on_output: OnOutput | None = None,
    on_started: Callable[[RunPaths], None] | None = None,
    parent_run_id: str | None = None,
    approval_policy: str | None = None,
    inputs: RunInputs = NO_INPUTS,
    intervals: Intervals | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> RunOutcome:
    """Start a new run and return when it is over.

    SIGINT, SIGTERM and SIGHUP, unless ignored, cancel the run within three seconds; a second one
    kills at once.

    Args:
        roots: The folders of the repository; absolute.
        config: What can be run.
        pipeline_id: The pipeline to run, None for the configuration's default.
        task_id: The task that the run belongs to.
        environ: The environment of all commands; this process's own by default.
        on_output: Told of each chunk of output (stage id, stream, text) in a thread, in order.
        on_started: Told once the run is on disk, before its first stage; in a thread.
        parent_run_id: The run that this one belongs to.
        approval_policy: Kept in the manifest.
        inputs: Variables for the commands, on top of `environ`, and a note; kept in runner.json.
        intervals: How often to write and to look; the configuration's by default.
        clock: The time.

    Raises:
        UnknownPipeline: There is no such pipeline, or it cannot be used; no folder was made.
        InvalidIdentifier: The task id may not become part of a path.
        OSError: The run's folder cannot be made.
    """
    context = _context(roots, config, environ, on_output, intervals, clock)
    pipeline = context.pipeline(pipeline_id or config.default_pipeline)
    task = sanitize_task_id(task_id)

    def begin() -> Reopened:
        run = open_new_run(
            context,
            pipeline,
            task,
            parent_run_id=parent_run_id,
            approval_policy=approval_policy,
            inputs=inputs,
        )
        return Reopened(run, pipeline, tuple(range(1, len(pipeline.stages) + 1)))

    return await _run(begin, context, on_started)


async def resume_foreground(
    roots: Roots,
    config: OrchestratorConfig,
    key: RunKey,
    *,
    from_stage: str | None = None,
    only_stage: str | None = None,
    token: str | None = None,
    actor: str = "cli",
    reason: str = "manual-resume",
    force: bool = False,
    inputs: RunInputs = NO_INPUTS,
    environ: Mapping[str, str] | None = None,
    on_output: OnOutput | None = None,
    on_started: Callable[[RunPaths], None] | None = None,
    intervals: Intervals | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> RunOutcome:
    """Go on with a run and return when it is over; see `start_foreground` for what both share.

    Args:
        roots: The folders of the repository; absolute.
        config: What can be run.
        key: The run.
        from_stage: Run this stage and all after it.
        only_stage: Run this stage alone.
        token: The run's resume token, checked where it is given.
        actor: Who asks, for the manifest.
        reason: Why, for the manifest.
        force: Pass over signs of life that prove nothing; end what a dead runner left behind.
        inputs: Variables on top of those that the run was given before; a note in place of its.
        environ: The environment of all commands; this process's own by default.
        on_output: Told of each chunk of output.
        on_started: Told once the run is ours.
        intervals: How often to write and to look.
        clock: The time.

    Raises:
        ResumeRefused: It may not go on as asked; nothing was changed.
        OSError: The environment refuses.
    """
    context = _context(roots, config, environ, on_output, intervals, clock)
    choice = ResumeChoice(from_stage, only_stage, token, actor, reason, force, inputs)
    return await _run(lambda: reopen(context, key, choice), context, on_started)


def _context(
    roots: Roots,
    config: OrchestratorConfig,
    environ: Mapping[str, str] | None,
    on_output: OnOutput | None,
    intervals: Intervals | None,
    clock: Clock,
) -> RunContext:
    return RunContext(
        roots=roots,
        config=config,
        environ=os.environ if environ is None else environ,
        intervals=intervals or Intervals.of(config.limits),
        on_output=on_output,
        clock=clock,
    )


async def _run(
    begin: Callable[[], Reopened],
    context: RunContext,
    on_started: Callable[[RunPaths], None] | None,
) -> RunOutcome:
    def begin_and_tell() -> Reopened:
        begun = begin()
        if on_started is not None:
            on_started(begun.run.paths)
        return begun

    become_subreaper()
    # Listening begins before the run does, so that no signal can leave a run behind half made.
    with _signals() as signals, _umask_for(context.config.limits) as command_umask:
        begun = await to_thread.run_sync(begin_and_tell)
        context = replace(context, command_umask=command_umask)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_obey_signals, signals, begun.run.control, name="signals")
            outcome = await run_pipeline(begun.run, begun.pipeline, begun.positions, context)
            tasks.cancel_scope.cancel()
    return outcome


@contextlib.contextmanager
def _umask_for(limits: RunnerLimits) -> Iterator[int | None]:
    """Make files that nobody else may read, where that is wanted; yield the umask of before."""
    if not limits.private_files:
        yield None
        return
    before = os.umask(PRIVATE_UMASK)
    try:
        yield before
    finally:
        os.umask(before)


@contextlib.contextmanager
def _signals() -> Iterator[AsyncIterator[signal.Signals] | None]:
    """Receive the signals that stop a run, None where this thread cannot.

    One that this process was told to ignore stays ignored. A hangup is taken only where nobody
    else has taken it; an interrupt always, for the event loop's own answer would lose the outcome.
    """
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    wanted = [number for number, handler in handlers.items() if handler != signal.SIG_IGN]
    if handlers[signal.SIGHUP] != signal.SIG_DFL:
        wanted = [number for number in wanted if number != signal.SIGHUP]
    if threading.current_thread() is not threading.main_thread() or not wanted:
        yield None
        return
    receiver: AbstractContextManager[AsyncIterator[signal.Signals]]
    receiver = anyio.open_signal_receiver(*wanted)
    with receiver as signals:
        yield signals


async def _obey_signals(signals: AsyncIterator[signal.Signals] | None, control: RunControl) -> None:
    if signals is None:
        return
    async for received in signals:
        await control.obey(Order.of_signal(received, received.name))
