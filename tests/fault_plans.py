"""Fault plans: what may happen at a step of a file operation, the worst of it included."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import threading
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import NoReturn, TypeVar

from orchestrator_tui.primitives import steps
from orchestrator_tui.primitives.steps import FaultPlan, Step

T = TypeVar("T")

# What a file system says on a bad day.
BAD_DAYS = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
    errno.EROFS,
    errno.EMFILE,
    errno.ENFILE,
    errno.EACCES,
    errno.ENOMEM,
    errno.EINTR,
)


class When(StrEnum):
    """The moment of a step at which a process is killed; half-way is of a write."""

    BEFORE = "before"
    HALFWAY = "halfway"
    AFTER = "after"


class Watching:
    """Lets everything happen and remembers it, in order."""

    def __init__(self) -> None:
        self.seen: list[tuple[Step, Path]] = []
        self._turn = threading.Lock()

    def perform(self, step: Step, path: Path, call: Callable[[], T]) -> T:
        return self.act(self._number(step, path), step, call)

    def write(self, path: Path, call: Callable[[memoryview], int], content: memoryview) -> int:
        return self.act_on_write(self._number(Step.WRITE, path), call, content)

    def _number(self, step: Step, path: Path) -> int:
        with self._turn:  # two threads that share a number would leave out the next one
            self.seen.append((step, path))
            return len(self.seen)

    def act(self, number: int, step: Step, call: Callable[[], T]) -> T:
        return call()

    def act_on_write(
        self, number: int, call: Callable[[memoryview], int], content: memoryview
    ) -> int:
        return self.act(number, Step.WRITE, lambda: call(content))

    def paths_of(self, step: Step) -> list[str]:
        """Return the names of the files that a step was about."""
        return [path.name for seen, path in self.seen if seen is step]


class Failing(Watching):
    """Lets step `number` (from 1), and those after it if `lasting`, fail with `code`."""

    def __init__(self, number: int, code: int, *, lasting: bool = False) -> None:
        super().__init__()
        self.number = number
        self.code = code
        self.lasting = lasting

    def act(self, number: int, step: Step, call: Callable[[], T]) -> T:
        if number != self.number and not (self.lasting and number > self.number):
            return call()
        if step is Step.CLOSE:  # a close that fails has closed all the same
            call()
        raise OSError(self.code, os.strerror(self.code))


class FailingStep(Watching):
    """Lets every step of one kind fail with `code`."""

    def __init__(self, step: Step, code: int) -> None:
        super().__init__()
        self.step = step
        self.code = code

    def act(self, number: int, step: Step, call: Callable[[], T]) -> T:
        if step is self.step:
            raise OSError(self.code, os.strerror(self.code))
        return call()


class ShortWriting(Watching):
    """Lets every write take at most `most_bytes` bytes."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__()
        self.most_bytes = most_bytes

    def act_on_write(
        self, number: int, call: Callable[[memoryview], int], content: memoryview
    ) -> int:
        return call(content[: self.most_bytes])


class Shortening(Watching):
    """Lets the write at step `number` take only a part of what it is given, perhaps nothing."""

    def __init__(self, number: int, taken: Callable[[int], int]) -> None:
        super().__init__()
        self.number = number
        self.taken = taken

    def act_on_write(
        self, number: int, call: Callable[[memoryview], int], content: memoryview
    ) -> int:
        if number != self.number:
            return call(content)
        part = content[: self.taken(len(content))]
        return call(part) if part else 0


class Killing(Watching):
    """Kills this process with SIGKILL at step `number`."""

    def __init__(self, number: int, when: When) -> None:
        super().__init__()
        self.number = number
        self.when = when

    def act(self, number: int, step: Step, call: Callable[[], T]) -> T:
        if number == self.number:
            if self.when is not When.BEFORE:
                with contextlib.suppress(OSError):  # many a file is looked for in vain
                    call()
            die()
        return call()

    def act_on_write(
        self, number: int, call: Callable[[memoryview], int], content: memoryview
    ) -> int:
        if number == self.number and self.when is When.HALFWAY:
            call(content[: len(content) // 2])
            die()
        return super().act_on_write(number, call, content)


def die() -> NoReturn:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("survived SIGKILL")


@contextlib.contextmanager
def installed(plan: FaultPlan) -> Iterator[None]:
    """Let `plan` decide every file operation of this process meanwhile."""
    steps.fault_plan = plan
    try:
        yield
    finally:
        steps.fault_plan = None


def steps_of(work: Callable[[], object]) -> int:
    """Return how many steps `work` takes when nothing fails."""
    plan = Watching()
    with installed(plan):
        work()
    return len(plan.seen)
