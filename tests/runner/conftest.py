"""What the runner's tests share: async tests, orphans that come back to us, real commands."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator

import pytest

from orchestrator_tui.primitives.process_identity import descendants
from orchestrator_tui.runner.process_tree import TreeScope, become_subreaper, end_tree

PR_SET_CHILD_SUBREAPER = 36


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def scope() -> Iterator[TreeScope]:
    """The processes that a test starts; none of them outlives it."""
    become_subreaper()
    before = frozenset(descendants(os.getpid()))
    yield TreeScope()
    # Detached runners, too, which belong to no tree but their own.
    end_tree(lambda: tuple(set(descendants(os.getpid())) - before), grace_s=0)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
