"""Detached runners: how they are started, and by that which of many processes they are."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from orchestrator_tui.primitives.process_identity import (
    ProcessIdentity,
    descendants,
    first_words,
)

# What follows the interpreter in the words of a detached runner: no module of the repository is
# taken for one of ours.
DETACHED: Final = ("-P", "-m", "orchestrator_tui.runner")
_DETACHED: Final = tuple(word.encode() for word in DETACHED)


def detached_within(processes: Iterable[ProcessIdentity]) -> frozenset[ProcessIdentity]:
    """Return the detached runners among these processes, and all that descends from those.

    Each has a run of its own, which goes on whatever becomes of the one that started it.
    """
    found: set[ProcessIdentity] = set()
    for process in processes:
        if first_words(process.pid)[1:4] == _DETACHED and _leads_session(process.pid):
            found |= {process, *descendants(process.pid)}
    return frozenset(found)


def _leads_session(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:
        return False
