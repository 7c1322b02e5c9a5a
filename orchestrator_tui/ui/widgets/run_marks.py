"""RunMarks: the runs that a person has marked, one by one or from one row to another."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator_tui.records.identifiers import RunKey


class RunMarks:
    """Marked runs, and where a range begins while it is drawn."""

    def __init__(self) -> None:
        self._keys: dict[RunKey, None] = {}
        self.anchor: RunKey | None = None

    def __contains__(self, key: RunKey) -> bool:
        return key in self._keys

    @property
    def keys(self) -> tuple[RunKey, ...]:
        """The marked runs in the order they were marked."""
        return tuple(self._keys)

    def toggle(self, key: RunKey) -> None:
        """Mark a run, or take its mark away."""
        if key in self._keys:
            del self._keys[key]
        else:
            self._keys[key] = None

    def mark(self, keys: tuple[RunKey, ...]) -> None:
        """Mark runs and end the range."""
        self._keys.update(dict.fromkeys(keys))
        self.anchor = None

    def clear(self) -> bool:
        """Take all marks away; tell whether there were any, or a range."""
        had = bool(self._keys) or self.anchor is not None
        self._keys.clear()
        self.anchor = None
        return had

    def keep_known(self, runs: Mapping[RunKey, object]) -> None:
        """Forget runs that are gone."""
        for key in [key for key in self._keys if key not in runs]:
            del self._keys[key]
        if self.anchor is not None and self.anchor not in runs:
            self.anchor = None
