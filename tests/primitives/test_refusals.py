"""What is left behind when the system refuses in the middle of something: nothing."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.git import ask_git
from orchestrator_tui.primitives.lock_owner import pinned
from orchestrator_tui.primitives.locking import LifeLock
from orchestrator_tui.primitives.steps import Step
from tests.fault_plans import FailingStep, Watching, installed

T = TypeVar("T")


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


class Interrupting(Watching):
    """Presses Ctrl-C at every step of one kind."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.step = step

    def act(self, number: int, step: Step, call: Callable[[], T]) -> T:
        if step is self.step:
            raise KeyboardInterrupt
        return call()


def test_ctrl_c_while_a_lock_is_taken_leaves_no_descriptor_open(tmp_path: Path) -> None:
    before = open_descriptors()
    with installed(Interrupting(Step.LOCK)), pytest.raises(KeyboardInterrupt):
        LifeLock.hold(tmp_path / "lock")
    assert open_descriptors() == before
    LifeLock.hold(tmp_path / "lock").close()


def test_a_lock_whose_file_was_removed_is_not_in_place(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("{}")
    with pinned(path) as lock:
        assert lock is not None
        assert lock.is_in_place()
        path.unlink()
        assert not lock.is_in_place()


def test_without_hard_links_a_file_that_cannot_be_written_does_not_appear(tmp_path: Path) -> None:
    class FullWithoutLinks(FailingStep):
        """Refuses links, and from then on every write."""

        def act(self, number: int, step: Step, call: Callable[[], T]) -> T:
            if step is Step.LINK:
                self.step = Step.WRITE
                raise OSError(errno.EPERM, os.strerror(errno.EPERM))
            return super().act(number, step, call)

    with (
        installed(FullWithoutLinks(Step.LINK, errno.ENOSPC)),
        pytest.raises(OSError, match="space"),
    ):
        files.publish(tmp_path / "new", b"content")
    assert list(tmp_path.iterdir()) == []


def test_git_in_a_folder_that_is_gone_answers_nothing(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    assert ask_git(gone, ("status",), os.environ, timeout_s=5, limit_bytes=10) is None


def test_a_git_that_has_answered_and_does_not_end_is_left_in_time(tmp_path: Path) -> None:
    slow = tmp_path / "git"
    slow.write_text("#!/bin/sh\necho answer\nexec sleep 60 >&-\n")
    slow.chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert ask_git(tmp_path, ("status",), environ, timeout_s=0.5, limit_bytes=10) is None
