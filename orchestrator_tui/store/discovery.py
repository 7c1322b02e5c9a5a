"""Discovery: which runs there are, told from folder names alone, and where one of them lies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import EntryKind
from orchestrator_tui.records.facts import RunShape
from orchestrator_tui.records.identifiers import (
    InvalidIdentifier,
    RunKey,
    newest_first,
    sanitize_run_id,
    sanitize_task_id,
)
from orchestrator_tui.records.paths import LOCAL_MCP, NOT_RUNS, Roots, is_temporary
from orchestrator_tui.store.reading import MANIFEST_NAME, BadContent, RunRef, read_object, read_run

_POINTER_LIMIT_BYTES = 64 * 1024
_SHAPES_IN_TASK = {"cli": RunShape.CLI, "mcp": RunShape.MCP}


def task_ids(roots: Roots) -> tuple[str, ...]:
    """Return the tasks that have a folder below the runs root, sorted; none if there is no root.

    Raises:
        OSError: The folder is there and cannot be listed.
    """
    return tuple(name for name in _folders(roots.runs) if name != LOCAL_MCP and _is_id(name))


def runs_of_task(roots: Roots, task_id: str) -> tuple[RunRef, ...]:
    """Return where runs of a task seem to lie, each run id once, newest first.

    A run in `cli/` hides folders of the same id in the older places. Folders there that have no
    such twin are listed too; reading them tells whether they are runs.

    Raises:
        InvalidIdentifier: The id may not become part of a path.
        OSError: A folder is there and cannot be listed.
    """
    return tuple(_refs(roots, sanitize_task_id(task_id)))


def all_runs(roots: Roots) -> Iterator[RunRef]:
    """Yield where every run seems to lie, task by task; `runs_of_task` tells how.

    A task whose folder vanishes meanwhile is passed over.

    Raises:
        OSError: A folder is there and cannot be listed.
    """
    for task_id in task_ids(roots):
        yield from _refs(roots, task_id)


def locate_run(roots: Roots, run_id: str, task_id: str | None = None) -> RunRef | None:
    """Return where a run lies, or None; looks where the Node original looks, in its order.

    First the task's own folder, then the pointer in `local-mcp`, then every task. Nothing outside
    the runs root is found, whatever a link or a pointer says. Other than the original it also finds
    runs of October 2025 in `mcp/`.

    Raises:
        InvalidIdentifier: An id may not become part of a path.
        OSError: The runs root is there and cannot be listed.
    """
    run = sanitize_run_id(run_id)
    if task_id is not None:
        own = _ref(RunShape.CLI, sanitize_task_id(task_id), run, roots.runs / task_id / "cli")
        if _is_real_folder(own.run_dir):
            return own
    return _pointed_at(roots, run) or _searched(roots, run)


def match_runs(run_ids: Iterable[str], wanted: str) -> tuple[str, ...]:
    """Return the run ids that `wanted` may mean, newest first.

    An id itself wins; otherwise those that begin or end with `wanted`. More than one answer means
    that the person has to say more.
    """
    distinct = set(run_ids)
    if wanted in distinct:
        return (wanted,)
    if not wanted:
        return ()
    return tuple(
        newest_first(name for name in distinct if name.startswith(wanted) or name.endswith(wanted))
    )


def ref_of_manifest(roots: Roots, manifest: Path) -> RunRef | None:
    """Return the run whose manifest would lie at a path, None if none can lie there."""
    if manifest.name != MANIFEST_NAME or not manifest.is_relative_to(roots.runs):
        return None
    match manifest.relative_to(roots.runs).parts:
        case (task, "cli" | "mcp" as folder, run, _):
            shape = _SHAPES_IN_TASK[folder]
        case (task, run, _) if run not in NOT_RUNS:
            shape = RunShape.SUMMARY
        case _:
            return None
    if task == LOCAL_MCP or not (_is_id(task) and _is_id(run)):
        return None
    return _ref(shape, task, run, manifest.parent.parent)


def _refs(roots: Roots, task: str) -> Iterator[RunRef]:
    """Yield the runs of a task; each path is made only when it is asked for."""
    task_dir = roots.runs / task
    inside = _folders(task_dir)
    # The first place in which an id turns up is the run; the others are copies of it.
    found: dict[str, tuple[RunShape, Path]] = {}
    for shape, folder in ((RunShape.CLI, "cli"), (RunShape.MCP, "mcp")):
        if folder in inside:
            place = (shape, task_dir / folder)
            for name in _folders(place[1]):
                found.setdefault(name, place)
    for name in inside:
        if name not in NOT_RUNS:
            found.setdefault(name, (RunShape.SUMMARY, task_dir))
    for run_id in newest_first(found):
        if _is_id(run_id):
            shape, path = found[run_id]
            yield _ref(shape, task, run_id, path)


def _ref(shape: RunShape, task: str, run: str, folder: Path) -> RunRef:
    return RunRef(RunKey(task, run), shape, folder / run)


def _folders(path: Path) -> tuple[str, ...]:
    """Return the names of the folders in a folder; links are left out, they may lead anywhere."""
    try:
        entries = files.list_folder(path)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return tuple(
        entry.name
        for entry in entries
        if entry.kind is EntryKind.FOLDER and not is_temporary(entry.name)
    )


def _is_real_folder(path: Path) -> bool:
    return files.is_folder(path) and files.read_link(path) is None


def _is_id(name: str) -> bool:
    try:
        sanitize_run_id(name)  # the rules for tasks are the same
    except InvalidIdentifier:
        return False
    return True


def _pointed_at(roots: Roots, run: str) -> RunRef | None:
    pointer = roots.runs / LOCAL_MCP / run / MANIFEST_NAME
    target = files.read_link(pointer)
    if target is not None:
        return _checked(roots, run, pointer.parent / target)
    document = read_object(roots, pointer, limit_bytes=_POINTER_LIMIT_BYTES)
    if document is None or isinstance(document, BadContent):
        return None
    for name, below in (("manifest", ""), ("redirect_to", MANIFEST_NAME)):
        told = document.get(name)
        if isinstance(told, str) and (ref := _checked(roots, run, roots.repo / told / below)):
            return ref
    return None


def _checked(roots: Roots, run: str, manifest: Path) -> RunRef | None:
    """Return the run at a path that a file named, if it is that run and inside the runs root."""
    real_root = files.resolve_inside(roots.runs, roots.runs)
    real = files.resolve_inside(roots.runs, manifest)
    if real is None or real_root is None:
        return None
    ref = ref_of_manifest(roots, roots.runs / real.relative_to(real_root))
    if ref is None or ref.key.run_id != run:
        return None
    return ref if files.signature(ref.manifest) is not None else None


def _searched(roots: Roots, run: str) -> RunRef | None:
    # Among thousands of tasks only the one with the run is worth more than a look at one path.
    for task in _folders(roots.runs):
        run_dir = roots.runs.joinpath(task, "cli", run)
        if _is_real_folder(run_dir) and task != LOCAL_MCP and _is_id(task):
            return _ref(RunShape.CLI, task, run, run_dir.parent)
    for task in task_ids(roots):
        for shape, folder in ((RunShape.SUMMARY, ""), (RunShape.MCP, "mcp")):
            ref = _ref(shape, task, run, roots.runs / task / folder)
            if files.signature(ref.manifest) is not None and read_run(roots, ref) is not None:
                return ref
    return None
