"""Process identity: is that process still that process, and who descends from it."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Iterator
from enum import StrEnum

from orchestrator_tui.dataclass import dataclass

_MAX_PID = 2**31 - 1
_DEAD_STATES = frozenset("ZXx")  # a zombie still answers signal 0, and is dead
_STAT_BYTES = 4096
_ENVIRON_BYTES = 2 * 1024 * 1024  # the kernel takes no more than this for arguments and environment


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """Names one process for good: a number is given again, a start within one boot is not.

    `start_ticks` is field 22 of /proc/<pid>/stat, `pid_ns` the inode of the pid namespace; each is
    None where it is not known.
    """

    pid: int
    start_ticks: int | None
    boot_id: str | None
    pid_ns: int | None
    host: str


class Presence(StrEnum):
    """What can be said about a process from here."""

    ALIVE = "alive"
    GONE = "gone"  # ended, or its number belongs to another process now
    REBOOTED = "rebooted"  # its host was started anew since
    ELSEWHERE = "elsewhere"  # on another host
    UNKNOWN = "unknown"  # another pid namespace, no /proc, or too little is known of it


@dataclass(frozen=True, slots=True)
class _Stat:
    """What `/proc/PID/stat` says of a process."""

    pid: int
    state: str
    parent: int
    group: int
    start_ticks: int

    @property
    def is_dead(self) -> bool:
        return self.state in _DEAD_STATES


def identity_of(pid: int) -> ProcessIdentity | None:
    """Return the identity of a living process; None if it has ended, a zombie included."""
    found = _stat(pid)
    return None if found is None or found.is_dead else _identity(found)


def own_identity() -> ProcessIdentity:
    """Return the identity of this process; `start_ticks` is None where /proc is missing."""
    own = _stat(os.getpid())
    ticks = None if own is None else own.start_ticks
    return ProcessIdentity(os.getpid(), ticks, boot_id(), pid_namespace(), host_name())


def presence(identity: ProcessIdentity) -> Presence:
    """Tell whether the process that `identity` names still lives."""
    if identity.host != host_name():
        return Presence.ELSEWHERE
    if _differ(identity.boot_id, boot_id()):
        return Presence.REBOOTED
    if not has_proc() or _differ(identity.pid_ns, pid_namespace()):
        return Presence.UNKNOWN
    found = _stat(identity.pid)
    if found is None or found.is_dead or _differ(identity.start_ticks, found.start_ticks):
        return Presence.GONE
    return Presence.UNKNOWN if identity.start_ticks is None else Presence.ALIVE


def descendants(root_pid: int) -> tuple[ProcessIdentity, ...]:
    """Return the living children of a process and theirs, parents first, zombies left out."""
    children: dict[int, list[_Stat]] = {}
    for found in _all_stats():
        children.setdefault(found.parent, []).append(found)
    line, living = [root_pid], []
    for pid in line:  # grows while it is walked
        for child in children.pop(pid, ()):
            line.append(child.pid)
            if not child.is_dead:
                living.append(_identity(child))
    return tuple(living)


def members_of_group(pgid: int) -> tuple[ProcessIdentity, ...]:
    """Return the living processes of a process group, zombies left out."""
    return tuple(
        _identity(found) for found in _all_stats() if found.group == pgid and not found.is_dead
    )


def processes_given(entry: bytes) -> tuple[ProcessIdentity, ...]:
    """Return the living processes that were started with `NAME=value` in their environment.

    Processes whose environment may not be read, those of other users, are left out.
    """
    return tuple(
        _identity(found)
        for found in _all_stats()
        if not found.is_dead and _was_given(found.pid, entry)
    )


def _was_given(pid: int, entry: bytes) -> bool:
    try:
        descriptor = os.open(f"/proc/{pid}/environ", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    content = b""
    try:
        while len(content) < _ENVIRON_BYTES and (part := os.read(descriptor, _ENVIRON_BYTES)):
            content += part
    except OSError:
        # not reached: the process would have to end between two calls
        return False
    finally:
        os.close(descriptor)
    return entry in content.split(b"\0")


def process_name(identity: ProcessIdentity) -> str | None:
    """Return what a process calls itself, at most 15 bytes; None once it has ended."""
    found = _read(f"/proc/{identity.pid}/comm")
    if found is None or presence(identity) is not Presence.ALIVE:
        return None
    return found.decode("utf-8", "replace").strip()


def first_words(pid: int) -> tuple[bytes, ...]:
    """Return the words that a process was started with, of very many the first; none if ended."""
    return tuple((_read(f"/proc/{pid}/cmdline") or b"").split(b"\0"))


def send_signal(identity: ProcessIdentity, signum: int) -> bool:
    """Signal exactly the process that `identity` names, never one that has its number now.

    Returns:
        False if it is gone, or not proven to be the one: then nothing was signalled.

    Raises:
        PermissionError: It belongs to another user.
        OSError: The kernel has no pidfd.
    """
    if not 0 < identity.pid <= _MAX_PID:  # 0 and negative numbers would signal groups
        return False
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return False
    try:
        # The descriptor pins the process; only now is it certain which one was pinned.
        if presence(identity) is not Presence.ALIVE:
            return False
        signal.pidfd_send_signal(descriptor, signum)
    except ProcessLookupError:
        # not reached: needs a process that ends between two calls
        return False
    finally:
        os.close(descriptor)
    return True


@functools.cache
def boot_id() -> str | None:
    """Return the id of this boot of the machine, or None where it is not told."""
    text = _read("/proc/sys/kernel/random/boot_id")
    return None if text is None else text.decode("ascii", "replace").strip()


@functools.cache
def pid_namespace() -> int | None:
    """Return the inode of this process's pid namespace, or None where it is not told."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        # not reached: every Linux has this file
        return None


@functools.cache
def has_proc() -> bool:
    """Tell whether /proc shows processes; without it nobody's death can be proven."""
    return _stat(os.getpid()) is not None


def resident_bytes() -> int:
    """Return how much memory this process has in use; 0 where that is not told."""
    _, pages, *_ = [*(_read("/proc/self/statm") or b"").split(), b"0", b"0"]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") if pages.isdigit() else 0


def host_name() -> str:
    """Return the name of this host, as the Node original's `os.hostname()` does."""
    return os.uname().nodename


def _identity(found: _Stat) -> ProcessIdentity:
    return ProcessIdentity(found.pid, found.start_ticks, boot_id(), pid_namespace(), host_name())


def _differ(known: object, current: object) -> bool:
    return known is not None and current is not None and known != current


def _all_stats() -> Iterator[_Stat]:
    for name in os.listdir("/proc"):
        if name.isdigit() and (found := _stat(int(name))) is not None:
            yield found


def _stat(pid: int) -> _Stat | None:
    if not 0 < pid <= _MAX_PID:
        return None
    line = _read(f"/proc/{pid}/stat")
    return None if line is None else _parse_stat(pid, line)


def _parse_stat(pid: int, line: bytes) -> _Stat | None:
    # A process chooses its own name, brackets and all: only the last bracket is the kernel's.
    fields = line[line.rfind(b")") + 1 :].split()
    try:
        return _Stat(
            pid=pid,
            state=fields[0].decode("ascii", "replace"),
            parent=int(fields[1]),
            group=int(fields[2]),
            start_ticks=int(fields[19]),
        )
    except (IndexError, ValueError):
        return None


def _read(path: str) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(descriptor, _STAT_BYTES)
    except OSError:
        # not reached: the process would have to end between two calls
        return None
    finally:
        os.close(descriptor)
