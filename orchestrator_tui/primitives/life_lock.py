"""Life lock: held for life by a process, so that its death needs no sign."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.opening import open_regular
from orchestrator_tui.primitives.steps import Step, perform

# A file system without kernel locks says one of these.
NO_KERNEL_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
_FLOCK = "hhqqi4x"  # struct flock of 64-bit Linux: type, whence, start, length, pid


class AlreadyHeld(Exception):
    """Another living process holds the life lock at `path`."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is held by another process that still lives")
        self.path = path


class LifeLock:
    """Proves while it is held that its process lives: the kernel lets go of it at any death.

    It belongs to the open file, so a reader can ask without taking it, and a child that was started
    by exec does not inherit it. On a file system without such locks it proves nothing, and readers
    learn that they cannot tell.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor

    @classmethod
    def hold(cls, path: Path) -> Self:
        """Take the lock; the file is made if need be, and stays.

        Raises:
            AlreadyHeld: Another living process has it.
            UnsuitableFile: What lies there is not a regular file.
            OSError: The environment refuses.
        """
        descriptor = files.open_descriptor(path, create=True)
        try:
            perform(Step.LOCK, path, fcntl.fcntl, descriptor, fcntl.F_OFD_SETLK, _whole_file_lock())
        except BlockingIOError:
            os.close(descriptor)
            raise AlreadyHeld(path) from None
        except OSError as error:
            if error.errno not in NO_KERNEL_LOCKS:
                os.close(descriptor)
                raise
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, descriptor)

    @staticmethod
    def is_held(path: Path) -> bool | None:
        """Tell whether a living process holds the lock, without taking it.

        None where it cannot be told: there is no such file, it may not be read, is not a regular
        file, or its file system has no such locks.
        """
        try:
            descriptor, _ = open_regular(path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            return None
        try:
            answer = perform(
                Step.LOCK, path, fcntl.fcntl, descriptor, fcntl.F_OFD_GETLK, _whole_file_lock()
            )
        except OSError:
            return None
        finally:
            os.close(descriptor)
        kind: int = struct.unpack(_FLOCK, answer)[0]
        return kind != fcntl.F_UNLCK

    def close(self) -> None:
        """Let go; again does nothing."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _whole_file_lock() -> bytes:
    return struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
