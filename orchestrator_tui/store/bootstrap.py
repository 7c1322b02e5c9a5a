"""Bootstrap: everything that lies in a run's folder before its first stage."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from datetime import datetime

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import Durability
from orchestrator_tui.records.manifest import Manifest
from orchestrator_tui.records.paths import Roots, RunPaths, resolve_run_paths
from orchestrator_tui.records.times import format_time
from orchestrator_tui.store.json_text import encode_document
from orchestrator_tui.store.manifests import save_manifest, write_heartbeat
from orchestrator_tui.store.reading import BadContent, read_object

TOKEN_BYTES = 32
PRIVATE_MODE = 0o600
_POINTER_NOTE = "Points to the run for readers of the older layout."
_TASK_INDEX_LIMIT_BYTES = 4 * 1024 * 1024


def new_resume_token() -> str:
    """Return 64 random hex digits."""
    # `secrets` asks the same source, and loads OpenSSL for it, which takes as long as two stages.
    return os.urandom(TOKEN_BYTES).hex()


def task_slug(roots: Roots, task_id: str) -> str:
    """Return the slug that `tasks/index.json` gives a task, the id itself where it gives none."""
    for item in _indexed(roots) or ():
        if isinstance(item, dict) and item.get("id") == task_id:
            slug = item.get("slug")
            return slug if isinstance(slug, str) and slug else task_id
    return task_id


def indexed_tasks(roots: Roots) -> frozenset[str] | None:
    """Return the ids and slugs in `tasks/index.json`, None where there is no such list."""
    items = _indexed(roots)
    if items is None:
        return None
    told = (item.get(name) for item in items if isinstance(item, dict) for name in ("id", "slug"))
    return frozenset(text for text in told if isinstance(text, str))


def _indexed(roots: Roots) -> list[object] | None:
    index = read_object(
        roots, roots.repo / "tasks" / "index.json", limit_bytes=_TASK_INDEX_LIMIT_BYTES
    )
    items = None if index is None or isinstance(index, BadContent) else index.get("items")
    return items if isinstance(items, list) else None


def create_run(
    roots: Roots,
    manifest: Manifest,
    now: datetime,
    *,
    warn: Callable[[str], None] | None = None,
) -> RunPaths:
    """Make the folder of a new run with all that belongs in it, and return its paths.

    The folder itself is what two starters cannot both make. Pointers of the older layout that
    cannot be made are told to `warn`; the run can do without them.

    Raises:
        FileExistsError: The run is there already; nothing was changed.
        InvalidIdentifier: The manifest's ids may not become part of a path.
        OSError: The environment refuses.
    """
    paths = resolve_run_paths(roots, manifest.task_id or "", manifest.run_id or "")
    files.make_folder(paths.run_dir, exclusive=True)
    # the manifest first: a folder that has the others without it reads as a damaged run
    save_manifest(paths, manifest, now, durability=Durability.FULL)
    files.make_folder(paths.commands_dir)
    files.make_folder(paths.errors_dir)
    token = f"{manifest.resume_token or ''}\n".encode()
    files.write_atomic(paths.resume_token, token, mode=PRIVATE_MODE)
    write_heartbeat(paths, now)
    for point in (_point_from_mcp, _point_from_local_mcp):
        try:
            point(roots, paths, now)
        except OSError as error:
            if warn is not None:
                warn(f"The run goes on without a pointer of the older layout: {error}")
    return paths


def _point_from_mcp(roots: Roots, paths: RunPaths, now: datetime) -> None:
    pointer = {
        "redirect_to": roots.relative(paths.run_dir),
        "manifest": roots.relative(paths.manifest),
    }
    files.make_folder(paths.mcp_pointer.parent)
    try:
        noted = {**pointer, "created_at": format_time(now), "note": _POINTER_NOTE}
        files.write_atomic(paths.mcp_pointer, encode_document(noted))
    except OSError as error:
        files.write_atomic(
            paths.mcp_pointer.with_name("compat.json"),
            encode_document({**pointer, "error": str(error)}),
        )


def _point_from_local_mcp(roots: Roots, paths: RunPaths, now: datetime) -> None:
    link = paths.local_mcp_link
    files.make_folder(link.parent)
    task, run = paths.key.task_id, paths.key.run_id
    try:
        files.make_symlink(link, f"../../{task}/cli/{run}/{paths.manifest.name}")
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        # a file system without links; readers accept a file that says the same
        pointer = {
            "redirect_to": roots.relative(paths.run_dir),
            "manifest": roots.relative(paths.manifest),
        }
        files.write_atomic(link, encode_document(pointer))
