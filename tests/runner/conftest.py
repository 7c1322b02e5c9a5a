"""What the runner's tests share: async tests, orphans that come back to us, real commands."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import pytest

from orchestrator_tui.runner.process_tree import TreeScope, become_subreaper, end_tree

PR_SET_CHILD_SUBREAPER = 36


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def scope() -> Iterator[TreeScope]:
    """The processes that a test starts; none of them outlives it."""
    become_subreaper()
    scope = TreeScope()
    yield scope
    end_tree(scope.members, grace_s=0)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
