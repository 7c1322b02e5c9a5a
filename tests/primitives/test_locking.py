"""Locking: attempts, delays, ages and owners, judged one by one."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator_tui.primitives import lock_owner, locking, process_identity
from orchestrator_tui.primitives.files import UnsuitableFile
from orchestrator_tui.primitives.locking import (
    AlreadyHeld,
    FileLock,
    LifeLock,
    LockRetry,
    LockTimeout,
)
from orchestrator_tui.primitives.process_identity import own_identity
from orchestrator_tui.primitives.steps import Step
from tests.fakes import NOON, HandClock
from tests.fault_plans import Failing, FailingStep, Watching, installed, steps_of

ONCE = LockRetry(attempts=1)
NODE_KEYS = ["schema_version", "kind", "token", "task_id", "pid", "host", "acquired_at", "stale_ms"]
DEAD_PID = 2**22 + 1  # beyond the largest pid of Linux


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "0001.lock"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def lock_at(path: Path, **options: Any) -> FileLock:
    return FileLock(path, **{"task_id": "0001", "retry": ONCE, **options})


def owner(**changes: Any) -> dict[str, Any]:
    """Return what a living lock of this process says, with changes; None removes a key."""
    own = own_identity()
    whole: dict[str, Any] = {
        "schema_version": 1,
        "kind": "codex-lock-owner",
        "token": "somebody's",
        "task_id": "0001",
        "pid": os.getppid(),
        "host": own.host,
        "acquired_at": "2026-01-01T00:00:00.000Z",
        "stale_ms": 300_000,
        "x_start_ticks": ticks_of(os.getppid()),
        "x_boot_id": own.boot_id,
        "x_pid_ns": own.pid_ns,
        "x_impl": "orch-tui",
    }
    return {key: value for key, value in {**whole, **changes}.items() if value is not None}


def by_node(**changes: Any) -> dict[str, Any]:
    """Return what a lock of the Node original says."""
    ours = ("x_start_ticks", "x_boot_id", "x_pid_ns", "x_impl")
    return owner(**dict.fromkeys(ours), **changes)


def ticks_of(pid: int) -> int | None:
    identity = process_identity.identity_of(pid)
    return None if identity is None else identity.start_ticks


def lay(
    path: Path, content: str | dict[str, Any], *, age_s: float = 0, now: datetime = NOON
) -> None:
    """Put a lock file there that was touched so long ago."""
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    touched_ns = int(now.timestamp()) * 10**9 - round(age_s * 10**9)
    os.utime(path, ns=(touched_ns, touched_ns))


# --- attempts and delays ---------------------------------------------------------------------


@pytest.mark.acceptance(15)
def test_the_default_delays_are_those_of_the_node_original(path: Path) -> None:
    lay(path, owner())
    slept: list[float] = []
    lock = lock_at(path, retry=LockRetry(), sleep=slept.append, random=lambda: 0.5)
    plan = Watching()
    with installed(plan), pytest.raises(LockTimeout) as timeout:
        lock.acquire()
    assert slept == [0.1, 0.2, 0.4, 0.8]
    assert timeout.value.attempts == 5
    assert plan.paths_of(Step.LINK).count(path.name) == 5
    assert LockRetry().delays_s() == (0.1, 0.2, 0.4, 0.8)


@pytest.mark.parametrize(("number", "share"), [(0.0, 0.5), (0.25, 0.75), (1.0, 1.5)])
def test_delays_vary_by_half(path: Path, number: float, share: float) -> None:
    lay(path, owner())
    slept: list[float] = []
    with pytest.raises(LockTimeout):
        lock_at(path, retry=LockRetry(), sleep=slept.append, random=lambda: number).acquire()
    assert slept == pytest.approx([share * nominal for nominal in (0.1, 0.2, 0.4, 0.8)])


def test_delays_grow_to_their_maximum_and_never_overflow() -> None:
    assert LockRetry(attempts=4, first_delay_s=2.0).delays_s() == (1.0, 1.0, 1.0)
    assert len(LockRetry(attempts=5000).delays_s()) == 4999
    assert LockRetry(attempts=1).delays_s() == ()


@pytest.mark.acceptance(14)
def test_a_held_lock_is_given_up_after_exactly_the_attempts_asked_for(path: Path) -> None:
    lay(path, owner())
    told: list[tuple[int, float]] = []
    lock = lock_at(
        path,
        retry=LockRetry(attempts=3, first_delay_s=0.001),
        sleep=lambda _: None,
        random=lambda: 0.5,
        on_retry=lambda attempt, delay_s: told.append((attempt, delay_s)),
    )
    with pytest.raises(LockTimeout, match="in 3 attempts") as timeout:
        lock.acquire()
    assert timeout.value.attempts == 3
    assert told == [(1, 0.001), (2, 0.002)]
    assert json.loads(path.read_text())["token"] == "somebody's"
    assert names(path.parent) == ["0001.lock", "0001.lock.flock"]


@pytest.mark.acceptance(16)
def test_overrides_that_are_none_leave_the_defaults() -> None:
    assert LockRetry.with_overrides(attempts=None, first_delay_s=None) == LockRetry()
    changed = LockRetry.with_overrides(attempts=7.0, first_delay_s=0.05, deadline_s=None)
    assert changed == LockRetry(attempts=7, first_delay_s=0.05)
    assert isinstance(changed.attempts, int)
    with pytest.raises(TypeError):
        LockRetry.with_overrides(patience=1)


def test_nothing_is_tried_after_the_deadline(path: Path) -> None:
    lay(path, owner())
    clock = HandClock()
    slept: list[float] = []

    def sleep(delay_s: float) -> None:
        slept.append(delay_s)
        clock.advance(delay_s + 1.0)  # a busy machine wakes late

    lock = lock_at(path, retry=LockRetry(), clock=clock, sleep=sleep, random=lambda: 0.5)
    with pytest.raises(LockTimeout) as timeout:
        lock.acquire()
    assert slept == [0.1, 0.2, 0.4]
    assert timeout.value.attempts == 4


def test_the_last_delay_ends_with_the_deadline(path: Path) -> None:
    lay(path, owner())
    clock = HandClock()
    slept: list[float] = []

    def sleep(delay_s: float) -> None:
        slept.append(delay_s)
        clock.advance(delay_s)

    retry = LockRetry(attempts=50, max_delay_s=1.0)
    with pytest.raises(LockTimeout):
        lock_at(path, retry=retry, clock=clock, sleep=sleep, random=lambda: 0.5).acquire()
    assert slept == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 0.4])
    assert sum(slept) == pytest.approx(2.9)


def test_a_lock_that_becomes_free_is_taken_at_the_next_attempt(path: Path) -> None:
    lay(path, owner())
    lock = lock_at(path, retry=LockRetry(), sleep=lambda _: path.unlink())
    with lock:
        assert lock.still_held()
    assert names(path.parent) == ["0001.lock.flock"]


# --- what a lock says ------------------------------------------------------------------------


@pytest.mark.acceptance(20)
def test_a_lock_is_one_line_that_the_node_original_reads(path: Path) -> None:
    with lock_at(path, clock=HandClock()):
        line = path.read_bytes()
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert len(line) <= 1024
    said = json.loads(line)
    own = own_identity()
    assert list(said)[:8] == NODE_KEYS
    assert said["schema_version"] == 1
    assert said["kind"] == "codex-lock-owner"
    assert (said["task_id"], said["pid"], said["host"]) == ("0001", own.pid, own.host)
    assert said["acquired_at"] == "2026-01-01T12:00:00.000Z"
    assert said["stale_ms"] == 300_000
    assert said["x_start_ticks"] == own.start_ticks
    assert said["x_boot_id"] == own.boot_id
    assert said["x_pid_ns"] == own.pid_ns
    assert said["x_impl"] == "orch-tui"


def test_a_lock_appears_complete(path: Path) -> None:
    """Whoever sees the file sees its owner, so nobody needs to guess at an empty one."""
    seen: list[bytes] = []

    class Looking(Watching):
        def act(self, number: int, step: Step, call: Callable[[], Any]) -> Any:
            result = call()
            seen.extend([path.read_bytes()] if path.exists() else [])
            return result

    with installed(Looking()), lock_at(path):
        pass
    assert len(seen) > 3
    assert len(set(seen)) == 1
    assert json.loads(seen[0])["pid"] == os.getpid()


def test_every_taking_has_its_own_token(path: Path) -> None:
    tokens = set()
    for _ in range(5):
        with lock_at(path):
            tokens.add(json.loads(path.read_text())["token"])
    assert len(tokens) == 5


# --- stale locks -----------------------------------------------------------------------------


@pytest.mark.acceptance(17)
def test_clearing_a_stale_lock_costs_no_attempt(path: Path) -> None:
    lay(path, "locked", age_s=60)
    with lock_at(path, stale_after_s=0.001, clock=HandClock()) as lock:
        assert lock.still_held()
    assert names(path.parent) == ["0001.lock.flock"]


@pytest.mark.acceptance(18)
@pytest.mark.parametrize(("age_s", "is_stale"), [(299.999, False), (300.0, False), (300.001, True)])
def test_a_lock_is_stale_only_beyond_its_age(path: Path, age_s: float, is_stale: bool) -> None:
    lay(path, "locked", age_s=age_s)
    lock = lock_at(path, clock=HandClock())
    if is_stale:
        lock.acquire()
        lock.release()
    else:
        with pytest.raises(LockTimeout, match="owner_status=legacy"):
            lock.acquire()


def test_a_guard_and_a_lock_that_are_both_stale_are_cleared_in_one_attempt(path: Path) -> None:
    lay(path, "", age_s=1000)
    lay(path.with_name("0001.lock.acquire"), by_node(pid=DEAD_PID), age_s=1000)
    with lock_at(path, clock=HandClock()):
        pass
    assert names(path.parent) == ["0001.lock.flock"]


def test_a_living_guard_keeps_everybody_out_and_is_named(path: Path) -> None:
    guard = path.with_name("0001.lock.acquire")
    lay(guard, by_node(), age_s=1000)
    with pytest.raises(LockTimeout) as timeout:
        lock_at(path, clock=HandClock()).acquire()
    assert str(guard) in timeout.value.diagnostics
    assert names(path.parent) == ["0001.lock.acquire", "0001.lock.flock"]


OTHER_BOOT = "00000000-0000-0000-0000-000000000000"
OWNERS: list[tuple[str, dict[str, Any], str, bool, bool]] = [
    # what is said, the status told, broken when young, broken when old
    ("alive", owner(), "alive", False, False),
    ("ended", owner(pid=DEAD_PID), "dead", True, True),
    ("pid given to another", owner(x_start_ticks=1), "dead", True, True),
    ("ended, other boot", owner(x_boot_id=OTHER_BOOT), "dead", False, True),
    ("other boot and namespace", owner(x_boot_id=OTHER_BOOT, x_pid_ns=1), "dead", False, True),
    ("ended, other namespace", owner(pid=DEAD_PID, x_pid_ns=1), "unverifiable", False, False),
    ("ended, namespace unknown", owner(pid=DEAD_PID, x_pid_ns=None), "dead", False, True),
    ("ended, boot unknown", owner(pid=DEAD_PID, x_boot_id=None), "dead", False, True),
    ("ours without ticks", owner(x_start_ticks=None), "alive", False, False),
    ("node, alive", by_node(), "alive", False, False),
    ("node, ended", by_node(pid=DEAD_PID), "dead", False, True),
    ("other host, ended", owner(host="elsewhere", pid=DEAD_PID), "remote", False, False),
    ("node, other host", by_node(host="elsewhere", pid=DEAD_PID), "remote", False, False),
    ("no host", by_node(host=None), "unverifiable", False, False),
    ("empty host", by_node(host=""), "unverifiable", False, False),
    ("no pid", by_node(pid=None), "unverifiable", False, False),
    ("pid 0", owner(pid=0), "unverifiable", False, False),
    ("negative pid", owner(pid=-1), "unverifiable", False, False),
    ("huge pid", owner(pid=2**31), "unverifiable", False, False),
    ("pid true", by_node(pid=True), "unverifiable", False, False),
    ("pid as text", by_node(pid="1"), "unverifiable", False, False),
    ("pid as fraction", by_node(pid=1.5), "unverifiable", False, False),
    ("clock-stepped", by_node(acquired_at="2031-01-01T00:00:00.000Z"), "alive", False, False),
    ("foreign kind", by_node(kind="something"), "legacy", False, True),
]


@pytest.mark.acceptance(21)
@pytest.mark.parametrize("age_s", [600, 1, -1000], ids=["old", "young", "from the future"])
@pytest.mark.parametrize(
    ("said", "status", "young_breaks", "old_breaks"),
    [row[1:] for row in OWNERS],
    ids=[row[0] for row in OWNERS],
)
def test_an_owner_is_judged(
    path: Path,
    said: dict[str, Any],
    status: str,
    young_breaks: bool,
    old_breaks: bool,
    age_s: float,
) -> None:
    lay(path, said, age_s=age_s)
    lock = lock_at(path, clock=HandClock())
    if old_breaks if age_s == 600 else young_breaks:
        lock.acquire()
        lock.release()
        return
    with pytest.raises(LockTimeout) as timeout:
        lock.acquire()
    assert f"owner_status={status} recoverable=false" in timeout.value.diagnostics
    assert json.loads(path.read_text()) == said


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        "locked",
        "5f1c6f0e-uuid",
        "{",
        "[" * 4000,
        "null",
        "[]",
        "5",
        "x" * 10_000,
        "\ufeff{}",
    ],
    ids=lambda content: ascii(content[:12]),
)
def test_what_names_no_owner_is_judged_by_age_alone(path: Path, content: str) -> None:
    clock = HandClock()
    lay(path, content, age_s=10)
    with pytest.raises(LockTimeout, match="owner_status=legacy"):
        lock_at(path, clock=clock).acquire()
    lay(path, content, age_s=301)
    with pytest.raises(LockTimeout):
        lock_at(path, clock=clock, stale_after_s=0).acquire()  # 0: never by age
    with lock_at(path, clock=clock):
        pass


def test_a_file_that_is_not_utf8_or_huge_is_judged_by_age_and_hardly_read(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    os.truncate(path, 1 << 30)
    os.utime(path, (0, 0))
    with lock_at(path):
        pass
    assert path.exists() is False


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_word_of_a_stranger_counts_for_nothing(path: Path) -> None:
    lay(path, owner(pid=DEAD_PID), age_s=1000)
    os.chown(path, 12345, -1)
    with pytest.raises(LockTimeout, match="owner_status=untrusted recoverable=false"):
        lock_at(path, clock=HandClock()).acquire()
    os.chown(path.parent, 12345, -1)  # the folder's owner is no stranger
    with lock_at(path, clock=HandClock()):
        pass


@pytest.mark.parametrize("ending", ["", ".acquire", ".flock"])
@pytest.mark.parametrize("kind", ["folder", "pipe", "link", "dangling", "loop", "socket"])
def test_what_is_no_file_in_a_lock_s_place_is_a_clear_error(
    path: Path, ending: str, kind: str
) -> None:
    trap = path.with_name(path.name + ending)
    make_trap(trap, kind)
    with pytest.raises(UnsuitableFile) as refusal:
        lock_at(path).acquire()
    assert str(trap) in str(refusal.value)
    trap.rmdir() if kind == "folder" else trap.unlink()
    with lock_at(path):  # nothing of the failed attempt is in the way
        pass
    assert (path.parent / "precious").read_text() == "precious"


def make_trap(trap: Path, kind: str) -> None:
    (trap.parent / "precious").write_text("precious")
    match kind:
        case "folder":
            trap.mkdir()
        case "pipe":
            os.mkfifo(trap)
        case "link":
            trap.symlink_to("precious")
        case "dangling":
            trap.symlink_to("nothing")
        case "loop":
            trap.symlink_to(trap.name)
        case _:
            with socket.socket(socket.AF_UNIX) as listener:
                before = Path.cwd()
                os.chdir(trap.parent)
                listener.bind(trap.name)
                os.chdir(before)


def test_a_lock_swapped_between_judging_and_unlinking_stays(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(path, "locked", age_s=1000)
    judge = lock_owner.judge
    swaps = []

    def judge_slowly(*arguments: Any) -> Any:
        holder = judge(*arguments)
        path.unlink()
        lay(path, owner())  # a rival that knows no kernel lock was quicker
        swaps.append(path.stat().st_ino)
        return holder

    monkeypatch.setattr(locking, "judge", judge_slowly)
    with pytest.raises(LockTimeout):
        lock_at(path, clock=HandClock()).acquire()
    assert swaps
    assert json.loads(path.read_text())["token"] == "somebody's"


# --- letting go ------------------------------------------------------------------------------


@pytest.mark.acceptance(19)
def test_a_lock_that_another_took_over_is_left(path: Path) -> None:
    lock = lock_at(path)
    lock.acquire()
    assert lock.still_held()
    lay(path, owner(token="another"))
    assert not lock.still_held()
    lock.release()
    assert json.loads(path.read_text())["token"] == "another"


def test_a_lock_that_vanished_is_no_longer_held(path: Path) -> None:
    lock = lock_at(path)
    assert not lock.still_held()
    with lock:
        path.unlink()
        assert not lock.still_held()
    lock.release()
    assert not lock.still_held()


def test_a_lock_is_not_taken_twice_by_one_object(path: Path) -> None:
    with lock_at(path) as lock, pytest.raises(RuntimeError):
        lock.acquire()
    with lock:
        assert lock.still_held()


def test_a_lock_held_for_long_is_touched_when_it_is_asked_for(path: Path) -> None:
    clock = HandClock()
    with lock_at(path, clock=clock) as lock:
        os.utime(path, (1000, 1000))
        clock.advance(59)
        assert lock.still_held()
        assert path.stat().st_mtime == 1000
        clock.advance(2)
        assert lock.still_held()
        assert path.stat().st_mtime > 1000


def test_threads_of_one_process_take_turns(path: Path) -> None:
    inside: list[int] = []
    overlaps: list[int] = []
    retry = LockRetry(attempts=2000, first_delay_s=0.0005, max_delay_s=0.002, deadline_s=20)

    def work() -> None:
        for _ in range(20):
            with lock_at(path, retry=retry):
                inside.append(1)
                overlaps.append(len(inside))
                inside.pop()

    for code in (0, errno.ENOLCK):  # with kernel locks and without
        with installed(FailingStep(Step.LOCK, code) if code else Watching()):
            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert len(overlaps) == 160
    assert set(overlaps) == {1}


def test_a_thread_that_holds_the_lock_keeps_the_others_out(path: Path) -> None:
    with lock_at(path), pytest.raises(LockTimeout, match=f"pid {os.getpid()} .*alive"):
        lock_at(path).acquire()


def test_nobody_judges_a_stale_lock_while_a_rival_has_the_kernel_lock(path: Path) -> None:
    lay(path, "locked", age_s=1000)
    with path.with_name("0001.lock.flock").open("w") as rival:
        fcntl.flock(rival, fcntl.LOCK_EX)
        with pytest.raises(LockTimeout):
            lock_at(path, clock=HandClock()).acquire()
        assert path.read_text() == "locked"
    with lock_at(path, clock=HandClock()) as lock:
        assert lock.still_held()


def test_a_rival_that_has_not_signed_yet_is_told_of(path: Path) -> None:
    with lock_at(path):
        path.unlink()
        with pytest.raises(LockTimeout, match="owner_status=unsigned"):
            lock_at(path).acquire()


# --- a bad environment -----------------------------------------------------------------------


def take_and_let_go(path: Path) -> None:
    with lock_at(path):
        pass


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EACCES, errno.EMFILE])
def test_after_any_error_at_any_step_the_lock_can_be_had_at_once(path: Path, code: int) -> None:
    descriptors = len([*Path("/proc/self/fd").iterdir()])
    count = steps_of(lambda: take_and_let_go(path))
    assert count > 20
    for number in range(1, count + 1):
        with installed(Failing(number, code)):
            try:
                take_and_let_go(path)
            except OSError as error:
                assert str(path.parent) in str(error)
        take_and_let_go(path)
        assert [name for name in names(path.parent) if not name.endswith(".tmp")] == [
            "0001.lock.flock"
        ], number
    assert len([*Path("/proc/self/fd").iterdir()]) == descriptors


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL])
def test_without_kernel_locks_the_lock_files_still_part_rivals(path: Path, code: int) -> None:
    with installed(FailingStep(Step.LOCK, code)), lock_at(path):
        with pytest.raises(LockTimeout):
            lock_at(path).acquire()
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert names(path.parent) == ["0001.lock.flock"]


def test_without_hard_links_the_lock_is_taken_all_the_same(path: Path) -> None:
    with installed(FailingStep(Step.LINK, errno.EPERM)), lock_at(path) as lock:
        assert lock.still_held()
    assert names(path.parent) == ["0001.lock.flock"]


def test_an_interrupt_during_the_taking_leaves_nothing_behind(path: Path) -> None:
    class Interrupting(Watching):
        def act(self, number: int, step: Step, call: Callable[[], Any]) -> Any:
            try:
                return call()
            finally:
                if number == self.at:
                    raise KeyboardInterrupt

        at = 0

    lock = lock_at(path)
    count = steps_of(lock.acquire)
    lock.release()
    for number in range(1, count + 1):
        plan = Interrupting()
        plan.at = number
        with installed(plan), pytest.raises(KeyboardInterrupt):
            lock.acquire()
        assert {name for name in names(path.parent) if name[0] != "."} <= {"0001.lock.flock"}
        take_and_let_go(path)


def test_the_folder_of_a_lock_is_made(tmp_path: Path) -> None:
    with lock_at(tmp_path / "none" / "yet" / "t.lock") as lock:
        assert lock.still_held()


# --- what a person reads ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "age_s", "parts"),
    [
        (owner(), 12, [f"held by pid {os.getppid()} on host", "for 12 s (alive)", "wait until"]),
        (by_node(pid=DEAD_PID), 12, ["(dead)", "once older than 300 s", "rm '"]),
        (
            by_node(host="elsewhere"),
            900,
            ["on host elsewhere for 900 s (remote)", "has ended", "rm '"],
        ),
        ("locked", 12, ["an unknown process on an unknown host", "(legacy)", "older than 300 s"]),
        (by_node(pid=None), 900, ["an unknown process", "(unverifiable)", "rm '"]),
    ],
    ids=["alive", "dead", "remote", "legacy", "unverifiable"],
)
def test_the_error_names_path_owner_age_and_the_way_out(
    path: Path, said: str | dict[str, Any], age_s: float, parts: list[str]
) -> None:
    lay(path, said, age_s=age_s)
    with pytest.raises(LockTimeout) as timeout:
        lock_at(path, clock=HandClock()).acquire()
    for part in [str(path), *parts]:
        assert part in timeout.value.diagnostics
    assert timeout.value.diagnostics in str(timeout.value)
    assert "\n" not in str(timeout.value)
    assert timeout.value.path == path


# --- life locks ------------------------------------------------------------------------------


def test_a_life_lock_is_held_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / ".runner.lck"
    assert LifeLock.is_held(path) is None
    with LifeLock.hold(path) as lock:
        assert LifeLock.is_held(path) is True
        with pytest.raises(AlreadyHeld, match=str(path)):
            LifeLock.hold(path)
        assert LifeLock.is_held(path) is True  # asking and failing to take change nothing
    assert LifeLock.is_held(path) is False
    lock.close()
    LifeLock.hold(path).close()


def test_a_life_lock_can_be_asked_about_by_who_may_only_read(tmp_path: Path) -> None:
    path = tmp_path / ".runner.lck"
    with LifeLock.hold(path):
        path.chmod(0o444)
        assert LifeLock.is_held(path) is True
    assert LifeLock.is_held(path) is False


@pytest.mark.parametrize("kind", ["folder", "pipe", "link", "loop", "socket"])
def test_where_no_life_lock_can_be_nothing_is_told(tmp_path: Path, kind: str) -> None:
    make_trap(tmp_path / ".runner.lck", kind)
    assert LifeLock.is_held(tmp_path / ".runner.lck") is None
    with pytest.raises(UnsuitableFile):
        LifeLock.hold(tmp_path / ".runner.lck")


def test_without_kernel_locks_a_life_lock_proves_nothing_and_hurts_nobody(tmp_path: Path) -> None:
    path = tmp_path / ".runner.lck"
    with installed(FailingStep(Step.LOCK, errno.ENOLCK)), LifeLock.hold(path):
        assert LifeLock.is_held(path) is None
    with installed(FailingStep(Step.LOCK, errno.EIO)), pytest.raises(OSError, match=str(path)):
        LifeLock.hold(path)


def test_real_time_is_the_default(path: Path) -> None:
    began = time.monotonic()
    with lock_at(path):
        said = json.loads(path.read_text())
    taken_at = datetime.fromisoformat(said["acquired_at"])
    assert abs(taken_at - datetime.now(UTC)) < timedelta(seconds=30)
    assert time.monotonic() - began < 5
