"""runner.json of a run: whose processes these are, kept true while they live."""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import replace
from typing import Any

from orchestrator_tui import __version__
from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.primitives.files import Durability
from orchestrator_tui.primitives.process_identity import own_identity
from orchestrator_tui.records.life import GitFacts, RunnerRecord
from orchestrator_tui.records.paths import RunPaths
from orchestrator_tui.records.requests import RunInputs
from orchestrator_tui.records.secrets import is_secret
from orchestrator_tui.records.times import format_time
from orchestrator_tui.runner.process import ChildTree
from orchestrator_tui.runner.process_tree import CancelRung
from orchestrator_tui.store.life import write_runner

ENDED = "ended"
_RUNGS = tuple(CancelRung)

_log = logging.getLogger(__name__)


class RunnerFile:
    """`runner.json` of one run: whose processes these are. Threads may share it."""

    def __init__(self, paths: RunPaths, *, clock: Clock, control_seq: int = 0) -> None:
        own = own_identity()
        self._paths = paths
        self._clock = clock
        self._turn = threading.Lock()
        self.record = RunnerRecord(
            pid=own.pid,
            pgid=os.getpgrp(),
            start_ticks=own.start_ticks,
            boot_id=own.boot_id,
            pid_ns=own.pid_ns,
            host=own.host,
            version=__version__,
            started_at=format_time(clock.now()),
            control_seq=control_seq,
        )

    def note_inputs(self, inputs: RunInputs) -> None:
        """Note what the run was given; a secret's value stays out. `update` brings it to disk."""
        env = tuple((n, None if is_secret(n, value) else value) for n, value in inputs.env)
        self.record = replace(self.record, note=inputs.note, env=env)

    def update(self, **changes: Any) -> None:
        """Change the record and write it; a disk that refuses is told and stops nothing."""
        with self._turn:
            self._write(Durability.FULL, **changes)

    def note_command(self, tree: ChildTree) -> None:
        """Note the process of the command that has just started."""
        ticks = tree.identity.start_ticks if tree.identity else None
        # A power cut that could lose this ends the process too, so no disk has to be waited for.
        with self._turn:
            self._write(Durability.RENAME, stage_pgid=tree.pid, stage_start_ticks=ticks)

    def note_git(self, facts: GitFacts) -> None:
        """Note at which commit the run began; too late once it has ended: it may be another's."""
        with self._turn:
            if self.record.state != ENDED:
                self._write(Durability.RENAME, git=facts)

    def note_rung(self, rung: CancelRung, **changes: Any) -> None:
        """Note how far the ending of the run's processes has come; it never goes back."""
        with self._turn:
            told = self.record.cancel_rung
            if told is None or _RUNGS.index(rung) > _RUNGS.index(CancelRung(told)):
                changes["cancel_rung"] = rung.value
                changes[f"cancel_{rung.value}_at"] = format_time(self._clock.now())
            self._write(Durability.FULL, **changes)

    def _write(self, durability: Durability, **changes: Any) -> None:
        self.record = replace(self.record, **changes)
        try:
            write_runner(self._paths, self.record, durability=durability)
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._paths.runner_json, error)
