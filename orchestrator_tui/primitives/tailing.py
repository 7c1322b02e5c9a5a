"""Tailing: the new whole lines of a file that others append to, rotate and truncate."""

from __future__ import annotations

from pathlib import Path

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files


@dataclass(frozen=True, slots=True)
class TailCursor:
    """How far a file was read: up to `offset` bytes of the file of that device and inode.

    `offset` follows a newline, unless `is_inside_line`: then a line too long was given in part, and
    the rest of it is passed over.
    """

    device: int
    inode: int
    offset: int
    is_inside_line: bool = False


NOWHERE = TailCursor(device=0, inode=0, offset=0)


def read_new_lines(
    path: Path, cursor: TailCursor | None, limit_bytes: int, *, root: Path | None = None
) -> tuple[TailCursor, tuple[bytes, ...], bool]:
    r"""Return the cursor after the new lines, the lines without `\n`, and whether it began anew.

    A last line without a newline is left for the next call. A line longer than `limit_bytes` comes
    as its first `limit_bytes` bytes. If the file is another one than before, shrank, or has no
    newline where the cursor says, reading begins at byte 0 and the third value is true: what was
    read before is no longer in the file.

    Args:
        path: The file; an absent one is like an empty one.
        cursor: Where the last call ended; None at first.
        limit_bytes: Most to read in one call; the rest is seen next time.
        root: Confines `path` as for `files.read_bytes`.

    Raises:
        UnsuitableFile: Not a regular file, or outside `root`.
        OSError: The environment refuses.
    """
    before = cursor or NOWHERE
    # The byte before the cursor shows whether the file is still the one that was read.
    back = 1 if before.offset > 0 else 0
    try:
        signature, content = files.read_range(
            path, before.offset - back, limit_bytes + back, root=root
        )
        restarted = back > 0 and not _continues(before, signature, content[:back])
        if restarted:
            signature, content = files.read_range(path, 0, limit_bytes, root=root)
            back = 0
    except FileNotFoundError:
        return before, (), False
    started = NOWHERE if restarted else before
    lines, taken, is_inside_line = _cut(content[back:], started.is_inside_line, limit_bytes)
    after = TailCursor(signature.device, signature.inode, started.offset + taken, is_inside_line)
    return after, lines, restarted


def _continues(cursor: TailCursor, signature: files.FileSignature, last_read: bytes) -> bool:
    is_same = (signature.device, signature.inode) == (cursor.device, cursor.inode)
    return is_same and (last_read == b"\n" or (cursor.is_inside_line and last_read != b""))


def _cut(
    content: bytes, is_inside_line: bool, limit_bytes: int
) -> tuple[tuple[bytes, ...], int, bool]:
    """Return the lines, how many bytes they took, and whether a line too long goes on."""
    start = 0
    if is_inside_line:
        start = content.find(b"\n") + 1
        if start == 0:
            return (), len(content), True
    end = content.rfind(b"\n", start)
    if end >= 0:
        return tuple(content[start:end].split(b"\n")), end + 1, False
    if len(content) - start >= limit_bytes:
        return (content[start:],), len(content), True
    return (), start, False
