"""Splicing: one more run in a long `runs.json` without taking the rest of it apart.

Only a file that this program itself wrote and read back, and that nobody has touched since, is
known to be sound. Its signature is kept beside it, the seal, if it holds nothing but runs; anything
else is read whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import FileSignature
from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.paths import Roots, TaskPaths
from orchestrator_tui.store.history import HISTORY_LIMIT_BYTES, timestamp_of
from orchestrator_tui.store.json_text import BadJson, decode_json, encode_line, encode_unended

SEALED_FROM_BYTES = 256 * 1024  # a shorter history is read whole in less time than a seal takes
_SEAL_LIMIT_BYTES = 1024
_HEAD_LIMIT_BYTES = 4096
_SEALED = "only runs"  # what a seal says of its history
_MAX_STEPS = 64  # a run that belongs further back than so many others has the file read whole
# What stands where in a file of this layout; texts hold no raw newline, so nothing else does.
_LIST = b'\n  "runs": [\n'
_BEGIN = b"    {\n"
_BETWEEN = b"\n    },\n    {\n"
_RUN_ID = b'\n      "runId": '
_TIMESTAMP = b'\n      "timestamp": '
_LIST_END = b"\n  ]\n}"
_KEY = b'\n  "'  # of the file itself
_END = b"\n    }" + _LIST_END


def sealed_content(roots: Roots, paths: TaskPaths) -> bytes | None:
    """Return the history as it is on disk if it is what was sealed, else None.

    Raises:
        OSError: The history is there and cannot be read.
    """
    sealed = _read_seal(roots, paths)
    if sealed is None or files.signature(paths.runs_json) != sealed:
        return None
    found, content = files.read_range(paths.runs_json, 0, HISTORY_LIMIT_BYTES + 1, root=roots.out)
    return content if found == sealed and len(content) == sealed.size else None


def seal(paths: TaskPaths, found: FileSignature) -> None:
    """Note that the history of this signature is sound and holds nothing but runs."""
    if found.size < SEALED_FROM_BYTES:
        return
    with suppress(OSError):
        files.write_atomic(paths.history_seal, encode_line((_SEALED, *found)))


def spliced(
    content: bytes, task_id: str, summaries: Iterable[JsonObject], *, is_sealed: bool = False
) -> bytes | None:
    """Return a sound history with these runs in it, each where its timestamp belongs.

    A run that is there already is replaced. None where that is not simple: a run is much older
    than the last ones, or the only one, or the file holds more than runs. Of a history that
    `is_sealed` the last is not looked for, which takes as long as writing it.
    """
    at = content.find(_LIST, 0, _HEAD_LIMIT_BYTES)
    first = at + len(_LIST)
    if at < 0 or not content.startswith(_BEGIN, first) or not content.endswith(_END):
        return None
    # After the runs there may be a list of something else, which ends in the same way.
    has_more = not is_sealed and content.find(_KEY, first) >= 0
    if has_more or not _is_ours(content[:at], task_id):
        return None
    fresh = _Fresh.sorted_of(summaries)
    for one in fresh:
        rest = _without(content, first, one.run_id)
        if rest is None:
            return None
        content = rest
    last = _timestamp_in(content, content.rfind(_BETWEEN, first), len(content) - len(_END))
    places = _places(content, first, last, [one.timestamp for one in fresh])
    if places is None:
        return None
    end = len(content) - len(_LIST_END)
    newest = max([last, *(one.timestamp for one in fresh)])
    pieces: list[bytes | memoryview] = [_head(task_id, newest)]
    view, done = memoryview(content), first
    for place, one in zip(places, fresh, strict=True):
        joint = (b",\n", one.entry) if place == end else (one.entry, b",\n")
        pieces += [view[done:place], *joint]
        done = place
    return b"".join([*pieces, view[done:]])


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A run that comes into the history: `entry` as it stands in the file."""

    run_id: str
    timestamp: str
    entry: bytes

    @classmethod
    def sorted_of(cls, summaries: Iterable[JsonObject]) -> list[_Fresh]:
        """Return the runs in the order of the file; of two of one id the later one counts."""
        by_id = {str(summary.get("runId")): summary for summary in summaries}
        found = [cls(name, timestamp_of(run), _entry(run)) for name, run in by_id.items()]
        return sorted(found, key=lambda one: one.timestamp)


def _entry(summary: JsonObject) -> bytes:
    """Return a run as it stands in the list, two levels deep."""
    return encode_unended([[summary]])[len(b"[\n  [\n") : -len(b"\n  ]\n]")]


def _head(task_id: str, last: str) -> bytes:
    return encode_unended({"taskId": task_id, "lastRunAt": last})[: -len(b"\n}")] + b"," + _LIST


def _is_ours(head: bytes, task_id: str) -> bool:
    """Tell whether what stands before the list is as this program writes it."""
    try:
        last = decode_json(head.removesuffix(b",") + b"}").get("lastRunAt")
    except BadJson:
        return False
    return isinstance(last, str) and head + _LIST == _head(task_id, last)


def _without(content: bytes, first: int, run_id: str) -> bytes | None:
    """Return the history without a run; None where it is the only one, or there twice."""
    key = _RUN_ID + encode_unended(run_id)
    at = content.find(key, first)
    if at < 0:
        return content
    before, after = content.rfind(_BETWEEN, first, at + 1), content.find(_BETWEEN, at)
    if content.find(key, at + 1) >= 0 or before == after:
        return None
    if after < 0:
        return content[:before] + _END
    begin = first if before < 0 else before + len(_BETWEEN) - len(_BEGIN)
    return b"".join([content[:begin], content[after + len(_BETWEEN) - len(_BEGIN) :]])


def _places(content: bytes, first: int, last: str, timestamps: list[str]) -> list[int] | None:
    """Return before which byte each run stands; `timestamps` rise, and so do the places."""
    place, end = len(content) - len(_LIST_END), len(content) - len(_END)
    places: list[int] = []
    before, steps = last, 0  # the time of the run that ends before `place`
    for timestamp in reversed(timestamps):
        while timestamp < before:
            found = content.rfind(_BETWEEN, first, end)
            steps += 1
            if found < 0 or steps > _MAX_STEPS:
                return None
            place, end = found + len(_BETWEEN) - len(_BEGIN), found
            before = _timestamp_in(content, content.rfind(_BETWEEN, first, end), end)
        places.append(place)
    return places[::-1]


def _timestamp_in(content: bytes, begin: int, end: int) -> str:
    """Return the time of the run between two places; without a `begin` it is the first one."""
    at = content.find(_TIMESTAMP, max(begin, 0), end)
    if at < 0:
        return ""
    line = content[at + len(_TIMESTAMP) : end].partition(b"\n")[0]
    try:
        value = decode_json(line.rstrip(b","))
    except BadJson:  # a list or an object, of which this is the first line
        return ""
    return value if isinstance(value, str) else ""


def _read_seal(roots: Roots, paths: TaskPaths) -> FileSignature | None:
    try:
        content = files.read_bytes(
            paths.history_seal, limit_bytes=_SEAL_LIMIT_BYTES, root=roots.out
        )
        kind, *signature = decode_json(content)
        return FileSignature(*signature) if kind == _SEALED else None
    except (OSError, BadJson, TypeError, ValueError):
        return None
