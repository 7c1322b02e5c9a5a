"""observe: the one place where the fleet changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from heapq import nlargest
from types import MappingProxyType
from typing import assert_never

from orchestrator_tui.records.facts import RunFacts
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import Beats, RunnerVerdict
from orchestrator_tui.state.estimates import (
    SAMPLES_KEPT,
    Lengths,
    PipelinePast,
    has_length,
    is_worth_a_sample,
    lengths_of,
    past_from,
)
from orchestrator_tui.state.fleet import Fleet, RunState
from orchestrator_tui.state.observations import (
    BeatsSeen,
    CheckoutSeen,
    ConfigSeen,
    DetailSeen,
    FreshnessSeen,
    Observation,
    RunDetail,
    RunnerSeen,
    RunSeen,
    RunsRecalled,
    RunVanished,
    Unreadable,
    WaitingSeen,
)
from orchestrator_tui.state.run_map import RunMapDraft

GONE_ENOUGH = 2  # probes in a row, each after a re-read, that prove a runner gone
DETAILS_KEPT = 8  # runs whose details stay in the fleet; the one seen longest ago goes first

_OfRun = BeatsSeen | RunnerSeen | WaitingSeen


def _told(run: RunState, seen: _OfRun) -> RunState:
    match seen:
        case BeatsSeen(beats=beats):
            # A heartbeat file that is empty or torn is no news, so it takes back no beat.
            return run._replace(
                beats=Beats(beats.file or run.beats.file, beats.log or run.beats.log)
            )
        case RunnerSeen(runner=runner):
            gone = runner.verdict == RunnerVerdict.GONE
            probes = min(GONE_ENOUGH, run.gone_probes + 1) if gone else 0
            return run._replace(runner=runner, gone_probes=probes)
        case WaitingSeen(waiting=waiting):
            return run._replace(waiting=waiting)
        case _:
            assert_never(seen)


def _begun(sample: Lengths | RunSeen) -> tuple[datetime, RunKey]:
    if isinstance(sample, Lengths):
        return sample.started_at, sample.key
    assert sample.facts.started_at is not None  # what has a length has a beginning
    return sample.facts.started_at, sample.facts.key


def _lengths(sample: Lengths | RunSeen) -> Lengths:
    if isinstance(sample, Lengths):
        return sample
    assert sample.stages is not None
    lengths = lengths_of(sample.facts, sample.stages())
    assert lengths is not None
    return lengths


class _Draft:
    """A fleet while one batch is taken in; copies what changes when it first does."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._runs = RunMapDraft(fleet.runs)
        self._details: dict[RunKey, RunDetail] | None = None
        self._config = fleet.config
        self._freshness = fleet.freshness
        self._branch = fleet.branch
        # Of the pipelines that have news. Of very many runs few are counted, so that the lengths of
        # those in this batch are worked out last.
        self._samples: dict[str, dict[RunKey, Lengths | RunSeen]] = {}
        self._oldest: dict[str, datetime] = {}  # sample of a pipeline that has enough of them

    def run(self, key: RunKey) -> RunState | None:
        """Return what is known of a run, this batch included."""
        return self._runs.get(key)

    def put(self, run: RunState) -> None:
        """Remember a run, unless it says nothing new."""
        if self.run(run.key) != run:
            self._runs.put(run.key, run)

    def _take_facts(self, seen: RunSeen | RunsRecalled) -> None:
        if isinstance(seen, RunSeen):
            if seen.stages is not None:
                self._learn(seen)
            self._put_facts(seen.facts)
            return
        known = self._runs.add((facts.key, RunState(facts.key, facts)) for facts in seen.runs)
        if known:
            keys = {run.key for run in known}
            for facts in seen.runs:
                if facts.key in keys:
                    self._put_facts(facts)

    def _put_facts(self, facts: RunFacts) -> None:
        if (run := self.run(facts.key)) is None:
            self._runs.put(facts.key, RunState(facts.key, facts))
        else:
            self.put(run._replace(facts=facts, unreadable=None))

    def drop(self, key: RunKey) -> None:
        """Forget a run and its details."""
        run = self.run(key)
        if run is not None:
            self._sample(run.facts, None)
            self._runs.drop(key)
        details = self._fleet.details if self._details is None else self._details
        if key in details:
            self._details = dict(details)
            del self._details[key]

    def put_detail(self, key: RunKey, detail: RunDetail) -> None:
        """Remember a run's details, unless they say nothing new."""
        details = self._fleet.details if self._details is None else self._details
        if self.run(key) is None or details.get(key) == detail:
            return
        self._details = dict(details)
        self._details.pop(key, None)
        self._details[key] = detail
        while len(self._details) > DETAILS_KEPT:
            del self._details[next(iter(self._details))]

    def _learn(self, seen: RunSeen) -> None:
        """Count a run among those its pipeline's usual length comes from, or no longer."""
        pipeline_id, started_at = seen.facts.pipeline_id or "", seen.facts.started_at
        oldest = self._oldest.get(pipeline_id)
        if oldest is not None and started_at is not None and started_at < oldest:
            return  # of very many runs nearly all are older than the few that count
        past = self._fleet.pasts.get(pipeline_id)
        if is_worth_a_sample(past, seen.facts):
            self._sample(seen.facts, seen if has_length(seen.facts) else None)
            self._leave_out_old(pipeline_id)

    def _leave_out_old(self, pipeline_id: str) -> None:
        samples = self._samples.get(pipeline_id, {})
        if len(samples) >= 2 * SAMPLES_KEPT:
            newest = nlargest(SAMPLES_KEPT, samples.values(), key=_begun)
            self._samples[pipeline_id] = {_begun(each)[1]: each for each in newest}
            self._oldest[pipeline_id] = _begun(newest[-1])[0]

    def _sample(self, facts: RunFacts | None, lengths: RunSeen | None) -> None:
        pipeline_id = facts.pipeline_id if facts else None
        if facts is None or not pipeline_id:
            return
        samples = self._samples.get(pipeline_id)
        if samples is None:
            past = self._fleet.pasts.get(pipeline_id)
            samples = {each.key: each for each in past.samples} if past else {}
        before = samples.get(facts.key)
        if before is None and lengths is None:
            return
        if isinstance(before, Lengths) and lengths is not None and _lengths(lengths) == before:
            return
        self._samples[pipeline_id] = samples
        if lengths is None:
            del samples[facts.key]
        else:
            samples[facts.key] = lengths

    def _pasts(self) -> Mapping[str, PipelinePast]:
        if not self._samples:
            return self._fleet.pasts
        fresh = {
            name: past_from(map(_lengths, nlargest(SAMPLES_KEPT, each.values(), key=_begun)))
            for name, each in self._samples.items()
        }
        return MappingProxyType({**self._fleet.pasts, **fresh})

    def take(self, seen: Observation) -> None:
        """Take in one observation."""
        match seen:
            case RunSeen() | RunsRecalled():
                self._take_facts(seen)
            case Unreadable(key=key):
                self.put((self.run(key) or RunState(key))._replace(unreadable=seen))
            case RunVanished(key=key):
                self.drop(key)
            case BeatsSeen(key=key) | RunnerSeen(key=key) | WaitingSeen(key=key):
                if (known := self.run(key)) is not None:
                    self.put(_told(known, seen))
            case DetailSeen(key=key, detail=detail):
                self.put_detail(key, detail)
            case ConfigSeen() | CheckoutSeen() | FreshnessSeen():
                self._take_surroundings(seen)
            case _:
                assert_never(seen)

    def _take_surroundings(self, seen: ConfigSeen | CheckoutSeen | FreshnessSeen) -> None:
        match seen:
            case ConfigSeen(config=config):
                self._config = config
            case CheckoutSeen(branch=branch):
                self._branch = branch
            case FreshnessSeen(freshness=freshness):
                self._freshness = freshness

    def fleet(self) -> Fleet:
        """Return the fleet after the batch: the very same value if nothing in it changed."""
        old = self._fleet
        runs = self._runs.finished()
        unchanged = runs is old.runs and self._details is None and not self._samples
        is_placed = self._config == old.config and self._branch == old.branch
        if unchanged and is_placed and self._freshness == old.freshness:
            return old
        return Fleet(
            runs=runs,
            details=old.details if self._details is None else MappingProxyType(self._details),
            config=old.config if self._config == old.config else self._config,
            freshness=self._freshness,
            pasts=self._pasts(),
            branch=self._branch,
        )


def observe(fleet: Fleet, batch: tuple[Observation, ...]) -> Fleet:
    """Return the fleet after what was seen.

    What concerns different runs may come in any order. The same observation twice is once, but
    for a `RunnerSeen` that says GONE: each counts as a probe until two prove the runner gone. What
    is told of a run that no manifest was seen of, readable or not, is left out. A run that did
    not change keeps its identity, and so does the fleet.
    """
    draft = _Draft(fleet)
    for seen in batch:
        draft.take(seen)
    return draft.fleet()
