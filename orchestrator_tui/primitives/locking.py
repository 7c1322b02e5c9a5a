"""Locking: one writer at a time, retried, with the owner named."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.primitives.life_lock import NO_KERNEL_LOCKS, AlreadyHeld, LifeLock
from orchestrator_tui.primitives.lock_owner import (
    LockHolder,
    OwnerStatus,
    describe,
    judge,
    pinned,
    signed,
)
from orchestrator_tui.primitives.opening import open_regular
from orchestrator_tui.primitives.steps import Step, perform

__all__ = [
    "AlreadyHeld",
    "FileLock",
    "LifeLock",
    "LockRetry",
    "LockTimeout",
]

STALE_AFTER_S = 300.0  # docs/interop.md, locks: the Node original's
_TAKES = 3  # how often one attempt clears a stale file before it counts as failed
_REFRESH_AFTER_S = 60.0  # a lock held this long is touched: some peers judge by age alone


@dataclass(frozen=True, slots=True)
class LockRetry:
    """How long to try: nominal delays of 100, 200, 400 and 800 ms between five attempts.

    These are the Node original's numbers. Each delay varies by the share `jitter` of itself, so
    that rivals part. After `deadline_s` nothing more is tried.
    """

    attempts: int = 5
    first_delay_s: float = 0.1
    factor: float = 2.0
    max_delay_s: float = 1.0
    jitter: float = 0.5
    deadline_s: float = 2.9

    @classmethod
    def with_overrides(cls, **values: float | None) -> Self:
        """Return the defaults with those values that are not None in their place.

        Raises:
            TypeError: A name is that of no field.
        """
        given: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
        if "attempts" in given:
            given["attempts"] = int(given["attempts"])
        return cls(**given)

    def delays_s(self) -> tuple[float, ...]:
        """Return the delays between the attempts, before jitter."""
        delays_s: list[float] = []
        delay_s = self.first_delay_s
        for _ in range(self.attempts - 1):
            delays_s.append(min(delay_s, self.max_delay_s))
            delay_s = min(delay_s * self.factor, self.max_delay_s)
        return tuple(delays_s)


DEFAULT_RETRY = LockRetry()


class LockTimeout(Exception):
    """A lock was not free in any attempt; the text names its owner and the way out.

    `diagnostics` is the part of the text that tells of the owner.
    """

    def __init__(self, path: Path, attempts: int, diagnostics: str) -> None:
        super().__init__(f"{path} was not free in {attempts} attempts: {diagnostics}")
        self.path = path
        self.attempts = attempts
        self.diagnostics = diagnostics


class _OwnLocks:
    """What this process's threads hold or are about to take: kernel locks do not part threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._paths: set[str] = set()
        self._tokens: set[str] = set()

    def take(self, path: Path) -> bool:
        """Claim a path for one thread; False if another has it."""
        key = os.path.abspath(path)
        with self._guard:
            if key in self._paths:
                return False
            self._paths.add(key)
            return True

    def drop(self, path: Path) -> None:
        """Give a path free."""
        with self._guard:
            self._paths.discard(os.path.abspath(path))

    def new_token(self) -> str:
        """Return a fresh token that counts as in use."""
        token = os.urandom(16).hex()
        with self._guard:
            self._tokens.add(token)
        return token

    def retire(self, token: str) -> None:
        """Declare that a token is no longer in use, whatever file still holds it."""
        with self._guard:
            self._tokens.discard(token)

    def tokens(self) -> frozenset[str]:
        """Return the tokens in use."""
        with self._guard:
            return frozenset(self._tokens)


_own = _OwnLocks()


class FileLock:
    """A lock file that the Node original respects, taken under a kernel lock that it need not know.

    Three files lie side by side: `L.flock` carries the kernel lock, is empty and never removed;
    `L.acquire` is the guard under which a stale lock is judged; and `L`. The last two hold one line
    of JSON that names the owner, and appear complete or not at all. Who may break a stale lock is
    so a question for the kernel, whose answer dies with its holder.

    A lock is broken at once if its owner is proven dead; without a full proof, or without a named
    owner, once its age exceeds `stale_after_s` too; never if its owner is on another host. Not
    reentrant. One object serves one thread.

    Args:
        path: The lock file `L`; its folder is made.
        task_id: Written into the lock for whoever wonders.
        retry: How often and how long to try.
        stale_after_s: Age that a lock must exceed; 0 breaks none by age.
        clock: Tells ages and the deadline.
        sleep: Waits between attempts.
        on_retry: Called before each wait with the number of the failed attempt and the delay in s.
        random: Gives numbers from 0 to 1; 0.5 means the nominal delays.
    """

    def __init__(
        self,
        path: Path,
        *,
        task_id: str,
        retry: LockRetry = DEFAULT_RETRY,
        stale_after_s: float = STALE_AFTER_S,
        clock: Clock = SYSTEM_CLOCK,
        sleep: Callable[[float], None] = time.sleep,
        on_retry: Callable[[int, float], None] | None = None,
        random: Callable[[], float] = random.random,
    ) -> None:
        self.path = path
        self._task_id = task_id
        self._retry = retry
        self._stale_after_s = stale_after_s
        self._clock = clock
        self._sleep = sleep
        self._on_retry = on_retry
        self._random = random
        self._tokens: dict[Path, str] = {}  # what was or may have been published, and where
        self._kernel_lock: int | None = None
        self._is_claimed = False
        self._fresh_since = 0.0

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            LockTimeout: It was not free in any attempt.
            UnsuitableFile: Something that is no regular file lies in its place.
            OSError: The environment refuses.
            RuntimeError: This object holds it already.
        """
        if self._tokens:
            raise RuntimeError(f"{self.path} is held by this object already")
        files.make_folder(self.path.parent)
        give_up_at = self._clock.monotonic() + self._retry.deadline_s
        delays_s: tuple[float | None, ...] = (*self._retry.delays_s(), None)
        for attempt, delay_s in enumerate(delays_s, start=1):
            holder = self._attempt()
            if holder is None:
                return
            left_s = give_up_at - self._clock.monotonic()
            if delay_s is None or left_s <= 0:
                raise LockTimeout(self.path, attempt, describe(holder, self._stale_after_s))
            self._wait(attempt, min(self._jittered(delay_s), left_s))

    def release(self) -> None:
        """Let go; the lock file is removed only if it still holds this object's token.

        Does nothing if the lock is not held.

        Raises:
            OSError: The environment refuses; all the same the lock counts as free from now on.
        """
        with contextlib.ExitStack() as last_to_first:  # each of them, whichever fails
            last_to_first.callback(self._let_rivals_in)
            last_to_first.callback(self._forget_tokens)
            for path, token in self._tokens.items():
                last_to_first.callback(_remove_own, path, token)

    def still_held(self) -> bool:
        """Tell whether the lock file still holds this object's token; ask before what matters.

        A lock held for over a minute is touched, so that peers that judge by age leave it alone.

        Raises:
            OSError: The environment refuses to tell.
        """
        with pinned(self.path) as lock:
            if lock is None or lock.token is None or lock.token != self._tokens.get(self.path):
                return False
            if self._clock.monotonic() - self._fresh_since > _REFRESH_AFTER_S:
                perform(Step.TOUCH, self.path, os.utime, lock.descriptor)
                self._fresh_since = self._clock.monotonic()
        return True

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _wait(self, attempt: int, delay_s: float) -> None:
        if self._on_retry is not None:
            self._on_retry(attempt, delay_s)
        self._sleep(delay_s)

    def _jittered(self, delay_s: float) -> float:
        return delay_s * (1.0 + self._retry.jitter * (2.0 * self._random() - 1.0))

    def _attempt(self) -> LockHolder | None:
        """Try once; return who is in the way, or None if the lock is now held."""
        try:
            holder = self._take_under_guard() if self._keep_rivals_out() else self._rival()
            self._fresh_since = self._clock.monotonic()
        except BaseException:
            with contextlib.suppress(OSError):
                self.release()
            raise
        if holder is not None:
            self._let_rivals_in()
        return holder

    def _keep_rivals_out(self) -> bool:
        """Take what no stale file can hold: the claim among threads, the kernel lock."""
        self._is_claimed = _own.take(self.path)
        if not self._is_claimed:
            return False
        self._kernel_lock = _open_kernel_lock(_beside(self.path, ".flock"))
        return _lock_kernel(self._kernel_lock, self.path)

    def _let_rivals_in(self) -> None:
        descriptor, self._kernel_lock = self._kernel_lock, None
        if descriptor is not None:
            os.close(descriptor)
        if self._is_claimed:
            self._is_claimed = False
            _own.drop(self.path)

    def _rival(self) -> LockHolder:
        with pinned(self.path) as lock:
            if lock is None:
                return LockHolder(self.path, OwnerStatus.UNSIGNED)
            return judge(lock, self._clock.now(), self._stale_after_s, _own.tokens())

    def _take_under_guard(self) -> LockHolder | None:
        guard = _beside(self.path, ".acquire")
        holder = self._take(guard)
        if holder is None:
            holder = self._take(self.path)
            _remove_own(guard, self._tokens[guard])
            self._forget_token(guard)
        return holder

    def _take(self, path: Path) -> LockHolder | None:
        """Publish a token at `path`, clearing stale ones; return who is in the way, or None."""
        # Remembered before it is published: whatever is raised meanwhile, it is let go again.
        token = self._tokens[path] = _own.new_token()
        holder = LockHolder(path, OwnerStatus.UNSIGNED)
        for _ in range(_TAKES):
            line = signed(token, self._task_id, self._stale_after_s, self._clock.now())
            if files.publish(path, line):
                return None
            holder = self._break(path) or holder
            if not holder.may_be_broken and holder.status is not OwnerStatus.UNSIGNED:
                break
        self._forget_token(path)
        return holder

    def _forget_token(self, path: Path) -> None:
        _own.retire(self._tokens.pop(path))

    def _forget_tokens(self) -> None:
        for path in tuple(self._tokens):
            self._forget_token(path)

    def _break(self, path: Path) -> LockHolder | None:
        """Remove a lock that may be broken; return who held it, None if it is gone already."""
        with pinned(path) as lock:
            if lock is None:
                return None
            holder = judge(lock, self._clock.now(), self._stale_after_s, _own.tokens())
            if holder.may_be_broken and lock.is_in_place():
                files.remove(path)
            return holder


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _open_kernel_lock(path: Path) -> int:
    try:
        return files.open_descriptor(path, create=True)
    except PermissionError:  # made by another user: reading is enough to lock it
        descriptor, _ = open_regular(path, os.O_RDONLY | os.O_NOFOLLOW)
        return descriptor


def _lock_kernel(descriptor: int, path: Path) -> bool:
    try:
        perform(Step.LOCK, path, fcntl.flock, descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # Without kernel locks the guard and the lock file still part all processes.
        if error.errno not in NO_KERNEL_LOCKS:
            raise
    return True


def _remove_own(path: Path, token: str) -> None:
    """Remove a lock file if it still holds `token`."""
    with pinned(path) as lock:
        if lock is not None and lock.token == token and lock.is_in_place():
            files.remove(path)
