"""ManifestPersister: a run's manifest and heartbeat reach the disk in turn, and not too often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum

import anyio

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock

Write = Callable[[], Awaitable[None]]


class _Channel(StrEnum):
    MANIFEST = "manifest"  # first: its error is the one that is raised
    HEARTBEAT = "heartbeat"


class _Wait:
    """One pause before a flush, which later callers join instead of waiting themselves."""

    def __init__(self) -> None:
        self.released = anyio.Event()
        self.done = anyio.Event()
        self.error: Exception | None = None
        self.is_abandoned = True  # until its flush has been tried


class ManifestPersister:
    """Writes what is dirty, one flush at a time, at most one flush per interval unless forced.

    Both channels of a flush are written at the same time. A channel that fails stays dirty and is
    written again by the next flush. Belongs to one event loop.

    Args:
        write_manifest: Saves the manifest as it is then.
        write_heartbeat: Saves the heartbeat as it is then.
        interval_s: Least time between two flushes that nobody forces.
        clock: Tells when the interval is over.
        sleep: Waits for it.
    """

    def __init__(
        self,
        write_manifest: Write,
        write_heartbeat: Write,
        *,
        interval_s: float,
        clock: Clock = SYSTEM_CLOCK,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._writes = {_Channel.MANIFEST: write_manifest, _Channel.HEARTBEAT: write_heartbeat}
        self._interval_s = interval_s
        self._clock = clock
        self._sleep = sleep
        self._dirty: set[_Channel] = set()
        self._turn = anyio.Lock()
        self._wait: _Wait | None = None
        self._flushed_at: float | None = None

    async def schedule(
        self, *, manifest: bool = False, heartbeat: bool = False, force: bool = False
    ) -> None:
        """Have channels written, and return when they are.

        Without `force` the flush waits for the interval; with it, a waiting flush goes at once.
        Nothing to write and nothing forced returns at once.

        Raises:
            OSError: A write failed, the manifest's before the heartbeat's; what failed stays dirty.
        """
        if manifest:
            self._dirty.add(_Channel.MANIFEST)
        if heartbeat:
            self._dirty.add(_Channel.HEARTBEAT)
        if force:
            await self._flush_at_once()
        elif manifest or heartbeat:
            await self._flush_in_time()

    async def flush(self) -> None:
        """Write what is dirty at once; raises like `schedule`."""
        await self.schedule(force=True)

    async def _flush_at_once(self) -> None:
        if self._wait is not None:
            self._wait.released.set()
            await self._join(self._wait)
            return
        async with self._turn:
            await self._write_dirty()

    async def _flush_in_time(self) -> None:
        if self._wait is not None:
            await self._join(self._wait)
            return
        wait = self._wait = _Wait()
        try:
            async with self._turn:
                # only now is it known when the flush before this one ended
                await self._pause(wait)
                self._wait = None
                await self._write_dirty()
            wait.is_abandoned = False
        except Exception as error:
            wait.is_abandoned = False
            wait.error = error
            raise
        finally:
            if self._wait is wait:
                self._wait = None
            wait.done.set()

    async def _join(self, wait: _Wait) -> None:
        await wait.done.wait()
        if wait.is_abandoned:  # whoever waited was cancelled
            await self._flush_at_once()
        elif wait.error is not None:
            raise wait.error

    async def _pause(self, wait: _Wait) -> None:
        if self._flushed_at is None:
            return
        left_s = self._flushed_at + self._interval_s - self._clock.monotonic()
        if left_s <= 0 or wait.released.is_set():
            return
        async with anyio.create_task_group() as group:

            async def end_when_released() -> None:
                await wait.released.wait()
                group.cancel_scope.cancel()

            group.start_soon(end_when_released, name="forced flush")
            await self._sleep(left_s)
            group.cancel_scope.cancel()

    async def _write_dirty(self) -> None:
        unwritten, self._dirty = self._dirty, set()
        if not unwritten:
            return
        errors: dict[_Channel, Exception] = {}

        async def write(channel: _Channel) -> None:
            try:
                await self._writes[channel]()
            except Exception as error:
                errors[channel] = error
            else:
                unwritten.discard(channel)

        try:
            first, *others = unwritten
            if not others:
                await write(first)  # what nearly every stage asks for needs no task of its own
            else:
                async with anyio.create_task_group() as group:
                    for channel in (first, *others):
                        group.start_soon(write, channel, name=f"write {channel}")
        finally:
            self._dirty |= unwritten
        for channel in _Channel:
            if channel in errors:
                raise errors[channel]
        self._flushed_at = self._clock.monotonic()
