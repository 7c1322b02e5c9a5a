"""The seam below every file operation, where a test may make any step fail, stop short or kill."""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Step(StrEnum):
    """What is about to happen to a file or folder."""

    OPEN = "open"
    READ = "read"
    WRITE = "write"
    SYNC = "sync"
    CLOSE = "close"
    STAT = "stat"
    SCAN = "scan"
    RESOLVE = "resolve"
    RENAME = "rename"
    LINK = "link"
    SYMLINK = "symlink"
    READ_LINK = "read_link"
    UNLINK = "unlink"
    MAKE_FOLDER = "make_folder"
    SET_MODE = "set_mode"
    TOUCH = "touch"
    LOCK = "lock"


class FaultPlan(Protocol):
    """Decides what becomes of each step: carries it out, refuses it, ends the process."""

    def perform(self, step: Step, path: Path, call: Callable[[], T]) -> T:
        """Carry out `call`, or raise what the operating system would have raised."""
        ...

    def write(self, path: Path, call: Callable[[memoryview], int], content: memoryview) -> int:
        """Carry out one write, perhaps of a part of `content`, and return what `call` returned."""
        ...


fault_plan: FaultPlan | None = None  # tests install one; None costs one comparison a step


def perform(step: Step, path: Path, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return `call(*args, **kwargs)`; errors of the operating system name `path`."""
    try:
        if fault_plan is None:
            return call(*args, **kwargs)
        return fault_plan.perform(step, path, lambda: call(*args, **kwargs))
    except OSError as error:
        _name(error, path)
        raise


def perform_write(path: Path, descriptor: int, content: memoryview) -> int:
    """Write once to `descriptor` and return how many bytes of `content` were taken."""
    try:
        if fault_plan is None:
            return os.write(descriptor, content)
        return fault_plan.write(path, lambda part: os.write(descriptor, part), content)
    except OSError as error:
        _name(error, path)
        raise


def _name(error: OSError, path: Path) -> None:
    # A descriptor's errors name no file, and those of a temporary file name the wrong one.
    error.filename = str(path)
