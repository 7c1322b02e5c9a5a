"""A tree of processes: who belongs to it, and how all of it ends: politely, then not."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.primitives.process_identity import (
    ProcessIdentity,
    descendants,
    send_signal,
)
from orchestrator_tui.store.detached import detached_within

GRACE_POLL_S = 0.02
SWEEP_PAUSE_S = 0.005
MAX_SWEEPS = 400  # about two seconds; what is left then does not react to SIGKILL
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h

Members: TypeAlias = Callable[[], tuple[ProcessIdentity, ...]]


class CancelRung(StrEnum):
    """How far the ending of a process tree has come."""

    ASKED = "asked"
    TERM = "term"
    KILL = "kill"


def become_subreaper() -> None:
    """Have orphans below this process become its children, so that none leaves its tree.

    Where the kernel refuses, daemons of a command escape the kill ladder, nothing else.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _has_children() -> bool:
    """Tell whether this process has any child, living or not, without a look at /proc."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _in_own_session(pid: int) -> bool:
    """Tell whether a process shares our session; a command's processes never can."""
    try:
        return os.getsid(pid) == os.getsid(0)
    except ProcessLookupError:
        return False


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        # not reached: whoever else collects it would have to come in between
        return


def reap_orphans(spare: int | None = None) -> None:
    """Collect ended children that were adopted; `spare` is a child that its owner collects."""
    while True:
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None or found.si_pid == spare or _in_own_session(found.si_pid):
            return
        _reap(found.si_pid)


class TreeScope:
    """The processes that began below this one since the scope was made.

    A process belongs to it if it descends from this process, runs in another session and does not
    descend from a child that was there before, nor from a detached runner. Needs
    `become_subreaper` to see daemons.
    """

    def __init__(self) -> None:
        self._before = frozenset(descendants(os.getpid()) if _has_children() else ())

    def members(self) -> tuple[ProcessIdentity, ...]:
        """Return the living processes of the scope."""
        if not _has_children():
            return ()
        alive = descendants(os.getpid())
        strangers = {
            process
            for known in self._before.intersection(alive)
            for process in (known, *descendants(known.pid))
        } | detached_within(alive)
        return tuple(p for p in alive if p not in strangers and not _in_own_session(p.pid))


def end_tree(
    find_members: Members,
    *,
    grace_s: float,
    hurry: threading.Event | None = None,
    on_rung: Callable[[CancelRung], None] | None = None,
    spare: int | None = None,
) -> tuple[ProcessIdentity, ...]:
    """End every process that `find_members` finds; return those left, which should be none.

    SIGTERM (with SIGCONT, so that a stopped process hears it) goes to all; after `grace_s` seconds,
    or as soon as `hurry` is set, all are frozen by SIGSTOP, looked for again and killed, until two
    looks in a row find nobody. Blocks: call it in a thread.

    Args:
        find_members: Looks for the living processes to end, anew each time.
        grace_s: Seconds between SIGTERM and SIGKILL.
        hurry: Set by another thread to cut the grace short.
        on_rung: Told of each rung before its signals are sent.
        spare: A child whose exit status its owner collects.
    """
    hurry = hurry or threading.Event()
    tell = on_rung or (lambda rung: None)
    members = find_members()
    if not members:
        return ()
    tell(CancelRung.TERM)
    for process in members:
        _signal(process, signal.SIGTERM)
        _signal(process, signal.SIGCONT)
    deadline = SYSTEM_CLOCK.monotonic() + grace_s
    while (members := find_members()) and SYSTEM_CLOCK.monotonic() < deadline:
        reap_orphans(spare)
        if hurry.wait(GRACE_POLL_S):
            break
    if members:
        tell(CancelRung.KILL)
    return _sweep(find_members, spare)


def _signal(process: ProcessIdentity, number: signal.Signals) -> None:
    """Signal one process; another user's (a set-uid program) stays, and is told as a survivor."""
    with contextlib.suppress(PermissionError):
        send_signal(process, number)


def _sweep(find_members: Members, spare: int | None) -> tuple[ProcessIdentity, ...]:
    """Freeze, look again, kill, until two looks in a row find nobody."""
    empty = 0
    for _ in range(MAX_SWEEPS):
        members = find_members()
        empty = 0 if members else empty + 1
        if empty == 2:
            break
        # A frozen process cannot fork, so what the second look finds is all there is to kill.
        for process in members:
            _signal(process, signal.SIGSTOP)
        for process in find_members() if members else ():
            _signal(process, signal.SIGKILL)
        reap_orphans(spare)
        time.sleep(SWEEP_PAUSE_S)
    return find_members()
