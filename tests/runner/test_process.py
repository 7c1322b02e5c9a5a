"""One child tree: what it says is read whole, and nothing of it outlives its end."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from orchestrator_tui.primitives.process_identity import identity_of
from orchestrator_tui.records.logs import Stream
from orchestrator_tui.runner.process import (
    Cause,
    ChildTree,
    Ending,
    Endings,
    SpawnFailed,
    supervise,
)
from orchestrator_tui.runner.process_tree import CancelRung, TreeScope
from tests.runner.shapes import HOSTILE

ENV = dict(os.environ)


class Heard:
    """Keeps what a command says, and tells when it said something for the first time."""

    def __init__(self) -> None:
        self.chunks: list[tuple[Stream, bytes]] = []
        self.first = anyio.Event()

    def take(self, stream: Stream, chunk: bytes) -> None:
        self.chunks.append((stream, chunk))
        anyio.from_thread.run_sync(self.first.set)

    def of(self, stream: Stream) -> bytes:
        return b"".join(chunk for told, chunk in self.chunks if told is stream)


async def run(
    command: str,
    heard: Heard,
    *,
    stop: anyio.Event | None = None,
    hurry: threading.Event | None = None,
    grace_s: float = 0.2,
    timeout_s: float | None = None,
    rungs: list[CancelRung] | None = None,
    before: Callable[[], object] | None = None,
) -> Ending:
    def begin() -> ChildTree:
        if before is not None:
            before()
        return ChildTree.spawn(command, cwd=Path("/"), env=ENV)

    endings = Endings(
        stop=stop or anyio.Event(),
        stop_grace_s=lambda: grace_s,
        hurry=hurry or threading.Event(),
        on_rung=(rungs if rungs is not None else []).append,
        timeout_s=timeout_s,
        timeout_grace_s=grace_s,
    )
    return await supervise(begin, heard.take, endings, lambda ending: ending)


@pytest.mark.anyio
async def test_both_streams_and_the_exit_code_are_told(scope: TreeScope) -> None:
    heard = Heard()
    ending = await run("echo out; echo err >&2; exit 3", heard)
    assert (heard.of(Stream.STDOUT), heard.of(Stream.STDERR)) == (b"out\n", b"err\n")
    assert (ending.cause, ending.exit.code, ending.exit.signal) == (Cause.EXITED, 3, None)


@pytest.mark.anyio
@pytest.mark.acceptance(68)
async def test_a_signal_is_told_by_its_name(scope: TreeScope) -> None:
    ending = await run("kill -KILL $$", Heard())
    assert (ending.exit.code, ending.exit.signal) == (None, "SIGKILL")
    ending = await run("kill -40 $$", Heard())  # one of those that have no name
    assert (ending.exit.code, ending.exit.signal) == (None, "SIG40")


@pytest.mark.anyio
async def test_every_byte_of_much_output_arrives_in_order(scope: TreeScope) -> None:
    heard = Heard()
    script = "import sys; [sys.stdout.write(f'{n}\\n') for n in range(200_000)]"
    await run(f'{sys.executable} -c "{script}"', heard)
    assert heard.of(Stream.STDOUT) == b"".join(b"%d\n" % n for n in range(200_000))
    assert all(len(chunk) <= 64 * 1024 for _, chunk in heard.chunks)


@pytest.mark.anyio
@pytest.mark.acceptance(60)
async def test_many_small_writes_become_few_chunks(scope: TreeScope) -> None:
    heard = Heard()
    script = "import os\nfor n in range(4000): os.write(1, b'x')"
    await run(f'{sys.executable} -c "{script}"', heard)
    assert heard.of(Stream.STDOUT) == b"x" * 4000
    assert len(heard.chunks) < 100


@pytest.mark.anyio
async def test_the_order_of_the_two_streams_is_kept(scope: TreeScope) -> None:
    heard = Heard()
    await run("echo 1; sleep .1; echo 2 >&2; sleep .1; echo 3", heard)
    assert [(s.value, c) for s, c in heard.chunks] == [
        ("stdout", b"1\n"),
        ("stderr", b"2\n"),
        ("stdout", b"3\n"),
    ]


@pytest.mark.anyio
async def test_a_polite_command_gets_its_grace_and_no_sigkill(scope: TreeScope) -> None:
    heard, stop, rungs = Heard(), anyio.Event(), list[CancelRung]()
    command = "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_stop_when_up, heard, stop)
        ending = await run(command, heard, stop=stop, grace_s=5, rungs=rungs)
    assert heard.of(Stream.STDOUT) == b"up\nbye\n"
    assert (ending.cause, ending.exit.code) == (Cause.STOPPED, 7)
    assert rungs == [CancelRung.TERM]


@pytest.mark.anyio
async def test_hurry_cuts_the_grace_short(scope: TreeScope) -> None:
    heard, stop, hurry, rungs = Heard(), anyio.Event(), threading.Event(), list[CancelRung]()
    hurry.set()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_stop_when_up, heard, stop)
            ending = await run(
                HOSTILE["ignores SIGTERM"], heard, stop=stop, grace_s=60, hurry=hurry, rungs=rungs
            )
    assert ending.exit.signal == "SIGKILL"
    assert rungs == [CancelRung.TERM, CancelRung.KILL]


@pytest.mark.anyio
@pytest.mark.acceptance(61)
async def test_a_background_child_that_holds_the_output_does_not_hold_the_stage(
    scope: TreeScope,
) -> None:
    heard = Heard()
    started = time.monotonic()
    ending = await run("sleep 60 & echo done", heard)
    assert time.monotonic() - started < 0.7
    assert heard.of(Stream.STDOUT) == b"done\n"
    assert ending.exit.held_open
    assert len(scope.members()) == 1, "it is left alone, as the Node original does"


@pytest.mark.anyio
async def test_a_late_daemon_does_not_make_an_exited_command_late(scope: TreeScope) -> None:
    ending = await run("sleep 60 & exit 0", Heard(), timeout_s=0.2)
    assert (ending.cause, ending.exit.code) == (Cause.EXITED, 0)


@pytest.mark.anyio
async def test_a_daemon_of_an_earlier_command_is_not_in_the_next_ones_tree(
    scope: TreeScope,
) -> None:
    await run("setsid sleep 60 & exit 0", Heard())
    (daemon,) = scope.members()
    ending = await run("sleep 60", Heard(), timeout_s=0.1)
    assert ending.cause is Cause.TIMED_OUT
    assert identity_of(daemon.pid) == daemon


@pytest.mark.anyio
async def test_cancellation_from_outside_kills_the_tree_at_once(scope: TreeScope) -> None:
    heard = Heard()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, HOSTILE["ignores SIGTERM"], heard)
        await heard.first.wait()
        tasks.cancel_scope.cancel()
    assert scope.members() == ()


@pytest.mark.acceptance(69)
def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpawnFailed, match="nowhere: no such folder"):
        ChildTree.spawn("true", cwd=tmp_path / "nowhere", env=ENV)


def test_a_command_with_a_nul_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpawnFailed, match="null byte"):
        ChildTree.spawn("echo \0", cwd=tmp_path, env=ENV)


@pytest.mark.anyio
async def test_no_descriptor_is_left_open(scope: TreeScope) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(3):
        await run("true", Heard())
    assert len(os.listdir("/proc/self/fd")) <= before + 1  # noqa: PTH208


async def _stop_when_up(heard: Heard, stop: anyio.Event) -> None:
    await heard.first.wait()
    stop.set()


@pytest.mark.anyio
async def test_a_stop_that_comes_while_it_is_started_ends_it(scope: TreeScope) -> None:
    stop = anyio.Event()
    heard = Heard()
    with anyio.fail_after(10):
        ending = await run(
            "sleep 60", heard, stop=stop, before=lambda: anyio.from_thread.run_sync(stop.set)
        )
    assert ending.cause is Cause.STOPPED


@pytest.mark.anyio
async def test_the_time_that_starting_takes_is_not_the_command_s(scope: TreeScope) -> None:
    slow = threading.Event()  # is never set
    ending = await run("exit 3", Heard(), timeout_s=0.3, before=lambda: slow.wait(0.5))
    assert (ending.cause, ending.exit.code) == (Cause.EXITED, 3)


@pytest.mark.anyio
async def test_a_command_that_cannot_be_started_raises_that_error(scope: TreeScope) -> None:
    def refuse() -> None:
        raise SpawnFailed("no such folder")

    with pytest.raises(SpawnFailed, match="no such folder"):
        await run("true", Heard(), before=refuse)
