"""LivingRuns: the signs of life of the runs that have not ended."""

from __future__ import annotations

from dataclasses import field
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.records.facts import RunFacts
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import Beats, Runner, RunnerVerdict, Waiting
from orchestrator_tui.records.paths import Roots, RunPaths, run_paths_in
from orchestrator_tui.state.liveness import is_terminal, newest_activity
from orchestrator_tui.state.observations import (
    BeatsSeen,
    Observation,
    RunnerSeen,
    Unreadable,
    WaitingSeen,
)
from orchestrator_tui.state.reducer import GONE_ENOUGH
from orchestrator_tui.store.life import probe_runner, read_beats, read_waiting
from orchestrator_tui.store.reading import RunRef
from orchestrator_tui.watch.roster import Reading, Roster

LOOK_EVERY_S: Final = 1.0  # between two looks at a run that gives signs of life
DORMANT_AFTER_S: Final = 900.0  # silent for so long and without a runner: looked at in turn only
LOOK_ON_NOTICE_S: Final = 0.2  # between two looks that notices ask for


@dataclass(slots=True)
class _Living:
    """What was told of a run that goes on; `next_look_s` is monotonic."""

    ref: RunRef
    paths: RunPaths
    facts: RunFacts
    beats: Beats = field(default_factory=Beats)
    runner: Runner | None = None
    waiting: Waiting = field(default_factory=Waiting)
    gone_told: int = 0
    is_readable: bool = True
    next_look_s: float = 0.0
    looked_s: float = -1e9


class LivingRuns:
    """Looks at beats, runner and requests of the runs whose manifest has no last word."""

    def __init__(self, roots: Roots, clock: Clock, roster: Roster) -> None:
        self._roots = roots
        self._clock = clock
        self._roster = roster
        self._runs: dict[RunKey, _Living] = {}

    def paths(self, key: RunKey) -> RunPaths | None:
        """Return the files of a run that goes on, None for any other."""
        living = self._runs.get(key)
        return living.paths if living else None

    def keys(self) -> tuple[RunKey, ...]:
        """Return the runs that go on, newest first."""
        return tuple(sorted(self._runs, key=lambda key: key.run_id, reverse=True))

    def awake(self) -> tuple[RunPaths, ...]:
        """Return the files of the runs that give signs of life."""
        return tuple(run.paths for run in self._runs.values() if not self._is_dormant(run))

    def due_in_s(self) -> float:
        """Return in how many seconds the next look is due, a long time if there is none."""
        now_s = self._clock.monotonic()
        return min((run.next_look_s - now_s for run in self._runs.values()), default=60.0)

    def take(self, reading: Reading) -> list[Observation]:
        """Take in what reading a manifest brought; return it, with signs of life if it is new."""
        seen = list(reading.seen)
        if reading.facts is None:
            for each in seen:
                if isinstance(each, Unreadable) and (torn := self._runs.get(each.key)) is not None:
                    torn.is_readable = False
            return seen
        facts = reading.facts
        if is_terminal(facts):
            self._runs.pop(facts.key, None)
            return seen
        living = self._runs.get(facts.key)
        if living is not None:
            if facts == living.facts and living.is_readable:
                return []
            living.facts, living.is_readable = facts, True
            living.next_look_s = min(living.next_look_s, living.looked_s + LOOK_EVERY_S)
            return seen
        ref = self._roster.places.ref(facts.key)
        if ref is not None:
            paths = run_paths_in(self._roots, facts.key, ref.run_dir)
            self._runs[facts.key] = _Living(ref, paths, facts)
            seen += self.look(facts.key)
        return seen

    def drop(self, key: RunKey) -> None:
        """Forget a run that is gone."""
        self._runs.pop(key, None)

    def look_when_due(self) -> list[Observation]:
        """Look at the runs whose turn it is."""
        now_s = self._clock.monotonic()
        due = [key for key, run in self._runs.items() if run.next_look_s <= now_s]
        return [seen for key in due for seen in self.look(key)]

    def hasten(self, key: RunKey) -> None:
        """Look at a run soon: something beside its manifest changed."""
        run = self._runs.get(key)
        if run is not None:
            run.next_look_s = min(run.next_look_s, run.looked_s + LOOK_ON_NOTICE_S)

    def look(self, key: RunKey) -> list[Observation]:
        """Look at a run's manifest and signs of life; return what is news."""
        run = self._runs.get(key)
        if run is None:
            return []
        seen = self.take(self._roster.read(key))
        if key not in self._runs:
            return seen
        now_s = self._clock.monotonic()
        run.looked_s = now_s
        beats, waiting = read_beats(run.paths), read_waiting(run.paths)
        if beats != run.beats:
            run.beats = beats
            seen.append(BeatsSeen(key, beats))
        if waiting != run.waiting:
            run.waiting = waiting
            seen.append(WaitingSeen(key, waiting))
        seen += self._probe(key, run)
        run.next_look_s = now_s + (DORMANT_AFTER_S if self._is_dormant(run) else LOOK_EVERY_S)
        return seen

    def _probe(self, key: RunKey, run: _Living) -> list[Observation]:
        runner = probe_runner(run.paths)
        if runner.verdict not in (RunnerVerdict.GONE, RunnerVerdict.REBOOTED):
            is_news, run.runner, run.gone_told = runner != run.runner, runner, 0
            return [RunnerSeen(key, runner)] if is_news else []
        if runner == run.runner and run.gone_told >= GONE_ENOUGH:
            return []
        # A runner writes its last word before it goes: only a manifest that is read after the
        # probe, and still has none, tells that it went without one.
        seen = self.take(self._roster.read(key, anew=True))
        if key in self._runs:
            run.runner = runner
            run.gone_told += 1
            seen.append(RunnerSeen(key, runner))
        return seen

    def _is_dormant(self, run: _Living) -> bool:
        """Tell whether there is nothing to wait for: no runner, and silent for long."""
        if 0 < run.gone_told < GONE_ENOUGH:
            return False  # not proven gone yet
        if run.runner is not None and run.runner.verdict in (
            RunnerVerdict.ALIVE,
            RunnerVerdict.ELSEWHERE,
        ):
            return False
        newest = newest_activity(run.facts, run.beats)
        at = newest.at if newest else run.facts.updated_at or run.facts.started_at
        return at is None or (self._clock.now() - at).total_seconds() > DORMANT_AFTER_S
