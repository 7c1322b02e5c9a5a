"""Opening: descriptors of regular files only, that never block and never leave their root."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from orchestrator_tui.primitives.steps import Step, perform

# A FIFO must not block, a terminal must not become ours, a child must not inherit.
SAFE_FLAGS = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
FOLDER_FLAGS = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC

_SYS_OPENAT2 = 437  # the same number on every architecture since Linux 5.6, but Alpha
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_BENEATH = 0x08

_REFUSALS = {
    errno.ELOOP: "a symbolic link is not followed here",
    errno.EXDEV: "leads outside its root",
    errno.ENOTDIR: "a part of the path is not a folder",
    errno.EISDIR: "is a folder, not a regular file",
    errno.ENXIO: "is not a regular file",
    errno.ENODEV: "is not a regular file",
}

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISLNK, "a symbolic link"),
)


class UnsuitableFile(OSError):
    """What lies at a path may not be used: no regular file, too large, or reached by a link."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def is_trusted_owner(path: Path, status: os.stat_result) -> bool:
    """Tell whether a file's owner may speak for others: we, root, or the owner of its folder.

    Raises:
        OSError: The folder cannot be looked at.
    """
    if status.st_uid in (os.geteuid(), 0):
        return True
    folder = perform(Step.STAT, path.parent, os.stat, path.parent)
    return bool(status.st_uid == folder.st_uid)


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


_libc = ctypes.CDLL(None, use_errno=True)
_openat2 = _libc.syscall
_openat2.argtypes = (
    ctypes.c_long,
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.POINTER(_OpenHow),
    ctypes.c_size_t,
)
_HOW = _OpenHow(
    flags=os.O_RDONLY | SAFE_FLAGS,
    resolve=_RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS | _RESOLVE_NO_MAGICLINKS,
)
_HOW_BYTES = ctypes.sizeof(_HOW)
_has_openat2 = True  # until the kernel says otherwise


def open_regular(path: Path, flags: int, *, mode: int = 0o644) -> tuple[int, os.stat_result]:
    """Open a regular file and return its descriptor and status.

    `flags` are added to those that keep the call from blocking. Without O_NOFOLLOW symbolic links
    are followed.

    Raises:
        FileNotFoundError: There is no such file.
        UnsuitableFile: It is not a regular file, or a link that `flags` forbid to follow.
        OSError: The environment refuses.
    """
    refuse_impossible_name(path)
    return _opened(path, lambda: os.open(path, flags | SAFE_FLAGS, mode))


def open_beneath(root: Path, path: Path) -> tuple[int, os.stat_result]:
    """Open a regular file below `root` for reading, following no symbolic link below `root`.

    `root` itself may be reached through links. Mounts below `root` are entered: a run folder may be
    a volume of its own, and to mount takes more rights than to write a file.

    Raises:
        FileNotFoundError: There is no such file.
        UnsuitableFile: It is not below `root`, not a regular file, or reached through a link.
        OSError: The environment refuses.
    """
    refuse_impossible_name(path)
    parts = _parts_below(root, path)

    def open_parts() -> int:
        folder = os.open(root, FOLDER_FLAGS)
        try:
            return _open_parts(folder, parts)
        finally:
            os.close(folder)

    return _opened(path, open_parts)


def refuse_impossible_name(path: Path) -> None:
    """Raise UnsuitableFile for a name that no file can have; C would cut it short at its NUL."""
    try:
        impossible = b"\0" in os.fsencode(path)
    except UnicodeEncodeError:
        impossible = True
    if impossible:
        printable = Path(ascii(str(path)))
        raise UnsuitableFile(printable, "is no possible file name")


def kind_of(mode: int) -> str:
    """Return what a file of that `st_mode` is, in words."""
    return next((words for test, words in _KINDS if test(mode)), "a regular file")


def _parts_below(root: Path, path: Path) -> tuple[str, ...]:
    # Paths are normal already, so that texts tell the same in a fifth of the time.
    text, above = str(path), f"{root}/"
    if text.startswith(above) and ".." not in text:
        return tuple(text[len(above) :].split("/"))
    try:
        parts = path.relative_to(root).parts
    except ValueError:
        raise UnsuitableFile(path, f"lies outside {root}") from None
    if not parts or ".." in parts:
        raise UnsuitableFile(path, f"lies outside {root}")
    return parts


def _open_parts(folder: int, parts: tuple[str, ...]) -> int:
    global _has_openat2
    if _has_openat2:
        try:
            return _open_by_openat2(folder, parts)
        except OSError as error:
            # EPERM: a sandbox filters the call; each component is then opened on its own.
            if error.errno not in (errno.ENOSYS, errno.EPERM):
                raise
            _has_openat2 = error.errno != errno.ENOSYS
    return _open_by_walking(folder, parts)


def _open_by_openat2(folder: int, parts: tuple[str, ...]) -> int:
    while True:
        try:
            return open_quickly(folder, "/".join(parts))
        except InterruptedError:
            continue


def open_quickly(folder: int, name: str) -> int:
    """Open a file below an open folder as `open_beneath` does, whatever it is, by one call.

    Raises:
        OSError: As for `open_beneath`, or the kernel has no such call.
        ValueError: No file can have such a name.
    """
    encoded = os.fsencode(name)
    if b"\0" in encoded:
        raise ValueError("is no possible file name")
    descriptor = int(_openat2(_SYS_OPENAT2, folder, encoded, _HOW, _HOW_BYTES))
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return descriptor


def _open_by_walking(folder: int, parts: tuple[str, ...]) -> int:
    here = folder
    try:
        for part in parts[:-1]:
            inner = os.open(part, FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=here)
            if here != folder:
                os.close(here)
            here = inner
        return os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | SAFE_FLAGS, dir_fd=here)
    finally:
        if here != folder:
            os.close(here)


def _opened(path: Path, open_it: Callable[[], int]) -> tuple[int, os.stat_result]:
    try:
        try:
            descriptor = perform(Step.OPEN, path, open_it)
        except OSError as error:
            if error.errno != errno.ESTALE:  # a file server forgot the file: ask again, once
                raise
            descriptor = perform(Step.OPEN, path, open_it)
    except OSError as error:
        if reason := _REFUSALS.get(error.errno or 0):
            raise UnsuitableFile(path, reason) from error
        raise
    return descriptor, _status_of_regular(descriptor, path)


def _status_of_regular(descriptor: int, path: Path) -> os.stat_result:
    try:
        status = perform(Step.STAT, path, os.fstat, descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnsuitableFile(path, f"is {kind_of(status.st_mode)}, not a regular file")
    except BaseException:
        os.close(descriptor)
        raise
    return status
