"""RunIndex: what was read of runs that have ended, kept for the next start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice, repeat
from operator import attrgetter
from pathlib import Path
from sys import intern
from typing import Any, Final, NamedTuple
from zlib import crc32

import orjson

from orchestrator_tui import __version__
from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import FileSignature
from orchestrator_tui.records.facts import RunFacts, RunShape
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.paths import Roots

INDEX_NAME: Final = "runs.index"
FIRST_RUNS: Final = 200  # told before anything else, so that the first frame has rows
CHUNK_RUNS: Final = 2000
FORMAT: Final = 3  # another number where facts are worked out in another way than before
_READ_BYTES: Final = 1024 * 1024
_LINE_LIMIT_BYTES: Final = 16 * 1024 * 1024
UNFINISHED_LIMIT: Final = 500
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_CRC_DIGITS: Final = 8

# Told by the place of a run, so not kept.
_IMPLIED: Final = ("key", "shape", "folder")
_FIELDS: Final = tuple(name for name in RunFacts._fields if name not in _IMPLIED)
_TYPES: Final[dict[str, str]] = {
    name: kind.__forward_arg__ for name, kind in RunFacts.__annotations__.items()
}


# What `_make` does but for its look at the length, in three quarters of the time.
_run_facts: Final[Callable[[Iterable[Any]], RunFacts]] = partial(tuple.__new__, RunFacts)
_run_key: Final[Callable[[Iterable[str]], RunKey]] = partial(tuple.__new__, RunKey)
_signature: Final[Callable[[Iterable[int]], FileSignature]] = partial(tuple.__new__, FileSignature)


class Remembered(NamedTuple):
    """What was read of one run, and the signature of the manifest it was read from."""

    facts: RunFacts
    signature: FileSignature


class RememberedRuns(NamedTuple):
    """What was read of some runs, and for each the signature of its manifest."""

    facts: tuple[RunFacts, ...]
    signatures: tuple[FileSignature, ...]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The runs that had not ended when the index was kept: their manifests are read first."""

    keys: tuple[RunKey, ...] = ()


class RememberedTask(NamedTuple):
    """A task of which each run is in the index, and the folders of it that its runs lie in.

    `cli` is that of its runs, `own` the one around it, in which older runs would lie.
    """

    task_id: str
    cli: FileSignature
    own: FileSignature


class RememberedTasks(NamedTuple):
    """Told last: folders that are still the same need not be listed again."""

    tasks: tuple[RememberedTask, ...]


class RunIndex:
    """One private file; never raises, and whatever is wrong with it counts as nothing kept.

    A memory of work done, not of runs: each piece is used only while the manifest that it came from
    has the same signature. Lines of JSON, each after its checksum: a head, then pieces, newest run
    first. In a piece each field is a column, one value where all of it is the same, and texts and
    times are numbers in tables of the piece. That reads three times as fast as an object for each
    run and shares the memory of equal ones: a run that has ended was mostly written last when it
    ended.
    """

    def __init__(self, folder: Path, roots: Roots) -> None:
        self._path = folder / INDEX_NAME
        self._runs = str(roots.runs)
        self._shown_runs = roots.relative(roots.runs)

    def recall(self) -> Iterator[Unfinished | RememberedRuns | RememberedTasks]:
        """Yield which runs had not ended, then what was kept, newest first, piece by piece."""
        try:
            lines = self._lines()
            head = orjson.loads(next(lines, b"null"))
            if not isinstance(head, dict) or head.get("made") != self._made():
                return
            yield Unfinished(tuple(_key(*names) for names in head["unfinished"]))
            for line in lines:
                piece = orjson.loads(line)
                yield _tasks(piece["tasks"]) if "tasks" in piece else self._piece(piece)
        except (OSError, ValueError, TypeError, KeyError, IndexError):
            return

    def keep(
        self,
        remembered: Iterable[Remembered],
        unfinished: Sequence[RunKey],
        tasks: Iterable[RememberedTask] = (),
    ) -> bool:
        """Keep this in place of what was kept before; tell whether that was possible.

        Of more than `UNFINISHED_LIMIT` runs that have not ended the first are kept.
        """
        newest_first = iter(sorted(remembered, key=attrgetter("facts.key.run_id"), reverse=True))
        head = {"made": self._made(), "unfinished": list(map(list, unfinished[:UNFINISHED_LIMIT]))}
        try:
            lines = [_line(head)]
            size = FIRST_RUNS
            while piece := tuple(islice(newest_first, size)):
                lines.append(_line(_columns(piece)))
                size = CHUNK_RUNS
            lines.append(_line({"tasks": [[t.task_id, list(t.cli), list(t.own)] for t in tasks]}))
            for folder in (self._path.parent.parent, self._path.parent):
                files.make_folder(folder, mode=_PRIVATE_FOLDER)
            files.write_atomic(self._path, b"".join(lines), mode=_PRIVATE_FILE)
        except (OSError, ValueError, TypeError):
            return False
        return True

    def _made(self) -> list[object]:
        # What was made from other runs or by another version is not even looked into.
        return [FORMAT, __version__, self._runs, list(_FIELDS)]

    def _lines(self) -> Iterator[memoryview]:
        """Yield the lines whose checksum is right, up to the first that is wrong."""
        offset, begun, version = 0, b"", None
        while len(begun) < _LINE_LIMIT_BYTES:
            signature, content = files.read_range(self._path, offset, _READ_BYTES)
            if not content or version not in (None, signature):
                return  # at the end, or another program has kept its own meanwhile
            version = signature
            offset += len(content)
            first, *others = content.split(b"\n")
            if not others:
                begun += first
                continue
            for line in (begun + first, *others[:-1]):
                told = memoryview(line)[_CRC_DIGITS:]
                if int(line[:_CRC_DIGITS], 16) != crc32(told):
                    return
                yield told
            begun = others[-1]

    def _piece(self, piece: dict[str, Any]) -> RememberedRuns:
        texts = [None if text is None else intern(text) for text in piece["texts"]]
        times = [None if text is None else datetime.fromisoformat(text) for text in piece["times"]]
        runs: list[str] = piece["run"]
        tasks = [texts[number] or "" for number in _each(piece["task"], len(runs))]
        cli = {task: intern(f"{self._shown_runs}/{task}/cli") for task in set(tasks)}
        _check_names(*cli, *runs)
        rows = zip(
            map(_run_key, zip(tasks, runs, strict=True)),
            repeat(RunShape.CLI, len(runs)),
            map(cli.__getitem__, tasks),
            *(_values(name, piece[name], texts, times, len(runs)) for name in _FIELDS),
            strict=True,
        )
        signatures = zip(*(_each(part, len(runs)) for part in piece["signature"]), strict=True)
        return RememberedRuns(tuple(map(_run_facts, rows)), tuple(map(_signature, signatures)))


def _tasks(kept: Sequence[tuple[str, list[int], list[int]]]) -> RememberedTasks:
    make = FileSignature._make
    return RememberedTasks(tuple(RememberedTask(t, make(cli), make(own)) for t, cli, own in kept))


def _key(task: str, run: str) -> RunKey:
    _check_names(task, run)
    return RunKey(task, run)


def _check_names(*names: str) -> None:
    """Refuse what names no folder of a task or run, for one is looked for by each.

    Raises:
        ValueError: One of them is empty, hidden, or leads elsewhere.
    """
    lines = "\n".join(("", *names, ""))
    if any(each in lines for each in ("/", "\0", "\n.", "\n\n")):
        raise ValueError("a name that leads elsewhere")


def _line(document: object) -> bytes:
    content = orjson.dumps(document)
    return b"%08x%s\n" % (crc32(content), content)


def _columns(runs: Sequence[Remembered]) -> dict[str, object]:
    """Return a piece of the index; times are written by the encoder itself."""
    told = zip(*(run.facts for run in runs), strict=True)
    given: dict[str, tuple[Any, ...]] = dict(zip(RunFacts._fields, told, strict=True))
    task_ids, run_ids = zip(*given["key"], strict=True)
    texts: dict[str | None, int] = {None: 0}
    # By identity: to hash a time takes as long as all the rest.
    times = {id(at): at for name in _FIELDS if _is_time(name) for at in given[name]}
    time_numbers = {each: number for number, each in enumerate(times)}
    columns: dict[str, object] = {
        "task": _kept([texts.setdefault(task_id, len(texts)) for task_id in task_ids]),
        "run": run_ids,
        "signature": [*map(_kept, zip(*(run.signature for run in runs), strict=True))],
    }
    for name in _FIELDS:
        if _is_text(name):
            columns[name] = _kept([texts.setdefault(text, len(texts)) for text in given[name]])
        elif _is_time(name):
            columns[name] = _kept([time_numbers[id(at)] for at in given[name]])
        else:
            columns[name] = _kept(given[name])
    return {**columns, "texts": list(texts), "times": list(times.values())}


def _is_text(name: str) -> bool:
    return _TYPES[name].startswith("str")


def _is_time(name: str) -> bool:
    return _TYPES[name].startswith("datetime")


def _kept(column: Sequence[object]) -> object:
    """Return a column as it is kept: one value where it is the same for every run."""
    return {"each": column[0]} if column[1:] == column[:-1] else column


def _each(kept: Any, count: int) -> Iterable[Any]:
    """Return the values of a column for so many runs."""
    return repeat(kept["each"], count) if isinstance(kept, dict) else kept


def _values(
    name: str,
    kept: Any,
    texts: Sequence[str | None],
    times: Sequence[datetime | None],
    count: int,
) -> Iterable[Any]:
    if isinstance(kept, dict):
        (value,) = _values(name, [kept["each"]], texts, times, 1)
        return repeat(value, count)
    if _is_text(name):
        return map(texts.__getitem__, kept)
    if _is_time(name):
        return map(times.__getitem__, kept)
    return map(tuple, kept) if _TYPES[name].startswith("tuple") else kept
