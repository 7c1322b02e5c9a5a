"""Tailing: whole lines once each, whatever becomes of the file meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator_tui.primitives.files import UnsuitableFile
from orchestrator_tui.primitives.tailing import NOWHERE, TailCursor, read_new_lines

LIMIT = 64


def tail(
    path: Path, cursor: TailCursor | None = None, limit_bytes: int = LIMIT
) -> tuple[TailCursor, list[bytes], bool]:
    after, lines, restarted = read_new_lines(path, cursor, limit_bytes)
    return after, list(lines), restarted


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as stream:
        stream.write(content)


def test_an_absent_file_is_an_empty_one(tmp_path: Path) -> None:
    log = tmp_path / "log"
    cursor, lines, restarted = tail(log)
    assert (cursor, lines, restarted) == (NOWHERE, [], False)
    append(log, b"one\n")
    assert tail(log, cursor)[1:] == ([b"one"], False)


def test_new_lines_come_once_and_a_partial_line_waits(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append(log, b"one\ntwo\nthr")
    cursor, lines, _ = tail(log)
    assert lines == [b"one", b"two"]
    assert tail(log, cursor)[1:] == ([], False)
    append(log, b"ee\n")
    cursor, lines, restarted = tail(log, cursor)
    assert (lines, restarted) == ([b"three"], False)


def test_a_truncated_file_is_read_anew(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append(log, b"one\ntwo\n")
    cursor, _, _ = tail(log)
    log.write_bytes(b"new\n")
    cursor, lines, restarted = tail(log, cursor)
    assert (lines, restarted) == ([b"new"], True)
    assert tail(log, cursor)[1:] == ([], False)


def test_an_emptied_file_is_told_of_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append(log, b"one\n")
    cursor, _, _ = tail(log)
    log.write_bytes(b"")
    cursor, lines, restarted = tail(log, cursor)
    assert (lines, restarted) == ([], True)
    append(log, b"two\n")
    assert tail(log, cursor)[1:] == ([b"two"], False)


def test_a_file_that_was_truncated_and_has_outgrown_the_cursor_is_read_anew(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append(log, b"one\ntwo\n")
    cursor, _, _ = tail(log)
    log.write_bytes(b"something much longer\n")
    assert tail(log, cursor)[1:] == ([b"something much longer"], True)


def test_a_rotated_file_is_read_anew(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append(log, b"one\n")
    cursor, _, _ = tail(log)
    log.rename(tmp_path / "log.1")
    assert tail(log, cursor)[1:] == ([], False)
    append(log, b"uno\ndos\n")
    cursor, lines, restarted = tail(log, cursor)
    assert (lines, restarted) == ([b"uno", b"dos"], True)


def test_a_line_longer_than_the_limit_comes_cut_and_the_next_one_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append(log, b"x" * 200)
    cursor, lines, _ = tail(log)
    assert lines == [b"x" * LIMIT]
    for _ in range(3):
        cursor, lines, restarted = tail(log, cursor)
        assert (lines, restarted) == ([], False)
    append(log, b"xx\nshort\n")
    cursor, lines, restarted = tail(log, cursor)
    assert (lines, restarted) == ([b"short"], False)


def test_a_line_as_long_as_the_limit_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append(log, b"x" * LIMIT + b"\nnext\n")
    cursor, lines, _ = tail(log)
    assert lines == [b"x" * LIMIT]
    assert tail(log, cursor)[1] == [b"next"]


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")
    with pytest.raises(UnsuitableFile):
        tail(tmp_path / "log")
    (tmp_path / "link").symlink_to(tmp_path / "log")
    with pytest.raises(UnsuitableFile):
        read_new_lines(tmp_path / "link", None, LIMIT, root=tmp_path)


@given(
    st.lists(st.binary(max_size=12).map(lambda raw: raw.replace(b"x", b"\n")), max_size=20),
    st.integers(12, 40),
)
def test_lines_do_not_depend_on_when_one_looks(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], limit_bytes: int
) -> None:
    log = tmp_path_factory.mktemp("tail") / "log"
    cursor: TailCursor | None = None
    seen: list[bytes] = []
    for piece in [*pieces, b"\n"]:
        append(log, piece)
        idle = False
        while not idle:
            before = cursor
            cursor, lines, restarted = tail(log, cursor, limit_bytes)
            assert not restarted
            seen += lines
            idle = cursor == before
    assert seen == [line[:limit_bytes] for line in log.read_bytes().split(b"\n")[:-1]]
