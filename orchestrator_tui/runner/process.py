"""One command: spawn it, read what it says, and end it if it must not end itself."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

import anyio
from anyio import to_thread

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.primitives.process_identity import ProcessIdentity, identity_of
from orchestrator_tui.records.logs import Stream
from orchestrator_tui.runner.process_tree import CancelRung, TreeScope, end_tree, reap_orphans

SHELL = "/bin/sh"  # docs/formats.md, commands
READ_BYTES = 64 * 1024  # one pipe's worth
ROOM_BYTES = 1024 * 1024  # a pipe's room for a command that fills it; the most that all may have
GATHER_S = 0.05  # small reads of one stream become one chunk for this long
GATHER_BYTES = 16 * 1024  # a read of this size is a chunk of its own
DRAIN_S = 0.5  # docs/formats.md, exit: a background child may hold the pipes for ever
REAP_S = 1.0  # how often orphans that ended are collected while a command runs

Consume: TypeAlias = Callable[[Stream, bytes], None]


class SpawnFailed(Exception):
    """A command could not be started; the text says what is missing and where."""


class Cause(StrEnum):
    """Why a command is over."""

    EXITED = "exited"
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Exit:
    """How a command's shell ended.

    `code` is None where a signal ended it; `signal` is that signal's name. `duration_s` ends with
    the shell. `held_open` says that other processes still held its output when reading stopped.
    """

    code: int | None
    signal: str | None
    duration_s: float
    held_open: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """A command that is over: why, how, and which of its processes nothing could end."""

    cause: Cause
    exit: Exit
    survivors: tuple[ProcessIdentity, ...] = ()


class _Gatherer:
    """Joins small reads of one stream into one chunk, so that a log has few records."""

    def __init__(self, consume: Consume) -> None:
        self._consume = consume
        self._stream = Stream.STDOUT
        self._held = bytearray()
        self._since = 0.0

    def add(self, stream: Stream, chunk: bytes, now: float) -> None:
        """Take what was read; the order of the two streams is kept."""
        if self._held and (stream is not self._stream or len(self._held) + len(chunk) > READ_BYTES):
            self.flush()
        if not self._held and len(chunk) >= GATHER_BYTES:
            self._consume(stream, chunk)
            return
        if not self._held:
            self._stream, self._since = stream, now
        self._held += chunk

    def due_in(self, now: float) -> float | None:
        """Return the seconds until held bytes must go on, or None where none are held."""
        return max(0.0, self._since + GATHER_S - now) if self._held else None

    def flush(self) -> None:
        """Pass on what is held."""
        if self._held:
            held, self._held = bytes(self._held), bytearray()
            self._consume(self._stream, held)


@dataclass(eq=False)
class ChildTree:
    """A running command: its shell, its two pipes and every process that it starts."""

    popen: subprocess.Popen[bytes]
    pidfd: int
    scope: TreeScope
    identity: ProcessIdentity | None
    clock: Clock
    started: float
    pipes: dict[int, Stream]
    exited_at: float | None = None
    roomy: set[int] = field(default_factory=set)

    @classmethod
    def spawn(
        cls,
        command: str,
        *,
        cwd: Path,
        env: Mapping[str, str],
        clock: Clock = SYSTEM_CLOCK,
        umask: int | None = None,
    ) -> ChildTree:
        """Start `/bin/sh -c command` in a session of its own, without input.

        Raises:
            SpawnFailed: The folder is missing, or the system refuses a further process.
        """
        _refuse_missing(cwd)
        scope = TreeScope()
        opened: list[int] = []
        started = clock.monotonic()
        try:
            out_read, out_write = _pipe(opened)
            err_read, err_write = _pipe(opened)
            popen = subprocess.Popen(
                [SHELL, "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=out_write,
                stderr=err_write,
                cwd=cwd,
                env=dict(env),
                start_new_session=True,
                umask=-1 if umask is None else umask,
            )
            pidfd = _pidfd(popen)
        except (OSError, ValueError) as error:
            for descriptor in opened:
                os.close(descriptor)
            raise SpawnFailed(f"cannot start {SHELL} in {cwd}: {error}") from error
        os.close(out_write)
        os.close(err_write)
        return cls(
            popen=popen,
            pidfd=pidfd,
            scope=scope,
            identity=identity_of(popen.pid),
            clock=clock,
            started=started,
            pipes={out_read: Stream.STDOUT, err_read: Stream.STDERR},
        )

    @property
    def pid(self) -> int:
        """The shell's pid, which is its process group and session too."""
        return self.popen.pid

    def pump(self, consume: Consume) -> Exit:
        """Pass on all output until the command is over, then return how it ended.

        After the shell's exit output is awaited until its end, at most `DRAIN_S`; whoever writes
        later meets a closed pipe. Blocks: call it in a thread. `consume` is called in that thread
        with at most `READ_BYTES` bytes.
        """
        gatherer = _Gatherer(consume)
        try:
            self._read_until_exit(gatherer)
            self._drain(gatherer)
            gatherer.flush()
        except BaseException:
            self.end(grace_s=0)
            raise
        finally:
            held_open = bool(self.pipes)
            self._close_pipes()
            code = self.popen.wait()
            os.close(self.pidfd)
        duration = (self.exited_at or self.clock.monotonic()) - self.started
        if code < 0:
            return Exit(None, _signal_name(-code), duration, held_open)
        return Exit(code, None, duration, held_open)

    def end(
        self,
        *,
        grace_s: float,
        hurry: threading.Event | None = None,
        on_rung: Callable[[CancelRung], None] | None = None,
    ) -> tuple[ProcessIdentity, ...]:
        """End the whole tree as `end_tree` does; somebody must still be pumping its output."""
        return end_tree(
            self.scope.members, grace_s=grace_s, hurry=hurry, on_rung=on_rung, spare=self.popen.pid
        )

    def _read_until_exit(self, gatherer: _Gatherer) -> None:
        poller = self._poller()
        poller.register(self.pidfd, select.POLLIN)
        while True:
            due = gatherer.due_in(self.clock.monotonic())
            ready = poller.poll((REAP_S if due is None else min(due, REAP_S)) * 1000)
            if not ready and due is None:
                reap_orphans(self.popen.pid)
            self._read_ready(poller, ready, gatherer)
            if any(fd == self.pidfd for fd, _ in ready):
                self.exited_at = self.clock.monotonic()
                return

    def _drain(self, gatherer: _Gatherer) -> None:
        poller = self._poller()
        deadline = self.clock.monotonic() + DRAIN_S
        while self.pipes and (left := deadline - self.clock.monotonic()) > 0:
            due = gatherer.due_in(self.clock.monotonic())
            ready = poller.poll((left if due is None else min(due, left)) * 1000)
            self._read_ready(poller, ready, gatherer)

    def _poller(self) -> select.poll:
        poller = select.poll()
        for fd in self.pipes:
            poller.register(fd, select.POLLIN)
        return poller

    def _read_ready(
        self, poller: select.poll, ready: list[tuple[int, int]], gatherer: _Gatherer
    ) -> None:
        for fd, _ in ready:
            if fd not in self.pipes:
                continue
            chunk = os.read(fd, READ_BYTES)
            if len(chunk) == READ_BYTES:
                self._give_room(fd)
            if chunk:
                gatherer.add(self.pipes[fd], chunk, self.clock.monotonic())
            else:
                poller.unregister(fd)
                del self.pipes[fd]
                os.close(fd)
        if gatherer.due_in(self.clock.monotonic()) == 0:
            gatherer.flush()

    def _give_room(self, fd: int) -> None:
        """Let a command that fills its pipe write on while what it wrote is recorded."""
        if fd in self.roomy:
            return
        self.roomy.add(fd)
        with contextlib.suppress(OSError):  # a user may have too many large pipes already
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, ROOM_BYTES)

    def _close_pipes(self) -> None:
        for fd in self.pipes:
            os.close(fd)
        self.pipes.clear()


def _refuse_missing(cwd: Path) -> None:
    try:
        is_there = files.is_folder(cwd)
    except OSError as error:
        raise SpawnFailed(f"cannot start in {cwd}: {error.strerror}") from error
    if not is_there:
        raise SpawnFailed(f"cannot start in {cwd}: no such folder; create it or change cwd")


def _pipe(opened: list[int]) -> tuple[int, int]:
    ends = os.pipe()
    opened += ends
    return ends


def _pidfd(popen: subprocess.Popen[bytes]) -> int:
    """Return a descriptor that tells of a child's end; without one the child may not live."""
    try:
        return os.pidfd_open(popen.pid)
    except OSError:
        popen.kill()
        popen.wait()
        raise


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


@dataclass(frozen=True, slots=True)
class Endings:
    """What may end a command before it ends itself, and how gently.

    `stop` is set to stop it; `stop_grace_s` is asked only then, so that it may depend on who
    stops. `hurry` cuts any grace short. `on_rung` is told of each rung, in a thread.
    """

    stop: anyio.Event
    stop_grace_s: Callable[[], float]
    hurry: threading.Event
    on_rung: Callable[[CancelRung], None]
    timeout_s: float | None = None
    timeout_grace_s: float = 1.0  # docs/formats.md, exit, signal, timeout


async def supervise(tree: ChildTree, consume: Consume, endings: Endings) -> Ending:
    """Pump a tree's output until it is over, stopped or out of time.

    Of a stopped or late command nothing survives. One that exits by itself leaves its background
    processes alone, as the Node original does. Cancellation from outside kills the tree at once
    and passes on.
    """
    over = anyio.Event()
    listening = anyio.CancelScope()
    exits: list[Exit] = []
    cause = Cause.EXITED
    survivors: tuple[ProcessIdentity, ...] = ()

    async def pump() -> None:
        try:
            exits.append(await to_thread.run_sync(tree.pump, consume))
        finally:
            over.set()

    async def listen() -> None:
        with listening:
            await endings.stop.wait()
            over.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pump)
        tasks.start_soon(listen)
        try:
            with anyio.move_on_after(endings.timeout_s) as patience:
                await over.wait()
            if tree.exited_at is None and not exits:
                late = patience.cancelled_caught and not endings.stop.is_set()
                cause = Cause.TIMED_OUT if late else Cause.STOPPED
                survivors = await to_thread.run_sync(_end, tree, endings, cause)
        except BaseException:
            # The group waits for the pump, and the pump for the tree.
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(lambda: tree.end(grace_s=0))
            raise
        listening.cancel()
    return Ending(cause, exits[0], survivors)


def _end(tree: ChildTree, endings: Endings, cause: Cause) -> tuple[ProcessIdentity, ...]:
    if cause is Cause.TIMED_OUT:
        return tree.end(grace_s=endings.timeout_grace_s, hurry=endings.hurry)
    return tree.end(grace_s=endings.stop_grace_s(), hurry=endings.hurry, on_rung=endings.on_rung)
