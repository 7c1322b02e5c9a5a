"""The only door to the file system: confined, bounded, atomic, and never blocked by a FIFO."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from orchestrator_tui.primitives.opening import (
    FOLDER_FLAGS,
    kind_of,
    open_beneath,
    open_regular,
    refuse_impossible_name,
)
from orchestrator_tui.primitives.opening import (
    UnsuitableFile as UnsuitableFile,
)
from orchestrator_tui.primitives.steps import Step, perform, perform_write

DEFAULT_MODE = 0o644
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)
_CHUNK_BYTES = 64 * 1024
# A file system without hard links says one of these.
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})


@dataclass(frozen=True, slots=True)
class FileSignature:
    """Tells one version of a file from another.

    A rewrite within one tick of the clock leaves size and mtime alone in half of all cases, so the
    inode and ctime belong to it.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @property
    def modified_at(self) -> datetime:
        """The time of the last change of content, UTC, clamped to what a datetime can hold."""
        try:
            return _EPOCH + timedelta(microseconds=self.mtime_ns // 1000)
        except OverflowError:
            return _LATEST if self.mtime_ns > 0 else _EARLIEST


class EntryKind(StrEnum):
    """What an entry of a folder is, without following it."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """One name in a folder."""

    name: str
    kind: EntryKind


class Durability(Enum):
    """What a power cut may take from a finished write."""

    RENAME = "rename"  # perhaps the newest version; never leaves a mixture on a journaling system
    FILE = "file"  # perhaps the rename; the content was synced before it
    FULL = "full"  # nothing: file and folder are synced


# --- reading ---------------------------------------------------------------------------------


def read_bytes(path: Path, *, limit_bytes: int, root: Path | None = None) -> bytes:
    """Return the whole content of a regular file.

    With `root` the file must lie below it and no symbolic link below it is followed; without, links
    are followed.

    Raises:
        FileNotFoundError: There is no such file.
        UnsuitableFile: Not a regular file, larger than `limit_bytes`, or outside `root`.
        OSError: The environment refuses.
    """
    with _opened(path, root) as (descriptor, status):
        if status.st_size > limit_bytes:
            raise UnsuitableFile(
                path, f"has {status.st_size:,} bytes, more than the limit of {limit_bytes:,}"
            )
        content = _read_at(path, descriptor, 0, limit_bytes + 1, expected=status.st_size)
    if len(content) > limit_bytes:
        raise UnsuitableFile(path, f"grew beyond the limit of {limit_bytes:,} bytes")
    return content


def read_range(
    path: Path, offset: int, limit_bytes: int, *, root: Path | None = None
) -> tuple[FileSignature, bytes]:
    """Return at most `limit_bytes` bytes from `offset` on, with the signature of what was read.

    Beyond the end there are no bytes. Errors as for `read_bytes`, except that no size is too large.
    """
    with _opened(path, root) as (descriptor, status):
        expected = max(0, status.st_size - offset)
        content = _read_at(path, descriptor, offset, limit_bytes, expected=expected)
        return _signature_of(status), content


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
        return _signature_of(status), offset, content


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
    # One byte more than expected tells the end from a file that grew meanwhile.
    wanted = min(left, expected + 1)
    while left > 0:
        chunk = perform(Step.READ, path, os.pread, descriptor, wanted, offset)
        if not chunk:
            break
        chunks.append(chunk)
        offset += len(chunk)
        left -= len(chunk)
        wanted = min(left, _CHUNK_BYTES)
    return b"".join(chunks)


# --- looking ---------------------------------------------------------------------------------


def signature(path: Path) -> FileSignature | None:
    """Return the signature of a regular file; None if it is absent or anything else, even a link.

    Raises:
        OSError: The environment refuses to tell.
    """
    status = _status(path, follow=False)
    return _signature_of(status) if status and stat.S_ISREG(status.st_mode) else None


def folder_signature(path: Path) -> FileSignature | None:
    """Return the signature of a folder, reached through links or not; None if there is none.

    Raises:
        OSError: The environment refuses to tell.
    """
    status = _status(path, follow=True)
    return _signature_of(status) if status and stat.S_ISDIR(status.st_mode) else None


def is_folder(path: Path) -> bool:
    """Tell whether a folder lies at `path`, reached through links or not."""
    return folder_signature(path) is not None


def exists(path: Path) -> bool:
    """Tell whether anything lies at `path`, a dangling link included."""
    return _status(path, follow=False) is not None


def list_folder(path: Path) -> tuple[FolderEntry, ...]:
    """Return the entries of a folder, sorted by name.

    Raises:
        FileNotFoundError: There is no such folder.
        OSError: It is no folder, or the environment refuses.
    """
    refuse_impossible_name(path)
    return perform(Step.SCAN, path, _scan, path)


def read_link(path: Path) -> str | None:
    """Return what a symbolic link says; None if `path` is absent or no link."""
    refuse_impossible_name(path)
    try:
        return perform(Step.READ_LINK, path, os.readlink, path)
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
        refuse_impossible_name(path)
        real_root = Path(perform(Step.RESOLVE, root, os.path.realpath, root))
        real_path = Path(perform(Step.RESOLVE, path, os.path.realpath, path))
    except OSError:
        return None
    return real_path if real_path.is_relative_to(real_root) else None


def _scan(path: Path) -> tuple[FolderEntry, ...]:
    with os.scandir(path) as entries:
        found = [FolderEntry(entry.name, _kind(entry)) for entry in entries]
    return tuple(sorted(found, key=lambda entry: entry.name))


def _kind(entry: os.DirEntry[str]) -> EntryKind:
    if entry.is_symlink():
        return EntryKind.LINK
    if entry.is_dir(follow_symlinks=False):
        return EntryKind.FOLDER
    return EntryKind.FILE if entry.is_file(follow_symlinks=False) else EntryKind.OTHER


def _status(path: Path, *, follow: bool) -> os.stat_result | None:
    refuse_impossible_name(path)
    try:
        return perform(Step.STAT, path, os.stat, path, follow_symlinks=follow)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link that leads to itself leads nowhere
            return None
        raise


def _signature_of(status: os.stat_result) -> FileSignature:
    return FileSignature(
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    )


# --- whole files -----------------------------------------------------------------------------


def write_atomic(
    path: Path,
    content: bytes,
    *,
    durability: Durability = Durability.RENAME,
    mode: int | None = None,
) -> None:
    """Replace a file so that every reader sees the old content or the new, and never a mixture.

    An existing regular file keeps its permission bits; a new one gets `mode`, 0644 by default, less
    the umask. A link at `path` is replaced, not followed. The folder must exist.

    Raises:
        OSError: The environment refuses; then the old file is as it was and no temporary file is
            left, unless the process is killed.
    """
    refuse_impossible_name(path)
    with _folder_of(path, syncable=durability is Durability.FULL) as folder:
        kept_mode = _mode_in(folder, path)
        with _temporary(folder, path, DEFAULT_MODE if mode is None else mode) as (name, descriptor):
            try:
                if kept_mode is not None:
                    perform(Step.SET_MODE, path, os.fchmod, descriptor, kept_mode)
                _write_all(path, descriptor, content)
                if durability is not Durability.RENAME:
                    perform(Step.SYNC, path, os.fsync, descriptor)
            finally:
                # A network file system may report a full disk only now.
                perform(Step.CLOSE, path, os.close, descriptor)
            _replace(folder, name, path)
        if durability is Durability.FULL:
            _sync_folder(folder, path.parent)


def publish(path: Path, content: bytes, *, mode: int = DEFAULT_MODE) -> bool:
    """Create a file that appears with its whole content or not at all.

    Where the file system has no hard links, the file is created first and written then.

    Returns:
        False if something lies at `path` already; it is left alone.

    Raises:
        OSError: The environment refuses.
    """
    refuse_impossible_name(path)
    with _folder_of(path) as folder, _temporary(folder, path, mode) as (name, descriptor):
        try:
            _write_all(path, descriptor, content)
            linked = _link(folder, name, path, descriptor)
        finally:
            perform(Step.CLOSE, path, os.close, descriptor)
        perform(Step.UNLINK, path, os.unlink, name, dir_fd=folder)
    return _create(path, content, mode) if linked is None else linked


def _create(path: Path, content: bytes, mode: int) -> bool:
    try:
        descriptor, _ = open_regular(
            path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode=mode
        )
    except FileExistsError:
        return False
    try:
        try:
            _write_all(path, descriptor, content)
        finally:
            perform(Step.CLOSE, path, os.close, descriptor)
    except BaseException:
        with contextlib.suppress(OSError):
            perform(Step.UNLINK, path, os.unlink, path)
        raise
    return True


def _link(folder: int, name: str, path: Path, descriptor: int) -> bool | None:
    """Give the temporary file its name; None if the file system cannot."""
    try:
        perform(
            Step.LINK,
            path,
            os.link,
            name,
            path.name,
            src_dir_fd=folder,
            dst_dir_fd=folder,
            follow_symlinks=False,
        )
    except OSError as error:
        # A lost reply of a file server reads as a failure; the link count knows better.
        if perform(Step.STAT, path, os.fstat, descriptor).st_nlink == 2:
            return True
        if isinstance(error, FileExistsError):
            return False
        if error.errno in _NO_LINKS:
            return None
        raise
    return True


@contextlib.contextmanager
def _folder_of(path: Path, *, syncable: bool = False) -> Iterator[int]:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC if syncable else FOLDER_FLAGS
    folder = perform(Step.OPEN, path.parent, os.open, path.parent, flags)
    try:
        yield folder
    finally:
        os.close(folder)


@contextlib.contextmanager
def _temporary(folder: int, path: Path, mode: int) -> Iterator[tuple[str, int]]:
    """Create a sibling of `path` and unlink it if the body raises; the body closes it.

    A rename is atomic only within one file system, so the temporary file is a sibling.
    """
    name = f".{path.name}.{os.getpid()}.{secrets.token_hex(6)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = perform(Step.OPEN, path, os.open, name, flags, mode, dir_fd=folder)
    try:
        yield name, descriptor
    except BaseException:
        with contextlib.suppress(OSError):
            perform(Step.UNLINK, path, os.unlink, name, dir_fd=folder)
        raise


def _mode_in(folder: int, path: Path) -> int | None:
    try:
        status = perform(Step.STAT, path, os.stat, path.name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return stat.S_IMODE(status.st_mode) & 0o777 if stat.S_ISREG(status.st_mode) else None


def _replace(folder: int, name: str, path: Path) -> None:
    perform(Step.RENAME, path, os.replace, name, path.name, src_dir_fd=folder, dst_dir_fd=folder)


def _write_all(path: Path, descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[_write_some(path, descriptor, left) :]


def _write_some(path: Path, descriptor: int, content: memoryview) -> int:
    written = perform_write(path, descriptor, content)
    if written <= 0:
        raise OSError(errno.EIO, "nothing more can be written", str(path))
    return written


def _sync_folder(folder: int, path: Path) -> None:
    try:
        perform(Step.SYNC, path, os.fsync, folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems sync no folder
            raise


# --- growing files ---------------------------------------------------------------------------


def append_record(
    path: Path, record: bytes, *, durable: bool = False, mode: int = DEFAULT_MODE
) -> None:
    """Append one line in a single write; a newline is added where `record` lacks one.

    If the file ends in a torn line, the same write begins with a newline that seals it. Where
    others append too, hold their lock. A link at `path` is not followed. `durable` syncs the file,
    and its folder if the file was empty.

    Raises:
        UnsuitableFile: What lies at `path` is not a regular file.
        OSError: The environment refuses, or took only a part: that part is left torn, for the next
            append to seal.
    """
    line = record if record.endswith(b"\n") else record + b"\n"
    descriptor, status = _open_to_append(path, mode)
    try:
        if _is_torn(path, descriptor, status.st_size):
            line = b"\n" + line
        written = _write_some(path, descriptor, memoryview(line))
        if written != len(line):
            raise OSError(errno.EIO, f"took {written} of {len(line)} bytes", str(path))
        if durable:
            perform(Step.SYNC, path, os.fsync, descriptor)
    finally:
        perform(Step.CLOSE, path, os.close, descriptor)
    if durable and status.st_size == 0:
        with _folder_of(path, syncable=True) as folder:
            _sync_folder(folder, path.parent)


class AppendStream:
    """A file that grows at its end while it is open; what is written is whole or an error.

    If the file ends in a torn line, the first write begins with a newline. A link at the path is
    not followed.

    Raises:
        UnsuitableFile: What lies at the path is not a regular file.
        OSError: The environment refuses.
    """

    def __init__(self, path: Path, *, mode: int = DEFAULT_MODE) -> None:
        self.path = path
        descriptor, status = _open_to_append(path, mode)
        try:
            self._needs_seal = _is_torn(path, descriptor, status.st_size)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor: int | None = descriptor
        self._size_bytes = status.st_size

    @property
    def size_bytes(self) -> int:
        """The size of the file as far as this stream knows."""
        return self._size_bytes

    def write(self, content: bytes) -> None:
        """Append all of `content`.

        Raises:
            OSError: The environment refuses; `size_bytes` tells how far the writing came.
            ValueError: The stream is closed.
        """
        if self._descriptor is None:
            raise ValueError(f"{self.path}: the stream is closed")
        left = memoryview(b"\n" + content if self._needs_seal and content else content)
        while left:
            written = _write_some(self.path, self._descriptor, left)
            self._needs_seal = False
            self._size_bytes += written
            left = left[written:]

    def close(self) -> None:
        """Close the file; again does nothing.

        Raises:
            OSError: The file system reports only now that it lost what was written.
        """
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            perform(Step.CLOSE, self.path, os.close, descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _open_to_append(path: Path, mode: int) -> tuple[int, os.stat_result]:
    # Reading is needed to see whether the last line is whole.
    return open_regular(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, mode=mode)


def _is_torn(path: Path, descriptor: int, size: int) -> bool:
    if size == 0:
        return False
    return perform(Step.READ, path, os.pread, descriptor, 1, size - 1) != b"\n"


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
