"""Reading: a file becomes a record or `BadContent`; what is in a file never raises."""

from __future__ import annotations

from pathlib import Path

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import UnsuitableFile
from orchestrator_tui.records.facts import RunFacts, RunShape, run_facts
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.manifest import JsonObject, Manifest, manifest_from_document
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.store import older_shapes
from orchestrator_tui.store.json_text import BadJson, decode_json

MANIFEST_NAME = "manifest.json"
MANIFEST_LIMIT_BYTES = 2 * 1024 * 1024  # docs/formats.md, limits


@dataclass(frozen=True, slots=True)
class BadContent:
    """A file that cannot be used; `path` is relative to the repository, `reason` in plain words."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunRef:
    """Where a run seems to lie; only reading its manifest tells whether it is one."""

    key: RunKey
    shape: RunShape
    run_dir: Path

    def folder_in(self, roots: Roots) -> str:
        """Return what its own folder lies in, relative to the repository."""
        return roots.relative(self.run_dir).rpartition("/")[0]

    @property
    def manifest(self) -> Path:
        """Where its manifest lies, if there is one."""
        return Path(f"{self.run_dir}/{MANIFEST_NAME}")  # quicker than joining


@dataclass(frozen=True, slots=True)
class ReadRun:
    """A manifest that was read, and the facts a list shows of it."""

    facts: RunFacts
    manifest: Manifest


def parse_object(content: bytes, path: str) -> JsonObject | BadContent:
    """Return the JSON object in `content`, or why there is none; `path` is for the telling."""
    try:
        value = decode_json(content)
    except BadJson as error:
        return BadContent(path, str(error))
    if isinstance(value, dict):
        return value
    return BadContent(path, f"{_kind(value)}, not an object")


def read_object(
    roots: Roots, path: Path, *, limit_bytes: int = MANIFEST_LIMIT_BYTES
) -> JsonObject | BadContent | None:
    """Return the JSON object in a file below the roots, why there is none, or None if absent.

    No link is followed below the root that the file lies under.
    """
    shown = roots.relative(path)
    try:
        content = files.read_bytes(path, limit_bytes=limit_bytes, root=root_of(roots, path))
    except FileNotFoundError:
        return None
    except OSError as error:
        return BadContent(shown, reason_of(error))
    return parse_object(content, shown)


def root_of(roots: Roots, path: Path) -> Path:
    """Return the root that a path must not leave: the runs, the outputs, else the repository."""
    text = str(path)  # texts are compared in a fifth of the time that paths are
    for root in (roots.runs, roots.out):
        if text == str(root) or text.startswith(f"{root}/"):
            return root
    return roots.repo


def reason_of(error: OSError) -> str:
    """Return why a file could not be read, without its path."""
    if isinstance(error, UnsuitableFile):
        return error.reason
    if isinstance(error, PermissionError):
        return "permission denied"
    return (error.strerror or str(error)).lower()


def read_run(roots: Roots, ref: RunRef) -> ReadRun | BadContent | None:
    """Return the run at a place, why its manifest cannot be read, or None if there is no run.

    None means: vanished, a pointer to a run, the copy of a run's summary beside the run itself, or
    a folder that has nothing to do with runs.
    """
    if ref.shape is not RunShape.CLI and _has_cli_twin(roots, ref):
        return None
    path = ref.manifest
    document = read_object(roots, path)
    if document is None:
        return _without_manifest(roots, ref)
    if isinstance(document, BadContent):
        return document if _counts_as_run(ref) else None
    if not document and ref.shape is RunShape.CLI:
        return BadContent(roots.relative(path), "an empty object")
    found = _interpret(ref, document)
    if found is None:
        return None
    shape, manifest, problems = found
    problems += _misplaced(ref, shape, manifest)
    facts = run_facts(ref.key, shape, ref.folder_in(roots), manifest, problems)
    return ReadRun(facts, manifest)


def _has_cli_twin(roots: Roots, ref: RunRef) -> bool:
    twin = roots.runs / ref.key.task_id / "cli" / ref.key.run_id
    try:
        return files.exists(twin)
    except OSError:
        return False


def _without_manifest(roots: Roots, ref: RunRef) -> BadContent | None:
    if ref.shape is RunShape.CLI and _is_folder(ref.run_dir / "commands"):
        return BadContent(roots.relative(ref.manifest), "manifest.json is missing")
    return None


def _is_folder(path: Path) -> bool:
    try:
        return files.is_folder(path)
    except OSError:
        return False


def _counts_as_run(ref: RunRef) -> bool:
    """Tell whether an unreadable manifest stands for a run; in other folders it may be anything."""
    return ref.shape in (RunShape.CLI, RunShape.MCP) or older_shapes.has_run_stamp(ref.key.run_id)


def _interpret(
    ref: RunRef, document: JsonObject
) -> tuple[RunShape, Manifest, tuple[str, ...]] | None:
    """Return shape, manifest and problems of what a file holds; None if that is no run."""
    if older_shapes.is_run_summary(document):
        shape = RunShape.SUMMARY if ref.shape is not RunShape.MCP else RunShape.MCP
        return shape, older_shapes.manifest_of_summary(document), ()
    if ref.shape is not RunShape.CLI and older_shapes.is_pointer(document):
        return None
    shape = RunShape.OTHER if ref.shape is RunShape.SUMMARY else ref.shape
    if ref.shape is RunShape.CLI or older_shapes.is_manifest(document):
        return shape, *manifest_from_document(document)
    if older_shapes.is_note(document):
        return shape, older_shapes.manifest_of_note(document), ()
    return None


def _misplaced(ref: RunRef, shape: RunShape, manifest: Manifest) -> tuple[str, ...]:
    """Tell where a manifest names another run than its folder; older files name what they like."""
    if shape is RunShape.OTHER:
        return ()
    pairs = (
        ("run_id", manifest.run_id, ref.key.run_id),
        ("task_id", manifest.task_id, ref.key.task_id),
    )
    return tuple(
        f"{name} is {told[:80]!r}, not that of its folder"
        for name, told, expected in pairs
        if told is not None and told != expected
    )


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true or false"
    return "a text" if isinstance(value, str) else "a number"
