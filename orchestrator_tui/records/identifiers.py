"""Identifiers of tasks and runs: the only way from a string to a path."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple, NewType

TaskId = NewType("TaskId", str)
RunId = NewType("RunId", str)

DEFAULT_TASK_ID = TaskId("0101")  # the Node original's default task

# As nearly all are; with a digit in front it is the name of no device.
_USUAL = re.compile(r"[0-9][0-9A-Za-z_-]{0,99}", re.ASCII)
_BAD_CHARACTER = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')
_SURROGATE = re.compile("[\ud800-\udfff]")
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
    + [f"{name}{digit}" for name in ("COM", "LPT") for digit in range(1, 10)]
)
_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d)-(\d\d)-(\d\d)-(\d{3})Z", re.ASCII)
_SLUG_BREAK = re.compile(r"[^a-zA-Z0-9]+")
SHORT_LENGTH = 5  # characters after the last dash that can stand for a run: a pid, hex digits
SLUG_LENGTH = 80  # characters; the Node original's limit for log and error file names
MAX_ID_BYTES = 200  # leaves room for ".lock.acquire.<pid>.<hex>.tmp" in a 255-byte name


class InvalidIdentifier(ValueError):
    """A task or run id that may not become part of a path; the text says which rule it breaks."""


class RunKey(NamedTuple):
    """The name of one run in one repository: its task and its run id, both sanitised.

    A tuple, since maps and orders of very many runs compare and hash it all the time.
    """

    task_id: str
    run_id: str

    def __str__(self) -> str:
        return f"{self.task_id}/{self.run_id}"

    @property
    def short(self) -> str:
        """The eight hex digits at the end of a run id, or its last eight characters."""
        last = self.run_id.rpartition("-")[2]
        return last[-8:] if len(last) >= SHORT_LENGTH else self.run_id[-8:]


def _complaint(value: str) -> str | None:
    if _USUAL.fullmatch(value):
        return None
    if bad := _BAD_CHARACTER.search(value):
        char = bad.group()
        if char.isprintable():
            return f'character "{char}" is not allowed.'
        return "control characters are not allowed."
    if value.startswith("."):
        return "leading dots are not allowed."
    if "/" in value or "\\" in value:
        return "slashes are not allowed."
    if value.endswith((".", " ")):
        return "trailing dots or spaces are not allowed."
    if value.partition(".")[0].rstrip().upper() in _DEVICES:
        return "Windows reserved device names are not allowed."
    if _SURROGATE.search(value):
        return "bytes that are not UTF-8 are not allowed."
    if len(value.encode()) > MAX_ID_BYTES:
        return f"more than {MAX_ID_BYTES} bytes are not allowed."
    return None


def _sanitize(value: str, kind: str) -> str:
    if not value:
        raise InvalidIdentifier(f"Invalid {kind} ID: value must be a non-empty string.")
    if complaint := _complaint(value):
        raise InvalidIdentifier(f'Invalid {kind} ID "{value}": {complaint}')
    return value


def sanitize_task_id(value: str) -> TaskId:
    """Return `value` unchanged if it may name a task's folder.

    Rules and texts are those of the Node original; nothing is lower-cased or replaced. Two rules
    are stricter: lone surrogates and names of more than 200 bytes are refused.

    Raises:
        InvalidIdentifier: The value breaks a rule; the text names it.
    """
    return TaskId(_sanitize(value, "task"))


def sanitize_run_id(value: str) -> RunId:
    """Return `value` unchanged if it may name a run's folder; rules as for `sanitize_task_id`.

    Raises:
        InvalidIdentifier: The value breaks a rule; the text names it.
    """
    return RunId(_sanitize(value, "run"))


def new_run_id(now: datetime, hex_digits: str) -> RunId:
    """Return the id of a run that starts at `now` (aware), ended by eight lower-case hex digits."""
    utc = now.astimezone(UTC)
    stamp = utc.isoformat(timespec="milliseconds").removesuffix("+00:00")
    return sanitize_run_id(f"{stamp.replace(':', '-').replace('.', '-')}Z-{hex_digits}")


def run_id_time(run_id: str) -> datetime | None:
    """Return the UTC time that a run id begins with, or None where it has none with milliseconds.

    Ids without milliseconds (`2025-10-18T13-38-00Z`) do not parse, as in the Node original.
    """
    match = _STAMP.match(run_id)
    if match is None:
        return None
    year, month, day, hour, minute, second, ms = (int(part) for part in match.groups())
    try:
        return datetime(year, month, day, hour, minute, second, ms * 1000, tzinfo=UTC)
    except ValueError:
        return None


def newest_first(run_ids: Iterable[str]) -> list[str]:
    """Sort run ids newest first.

    Equal to the Node original's rule (parsed times descending, otherwise descending text): the
    stamp has a fixed width, so descending text is descending time.
    """
    return sorted(run_ids, reverse=True)


def slugify(text: str) -> str:
    """Return `text` as the Node original puts it into file names: `  Ünï codé/../x  ` → `n-cod-x`.

    Case is kept, at most 80 characters; nothing left gives `command`.
    """
    return _SLUG_BREAK.sub("-", text.strip()).strip("-")[:SLUG_LENGTH] or "command"


def stage_file_stem(index: int, stage_id: str) -> str:
    """Return the stem of a stage's log and error files: `01-build`, `100-lint`; index from 1."""
    return f"{index:02d}-{slugify(stage_id)}"
