"""Lock owner: who holds a lock file, whether that process lives, and what a person can do."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import process_identity
from orchestrator_tui.primitives.opening import is_trusted_owner, open_regular
from orchestrator_tui.primitives.process_identity import Presence, ProcessIdentity
from orchestrator_tui.primitives.steps import Step, perform

# Keys and values that the Node original reads; it passes over keys that begin with "x_".
_SCHEMA_VERSION: Final = 1
_KIND: Final = "codex-lock-owner"
_IMPLEMENTATION: Final = "orch-tui"

_MAX_OWNER_BYTES = 4096
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class OwnerStatus(StrEnum):
    """What is known of who holds a lock file."""

    ALIVE = "alive"
    DEAD = "dead"
    REMOTE = "remote"  # on another host: nobody here can tell
    UNVERIFIABLE = "unverifiable"  # names no process that could be asked about here
    UNTRUSTED = "untrusted"  # written by a user who may not speak for this folder
    LEGACY = "legacy"  # names no owner: only its age counts
    UNSIGNED = "unsigned"  # a rival has the kernel lock and no file shows who it is


@dataclass(frozen=True, slots=True)
class LockHolder:
    """Who is in the way of a lock: the file, its owner as far as it tells, its age.

    `may_be_broken` says that the owner is proven gone, or gone as far as can be told for long.
    """

    path: Path
    status: OwnerStatus
    pid: int | None = None
    host: str | None = None
    age_s: float | None = None
    may_be_broken: bool = False


@dataclass(frozen=True, slots=True)
class PinnedLock:
    """A lock file that is open, so that its inode's number cannot become another file's."""

    path: Path
    descriptor: int
    status: os.stat_result
    owner: dict[str, Any] | None

    @property
    def token(self) -> str | None:
        """The random text that tells this taking of the lock from every other."""
        return None if self.owner is None else _text(self.owner.get("token"))

    def is_in_place(self) -> bool:
        """Tell whether the file that is open is still the one at the path."""
        try:
            there = perform(Step.STAT, self.path, os.stat, self.path, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (self.status.st_dev, self.status.st_ino)


@contextlib.contextmanager
def pinned(path: Path) -> Iterator[PinnedLock | None]:
    """Open a lock file and read its owner; None if there is no file.

    At most 4 KiB are read. Content that names no owner gives `owner` None.

    Raises:
        UnsuitableFile: What lies there is not a regular file.
        OSError: The environment refuses.
    """
    try:
        descriptor, status = open_regular(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield None
        return
    try:
        content = perform(Step.READ, path, os.pread, descriptor, _MAX_OWNER_BYTES + 1, 0)
        yield PinnedLock(path, descriptor, status, _parsed(content))
    finally:
        os.close(descriptor)


def signed(token: str, task_id: str, stale_after_s: float, now: datetime) -> bytes:
    """Return the line that says that this process holds a lock; `now` is aware."""
    own = process_identity.own_identity()
    utc = now.astimezone(UTC)
    owner = {
        "schema_version": _SCHEMA_VERSION,
        "kind": _KIND,
        "token": token,
        "task_id": task_id,
        "pid": own.pid,
        "host": own.host,
        "acquired_at": f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z",
        "stale_ms": round(stale_after_s * 1000) or None,
        "x_start_ticks": own.start_ticks,
        "x_boot_id": own.boot_id,
        "x_pid_ns": own.pid_ns,
        "x_impl": _IMPLEMENTATION,
    }
    return json.dumps(owner, separators=(",", ":")).encode() + b"\n"


def judge(
    lock: PinnedLock, now: datetime, stale_after_s: float, live_tokens: frozenset[str]
) -> LockHolder:
    """Return who holds a lock and whether it may be broken.

    The death of an owner is proven where it gave boot and pid namespace and they are ours. Without
    that proof, or without an owner, the file's age must exceed `stale_after_s` as well; 0 breaks
    nothing by age. An owner of another host or namespace is never judged.

    Args:
        lock: The lock, open.
        now: Aware; an age is never less than 0.
        stale_after_s: Seconds.
        live_tokens: The tokens that this process still uses: a lock of its own with another token
            was left by a failed release.
    """
    age_s = _age_s(lock.status, now)
    status, is_proven = _assess(lock, live_tokens)
    is_old = 0 < stale_after_s < age_s
    is_nobodys = status in (OwnerStatus.DEAD, OwnerStatus.LEGACY)
    owner = lock.owner or {}
    return LockHolder(
        lock.path,
        status,
        pid=_whole_number(owner.get("pid")),
        host=_text(owner.get("host")),
        age_s=age_s,
        may_be_broken=is_nobodys and (is_proven or is_old),
    )


def describe(holder: LockHolder, stale_after_s: float) -> str:
    """Return in one line who holds a lock and the way out, ended by the Node original's summary."""
    pid = "an unknown process" if holder.pid is None else f"pid {holder.pid}"
    host = "an unknown host" if holder.host is None else f"host {holder.host}"
    age = "" if holder.age_s is None else f" for {holder.age_s:.0f} s"
    summary = (
        f"[lock_diagnostics path={holder.path} owner_status={holder.status}"
        f" recoverable={str(holder.may_be_broken).lower()}]"
    )
    way_out = _way_out(holder, stale_after_s)
    return f"{holder.path} held by {pid} on {host}{age} ({holder.status}); {way_out} {summary}"


def _way_out(holder: LockHolder, stale_after_s: float) -> str:
    by_hand = f"make sure that it has ended, then: rm '{holder.path}'"
    match holder.status:
        case OwnerStatus.ALIVE:
            return "wait until it has finished, or end it"
        case OwnerStatus.UNSIGNED:
            return "a rival on this host is at work; try again"
        case OwnerStatus.DEAD | OwnerStatus.LEGACY if stale_after_s > 0:
            return f"given up by itself once older than {stale_after_s:g} s; to hurry, {by_hand}"
        case _:
            return by_hand


def _assess(lock: PinnedLock, live_tokens: frozenset[str]) -> tuple[OwnerStatus, bool]:
    """Return the owner's status, and whether its death is proven by more than the file's age."""
    if lock.owner is None:
        return OwnerStatus.LEGACY, False
    if not _is_trusted(lock):
        return OwnerStatus.UNTRUSTED, False
    identity = _identity(lock.owner)
    if identity is None:
        return OwnerStatus.UNVERIFIABLE, False
    own = process_identity.own_identity()
    if identity == own and lock.token not in live_tokens:
        return OwnerStatus.DEAD, True
    is_complete = None not in (own.boot_id, own.pid_ns) and (
        (identity.boot_id, identity.pid_ns) == (own.boot_id, own.pid_ns)
    )
    match process_identity.presence(identity):
        case Presence.GONE | Presence.REBOOTED:
            return OwnerStatus.DEAD, is_complete
        case Presence.ELSEWHERE:
            return OwnerStatus.REMOTE, False
        case Presence.ALIVE:
            return OwnerStatus.ALIVE, False
        case Presence.UNKNOWN:
            is_there = process_identity.identity_of(identity.pid) is not None
            judged = identity.start_ticks is None and is_there
            return OwnerStatus.ALIVE if judged else OwnerStatus.UNVERIFIABLE, False


def _is_trusted(lock: PinnedLock) -> bool:
    return is_trusted_owner(lock.path, lock.status)


def _identity(owner: dict[str, Any]) -> ProcessIdentity | None:
    pid, host = _whole_number(owner.get("pid")), _text(owner.get("host"))
    if pid is None or host is None or not 0 < pid < 2**31:  # 0 and below would name groups
        return None
    return ProcessIdentity(
        pid,
        start_ticks=_whole_number(owner.get("x_start_ticks")),
        boot_id=_text(owner.get("x_boot_id")),
        pid_ns=_whole_number(owner.get("x_pid_ns")),
        host=host,
    )


def _parsed(content: bytes) -> dict[str, Any] | None:
    if len(content) > _MAX_OWNER_BYTES:
        return None
    try:
        owner = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return owner if isinstance(owner, dict) and owner.get("kind") == _KIND else None


def _age_s(status: os.stat_result, now: datetime) -> float:
    now_ns = (now - _EPOCH) // _MICROSECOND * 1000
    return max(0, now_ns - status.st_mtime_ns) / 1e9


def _whole_number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
