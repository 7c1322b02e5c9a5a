"""What a dead runner left behind: processes of its run that nobody watches any more."""

from __future__ import annotations

import os

from orchestrator_tui.primitives.process_identity import (
    ProcessIdentity,
    descendants,
    identity_of,
    members_of_group,
    own_identity,
    processes_given,
)
from orchestrator_tui.records.life import RunnerRecord
from orchestrator_tui.records.paths import RunPaths
from orchestrator_tui.runner.environment import RUN_DIR_VARIABLE


def find_leftovers(paths: RunPaths, record: RunnerRecord | None) -> tuple[ProcessIdentity, ...]:
    """Return the living processes that the commands of a run started; ask only of a dead runner.

    Each is proven to be one of them: it has the run's folder in its environment, or belongs to the
    group whose leader `runner.json` names by pid and start time. This process and those above it
    are left out, for a command may well be the one that asks. On another host there are none to
    find.
    """
    if record is not None and not _is_here(record):
        return ()
    found = {*processes_given(f"{RUN_DIR_VARIABLE}={paths.run_dir}".encode())}
    if record is not None:
        found |= {*_group_of(record)}
    above = self_and_above(found)
    return tuple(sorted(found - above, key=lambda process: process.pid))


def _is_here(record: RunnerRecord) -> bool:
    own = own_identity()
    return (record.host, record.boot_id, record.pid_ns) == (own.host, own.boot_id, own.pid_ns)


def _group_of(record: RunnerRecord) -> tuple[ProcessIdentity, ...]:
    """Return the members of the last command's process group, if its leader still proves it."""
    if record.stage_pgid is None or record.stage_start_ticks is None:
        return ()
    leader = identity_of(record.stage_pgid)
    if leader is None or leader.start_ticks != record.stage_start_ticks:
        return ()
    return members_of_group(record.stage_pgid)


def self_and_above(processes: set[ProcessIdentity]) -> set[ProcessIdentity]:
    """Return which of these are this process, or one that it descends from."""
    own_pid = os.getpid()
    return {
        process
        for process in processes
        if process.pid == own_pid or any(p.pid == own_pid for p in descendants(process.pid))
    }
