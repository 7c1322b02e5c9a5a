"""The only door to the file system: confined, bounded, atomic, and never blocked by a FIFO."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from orchestrator_tui.primitives.many import contents, folder_signatures, unchanged
from orchestrator_tui.primitives.opening import (
    UnsuitableFile,
    is_trusted_owner,
    kind_of,
    open_beneath,
    open_regular,
    refuse_impossible_name,
)
from orchestrator_tui.primitives.signature import FileSignature, signature_of
from orchestrator_tui.primitives.steps import Step, perform
from orchestrator_tui.primitives.writing import (
    AppendStream,
    Durability,
    append_record,
    publish,
    write_atomic,
)

__all__ = [
    "AppendStream",
    "Durability",
    "EntryKind",
    "FileSignature",
    "FolderEntry",
    "UnsuitableFile",
    "append_record",
    "contents",
    "exists",
    "folder_signature",
    "folder_signatures",
    "folders_in",
    "free_bytes",
    "is_folder",
    "list_folder",
    "make_folder",
    "make_symlink",
    "open_descriptor",
    "publish",
    "read_bytes",
    "read_link",
    "read_private",
    "read_range",
    "read_tail",
    "remove",
    "rename",
    "resolve_inside",
    "set_mode",
    "signature",
    "unchanged",
    "write_atomic",
]

_CHUNK_BYTES = 64 * 1024
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class EntryKind(StrEnum):
    """What an entry of a folder is, without following it."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"


class FolderEntry(NamedTuple):
    """One name in a folder."""

    name: str
    kind: EntryKind


# --- reading ---------------------------------------------------------------------------------


def read_bytes(
    path: Path, *, limit_bytes: int, root: Path | None = None, from_strangers: bool = True
) -> bytes:
    """Return the whole content of a regular file.

    With `root` the file must lie below it and no symbolic link below it is followed; without, links
    are followed. Where `from_strangers` is off, it must belong to us, root or its folder's owner.

    Raises:
        FileNotFoundError: There is no such file.
        UnsuitableFile: Not a regular file, larger than `limit_bytes`, outside `root`, or a
            stranger's.
        OSError: The environment refuses.
    """
    with _opened(path, root) as (descriptor, status):
        if not from_strangers and not is_trusted_owner(path, status):
            raise UnsuitableFile(path, "belongs to another user, who does not own the folder")
        if status.st_size > limit_bytes:
            raise UnsuitableFile(path, _too_large(status.st_size, limit_bytes))
        content = _read_at(path, descriptor, 0, limit_bytes + 1, expected=status.st_size)
    if len(content) > limit_bytes:
        raise UnsuitableFile(path, f"grew beyond the limit of {limit_bytes:,} bytes")
    return content


def read_private(path: Path, *, limit_bytes: int) -> bytes:
    """Return the whole content of a regular file that nobody but this user can have written.

    Raises:
        FileNotFoundError: There is no such file.
        UnsuitableFile: As for `read_bytes`; or another user owns the file or its folder, or may
            write to one of them.
        OSError: The environment refuses.
    """
    descriptor, status = open_regular(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        folder = perform(Step.STAT, path.parent, os.stat, path.parent)
        for found in (status, folder):
            if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & _OTHERS_WRITE:
                raise UnsuitableFile(path, "another user may have written it")
        if status.st_size > limit_bytes:
            raise UnsuitableFile(path, _too_large(status.st_size, limit_bytes))
        return _read_at(path, descriptor, 0, limit_bytes, expected=status.st_size)
    finally:
        os.close(descriptor)


def read_range(
    path: Path, offset: int, limit_bytes: int, *, root: Path | None = None
) -> tuple[FileSignature, bytes]:
    """Return at most `limit_bytes` bytes from `offset` on, with the signature of what was read.

    Beyond the end there are no bytes. Errors as for `read_bytes`, except that no size is too large.
    """
    with _opened(path, root) as (descriptor, status):
        expected = max(0, status.st_size - offset)
        content = _read_at(path, descriptor, offset, limit_bytes, expected=expected)
        return signature_of(status), content


def read_tail(
    path: Path, limit_bytes: int, *, root: Path | None = None
) -> tuple[FileSignature, int, bytes]:
    """Return a file's signature, an offset, and the bytes from there to the end.

    At most the last `limit_bytes` bytes. Errors as for `read_range`.
    """
    with _opened(path, root) as (descriptor, status):
        offset = max(0, status.st_size - limit_bytes)
        expected = status.st_size - offset
        content = _read_at(path, descriptor, offset, limit_bytes, expected=expected)
        return signature_of(status), offset, content


def _too_large(size: int, limit_bytes: int) -> str:
    return f"has {size:,} bytes, more than the limit of {limit_bytes:,}"


@contextlib.contextmanager
def _opened(path: Path, root: Path | None) -> Iterator[tuple[int, os.stat_result]]:
    if root is None:
        descriptor, status = open_regular(path, os.O_RDONLY)
    else:
        descriptor, status = open_beneath(root, path)
    try:
        yield descriptor, status
    finally:
        os.close(descriptor)


def _read_at(path: Path, descriptor: int, offset: int, limit_bytes: int, *, expected: int) -> bytes:
    chunks: list[bytes] = []
    left = limit_bytes
    # One byte more than expected tells the end from a file that grew meanwhile. Files of the kernel
    # have no size, and those below /proc/sys give all they hold at once or not at all.
    wanted = min(left, expected + 1 if expected else _CHUNK_BYTES)
    while left > 0:
        chunk = perform(Step.READ, path, os.pread, descriptor, wanted, offset)
        if not chunk:
            break
        chunks.append(chunk)
        offset += len(chunk)
        left -= len(chunk)
        if 0 < expected == len(chunk) < wanted:
            break  # more was asked for than the size says, and there was none
        expected, wanted = 0, min(left, _CHUNK_BYTES)
    return b"".join(chunks)


# --- looking ---------------------------------------------------------------------------------


def signature(path: Path) -> FileSignature | None:
    """Return the signature of a regular file; None if it is absent or anything else, even a link.

    Raises:
        OSError: The environment refuses to tell.
    """
    status = _status(path, follow=False)
    return signature_of(status) if status and stat.S_ISREG(status.st_mode) else None


def folder_signature(path: Path) -> FileSignature | None:
    """Return the signature of a folder, reached through links or not; None if there is none.

    Raises:
        OSError: The environment refuses to tell.
    """
    status = _status(path, follow=True)
    return signature_of(status) if status and stat.S_ISDIR(status.st_mode) else None


def free_bytes(folder: Path) -> int:
    """Return how many bytes the file system of a folder has left for this user.

    A folder that is not there yet will lie where the nearest one above it lies.

    Raises:
        OSError: The environment refuses.
    """
    while True:
        try:
            told = perform(Step.STAT, folder, os.statvfs, folder)
        except FileNotFoundError:
            if folder == folder.parent:
                raise
            folder = folder.parent
            continue
        return told.f_bavail * told.f_frsize


def is_folder(path: Path) -> bool:
    """Tell whether a folder lies at `path`, reached through links or not."""
    return folder_signature(path) is not None


def exists(path: Path) -> bool:
    """Tell whether anything lies at `path`, a dangling link included."""
    return _status(path, follow=False) is not None


def list_folder(path: Path, *, limit: int | None = None) -> tuple[FolderEntry, ...]:
    """Return the entries of a folder, sorted by name; with `limit` at most so many, whichever.

    Raises:
        FileNotFoundError: There is no such folder.
        OSError: It is no folder, or the environment refuses.
    """
    refuse_impossible_name(path)
    return perform(Step.SCAN, path, _scan, path, limit)


def folders_in(path: Path) -> frozenset[str]:
    """Return the names of the folders in a folder, links left out; errors as for `list_folder`."""
    refuse_impossible_name(path)
    return perform(Step.SCAN, path, _folders_in, path)


def read_link(path: Path) -> str | None:
    """Return what a symbolic link says; None if `path` is absent or no link."""
    try:
        return perform(Step.READ_LINK, path, os.readlink, path)
    except ValueError:  # no file can have such a name
        return None
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EINVAL):
            return None
        raise


def resolve_inside(root: Path, path: Path) -> Path | None:
    """Return `path` with every link followed if it then lies inside `root`, else None.

    The target need not exist. What is opened later must still be opened below `root`: a link can
    change in between.
    """
    try:
        real_root = Path(perform(Step.RESOLVE, root, os.path.realpath, root))
        real_path = Path(perform(Step.RESOLVE, path, os.path.realpath, path))
    except (OSError, ValueError):
        return None
    return real_path if real_path.is_relative_to(real_root) else None


def _scan(path: Path, limit: int | None) -> tuple[FolderEntry, ...]:
    with os.scandir(path) as entries:
        found = [FolderEntry(entry.name, _kind(entry)) for entry in islice(entries, limit)]
    return tuple(sorted(found, key=lambda entry: entry.name))


def _folders_in(path: Path) -> frozenset[str]:
    with os.scandir(path) as entries:
        return frozenset(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))


def _kind(entry: os.DirEntry[str]) -> EntryKind:
    if entry.is_symlink():
        return EntryKind.LINK
    if entry.is_dir(follow_symlinks=False):
        return EntryKind.FOLDER
    return EntryKind.FILE if entry.is_file(follow_symlinks=False) else EntryKind.OTHER


def _status(path: Path, *, follow: bool) -> os.stat_result | None:
    try:
        return perform(Step.STAT, path, os.stat, path, follow_symlinks=follow)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: an impossible name
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link that leads to itself leads nowhere
            return None
        raise


# --- names -----------------------------------------------------------------------------------


def make_folder(path: Path, *, exclusive: bool = False, mode: int = 0o777) -> None:
    """Make a folder and those above it; `mode` is the last one's, less the umask.

    Raises:
        FileExistsError: Something lies there already: a folder if `exclusive`, else anything else.
        OSError: The environment refuses.
    """
    refuse_impossible_name(path)
    try:
        _make_one_folder(path, mode)
    except FileExistsError:
        if exclusive or not is_folder(path):
            raise


def make_own_folder(path: Path) -> None:
    """Make a folder for this user alone; one that is there already has to be such a one.

    Raises:
        UnsuitableFile: It is a link, or another user owns it or may write to it.
        OSError: As for `make_folder`.
    """
    make_folder(path, mode=0o700)
    status = perform(Step.STAT, path, os.lstat, path)
    is_own = status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & _OTHERS_WRITE
    if not stat.S_ISDIR(status.st_mode) or not is_own:
        raise UnsuitableFile(path, "another user may write there")


def _make_one_folder(path: Path, mode: int) -> None:
    try:
        perform(Step.MAKE_FOLDER, path, os.mkdir, path, mode)
    except FileNotFoundError:
        if path.parent == path:
            raise
        make_folder(path.parent)
        perform(Step.MAKE_FOLDER, path, os.mkdir, path, mode)


def make_symlink(link: Path, target: str) -> None:
    """Make a symbolic link that says `target`.

    Raises:
        FileExistsError: Something lies at `link` already.
        OSError: The environment refuses.
    """
    refuse_impossible_name(link)
    refuse_impossible_name(Path(target))
    perform(Step.SYMLINK, link, os.symlink, target, link)


def remove(path: Path) -> bool:
    """Remove a file or link, never a folder; False if there was none."""
    refuse_impossible_name(path)
    try:
        perform(Step.UNLINK, path, os.unlink, path)
    except FileNotFoundError:
        return False
    return True


def rename(source: Path, target: Path) -> None:
    """Give a file another name on the same file system; a file at `target` is replaced."""
    refuse_impossible_name(source)
    refuse_impossible_name(target)
    perform(Step.RENAME, target, os.rename, source, target)


def set_mode(path: Path, mode: int) -> None:
    """Set the permission bits of a file or folder that may be read; a link is not followed.

    Raises:
        UnsuitableFile: A link lies at `path`.
        OSError: The environment refuses.
    """
    refuse_impossible_name(path)
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = perform(Step.OPEN, path, os.open, path, flags)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnsuitableFile(path, f"is {kind_of(stat.S_IFLNK)}") from error
        raise
    try:
        perform(Step.SET_MODE, path, os.fchmod, descriptor, mode)
    finally:
        os.close(descriptor)


def open_descriptor(path: Path, *, create: bool) -> int:
    """Return a descriptor of a regular file for reading and writing, for locks; no link followed.

    The caller closes it.

    Raises:
        FileNotFoundError: There is no such file and `create` is false.
        UnsuitableFile: What lies there is not a regular file.
        OSError: The environment refuses.
    """
    creation = os.O_CREAT if create else 0
    descriptor, _ = open_regular(path, os.O_RDWR | os.O_NOFOLLOW | creation)
    return descriptor
