"""RunMap: all runs by key, a frozen map of which a changed copy costs little however many."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from itertools import chain
from typing import Final, Generic, TypeVar

from orchestrator_tui.records.identifiers import RunKey

_Known = TypeVar("_Known")  # what is known of one run

# A change copies one shard and the list of shards: of 100,000 runs some 400 and 256 references.
_SHARDS: Final = 256


class RunMap(Mapping[RunKey, _Known]):
    """A frozen map; runs stand in no order. `RunMapDraft` makes another one of it."""

    __slots__ = ("_count", "_shards")

    def __init__(self, shards: tuple[dict[RunKey, _Known], ...] = ({},) * _SHARDS) -> None:
        self._shards = shards
        self._count = sum(map(len, shards))

    def __getitem__(self, key: RunKey) -> _Known:
        return self._shards[hash(key) % _SHARDS][key]

    def __contains__(self, key: object) -> bool:
        return key in self._shards[hash(key) % _SHARDS]

    def __iter__(self) -> Iterator[RunKey]:
        return chain.from_iterable(self._shards)

    def __len__(self) -> int:
        return self._count

    def values(self) -> ValuesView[_Known]:
        """Return the runs."""
        return _Values(self)

    def items(self) -> ItemsView[RunKey, _Known]:
        """Return keys and runs."""
        return _Items(self)

    @property
    def shards(self) -> tuple[dict[RunKey, _Known], ...]:
        """The parts of the map, not to be changed."""
        return self._shards

    def changes_since(self, before: RunMap[_Known]) -> tuple[list[_Known], list[RunKey]]:
        """Return the runs that are not the very ones of another map, and the keys that are gone."""
        changed: list[_Known] = []
        gone: list[RunKey] = []
        for old, new in zip(before._shards, self._shards, strict=True):
            if old is not new:
                changed += [run for key, run in new.items() if old.get(key) is not run]
                gone += [key for key in old if key not in new]
        return changed, gone


class _Values(ValuesView[_Known]):
    _mapping: RunMap[_Known]

    def __iter__(self) -> Iterator[_Known]:
        return chain.from_iterable(map(dict.values, self._mapping.shards))


class _Items(ItemsView[RunKey, _Known]):
    _mapping: RunMap[_Known]

    def __iter__(self) -> Iterator[tuple[RunKey, _Known]]:
        return chain.from_iterable(map(dict.items, self._mapping.shards))


class RunMapDraft(Generic[_Known]):
    """A map that is being changed; copies a shard when something in it first changes."""

    def __init__(self, runs: RunMap[_Known]) -> None:
        self._runs = runs
        self._shards = list(runs.shards)
        self._own: set[int] = set()

    def get(self, key: RunKey) -> _Known | None:
        """Return a run, changes included."""
        return self._shards[hash(key) % _SHARDS].get(key)

    def put(self, key: RunKey, run: _Known) -> None:
        """Add a run or take it in place of the one before."""
        self._shard(hash(key) % _SHARDS)[key] = run

    def add(self, runs: Iterable[tuple[RunKey, _Known]]) -> list[_Known]:
        """Add each run, unless there is one of its key already: those are returned."""
        shards, own = self._shards, self._own
        known: list[_Known] = []
        for key, run in runs:
            number = hash(key) % _SHARDS
            shard = shards[number]
            if key in shard:
                known.append(shard[key])
            else:
                (shard if number in own else self._shard(number))[key] = run
        return known

    def drop(self, key: RunKey) -> None:
        """Take a run out that is there."""
        del self._shard(hash(key) % _SHARDS)[key]

    def finished(self) -> RunMap[_Known]:
        """Return the map after the changes: the very same one if there were none."""
        return RunMap(tuple(self._shards)) if self._own else self._runs

    def _shard(self, number: int) -> dict[RunKey, _Known]:
        if number not in self._own:
            self._own.add(number)
            self._shards[number] = self._shards[number].copy()
        return self._shards[number]
