"""Mounts: which kind of file system a path lies on, and whether it tells of changes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from orchestrator_tui.primitives import files

MOUNT_TABLE: Final = Path("/proc/self/mountinfo")
_TABLE_LIMIT_BYTES: Final = 4 * 1024 * 1024
# On these another machine may write, of which the kernel here sends no notice.
_REMOTE: Final = frozenset(
    "nfs nfs4 cifs smb3 smbfs 9p ceph afs lustre glusterfs gfs2 ocfs2 beegfs vboxsf prl_fs "
    "virtiofs davfs ncpfs coda orangefs drvfs osxfs gpfs".split()
)
_REMOTE_PREFIXES: Final = tuple(
    f"fuse.{name}" for name in ("sshfs", "gluster", "s3", "rclone", "gcs", "grpcfuse", "osxfs")
)


def remote_kind(path: Path, table: Path = MOUNT_TABLE) -> str | None:
    """Return the kind of network file system that `path` lies on, None for a local one.

    A mount table that cannot be read counts as local: the regular look at the disk still finds
    every change.
    """
    real = files.resolve_inside(Path("/"), path)
    try:
        content = files.read_bytes(table, limit_bytes=_TABLE_LIMIT_BYTES)
    except OSError:
        return None
    kind = _kind_of(str(real or path), content.decode("utf-8", "replace"))
    is_remote = kind in _REMOTE or kind.startswith(_REMOTE_PREFIXES)
    return kind if is_remote else None


def _kind_of(path: str, table: str) -> str:
    best, kind = "", ""
    for line in table.splitlines():
        mount, _, source = line.partition(" - ")
        fields = mount.split(" ")
        if len(fields) < 5 or not source:
            continue
        point = _unescaped(fields[4])
        is_above = path == point or path.startswith(point.rstrip("/") + "/")
        # Of two mounts on one point the later one is seen.
        if is_above and len(point) >= len(best):
            best, kind = point, source.split(" ")[0]
    return kind


def _unescaped(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text
