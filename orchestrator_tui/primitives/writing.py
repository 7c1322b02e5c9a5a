"""Writing: files that are replaced, published or appended to, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Self

from orchestrator_tui.primitives.opening import (
    FOLDER_FLAGS,
    open_regular,
    refuse_impossible_name,
)
from orchestrator_tui.primitives.steps import Step, perform, perform_write

DEFAULT_MODE = 0o644
# A file system without hard links says one of these.
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})


class Durability(Enum):
    """What a power cut may take from a finished write."""

    RENAME = "rename"  # perhaps the newest version; never leaves a mixture on a journaling system
    FILE = "file"  # perhaps the rename; the content was synced before it
    FULL = "full"  # nothing: file and folder are synced


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
        OSError: The environment refuses. The old file is then as it was, unless only the sync of
            the folder failed; a temporary file is left only where it cannot be removed either.
    """
    refuse_impossible_name(path)
    with _folder_of(path, syncable=durability is Durability.FULL) as folder:
        kept_mode = _mode_in(folder, path)
        new_mode = DEFAULT_MODE if mode is None else mode
        with _temporary(folder, path, new_mode) as (name, descriptor):
            with _closing(path, descriptor):
                if kept_mode is not None:
                    perform(Step.SET_MODE, path, os.fchmod, descriptor, kept_mode)
                _write_all(path, descriptor, content)
                if durability is not Durability.RENAME:
                    perform(Step.SYNC, path, os.fsync, descriptor)
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
        with _closing(path, descriptor):
            _write_all(path, descriptor, content)
        is_linked = _link(folder, name, path)
        _discard(folder, name, path)
    return _create(path, content, mode) if is_linked is None else is_linked


def _create(path: Path, content: bytes, mode: int) -> bool:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        descriptor, _ = open_regular(path, flags, mode=mode)
    except FileExistsError:
        return False
    try:
        with _closing(path, descriptor):
            _write_all(path, descriptor, content)
    except BaseException:
        with contextlib.suppress(OSError):
            perform(Step.UNLINK, path, os.unlink, path)
        raise
    return True


def _link(folder: int, name: str, path: Path) -> bool | None:
    """Give the temporary file its second name; None if the file system has no hard links."""
    ends = {"src_dir_fd": folder, "dst_dir_fd": folder}
    try:
        perform(Step.LINK, path, os.link, name, path.name, **ends, follow_symlinks=False)
    except OSError as error:
        # A file server's lost reply reads as a failure; the count of names knows better.
        if perform(Step.STAT, path, os.stat, name, dir_fd=folder).st_nlink == 2:
            return True
        if isinstance(error, FileExistsError):
            return False
        if error.errno in _NO_LINKS:
            return None
        raise
    return True


@contextlib.contextmanager
def _closing(path: Path, descriptor: int) -> Iterator[None]:
    """Close a file that was written; a network file system may report a full disk only now."""
    try:
        yield
    finally:
        perform(Step.CLOSE, path, os.close, descriptor)


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
    name = f".{path.name}.{os.getpid()}.{os.urandom(6).hex()}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = perform(Step.OPEN, path, os.open, name, flags, mode, dir_fd=folder)
    try:
        yield name, descriptor
    except BaseException:
        _discard(folder, name, path)
        raise


def _discard(folder: int, name: str, path: Path) -> None:
    # A temporary file that stays is litter that every scan passes over, not a failure.
    with contextlib.suppress(OSError):
        perform(Step.UNLINK, path, os.unlink, name, dir_fd=folder)


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
    with _closing(path, descriptor):
        if _is_torn(path, descriptor, status.st_size):
            line = b"\n" + line
        written = _write_some(path, descriptor, memoryview(line))
        if written != len(line):
            raise OSError(errno.EIO, f"took {written} of {len(line)} bytes", str(path))
        if durable:
            perform(Step.SYNC, path, os.fsync, descriptor)
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
