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
from typing import Generic, TypeAlias, TypeVar

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
_Finished = TypeVar("_Finished")


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


async def supervise(
    start: Callable[[], ChildTree],
    consume: Consume,
    endings: Endings,
    finish: Callable[[Ending], _Finished],
) -> _Finished:
    """Run a command until it is over, stopped or out of time, and return what `finish` makes of it.

    Of a stopped or late command nothing survives. One that exits by itself leaves its background
    processes alone, as the Node original does. Cancellation from outside kills the tree at once
    and passes on.

    Args:
        start: Starts it; called in a thread, the one in which it is read and, if it ends by itself,
            finished: each change of thread takes as long as writing a small file.
        consume: Takes its output, in that thread.
        endings: What may end it early.
        finish: Called once, in a thread, when it is over.

    Raises:
        SpawnFailed: It could not be started.
    """
    return await _Supervision(start, consume, endings, finish).run()


class _Supervision(Generic[_Finished]):
    """One command from its start to its end, in a thread, and whoever may end it sooner."""

    def __init__(
        self,
        start: Callable[[], ChildTree],
        consume: Consume,
        endings: Endings,
        finish: Callable[[Ending], _Finished],
    ) -> None:
        self._start = start
        self._consume = consume
        self._endings = endings
        self._finish = finish
        self._over = anyio.Event()
        self._listening = anyio.CancelScope()
        self._tree: ChildTree | None = None
        self._has_started = threading.Event()  # or could not
        self._exit: Exit | None = None
        self._turn = threading.Lock()
        self._cause: Cause | None = None
        self._finished: list[_Finished] = []
        self._error: Exception | None = None

    async def run(self) -> _Finished:
        """Return what `finish` made of it."""
        survivors: tuple[ProcessIdentity, ...] = ()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._await_work)
            tasks.start_soon(self._listen)
            try:
                is_late = not await self._is_over_in_time()
                if self._exit is None and self._error is None:
                    survivors = await self._end(Cause.TIMED_OUT if is_late else Cause.STOPPED)
            except BaseException:
                # The group waits for the thread, and the thread for the tree.
                with anyio.CancelScope(shield=True):
                    if (tree := await self._known_tree()) is not None:
                        await to_thread.run_sync(lambda: tree.end(grace_s=0))
                raise
            self._listening.cancel()
        if self._error is not None:
            raise self._error
        if not self._finished and self._exit is not None:
            ending = Ending(self._cause or Cause.EXITED, self._exit, survivors)
            self._finished.append(await to_thread.run_sync(self._finish, ending))
        return self._finished[0]

    def _work(self) -> None:
        try:
            self._tree = self._start()
        finally:
            self._has_started.set()
        self._exit = self._tree.pump(self._consume)
        if self._is_by(Cause.EXITED):
            self._finished.append(self._finish(Ending(Cause.EXITED, self._exit)))

    async def _await_work(self) -> None:
        try:
            await to_thread.run_sync(self._work)
        except Exception as error:
            self._error = error  # raised as it is, not as one of a group
        finally:
            self._over.set()
            self._listening.cancel()

    async def _listen(self) -> None:
        with self._listening:
            await self._endings.stop.wait()
            self._over.set()

    async def _is_over_in_time(self) -> bool:
        limit_s = left_s = self._endings.timeout_s
        while True:
            with anyio.move_on_after(left_s):
                await self._over.wait()
            if self._over.is_set() or limit_s is None:
                return True
            # The time that starting it takes is not the command's.
            tree = self._tree
            left_s = tree.started + limit_s - tree.clock.monotonic() if tree else limit_s
            if left_s <= 0:
                return False

    async def _end(self, cause: Cause) -> tuple[ProcessIdentity, ...]:
        tree = await self._known_tree()
        if tree is None or tree.exited_at is not None or not self._is_by(cause):
            return ()
        return await to_thread.run_sync(_end, tree, self._endings, cause)

    async def _known_tree(self) -> ChildTree | None:
        if not self._has_started.is_set():
            await to_thread.run_sync(self._has_started.wait)
        return self._tree

    def _is_by(self, cause: Cause) -> bool:
        """Settle why it is over, if that is not settled: its thread and others may say so."""
        with self._turn:
            self._cause = self._cause or cause
            return self._cause is cause


def _end(tree: ChildTree, endings: Endings, cause: Cause) -> tuple[ProcessIdentity, ...]:
    if cause is Cause.TIMED_OUT:
        return tree.end(grace_s=endings.timeout_grace_s, hurry=endings.hurry)
    return tree.end(grace_s=endings.stop_grace_s(), hurry=endings.hurry, on_rung=endings.on_rung)
