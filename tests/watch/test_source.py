"""Notices from the kernel, and what is said where there are none."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator_tui.primitives.steps import Step
from orchestrator_tui.watch.source import ChangeSource, Layer, Polling
from tests.fault_plans import FailingStep, installed

BOUND_S = 5.0


@pytest.fixture
def source() -> Iterator[ChangeSource]:
    made = ChangeSource()
    yield made
    made.close()


def noticed(source: ChangeSource, path: Path) -> bool:
    """Wait for a notice of a path."""
    end_s = time.monotonic() + BOUND_S
    while time.monotonic() < end_s:
        if str(path) in source.wait(0.5):
            return True
    return False


def wait_for_threads() -> None:
    """Wait for the end of every thread that watches."""
    for thread in threading.enumerate():
        if thread.name.startswith("watch-"):
            thread.join(BOUND_S)
            assert not thread.is_alive()


@pytest.mark.parametrize("layer", Layer)
def test_a_change_in_a_watched_folder_is_noticed(
    source: ChangeSource, tmp_path: Path, layer: Layer
) -> None:
    assert source.watch(layer, frozenset([tmp_path])) == {tmp_path}
    file = tmp_path / "file"
    file.write_text("x")
    assert noticed(source, file)
    assert source.problem is None


def test_nothing_is_missed_while_the_set_changes(source: ChangeSource, tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(12)]
    for folder in folders:
        folder.mkdir()
    source.watch(Layer.RUNS, frozenset(folders[:1]))
    seen: set[str] = set()
    for count in range(2, 13):
        (folders[0] / f"file-{count}").write_text("x")
        new = source.watch(Layer.RUNS, frozenset(folders[:count]))
        assert new == {folders[count - 1]}
        seen |= source.wait(0.1)
    end_s = time.monotonic() + BOUND_S
    wanted = {str(folders[0] / f"file-{count}") for count in range(2, 13)}
    while not wanted <= seen and time.monotonic() < end_s:
        seen |= source.wait(0.2)
    assert wanted <= seen


def test_the_same_set_is_not_watched_anew(source: ChangeSource, tmp_path: Path) -> None:
    source.watch(Layer.RUNS, frozenset([tmp_path]))
    assert source.watch(Layer.RUNS, frozenset([tmp_path])) == frozenset()


def test_a_folder_that_is_gone_does_not_spoil_the_others(
    source: ChangeSource, tmp_path: Path
) -> None:
    source.watch(Layer.RUNS, frozenset([tmp_path, tmp_path / "absent"]))
    assert source.problem is None
    file = tmp_path / "file"
    file.write_text("x")
    assert noticed(source, file)


def test_a_set_of_nothing_ends_the_watching(source: ChangeSource, tmp_path: Path) -> None:
    source.watch(Layer.RUNS, frozenset([tmp_path]))
    source.watch(Layer.RUNS, frozenset())
    wait_for_threads()
    (tmp_path / "file").write_text("x")
    assert source.wait(0.1) == frozenset()


class LateNotify:
    """Finds a folder gone that was there when it was asked for, and the next time its own end."""

    asked = 0

    def __init__(self, *_: object) -> None:
        type(self).asked += 1
        if self.asked == 1:
            raise FileNotFoundError(2, "No such file or directory")

    def watch(self, *_: object) -> object:
        raise RuntimeError("the kernel says no more")

    def close(self) -> None:
        pass


def test_a_watching_that_breaks_off_is_told(
    source: ChangeSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchfiles._rust_notify.RustNotify", LateNotify)
    with installed(FailingStep(Step.STAT, errno.EIO)):
        source.watch(Layer.SHELVES, frozenset([tmp_path]))
    source.watch(Layer.RUNS, frozenset([tmp_path]))
    wait_for_threads()
    assert source.problem == "changes are not noticed: the kernel says no more"


class RefusingNotify:
    """Stands for a kernel that watches no more folders."""

    asked = 0

    def __init__(self, *_: object) -> None:
        type(self).asked += 1
        raise OSError('OS file watch limit reached. about ["/repo/.runs"]')


def test_a_reached_limit_is_told_with_its_cure_and_not_asked_for_again_at_once(
    source: ChangeSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchfiles._rust_notify.RustNotify", RefusingNotify)
    folders = frozenset([tmp_path])
    assert source.watch(Layer.RUNS, folders) == frozenset()
    assert "fs.inotify.max_user_watches" in (source.problem or "")
    source.watch(Layer.RUNS, folders)
    assert RefusingNotify.asked == 1
    monkeypatch.undo()
    other = tmp_path / "other"
    other.mkdir()
    assert source.watch(Layer.RUNS, frozenset([other])) == {other}
    assert source.problem is None


@pytest.mark.parametrize("make", [ChangeSource, Polling])
def test_a_wait_ends_when_woken(make: type[ChangeSource] | type[Polling]) -> None:
    source = make()
    waiting = threading.Thread(target=source.wait, args=(30.0,))
    waiting.start()
    source.wake()
    waiting.join(BOUND_S)
    assert not waiting.is_alive()
    source.close()


def test_closing_ends_every_thread_of_it(tmp_path: Path) -> None:
    source = ChangeSource()
    for layer in Layer:
        source.watch(layer, frozenset([tmp_path]))
    source.close()
    source.close()
    wait_for_threads()
    source.watch(Layer.RUNS, frozenset([tmp_path / "late"]))


def test_polling_says_why(tmp_path: Path) -> None:
    polling = Polling("nfs4 tells nothing")
    assert polling.problem == "nfs4 tells nothing"
    assert polling.watch(Layer.RUNS, frozenset([tmp_path])) == frozenset()
    assert polling.wait(0.01) == frozenset()
