"""Shelves: the folders in which runs lie, listed only when they changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.primitives.files import FileSignature
from orchestrator_tui.records.paths import NOT_RUNS, Roots
from orchestrator_tui.store.reading import reason_of
from orchestrator_tui.watch.settling import has_rested

CLI_FOLDER, MCP_FOLDER, OWN_FOLDER = "cli", "mcp", ""  # of a task; its own holds older runs


@dataclass(slots=True)
class _Shelf:
    """One folder as it was when it was listed last; None: there was none."""

    signature: FileSignature | None = None
    is_settled: bool = False


class Shelves:
    """Keeps how each folder of a task was when it was listed last.

    Never raises for what is on disk: what cannot be looked at is told by `problem`.
    """

    def __init__(self, roots: Roots, clock: Clock) -> None:
        self._roots = roots
        self._runs = str(roots.runs)
        self._clock = clock
        self._shelves: dict[tuple[str, str], _Shelf] = {}
        self.problem: str | None = None
        self.generation = 0  # another number for another answer of `newest`

    def has_cli(self, task: str) -> bool:
        """Tell whether a task is known to have the folder that programs of today write to."""
        shelf = self._shelves.get((task, CLI_FOLDER))
        return shelf is not None and shelf.signature is not None

    def changed(self, wanted: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return which of these (task, folder) are to be listed, as they may hold other names."""
        names = [f"{task}/{folder}" for task, folder in wanted]
        try:
            signatures = files.folder_signatures(self._roots.runs, names)
        except OSError as error:
            self.complain(self._roots.runs, error)
            return []
        return [
            each
            for each, signature in zip(wanted, signatures, strict=True)
            if self._has_changed(each, signature)
        ]

    def _has_changed(
        self, place: tuple[str, str], signature: FileSignature | OSError | None
    ) -> bool:
        shelf = self._shelves.get(place)
        if shelf is None:
            shelf = self._shelves[place] = _Shelf()
        if isinstance(signature, OSError):
            self.complain(self._path(*place), signature)
            return False
        if signature == shelf.signature and (shelf.is_settled or signature is None):
            return False
        if place[1] == CLI_FOLDER:
            self.generation += (signature is None) != (shelf.signature is None)
        shelf.signature = signature
        shelf.is_settled = signature is not None and has_rested(signature, self._clock)
        return True

    def names(self, task: str, folder: str) -> frozenset[str] | None:
        """Return the names of the folders in a shelf; None if it cannot be listed now."""
        path = self._path(task, folder)
        try:
            names = files.folders_in(path)
        except (FileNotFoundError, NotADirectoryError):
            if self._shelves[(task, folder)].signature is not None:
                del self._shelves[(task, folder)]  # it was there a moment ago: look again
            return frozenset()
        except OSError as error:
            del self._shelves[(task, folder)]
            self.complain(path, error)
            return None
        return names if folder else names - NOT_RUNS

    def newest(self, tasks: Iterable[str], limit: int) -> frozenset[Path]:
        """Return for each task the folder in which its next run will appear.

        Of more than `limit` those that were written to last.
        """
        found: list[tuple[int, str, str]] = []
        for task in tasks:
            for folder in (CLI_FOLDER, OWN_FOLDER):
                shelf = self._shelves.get((task, folder))
                if shelf is not None and shelf.signature is not None:
                    found.append((shelf.signature.mtime_ns, task, folder))
                    break
        found.sort(reverse=True)
        return frozenset(self._path(task, folder) for _, task, folder in found[:limit])

    def settled(self, task: str, folder: str) -> FileSignature | None:
        """Return the signature of a shelf as listed, None if it may not tell every change."""
        shelf = self._shelves.get((task, folder))
        return shelf.signature if shelf is not None and shelf.is_settled else None

    def recall(self, task: str, folder: str, signature: FileSignature) -> None:
        """Take a shelf for listed if it still has this signature, which was settled."""
        self._shelves.setdefault((task, folder), _Shelf(signature, is_settled=True))

    def relist(self, task: str) -> None:
        """List a task's folders at the next look, whatever their signatures say."""
        for folder in (CLI_FOLDER, MCP_FOLDER, OWN_FOLDER):
            self._shelves.pop((task, folder), None)

    def forget(self) -> None:
        """List every folder at the next look, whatever their signatures say."""
        self._shelves.clear()

    def complain(self, path: Path, error: OSError) -> None:
        """Keep what is wrong for whoever asks."""
        self.problem = f"{self._roots.relative(path)}: {reason_of(error)}"

    def _path(self, task: str, folder: str) -> Path:
        # One text makes a path in a third of the time that joining its parts takes.
        return Path(f"{self._runs}/{task}/{folder}")
