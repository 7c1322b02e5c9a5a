"""Power cuts: every state that a disk may be in after one, while a run ends.

The model of a disk: what was written to a file may be lost, wholly or from the middle on, until the
file was synced; what was changed in a folder may be lost until the folder was synced, in each
folder for itself. A folder that was just made is durable once something in it was synced, as
journaling file systems have it. No power is cut: each state is laid out in a folder and read.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar
from unittest.mock import patch

from orchestrator_tui.primitives.steps import Step
from prove.endings import Model, faults_after, finish, in_a_child, models
from prove.harness import Asked, Found
from tests.fault_plans import Watching, installed

T = TypeVar("T")

CHANGING: Final = frozenset(
    [Step.WRITE, Step.SYNC, Step.RENAME, Step.LINK, Step.UNLINK, Step.MAKE_FOLDER, Step.OPEN]
)
LONG_AGO_S: Final = 1_600_000_000  # locks are older than any limit once a machine is up again
FEW: Final = 100  # trials that only show that the harness works need one situation
OVER: Final = "over"  # names the states after the end of the run was told

Inode = int
Names = dict[str, Inode]


@dataclass
class Disk:
    """What is in a folder, and what of it would outlast a power cut."""

    root: Path
    contents: dict[Inode, bytes] = field(default_factory=dict)
    folders: dict[Inode, Names] = field(default_factory=dict)
    synced_contents: dict[Inode, bytes] = field(default_factory=dict)
    synced_folders: dict[Inode, Names] = field(default_factory=dict)
    times: dict[Inode, float] = field(default_factory=dict)
    pinned: dict[Inode, int] = field(default_factory=dict)  # open, so that no number comes again

    def look(self) -> None:
        """See what is there."""
        self.contents, self.folders = {}, {}
        self._look_into(self.root)

    def _look_into(self, folder: Path) -> None:
        names: Names = {}
        for entry in os.scandir(folder):
            status = entry.stat(follow_symlinks=False)
            names[entry.name] = status.st_ino
            if stat.S_ISDIR(status.st_mode):
                self._look_into(Path(entry.path))
            elif stat.S_ISREG(status.st_mode):
                if status.st_ino not in self.pinned:
                    self.pinned[status.st_ino] = os.open(entry.path, os.O_RDONLY)
                self.contents[status.st_ino] = Path(entry.path).read_bytes()
                self.times[status.st_ino] = status.st_mtime
        self.folders[folder.stat().st_ino] = names

    def settle(self) -> None:
        """Take all that is there for synced."""
        self.look()
        self.synced_contents, self.synced_folders = dict(self.contents), dict(self.folders)

    def synced(self, inode: Inode) -> None:
        """Note that a file or a folder was synced."""
        self.look()
        if inode in self.contents:
            self.synced_contents[inode] = self.contents[inode]
        else:
            self.synced_folders[inode] = self.folders[inode]

    def states(self) -> Iterator[tuple[dict[Inode, Names], dict[Inode, bytes]]]:
        """Yield what may be there after a power cut now: names of folders, contents of files."""
        changed = [i for i, names in self.folders.items() if self.synced_folders.get(i) != names]
        for lost in itertools.product((False, True), repeat=len(changed)):
            folders = dict(self.folders)
            for inode, is_lost in zip(changed, lost, strict=True):
                if is_lost:
                    folders[inode] = self.synced_folders.get(inode, {})
            for half in (None, 0, 2):
                yield folders, {i: self._left(i, half) for i in self._known()}

    def _known(self) -> set[Inode]:
        return self.contents.keys() | self.synced_contents.keys()

    def _left(self, inode: Inode, part: int | None) -> bytes:
        """Return a file's content: whole, or what was synced with so much of the rest."""
        synced = self.synced_contents.get(inode, b"")
        content = self.contents.get(inode, synced)
        if part is None or content == synced:
            return content
        kept = len(content) // part if part else 0
        return synced if len(synced) > kept else content[:kept]

    def lay_out(
        self, place: Path, folders: dict[Inode, Names], contents: dict[Inode, bytes]
    ) -> None:
        """Make a folder that is as the disk would be."""
        place.mkdir(parents=True)
        self._lay_out(place, self.root.stat().st_ino, folders, contents)

    def _lay_out(
        self,
        place: Path,
        inode: Inode,
        folders: dict[Inode, Names],
        contents: dict[Inode, bytes],
    ) -> None:
        for name, inner in folders.get(inode, {}).items():
            path = place / name
            if inner in contents:
                path.write_bytes(contents[inner])
                is_lock = ".lock" in name
                at = LONG_AGO_S if is_lock else self.times.get(inner, LONG_AGO_S)
                os.utime(path, (at, at))
            elif inner in folders:
                path.mkdir()
                self._lay_out(path, inner, folders, contents)


class Cutting(Watching):
    """Lays out, after each step that changes something, every state that a cut may leave."""

    def __init__(self, disk: Disk, place: Path) -> None:
        super().__init__()
        self._disk = disk
        self._place = place
        self._seen: set[bytes] = set()

    def act(self, number: int, step: Step, call: Callable[[], T]) -> T:
        """Carry the step out and cut the power after it."""
        done = call()
        if step in CHANGING:
            self.cut(f"{number:03d}")
        return done

    def cut(self, name: str) -> None:
        """Lay out what was not laid out before."""
        self._disk.look()
        for count, (folders, contents) in enumerate(self._disk.states()):
            told = repr((sorted(folders.items()), sorted(contents.items()))).encode()
            key = hashlib.sha256(told + (OVER.encode() if OVER in name else b"")).digest()
            if key not in self._seen:
                self._seen.add(key)
                self._disk.lay_out(self._place / f"{name}-{count}", folders, contents)


def prove(asked: Asked) -> Found:
    """Cut the power in every situation after every step; then let another run end."""
    found = Found()
    kinds = list(models(asked.folder))
    dice = asked.dice()
    if asked.trials < FEW:
        kinds = kinds[:1]
    for model in kinds:
        states = _states(model, does_sync=True)
        share = -(-asked.trials // len(kinds))
        chosen = states if len(states) <= share else dice.sample(states, share)
        found.trials += len(chosen)
        found.failures += _faults(model, chosen)
        found.figures += f"{model.name} {len(chosen)} of {len(states)} states, "
        shutil.rmtree(states[0].parent)
    states = _states(kinds[0], does_sync=False)
    found.caught(_faults(kinds[0], dice.sample(states, min(len(states), asked.trials))), "fsync")
    found.figures = found.figures.removesuffix(", ")
    return found


def _states(model: Model, *, does_sync: bool) -> list[Path]:
    """Let a run end, and return the folders in which all states of the disk lie."""
    repo = model.copy(model.repo.with_name("traced"))
    states = model.repo.with_name("states")

    def work() -> None:
        disk = Disk(repo)
        disk.settle()
        plan = Cutting(disk, states)
        real_sync = os.fsync

        def sync(descriptor: int) -> None:
            real_sync(descriptor)
            if does_sync:
                disk.synced(os.fstat(descriptor).st_ino)

        with patch.object(os, "fsync", sync), installed(plan):
            finish(repo)
        plan.cut(OVER)

    if in_a_child(work):  # its locks are then those of a dead process
        raise RuntimeError(f"the run in {model.name} did not end")
    shutil.rmtree(repo)
    return sorted(states.iterdir())


def _faults(model: Model, states: list[Path]) -> list[str]:
    faults = []
    for state in states:
        is_over = state.name.startswith(OVER)
        for fault in faults_after(state, is_over=is_over):
            faults.append(f"{model.name}, after step {state.name}: {fault}")
    return faults
