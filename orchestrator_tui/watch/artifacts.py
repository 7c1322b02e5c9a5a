"""Artifacts: which files belong to a run; listed within bounds, links are never followed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import EntryKind, FolderEntry
from orchestrator_tui.records.facts import RunFacts
from orchestrator_tui.records.identifiers import InvalidIdentifier
from orchestrator_tui.records.paths import Roots, RunPaths, is_temporary, resolve_task_paths
from orchestrator_tui.state.observations import Artifact, Artifacts

MOST_FILES: Final = 200
MOST_ENTRIES: Final = 2_000  # that are looked at, over all folders
DEPTH: Final = 4
AFTER_END: Final = timedelta(seconds=5)  # what a run writes last may come after its last word
# Secrets, and what changes or means something only to programs.
_LEFT_OUT: Final = frozenset(
    [
        ".resume-token",
        ".heartbeat",
        ".runner.lck",
        "control_auth.json",
        "control_endpoint.json",
        "delegation_tokens.json",
    ]
)


def find_artifacts(roots: Roots, paths: RunPaths, facts: RunFacts) -> Artifacts:
    """Return the files of a run: what it produced, then those of its own folder.

    A file of `out/<task>` belongs to it if it was written while the run went on: nothing else
    tells whose it is.
    """
    search = _Search(roots)
    found = [
        *search.below(paths.summary_manifest.parent / "artifacts"),
        *(file for file in search.below(_out_folder(roots, paths)) if _is_of(file, facts)),
        *search.below(paths.run_dir),
    ]
    shown = tuple(found[:MOST_FILES])
    return Artifacts(shown, is_cut=search.is_cut or len(found) > len(shown))


def _out_folder(roots: Roots, paths: RunPaths) -> Path | None:
    try:
        return resolve_task_paths(roots, paths.key.task_id).runs_json.parent
    except InvalidIdentifier:
        # not reached: tasks of another name are not listed
        return None


def _is_of(file: Artifact, facts: RunFacts) -> bool:
    name = file.path.rpartition("/")[2]
    if name in ("runs.json", "state.json") or facts.started_at is None:
        return False
    until = facts.completed_at + AFTER_END if facts.completed_at else None
    return facts.started_at <= file.at and (until is None or file.at <= until)


class _Search:
    """Lists files, upper folders first, until so many entries were looked at."""

    def __init__(self, roots: Roots) -> None:
        self._roots = roots
        self._left = MOST_ENTRIES
        self.is_cut = False

    def below(self, folder: Path | None) -> Iterator[Artifact]:
        """Yield the files below a folder, as far as it can be read."""
        level = [folder] if folder is not None else []
        for _ in range(DEPTH):
            deeper: list[Path] = []
            for each in level:
                for name, kind in self._entries(each):
                    if kind is EntryKind.FOLDER:
                        deeper.append(each / name)
                    elif (file := self._file(each / name)) is not None:
                        yield file
            level = deeper

    def _entries(self, folder: Path) -> Iterator[tuple[str, EntryKind]]:
        if self._left <= 0:
            self.is_cut = True
            return
        try:
            # A folder that is a link may lead anywhere.
            if files.read_link(folder) is not None:
                return
            entries = files.list_folder(folder, limit=self._left)
        except OSError:  # it is not there, or not for us
            return
        self._left -= len(entries)
        for entry in entries:
            if _is_shown(entry):
                yield entry.name, entry.kind

    def _file(self, path: Path) -> Artifact | None:
        try:
            signature = files.signature(path)
        except OSError:
            return None
        if signature is None:
            return None
        return Artifact(self._roots.relative(path), signature.size, _seconds(signature.modified_at))


def _is_shown(entry: FolderEntry) -> bool:
    name = entry.name
    if entry.kind is EntryKind.FOLDER:
        return not name.startswith(".")
    is_ours = name in _LEFT_OUT or is_temporary(name) or name.endswith((".lock", ".lck"))
    return entry.kind is EntryKind.FILE and not is_ours


def _seconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
