"""LiveRun: a run while it runs, and all that is written because something in it changed."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import anyio
from anyio import to_thread

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.primitives.files import Durability
from orchestrator_tui.primitives.life_lock import LifeLock
from orchestrator_tui.records.manifest import JsonObject, Manifest
from orchestrator_tui.records.paths import Roots, RunPaths
from orchestrator_tui.records.requests import NO_INPUTS, RunInputs
from orchestrator_tui.records.times import format_time, parse_time
from orchestrator_tui.runner.control import ControlFile, Order, RunControl, obey_news
from orchestrator_tui.runner.heartbeat import HeartbeatQueue
from orchestrator_tui.runner.intervals import Intervals
from orchestrator_tui.runner.process_tree import CancelRung
from orchestrator_tui.runner.runner_file import ENDED, RunnerFile
from orchestrator_tui.store.control import ActionKind, ControlRequest
from orchestrator_tui.store.events import RUNNER_ACTOR, EventName, EventStream
from orchestrator_tui.store.manifests import save_manifest, write_heartbeat
from orchestrator_tui.store.persister import ManifestPersister

PAUSED = "paused"  # docs/formats.md, status_detail
CONTROL_FAILED = "control_failed"  # docs/formats.md, status_detail

_log = logging.getLogger(__name__)


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
        inputs: What the run was given: variables for its commands, and a note.
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
        inputs: RunInputs = NO_INPUTS,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.roots = roots
        self.paths = paths
        self.manifest = manifest
        self.intervals = intervals
        self.clock = clock
        self.control = RunControl(self._on_order)
        self.inputs = inputs
        self.runner_file = RunnerFile(paths, clock=clock, control_seq=control_seq)
        self.runner_file.note_inputs(inputs)
        self._lock = lock
        self._control_file = ControlFile(paths, seen_seq=control_seq)
        self._events = EventStream(paths, clock=clock)
        self._durability: Durability | None = Durability.RENAME
        self._untold: list[tuple[EventName, JsonObject]] = []
        self._pause_told = False
        self._is_held = False
        self._saw_no_news = False  # in control.json, when a stage ended
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
        return await self._save(heartbeat=False)

    async def save_with_beat(self) -> bool:
        """Bring manifest and heartbeat to disk now, both saying the same time."""
        self.change(heartbeat_at=self.now())
        return await self._save(heartbeat=True)

    async def _save(self, *, heartbeat: bool) -> bool:
        try:
            await self._persister.schedule(manifest=True, heartbeat=heartbeat, force=True)
        except OSError as error:
            _log.warning("Manifest of run %s cannot be saved: %s", self.paths.key.run_id, error)
            return False
        return True

    async def emit(
        self, event: EventName, payload: JsonObject | None = None, *, actor: str = RUNNER_ACTOR
    ) -> None:
        """Append an event; a failure is told and harms nothing."""
        await to_thread.run_sync(self._append_event, event, payload, actor)

    def tell_later(self, event: EventName, payload: JsonObject) -> None:
        """Have an event be told once the manifest is saved with what is changed now."""
        self._untold.append((event, payload))

    async def tell(self) -> None:
        """Bring the manifest to disk if something is untold, and tell it, in one go if possible.

        Each change of thread costs as much as one of the files.
        """
        if self._untold:
            await self.save()
        while self._untold:
            await self.emit(*self._untold.pop(0))

    def _append_event(self, event: EventName, payload: JsonObject | None, actor: str) -> None:
        try:
            self._events.append(event, payload, actor=actor)
        except OSError as error:
            _log.warning("Event %s cannot be written: %s", event.value, error)

    async def beat_until_cancelled(self) -> None:
        """Write signs of life."""
        await self._heartbeat.run()

    async def listen_until_cancelled(self) -> None:
        """Obey control.json, while commands run too."""
        while True:
            await self.obey_news()
            await anyio.sleep(self.intervals.control_poll_s)

    async def obey_news(self) -> None:
        """Obey what control.json says now."""
        await obey_news(self._control_file, self.control, on_violation=self._on_violation)

    def look_for_news(self) -> None:
        """See whether there are any, at the end of a stage and in its thread."""
        self._saw_no_news = not self._control_file.has_changed()

    async def obey_news_before_stage(self) -> None:
        """Obey what was asked until now; a stage that saw no news at its end has left none."""
        has_none, self._saw_no_news = self._saw_no_news, False
        # What somebody else has read and not yet obeyed is no news in the file any more.
        if not has_none or self._control_file.turn.locked():
            await self.obey_news()

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
        by_signal = order.signal_number is not None
        grace_s = self.intervals.signal_grace_s if by_signal else self.intervals.stop_grace_s
        asked: dict[str, Any] = {"cancel_grace_s": grace_s}
        if request.seq:
            asked["control_seq"] = request.seq
        await to_thread.run_sync(lambda: self.runner_file.note_rung(CancelRung.ASKED, **asked))
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

    async def _note_seq(self, order: Order) -> None:
        seq = order.request.seq
        if seq:
            await to_thread.run_sync(lambda: self.runner_file.update(control_seq=seq))

    # --- how things reach the disk -----------------------------------------------------------

    async def _write_manifest(self) -> None:
        manifest = self.manifest
        durability = None if manifest.is_terminal else self._durability
        untold, self._untold = self._untold, []

        def write() -> Manifest:
            saved = save_manifest(self.paths, manifest, self.clock.now(), durability=durability)
            while untold:
                self._append_event(*untold.pop(0), RUNNER_ACTOR)
            return saved

        try:
            saved = await to_thread.run_sync(write)
        finally:
            self._untold = [*untold, *self._untold]  # what was not saved is told all the same
        self.change(updated_at=saved.updated_at)
        self._heartbeat.manifest_saved()

    async def _write_heartbeat(self) -> None:
        moment = parse_time(self.manifest.heartbeat_at) or self.clock.now()
        await to_thread.run_sync(write_heartbeat, self.paths, moment)

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
