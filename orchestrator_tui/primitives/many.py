"""Looking at very many files below one folder, with little work for each."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator_tui.primitives import steps
from orchestrator_tui.primitives.opening import FOLDER_FLAGS, open_quickly
from orchestrator_tui.primitives.signature import FileSignature, parts_of, signature_of
from orchestrator_tui.primitives.steps import Step, perform


def unchanged(
    folder: Path, names: Sequence[str], before: Sequence[FileSignature | None]
) -> list[bool]:
    """Tell of each file, named from a folder on, whether it still has the signature it had.

    None is the signature of none. Quick for very many.

    Raises:
        OSError: The folder itself cannot be opened.
    """
    return perform(Step.STAT, folder, _unchanged, folder, names, before)


def folder_signatures(folder: Path, names: Sequence[str]) -> list[FileSignature | OSError | None]:
    """Return of each folder, named from another on, what `folder_signature` does, or its error.

    Raises:
        OSError: The folder itself cannot be opened.
    """
    return perform(Step.STAT, folder, _folder_signatures, folder, names)


def contents(
    folder: Path, names: Sequence[str], limit_bytes: int
) -> Iterator[tuple[FileSignature, bytes] | None]:
    """Yield what each file, named from a folder on, has and holds; quick for very many.

    They are opened as by `read_bytes` with that folder as the root. None says nothing: the file has
    to be read on its own, to learn what there is. Never raises.
    """
    root = _root(folder)
    if root is None:
        yield from (None for _ in names)
        return
    try:
        for name in names:
            yield _content(root, name, limit_bytes)
    finally:
        os.close(root)


def _root(folder: Path) -> int | None:
    if steps.fault_plan is not None:  # which is asked for each step where files are read singly
        return None
    try:
        return os.open(folder, FOLDER_FLAGS)
    except OSError:
        return None


def _content(root: int, name: str, limit_bytes: int) -> tuple[FileSignature, bytes] | None:
    try:
        descriptor = open_quickly(root, name)
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(descriptor)
        size = status.st_size
        if not stat.S_ISREG(status.st_mode) or size > limit_bytes:
            return None
        content = os.pread(descriptor, size + 1, 0)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return (signature_of(status), content) if len(content) == size else None


def _folder_signatures(folder: Path, names: Sequence[str]) -> list[FileSignature | OSError | None]:
    descriptor = os.open(folder, FOLDER_FLAGS)
    try:
        return [_folder_signature(descriptor, name) for name in names]
    finally:
        os.close(descriptor)


def _folder_signature(descriptor: int, name: str) -> FileSignature | OSError | None:
    try:
        status = os.stat(name, dir_fd=descriptor)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError as error:
        return None if error.errno == errno.ELOOP else error
    return signature_of(status) if stat.S_ISDIR(status.st_mode) else None


def _unchanged(
    folder: Path, names: Sequence[str], before: Sequence[FileSignature | None]
) -> list[bool]:
    descriptor = os.open(folder, FOLDER_FLAGS)
    found: list[bool] = []
    try:
        for name, signature in zip(names, before, strict=True):
            try:
                status = os.lstat(name, dir_fd=descriptor)
            except (OSError, ValueError):
                found.append(False)
                continue
            # Only regular files are given signatures, and what has inode and ctime of one is it.
            found.append(parts_of(status) == signature)
    finally:
        os.close(descriptor)
    return found
