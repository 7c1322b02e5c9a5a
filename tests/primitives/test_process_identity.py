"""Process identity: real processes, their zombies, children, groups and lying names."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator_tui.primitives import process_identity
from orchestrator_tui.primitives.process_identity import (
    Presence,
    ProcessIdentity,
    descendants,
    identity_of,
    members_of_group,
    own_identity,
    presence,
    send_signal,
)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that waits to be killed."""
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def living(process: subprocess.Popen[bytes]) -> ProcessIdentity:
    identity = identity_of(process.pid)
    assert identity is not None
    return identity


def test_this_process_is_alive() -> None:
    own = own_identity()
    assert own.pid == os.getpid()
    assert own == identity_of(os.getpid())
    assert presence(own) is Presence.ALIVE


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"start_ticks": 1}, Presence.GONE),  # the number was given to another process
        ({"pid": 2**22 + 1}, Presence.GONE),
        ({"boot_id": "another boot"}, Presence.REBOOTED),
        ({"host": "another-host"}, Presence.ELSEWHERE),
        ({"host": "another-host", "pid": 2**22 + 1}, Presence.ELSEWHERE),
        ({"pid_ns": 1}, Presence.UNKNOWN),
        ({"start_ticks": None}, Presence.UNKNOWN),
        ({"start_ticks": None, "pid": 2**22 + 1}, Presence.GONE),
        ({"boot_id": None, "pid_ns": None}, Presence.ALIVE),
        ({"pid": 0}, Presence.GONE),
        ({"pid": -1}, Presence.GONE),
        ({"pid": 2**40}, Presence.GONE),
    ],
)
def test_what_is_known_of_a_process_decides(
    change: dict[str, int | str | None], expected: Presence
) -> None:
    assert presence(replace(own_identity(), **change)) is expected  # type: ignore[arg-type]


def test_without_proc_nobody_is_declared_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_identity, "has_proc", lambda: False)
    assert presence(replace(own_identity(), pid=2**22 + 1)) is Presence.UNKNOWN


def test_a_killed_process_is_gone_even_before_it_is_reaped(
    sleeper: subprocess.Popen[bytes],
) -> None:
    identity = living(sleeper)
    assert presence(identity) is Presence.ALIVE
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here on
    assert presence(identity) is Presence.GONE
    assert identity_of(sleeper.pid) is None
    assert identity not in descendants(os.getpid())
    sleeper.wait()
    assert presence(identity) is Presence.GONE


def test_a_signal_goes_to_the_very_process_and_to_no_successor(
    sleeper: subprocess.Popen[bytes],
) -> None:
    identity = living(sleeper)
    for stranger in (
        replace(identity, start_ticks=1),
        replace(identity, start_ticks=None),
        replace(identity, host="another-host"),
        replace(identity, pid=0),
        replace(identity, pid=-sleeper.pid),
        replace(identity, pid=2**22 + 1),
    ):
        assert not send_signal(stranger, signal.SIGKILL)
    assert sleeper.poll() is None
    assert send_signal(identity, signal.SIGTERM)
    assert sleeper.wait(timeout=10) == -signal.SIGTERM
    assert not send_signal(identity, signal.SIGTERM)


def test_descendants_are_found_across_sessions_parents_first() -> None:
    script = (
        "import subprocess, sys\n"
        "child = subprocess.Popen(['sh', '-c', 'sleep 60 & echo $!; wait'],"
        " start_new_session=True, stdout=subprocess.PIPE)\n"
        "print(child.pid, child.stdout.readline().decode().strip(), flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child, grandchild = map(int, parent.stdout.readline().split())
        assert [found.pid for found in descendants(parent.pid)] == [child, grandchild]
        assert [found.pid for found in members_of_group(child)] == [child, grandchild]
        assert {child, grandchild} < {found.pid for found in descendants(os.getpid())}
        for found in descendants(parent.pid):
            assert send_signal(found, signal.SIGKILL)
        parent.communicate()
    assert descendants(parent.pid) == ()
    assert members_of_group(child) == ()


def set_own_name(name: bytes) -> None:
    ctypes.CDLL(None).prctl(15, name, 0, 0, 0)  # PR_SET_NAME


@pytest.mark.parametrize("name", [b"a) R 1 2 (x", b")", b"((", b"\n)\n", b") S 1 1 1"])
def test_a_process_cannot_hide_behind_its_name(name: bytes) -> None:
    before = own_identity()
    comm = Path("/proc/self/comm").read_bytes().rstrip(b"\n")
    set_own_name(name)
    try:
        assert own_identity() == before
        assert presence(before) is Presence.ALIVE
    finally:
        set_own_name(comm)


def test_a_process_that_ends_while_it_is_looked_at_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for torn in (b"", b"12 (x", b"12 (x) R 1 2", b"12 (x) R one two"):
        monkeypatch.setattr(process_identity, "_read", lambda _, torn=torn: torn)
        assert identity_of(12) is None
