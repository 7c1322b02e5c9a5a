"""Manifest and its stage entries, as frozen values that keep what they do not know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import field, fields, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.times import parse_time

JsonObject = dict[str, Any]

MANIFEST_VERSION = 1
RUNNER_NAME = "codex-cli"  # the shared schema allows no other value
HEARTBEAT_INTERVAL_S = 5  # docs/formats.md, heartbeat
HEARTBEAT_STALE_AFTER_S = 30  # docs/formats.md, heartbeat


class RunStatus(StrEnum):
    """What a manifest may say of a run. Readers also meet other words and keep them."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class CommandStatus(StrEnum):
    """What a manifest may say of a stage."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


class CommandKind(StrEnum):
    """The two kinds of stage."""

    COMMAND = "command"
    SUBPIPELINE = "subpipeline"


TERMINAL: Final = frozenset(
    [RunStatus.SUCCEEDED.value, RunStatus.FAILED.value, RunStatus.CANCELLED.value, "canceled"]
)
STAGE_DONE: Final = frozenset([CommandStatus.SUCCEEDED.value, CommandStatus.SKIPPED.value])


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """One stage of a run, in the order of the pipeline; `index` counts from 1.

    Times are the text that stands in the file. `status` may be a word that `CommandStatus` does
    not have. `problems` of the file are told by the manifest, not here.
    """

    index: int
    id: str
    title: str
    command: str | None = None
    kind: str = CommandKind.COMMAND.value
    status: str = CommandStatus.PENDING.value
    started_at: str | None = None
    completed_at: str | None = None
    exit_code: int | None = None
    summary: str | None = None
    log_path: str | None = None
    error_file: str | None = None
    sub_run_id: str | None = None
    extras: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class ChildRun:
    """A run that a sub-pipeline stage started; `manifest` is relative to the repository."""

    run_id: str
    pipeline_id: str
    status: str
    manifest: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A run's manifest.

    Every field is as in the file; None stands for absent, null or unusable. `extras` keeps keys
    that this program does not know, so that writing a read manifest back loses nothing.
    """

    run_id: str | None = None
    task_id: str | None = None
    task_slug: str | None = None
    parent_run_id: str | None = None
    pipeline_id: str | None = None
    pipeline_title: str | None = None
    approval_policy: str | None = None
    status: str | None = None
    status_detail: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    updated_at: str | None = None
    heartbeat_at: str | None = None
    heartbeat_interval_seconds: int | None = None
    heartbeat_stale_after_seconds: int | None = None
    artifact_root: str | None = None
    compat_path: str | None = None
    log_path: str | None = None
    summary: str | None = None
    metrics_recorded: bool = False
    resume_token: str | None = None
    resume_events: tuple[JsonObject, ...] = ()
    approvals: tuple[JsonObject, ...] = ()
    commands: tuple[CommandRecord, ...] = ()
    child_runs: tuple[ChildRun, ...] = ()
    run_summary_path: str | None = None
    plan_target_id: str | None = None
    instructions_hash: str | None = None
    instructions_sources: tuple[str, ...] = ()
    guardrails_required: bool | None = None
    guardrails_required_source: str | None = None
    runtime_mode_requested: str | None = None
    runtime_mode: str | None = None
    runtime_provider: str | None = None
    runtime_fallback: JsonObject | None = None
    extras: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_terminal(self) -> bool:
        """Whether the manifest says that the run has ended."""
        return (self.status or "").lower() in TERMINAL

    def with_command(self, index: int, **changes: Any) -> Manifest:
        """Return the manifest with changes to the stage at position `index` (from 1)."""
        commands = list(self.commands)
        commands[index - 1] = replace(commands[index - 1], **changes)
        return replace(self, commands=tuple(commands))

    def with_summary_line(self, line: str) -> Manifest:
        """Return the manifest with a line added to its summary, unless it contains it already."""
        if self.summary and line in self.summary:
            return self
        return replace(self, summary=f"{self.summary}\n{line}" if self.summary else line)

    def without_summary_lines(self, prefix: str) -> Manifest:
        """Return the manifest without the summary lines that begin with `prefix`."""
        kept = [line for line in (self.summary or "").split("\n") if not line.startswith(prefix)]
        return replace(self, summary="\n".join(kept) or None)


_TEXT = (str,)
# Of which types each field is, beside null; those that are lists stand in LIST_FIELDS.
COMMAND_TYPES: dict[str, tuple[type, ...]] = {
    "index": (int,),
    "exit_code": (int,),
    **dict.fromkeys(
        (
            "id title command kind status started_at completed_at summary log_path error_file "
            "sub_run_id"
        ).split(),
        _TEXT,
    ),
}
MANIFEST_TYPES: dict[str, tuple[type, ...]] = {
    **{f.name: _TEXT for f in fields(Manifest)},
    "heartbeat_interval_seconds": (int,),
    "heartbeat_stale_after_seconds": (int,),
    "metrics_recorded": (bool,),
    "guardrails_required": (bool,),
    "runtime_fallback": (dict,),
}
LIST_FIELDS = ("resume_events", "approvals", "commands", "child_runs", "instructions_sources")
_COMMAND_KEYS = frozenset(f.name for f in fields(CommandRecord)) - {"extras"}
_MANIFEST_KEYS = (frozenset(f.name for f in fields(Manifest)) - {"extras"}) | {"version", "runner"}


def _fits(value: object, types: tuple[type, ...]) -> bool:
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _command(entry: object, position: int, problems: list[str]) -> CommandRecord:
    if not isinstance(entry, dict):
        problems.append(f"commands[{position - 1}] is not an object")
        return CommandRecord(index=position, id=str(position), title=f"stage {position}")
    known: dict[str, Any] = {}
    for name, types in COMMAND_TYPES.items():
        value = entry.get(name)
        if value is None:
            continue
        if _fits(value, types):
            known[name] = value
        else:
            problems.append(f"commands[{position - 1}].{name} has an unusable value")
    command = known.get("command")
    name = known.get("id") or (command.strip()[:SLUG_OF_COMMAND] if command else str(position))
    known |= {
        "index": known.get("index", position),
        "id": name,
        "title": known.get("title") or name,
        "extras": MappingProxyType({k: v for k, v in entry.items() if k not in _COMMAND_KEYS}),
    }
    return CommandRecord(**known)


SLUG_OF_COMMAND = 60  # characters of a command that stand for a stage without an id


def _child_run(entry: object) -> ChildRun | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("run_id"), str):
        return None
    texts = {
        name: entry[name] if isinstance(entry.get(name), str) else ""
        for name in ("run_id", "pipeline_id", "status", "manifest")
    }
    return ChildRun(**texts)


def manifest_from_document(document: Mapping[str, Any]) -> tuple[Manifest, tuple[str, ...]]:
    """Return the manifest in a parsed JSON object, and what is wrong with it in plain words.

    A field of the wrong type is left out and told; nothing raises, whatever the object holds.
    """
    problems: list[str] = []
    known: dict[str, Any] = {}
    for name, types in MANIFEST_TYPES.items():
        value = document.get(name)
        if value is None or name in LIST_FIELDS or name == "extras":
            continue
        if _fits(value, types):
            known[name] = value
        else:
            problems.append(f"{name} has an unusable value")
    lists: dict[str, list[Any]] = {}
    for name in LIST_FIELDS:
        value = document.get(name)
        if value is not None and not isinstance(value, list):
            problems.append(f"{name} is not a list")
        lists[name] = value if isinstance(value, list) else []
    version = document.get("version", MANIFEST_VERSION)
    if version != MANIFEST_VERSION:
        problems.append(f"version {str(version)[:20]} is not known")
    known |= {
        "commands": tuple(
            _command(entry, position, problems)
            for position, entry in enumerate(lists["commands"], 1)
        ),
        "child_runs": tuple(child for child in map(_child_run, lists["child_runs"]) if child),
        "resume_events": tuple(e for e in lists["resume_events"] if isinstance(e, dict)),
        "approvals": tuple(e for e in lists["approvals"] if isinstance(e, dict)),
        "instructions_sources": tuple(
            s for s in lists["instructions_sources"] if isinstance(s, str)
        ),
        "extras": MappingProxyType({k: v for k, v in document.items() if k not in _MANIFEST_KEYS}),
    }
    return Manifest(**known), tuple(problems)


_ORDER_HEAD = (
    "version task_id task_slug run_id parent_run_id pipeline_id pipeline_title runner "
    "approval_policy status status_detail started_at completed_at updated_at heartbeat_at "
    "heartbeat_interval_seconds heartbeat_stale_after_seconds artifact_root compat_path log_path "
    "summary metrics_recorded resume_token resume_events approvals commands child_runs "
    "run_summary_path plan_target_id instructions_hash instructions_sources guardrails_required "
    "guardrails_required_source runtime_mode_requested runtime_mode runtime_provider "
    "runtime_fallback"
).split()


_OWN_KEYS = {
    kind: tuple(field.name for field in fields(kind) if field.name != "extras")
    for kind in (Manifest, CommandRecord, ChildRun)
}


def _plain(record: Manifest | CommandRecord | ChildRun) -> JsonObject:
    return {name: getattr(record, name) for name in _OWN_KEYS[type(record)]}


def manifest_to_document(manifest: Manifest) -> JsonObject:
    """Return the JSON object of a manifest, keys in the Node original's order, extras last."""
    values: JsonObject = {
        **_plain(manifest),
        "version": MANIFEST_VERSION,
        "runner": RUNNER_NAME,
        "commands": [{**_plain(c), **c.extras} for c in manifest.commands],
        "child_runs": [_plain(child) for child in manifest.child_runs],
        "resume_events": list(manifest.resume_events),
        "approvals": list(manifest.approvals),
        "instructions_sources": list(manifest.instructions_sources),
    }
    return {name: values[name] for name in _ORDER_HEAD} | dict(manifest.extras)


def is_usual(document: Mapping[str, Any]) -> bool:
    """Tell whether `manifest_from_document` finds nothing wrong with an object, in little time."""
    if document.get("version", MANIFEST_VERSION) != MANIFEST_VERSION:
        return False
    if not _is_sound(document, _USUAL_FIELDS, _CHECKED):
        return False
    known = _SOUND.get(_USUAL_COMMAND_FIELDS, ())
    for entry in document.get("commands") or ():
        if not isinstance(entry, dict):
            return False
        if (*entry, *map(type, entry.values())) in known:
            continue
        if not _is_sound(entry, _USUAL_COMMAND_FIELDS, COMMAND_TYPES.keys()):
            return False
    return True


def _is_sound(
    entry: Mapping[str, Any], usual: frozenset[tuple[str, type]], checked: Set[str]
) -> bool:
    # Nearly all are of a few kinds, each with the same names of the same types in one order.
    kind: tuple[str | type, ...] = (*entry, *map(type, entry.values()))
    known = _SOUND.get(usual)
    if known is not None and kind in known:
        return True
    is_sound = all(
        name not in checked or (name, type(value)) in usual for name, value in entry.items()
    )
    if is_sound and len(kind) <= _MOST_REMEMBERED:
        if known is None or len(known) >= _MOST_KINDS:
            known = _SOUND[usual] = set()
        known.add(kind)
    return is_sound


def _usual(types: Mapping[str, tuple[type, ...]]) -> frozenset[tuple[str, type]]:
    return frozenset((name, kind) for name in types for kind in (*types[name], type(None)))


_USUAL_COMMAND_FIELDS: Final = _usual(COMMAND_TYPES)
_USUAL_FIELDS: Final = _usual(
    {name: types for name, types in MANIFEST_TYPES.items() if name != "extras"}
    | dict.fromkeys(LIST_FIELDS, (list,))
    | {"version": (int, float), "runner": _TEXT}
)
_SOUND: Final[dict[frozenset[tuple[str, type]], set[tuple[str | type, ...]]]] = {}
_MOST_KINDS: Final = 500  # of which it is remembered that they are sound
_MOST_REMEMBERED: Final = 200  # names and types of one
_CHECKED: Final = frozenset(name for name, _ in _USUAL_FIELDS) - {"version", "runner"}


def accepted_resumes(events: Iterable[JsonObject]) -> tuple[datetime, ...]:
    """Return when a run was resumed, in the order of its file; refused attempts do not count."""
    times = (
        parse_time(event.get("timestamp")) for event in events if event.get("outcome") != "blocked"
    )
    return tuple(moment for moment in times if moment is not None)
