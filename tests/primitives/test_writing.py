"""Writing: old or new and never a mixture, whatever fails and whenever the process dies."""

from __future__ import annotations

import errno
import json
import os
import resource
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import (
    AppendStream,
    Durability,
    UnsuitableFile,
    append_record,
    publish,
    write_atomic,
)
from orchestrator_tui.primitives.steps import Step
from tests.fault_plans import (
    BAD_DAYS,
    Failing,
    FailingStep,
    ShortWriting,
    Watching,
    When,
    installed,
    steps_of,
)

OLD, NEW = b'{"status":"old"}', b'{"status":"new","more":true}'


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.acceptance(30)
def test_a_replacement_keeps_the_permission_bits(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(OLD)
    path.chmod(0o600)
    write_atomic(path, NEW, mode=0o644)
    assert (path.read_bytes(), permissions(path)) == (NEW, 0o600)
    path.chmod(0o666)  # more than the umask would let through
    write_atomic(path, OLD)
    assert permissions(path) == 0o666


def test_a_new_file_gets_the_mode_that_was_asked_for(tmp_path: Path) -> None:
    write_atomic(tmp_path / "token", NEW, mode=0o600)
    write_atomic(tmp_path / "plain", b"")
    assert permissions(tmp_path / "token") == 0o600
    assert permissions(tmp_path / "plain") == 0o644
    assert names(tmp_path) == ["plain", "token"]


def test_a_link_is_replaced_and_what_it_led_to_is_left(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(OLD)
    (tmp_path / "link").symlink_to("precious")
    write_atomic(tmp_path / "link", NEW)
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "precious").read_bytes() == OLD


def test_a_missing_folder_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        write_atomic(tmp_path / "none" / "file", NEW)
    assert error.value.filename == str(tmp_path / "none")


@pytest.mark.parametrize(
    ("durability", "synced"),
    [
        (Durability.RENAME, []),
        (Durability.FILE, ["file"]),
        (Durability.FULL, ["file", "folder"]),
    ],
)
def test_content_is_synced_before_the_rename_and_the_folder_after_it(
    tmp_path: Path, durability: Durability, synced: list[str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    plan = Watching()
    with installed(plan):
        write_atomic(folder / "file", NEW, durability=durability)
    assert plan.paths_of(Step.SYNC) == synced
    order = [step for step, _ in plan.seen if step in (Step.WRITE, Step.SYNC, Step.RENAME)]
    before, after = order.index(Step.WRITE), order.index(Step.RENAME)
    assert order[before + 1 : after] == [Step.SYNC] * ("file" in synced)
    assert order[after + 1 :] == [Step.SYNC] * ("folder" in synced)


def test_every_error_at_every_step_leaves_old_or_new_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    path.write_bytes(OLD)
    count = steps_of(lambda: write_atomic(path, OLD, durability=Durability.FULL))
    assert count >= 8
    for code in BAD_DAYS:
        for number in range(1, count + 1):
            path.write_bytes(OLD)
            plan = Failing(number, code)
            with installed(plan), pytest.raises(OSError, match=str(tmp_path)) as error:
                write_atomic(path, NEW, durability=Durability.FULL)
            assert error.value.errno == code
            renamed = Step.RENAME in [step for step, _ in plan.seen[: number - 1]]
            assert path.read_bytes() == (NEW if renamed else OLD)
            assert names(tmp_path) == ["runs.json"]


def test_a_disk_that_stays_broken_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    path.write_bytes(OLD)
    for number in range(1, steps_of(lambda: write_atomic(path, OLD)) + 1):
        with installed(Failing(number, errno.EIO, lasting=True)), pytest.raises(OSError, match="5"):
            write_atomic(path, NEW)
        assert path.read_bytes() == OLD
        for litter in tmp_path.glob("*.tmp"):
            litter.unlink()


def test_a_write_that_takes_little_at_a_time_is_finished(tmp_path: Path) -> None:
    for most_bytes in (1, 7, len(NEW) - 1):
        with installed(ShortWriting(most_bytes)):
            write_atomic(tmp_path / "file", NEW)
            publish(tmp_path / f"published-{most_bytes}", NEW)
        assert (tmp_path / "file").read_bytes() == NEW
        assert (tmp_path / f"published-{most_bytes}").read_bytes() == NEW


def test_a_write_that_takes_nothing_is_an_error_and_no_endless_loop(tmp_path: Path) -> None:
    with installed(ShortWriting(0)), pytest.raises(OSError, match="nothing more"):
        write_atomic(tmp_path / "file", NEW)
    assert names(tmp_path) == []


def test_a_keyboard_interrupt_leaves_no_litter(tmp_path: Path) -> None:
    class Interrupting(Watching):
        def act_on_write(self, *_: object) -> int:
            raise KeyboardInterrupt

    with installed(Interrupting()), pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "file", NEW)
    assert names(tmp_path) == []


def test_no_descriptor_is_left_by_any_failure(tmp_path: Path) -> None:
    before = len([*Path("/proc/self/fd").iterdir()])
    for work in (write, publish_new, append, stream):
        for number in range(1, steps_of(partial(work, tmp_path)) + 1):
            with installed(Failing(number, errno.EIO)):
                try:
                    work(tmp_path)
                except OSError:
                    continue
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def write(folder: Path) -> None:
    write_atomic(folder / "written", NEW, durability=Durability.FULL)


def publish_new(folder: Path) -> None:
    files.remove(folder / "published")
    publish(folder / "published", NEW)


def append(folder: Path) -> None:
    append_record(folder / "appended", NEW, durable=True)


def stream(folder: Path) -> None:
    with AppendStream(folder / "streamed") as log:
        log.write(NEW + b"\n")


# --- publishing ------------------------------------------------------------------------------


def test_only_the_first_to_publish_succeeds(tmp_path: Path) -> None:
    assert publish(tmp_path / "lock", OLD, mode=0o600)
    assert not publish(tmp_path / "lock", NEW)
    assert (tmp_path / "lock").read_bytes() == OLD
    assert permissions(tmp_path / "lock") == 0o600
    assert names(tmp_path) == ["lock"]


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS])
def test_without_hard_links_a_file_is_published_all_the_same(tmp_path: Path, code: int) -> None:
    with installed(FailingStep(Step.LINK, code)):
        assert publish(tmp_path / "lock", OLD)
        assert not publish(tmp_path / "lock", NEW)
    assert (tmp_path / "lock").read_bytes() == OLD
    assert names(tmp_path) == ["lock"]


def test_a_lost_reply_to_a_link_counts_as_the_success_it_was(tmp_path: Path) -> None:
    class Losing(Watching):
        def act(self, number: int, step: Step, call: Callable[[], object]) -> object:  # type: ignore[override]
            result = call()
            if step is Step.LINK:
                raise FileExistsError(errno.EEXIST, "the request was sent twice")
            return result

    with installed(Losing()):
        assert publish(tmp_path / "lock", NEW)
    assert (tmp_path / "lock").read_bytes() == NEW
    assert names(tmp_path) == ["lock"]


def test_every_error_of_a_publication_leaves_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    count = steps_of(lambda: publish(path, NEW))
    for number in range(1, count + 1):
        files.remove(path)
        with installed(Failing(number, errno.EIO)):
            try:
                assert publish(path, NEW)
            except OSError:
                assert not path.exists()
        assert not path.exists() or path.read_bytes() == NEW
        for litter in tmp_path.glob("*.tmp"):  # only where even the removal was refused
            assert number == count
            litter.unlink()


# --- appending -------------------------------------------------------------------------------


def test_records_are_lines_and_each_is_one_write(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    plan = Watching()
    with installed(plan):
        append_record(path, b'{"a":1}')
        append_record(path, b'{"b":2}\n')
    assert path.read_bytes() == b'{"a":1}\n{"b":2}\n'
    assert len(plan.paths_of(Step.WRITE)) == 2


def test_a_tear_at_any_byte_costs_only_the_torn_record(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    whole = b'{"n":1}\n{"n":2}\n'
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        append_record(path, b'{"n":3}')
        lines = path.read_bytes().split(b"\n")
        assert lines.pop() == b""
        assert lines.pop() == b'{"n":3}'
        assert lines == [line for line in whole[:cut].split(b"\n") if line]


def test_a_record_taken_in_part_is_an_error_and_sealed_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    with installed(ShortWriting(4)), pytest.raises(OSError, match="took 4 of 8 bytes"):
        append_record(path, b'{"n":1}')
    append_record(path, b'{"n":2}')
    assert path.read_bytes() == b'{"n"\n{"n":2}\n'


def test_a_durable_record_is_synced_and_a_new_file_with_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    plan = Watching()
    with installed(plan):
        append_record(folder / "file", NEW, durable=True)
        append_record(folder / "file", NEW, durable=True)
    assert plan.paths_of(Step.SYNC) == ["file", "folder", "file"]


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_only_regular_files_are_appended_to(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "target"
    if kind == "link":
        (tmp_path / "precious").touch()
        path.symlink_to("precious")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(UnsuitableFile):
        append_record(path, NEW)
    with pytest.raises(UnsuitableFile):
        AppendStream(path)


def test_a_stream_writes_all_of_it_however_little_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "log"
    content = os.urandom(1000)
    with installed(ShortWriting(33)), AppendStream(path, mode=0o600) as log:
        log.write(content)
        log.write(b"")
        log.write(b"end\n")
        assert log.size_bytes == 1004
    assert path.read_bytes() == content + b"end\n"
    assert permissions(path) == 0o600


def test_a_stream_goes_on_after_a_torn_line_on_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b'{"torn')
    with AppendStream(path) as log:
        assert log.size_bytes == 6
        log.write(b"whole\n")
        log.write(b"again\n")
        assert log.size_bytes == 19
    assert path.read_bytes() == b'{"torn\nwhole\nagain\n'


def test_a_stream_tells_how_far_it_came_when_the_disk_is_full(tmp_path: Path) -> None:
    class Filling(ShortWriting):
        def act_on_write(
            self, number: int, call: Callable[[memoryview], int], content: memoryview
        ) -> int:
            if len(self.paths_of(Step.WRITE)) > 1:
                raise OSError(errno.ENOSPC, "full")
            return super().act_on_write(number, call, content)

    with AppendStream(tmp_path / "log") as log:
        with installed(Filling(5)), pytest.raises(OSError, match="full") as error:
            log.write(b"0123456789")
        assert error.value.filename == str(tmp_path / "log")
        assert log.size_bytes == 5


def test_a_closed_stream_says_so(tmp_path: Path) -> None:
    log = AppendStream(tmp_path / "log")
    log.close()
    log.close()
    with pytest.raises(ValueError, match="closed"):
        log.write(b"x")


# --- processes -------------------------------------------------------------------------------


def test_a_real_full_disk_is_told_at_once(tmp_path: Path) -> None:
    """A file size limit stands in for a full disk: first a short write, then an error."""
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from orchestrator_tui.primitives.files import append_record, write_atomic\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "for work in (append_record, write_atomic):\n"
        "    try: work(Path(sys.argv[1], work.__name__), b'x' * 100)\n"
        "    except OSError as error: print(error)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True
    )
    first, second = told.stdout.splitlines()
    assert "took 10 of 101 bytes" in first
    assert "File too large" in second
    assert str(tmp_path / "write_atomic") in second
    assert names(tmp_path) == ["append_record"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 10


@pytest.mark.acceptance(30)
def test_a_writer_killed_at_any_step_leaves_old_or_new(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.primitives.killed_writers", tmp_path],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    killed: list[dict[str, str]] = json.loads(told.stdout)
    assert len(killed) >= 40
    assert {trial["when"] for trial in killed} == set(When)
    for trial in killed:
        folder = tmp_path / trial["folder"]
        target = folder / "target"
        litter = [path for path in folder.iterdir() if path.name.endswith(".tmp")]
        assert len(litter) <= 1, trial
        content = target.read_bytes() if target.exists() else None
        if trial["work"] == "write_atomic":
            assert content in (OLD, NEW), trial
        elif trial["work"] == "publish":
            assert content in (None, NEW), trial
        else:
            append_record(target, b"next")
            lines = target.read_bytes().split(b"\n")
            assert lines[0] == OLD, trial
            assert lines[-2:] == [b"next", b""], trial


@pytest.mark.acceptance(51)
def test_a_reader_never_sees_a_beat_in_part(tmp_path: Path) -> None:
    beat = tmp_path / ".heartbeat"
    texts = (b"2026-01-01T00:00:00.000Z\n", b"2026-01-01T00:00:05.000Z\n")
    write_atomic(beat, texts[0])
    stop = threading.Event()

    def keep_beating() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            write_atomic(beat, texts[number % 2])

    writer = threading.Thread(target=keep_beating)
    writer.start()
    try:
        seen = {files.read_bytes(beat, limit_bytes=256, root=tmp_path) for _ in range(10_000)}
    finally:
        stop.set()
        writer.join()
    assert seen == set(texts)
