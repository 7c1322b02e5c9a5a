"""Very many files are looked at as single ones are, or left to be."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from orchestrator_tui.primitives import files

LIMIT_BYTES = 1000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with files, and with all that is no file of its own."""
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (tmp_path / "outside").write_bytes(b"secret")
    (root / "folder" / "file").write_bytes(b"content")
    (root / "empty").write_bytes(b"")
    (root / "full").write_bytes(b"x" * LIMIT_BYTES)
    (root / "large").write_bytes(b"x" * (LIMIT_BYTES + 1))
    (root / "link").symlink_to("folder/file")
    (root / "linked").symlink_to("folder")
    (root / "out").symlink_to("../outside")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "fifo")
    os.mkfifo(root / "folder" / "fifo")
    return root


PLAIN = ("folder/file", "empty", "full")
OTHERS = (
    *("large", "link", "linked/file", "out", "loop", "fifo", "folder/fifo", "folder", "none"),
    *("../outside", "/etc/hostname", "folder/file\0", "full\0/..", "\udcff", "folder/file/below"),
)


def test_contents_are_those_of_regular_files_below_the_folder(root: Path) -> None:
    found = list(files.contents(root, [*PLAIN, *OTHERS], LIMIT_BYTES))
    for name, content in zip(PLAIN, found, strict=False):
        assert content == files.read_range(root / name, 0, LIMIT_BYTES, root=root), name
    assert found[len(PLAIN) :] == [None] * len(OTHERS)


def test_contents_come_in_order_and_leave_no_descriptor_open(root: Path) -> None:
    names = [*OTHERS, *PLAIN] * 50
    before = psutil.Process().num_fds()
    found = list(files.contents(root, names, LIMIT_BYTES))
    assert psutil.Process().num_fds() == before
    assert [content and content[1] for content in found] == [
        (root / name).read_bytes() if name in PLAIN else None for name in names
    ]
    stopped = files.contents(root, names, LIMIT_BYTES)
    next(stopped)
    del stopped
    assert psutil.Process().num_fds() == before


def test_contents_of_a_folder_that_is_not_there_are_none(root: Path) -> None:
    assert list(files.contents(root / "none", PLAIN, LIMIT_BYTES)) == [None] * 3
    assert list(files.contents(root / "full", PLAIN, LIMIT_BYTES)) == [None] * 3


def test_folders_have_the_signatures_that_each_alone_has(root: Path) -> None:
    names = ["folder", "folder/", "linked", "loop", "none", "none/", "full", "full/below", "a\0"]
    found = files.folder_signatures(root, names)
    assert found == [files.folder_signature(Path(f"{root}/{name}")) for name in names]
    assert [signature is not None for signature in found] == [True] * 3 + [False] * 6
    with pytest.raises(FileNotFoundError):
        files.folder_signatures(root / "none", names)


def test_a_folder_that_cannot_be_looked_at_is_an_error_and_no_absence(root: Path) -> None:
    (too_long,) = files.folder_signatures(root, ["n" * 5000])
    assert isinstance(too_long, OSError)
