"""LiveRun: a run while it runs, and all that is written because something in it changed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import anyio
from anyio import to_thread

from orchestrator_tui import __version__
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.primitives.files import Durability
from orchestrator_tui.primitives.life_lock import LifeLock
from orchestrator_tui.primitives.process_identity import own_identity
from orchestrator_tui.records.life import RunnerRecord
from orchestrator_tui.records.manifest import JsonObject, Manifest
from orchestrator_tui.records.paths import Roots, RunPaths
from orchestrator_tui.records.pipeline import RunnerLimits
from orchestrator_tui.records.times import format_time, parse_time
from orchestrator_tui.runner.control import ControlFile, Order, RunControl, follow_control_file
from orchestrator_tui.runner.heartbeat import HeartbeatQueue
from orchestrator_tui.runner.process import CancelRung, ChildTree
from orchestrator_tui.store.control import ActionKind, ControlRequest
from orchestrator_tui.store.events import EventName, EventStream
from orchestrator_tui.store.life import write_runner
from orchestrator_tui.store.manifests import save_manifest, write_heartbeat
from orchestrator_tui.store.persister import ManifestPersister

PAUSED = "paused"  # docs/formats.md, status_detail
CONTROL_FAILED = "control_failed"  # docs/formats.md, status_detail
ENDED = "ended"

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Intervals:
    """Every pause that the runner makes, in seconds; tests make them short."""

    heartbeat_s: float = 5.0
    manifest_s: float = 30.0
    control_poll_s: float = 0.5
    stop_grace_s: float = 10.0
    signal_grace_s: float = 1.5  # a signal to the runner ends the run within three seconds
    timeout_grace_s: float = 1.0

    @classmethod
    def of(cls, limits: RunnerLimits) -> Intervals:
        """Return the intervals that a project has configured."""
        return cls(
            heartbeat_s=limits.heartbeat_interval_s,
            manifest_s=limits.manifest_interval_s,
            stop_grace_s=limits.kill_grace_s,
        )


class RunnerFile:
    """`runner.json` of one run: whose processes these are. Threads may share it."""

    def __init__(self, paths: RunPaths, *, clock: Clock, control_seq: int = 0) -> None:
        own = own_identity()
        self._paths = paths
        self._turn = threading.Lock()
        self.record = RunnerRecord(
            pid=own.pid,
            pgid=own.pid,
            start_ticks=own.start_ticks,
            boot_id=own.boot_id,
            pid_ns=own.pid_ns,
            host=own.host,
            version=__version__,
            started_at=format_time(clock.now()),
            control_seq=control_seq,
        )

    def update(self, **changes: Any) -> None:
        """Change the record and write it; a disk that refuses is told and stops nothing."""
        with self._turn:
            self.record = replace(self.record, **changes)
            try:
                write_runner(self._paths, self.record)
            except OSError as error:
                _log.warning("%s cannot be written: %s", self._paths.runner_json, error)

    def note_command(self, tree: ChildTree) -> None:
        """Note the process of the command that has just started."""
        ticks = tree.identity.start_ticks if tree.identity else None
        self.update(stage_pgid=tree.pid, stage_start_ticks=ticks)

    def note_rung(self, rung: CancelRung) -> None:
        """Note how far the ending of the run's processes has come."""
        self.update(cancel_rung=rung.value)


class LiveRun:
    """The one owner of a run's manifest while it runs.

    Whatever cannot be written is told and tried again by the next beat; the run itself goes on.

    Args:
        roots: The folders of the repository.
        paths: The files of the run.
        manifest: As it is on disk.
        lock: The proof that this process runs it; given back by `close`.
        intervals: How often to write and to look.
        control_seq: The last request in control.json that counts as obeyed.
        clock: The time.
    """

    def __init__(
        self,
        roots: Roots,
        paths: RunPaths,
        manifest: Manifest,
        lock: LifeLock,
        *,
        intervals: Intervals,
        control_seq: int = 0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.roots = roots
        self.paths = paths
        self.manifest = manifest
        self.intervals = intervals
        self.clock = clock
        self.control = RunControl(self._on_order)
        self.runner_file = RunnerFile(paths, clock=clock, control_seq=control_seq)
        self._lock = lock
        self._control_file = ControlFile(paths, seen_seq=control_seq)
        self._events = EventStream(paths, clock=clock)
        self._durability: Durability | None = Durability.RENAME
        self._pause_told = False
        self._is_held = False
        self._persister = ManifestPersister(
            self._write_manifest,
            self._write_heartbeat,
            interval_s=max(1.0, intervals.heartbeat_s),
            clock=clock,
        )
        self._heartbeat = HeartbeatQueue(
            paths.key.run_id,
            self._beat,
            interval_s=intervals.heartbeat_s,
            manifest_interval_s=intervals.manifest_s,
            clock=clock,
        )

    def now(self) -> str:
        """Return the time as files write it."""
        return format_time(self.clock.now())

    def change(self, **changes: Any) -> None:
        """Change fields of the manifest; `save` brings them to disk."""
        self.manifest = replace(self.manifest, **changes)

    def change_stage(self, index: int, **changes: Any) -> None:
        """Change fields of the stage at a position from 1."""
        self.manifest = self.manifest.with_command(index, **changes)

    def add_summary_line(self, line: str) -> None:
        """Add a line to the summary unless it says so already."""
        self.manifest = self.manifest.with_summary_line(line)

    async def save(self) -> bool:
        """Bring the manifest to disk now; tell whether that worked."""
        try:
            await self._persister.schedule(manifest=True, force=True)
        except OSError as error:
            _log.warning("Manifest of run %s cannot be saved: %s", self.paths.key.run_id, error)
            return False
        return True

    async def save_with_beat(self) -> bool:
        """Bring manifest and heartbeat to disk now, both saying the same time."""
        self.change(heartbeat_at=self.now())
        try:
            await self._persister.schedule(manifest=True, heartbeat=True, force=True)
        except OSError as error:
            _log.warning("Manifest of run %s cannot be saved: %s", self.paths.key.run_id, error)
            return False
        return True

    async def emit(
        self, event: EventName, payload: JsonObject | None = None, *, actor: str = "runner"
    ) -> None:
        """Append an event; a failure is told and harms nothing."""
        try:
            await to_thread.run_sync(lambda: self._events.append(event, payload, actor=actor))
        except OSError as error:
            _log.warning("Event %s cannot be written: %s", event.value, error)

    async def beat_until_cancelled(self) -> None:
        """Write signs of life."""
        await self._heartbeat.run()

    async def listen_until_cancelled(self) -> None:
        """Obey control.json."""
        await follow_control_file(
            self._control_file,
            self.control,
            on_violation=self._on_violation,
            poll_s=self.intervals.control_poll_s,
        )

    async def hold_while_paused(self) -> None:
        """Return when the next stage may start, or never will; say so on disk meanwhile."""
        if self.control.pause is None:
            return
        self._is_held = True
        await self._tell_pause(self.control.pause)
        await self.control.wait_while_paused()
        self._is_held = False

    async def close(self) -> None:
        """Let go of the run: nobody runs it any more."""
        ended = {"state": ENDED, "stage_pgid": None, "stage_start_ticks": None}
        await to_thread.run_sync(lambda: self.runner_file.update(**ended))
        self._lock.close()

    # --- what orders leave behind ------------------------------------------------------------

    async def _on_order(self, order: Order) -> None:
        # An order that was heard is told on disk, even if the run ends in this very moment.
        with anyio.CancelScope(shield=True):
            if order.action is ActionKind.PAUSE:
                await self._on_pause(order)
            elif order.action is ActionKind.RESUME:
                await self._on_resume(order)
            else:
                await self._on_stop(order)

    async def _on_pause(self, order: Order) -> None:
        if not self._pause_told:
            self._pause_told = True
            self.add_summary_line(f"Run paused by control request{order.request.trace}.")
        await self.emit(
            EventName.PAUSE_REQUESTED,
            {**order.payload(), "reason": order.request.reason},
            actor=order.request.requested_by or "user",
        )
        if self._is_held:
            await self._tell_pause(order)
        else:
            await self.save()

    async def _tell_pause(self, order: Order) -> None:
        self.change(status_detail=order.request.reason or PAUSED)
        await self.save()
        await self._note_seq(order)
        await self.emit(EventName.RUN_PAUSED, {"reason": "control_request", **order.payload()})

    async def _on_resume(self, order: Order) -> None:
        self._pause_told = False
        self.change(status_detail=None)
        self.add_summary_line(f"Run resumed by control request{order.request.trace}.")
        await self.save()
        await self._note_seq(order)
        await self.emit(EventName.RUN_RESUMED, order.payload())

    async def _on_stop(self, order: Order) -> None:
        request = order.request
        failing = order.action is ActionKind.FAIL
        what = "Run failed by control request" if failing else "Run cancellation requested"
        self.add_summary_line(f"{what}{request.trace}.")
        if request.reason:
            self.add_summary_line(f"Reason: {request.reason}")
        await self._note_seq(order, cancel_rung=CancelRung.ASKED.value)
        await self.save()
        event = EventName.RUN_FAILED if failing else EventName.RUN_CANCELED
        await self.emit(event, {"reason": "control_request", **order.payload()})

    async def _on_violation(self, request: ControlRequest) -> None:
        _log.warning("A control request with a confirmation nonce is refused")
        payload: JsonObject = {
            "kind": "confirm_nonce_present",
            "request_id": request.request_id,
            "control_seq": request.seq,
        }
        await self.emit(EventName.SECURITY_VIOLATION, payload)

    async def _note_seq(self, order: Order, **changes: Any) -> None:
        if order.request.seq:
            changes["control_seq"] = order.request.seq
        if changes:
            await to_thread.run_sync(lambda: self.runner_file.update(**changes))

    # --- how things reach the disk -----------------------------------------------------------

    async def _write_manifest(self) -> None:
        manifest = self.manifest
        durability = None if manifest.is_terminal else self._durability
        await _in_thread(
            lambda: save_manifest(self.paths, manifest, self.clock.now(), durability=durability)
        )
        self._heartbeat.manifest_saved()

    async def _write_heartbeat(self) -> None:
        moment = parse_time(self.manifest.heartbeat_at) or self.clock.now()
        await _in_thread(lambda: write_heartbeat(self.paths, moment))

    async def _beat(self, *, with_manifest: bool) -> None:
        self.change(heartbeat_at=self.now())
        # A stage's own save may be lost with the power; one a half minute may not.
        self._durability = Durability.FILE if with_manifest else Durability.RENAME
        try:
            await self._persister.schedule(manifest=with_manifest, heartbeat=True, force=True)
        finally:
            self._durability = Durability.RENAME

    async def flush(self) -> None:
        """Write manifest and heartbeat a last time; never raises."""
        await self._heartbeat.flush()


async def _in_thread(write: Callable[[], T]) -> T:
    return await to_thread.run_sync(write)
