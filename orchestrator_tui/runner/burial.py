"""What becomes of a run whose runner died: its processes are ended, its manifest says so."""

from __future__ import annotations

from anyio import to_thread

from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.records.paths import Roots, RunPaths
from orchestrator_tui.records.pipeline import RunnerLimits
from orchestrator_tui.records.requests import ActionResult, Done, Refused
from orchestrator_tui.runner.control import Order
from orchestrator_tui.runner.finishing import finish, note_outcome
from orchestrator_tui.runner.intervals import Intervals
from orchestrator_tui.runner.leftovers import find_leftovers
from orchestrator_tui.runner.live_run import LiveRun
from orchestrator_tui.runner.process_tree import end_tree
from orchestrator_tui.runner.reopening import read_manifest, take_lock
from orchestrator_tui.store.control import ActionKind, ControlRequest
from orchestrator_tui.store.life import read_runner
from orchestrator_tui.store.reading import RunRef

GRACE_S = 2.0


async def bury(
    roots: Roots,
    ref: RunRef,
    paths: RunPaths,
    reason: str | None,
    clock: Clock,
    *,
    grace_s: float = GRACE_S,
) -> ActionResult:
    """End what a dead runner left running, and its run as cancelled.

    The run's lock is held meanwhile, so nobody can resume it in between. What is left has
    `grace_s` seconds after SIGTERM.

    Raises:
        ResumeRefused: Somebody runs it after all, or its manifest cannot be read.
        OSError: The environment refuses.
    """
    lock = await to_thread.run_sync(take_lock, paths)
    try:
        manifest = await to_thread.run_sync(read_manifest, roots, ref)
        if manifest.is_terminal:
            return Refused(f"Run {ref.key} has ended already: {manifest.status}.")
        record = await to_thread.run_sync(read_runner, paths)
        found = await to_thread.run_sync(find_leftovers, paths, record)
        left = await to_thread.run_sync(
            lambda: end_tree(lambda: find_leftovers(paths, record), grace_s=grace_s)
        )
        seq = record.control_seq if record else 0
        run = LiveRun(
            roots, paths, manifest, lock, intervals=Intervals(), control_seq=seq, clock=clock
        )
        run.add_summary_line("Run cancellation requested after its runner had died.")
        if reason:
            run.add_summary_line(f"Reason: {reason}")
        request = ControlRequest(0, ActionKind.CANCEL, reason)
        note_outcome(run, Order(request, ActionKind.CANCEL))
        await finish(run, None, RunnerLimits())
        await run.close()
    finally:
        lock.close()
    ended = f"ended {len(found) - len(left)} of its processes, " if found else ""
    return Done(f"Its runner was dead: {ended}marked the run as cancelled", ref.key)
