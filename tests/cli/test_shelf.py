"""Texts that a person takes along: where they lie, who may read them, which line is meant."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from orchestrator_tui.cli import shelf as shelves
from orchestrator_tui.cli.shelf import FileShelf
from orchestrator_tui.records.logs import LogRequest, Whence
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.ui.ports import LogTextWish
from orchestrator_tui.watch.logs import StageLogs
from tests.terminals import RealTerminal
from tests.watch.disk import KEY, NOON_TEXT, write_run


def run(wanted: Callable[..., Awaitable[Any]], *given: object) -> Any:
    """Return what a shelf gives."""
    return anyio.run(wanted, *given)


class Desk:
    """A run with a log of numbered lines, and a shelf to put it on."""

    def __init__(self, folder: Path, lines: int = 3) -> None:
        self.roots = Roots.of(folder / "repo")
        self.log = write_run(self.roots).stage_log(1, "build")
        chunks = (
            {"type": "exec:chunk", "stream": "stdout", "data": f"\x1b[31mline {n}\x1b[0m\n"}
            for n in range(1, lines + 1)
        )
        records = (json.dumps({**each, "timestamp": NOON_TEXT, "index": 1}) for each in chunks)
        self.log.write_text("".join(f"{record}\n" for record in records))
        self.runtime = folder / "runtime"
        self.runtime.mkdir()
        self.work = folder / "work"
        self.work.mkdir()
        environ = {"XDG_RUNTIME_DIR": str(self.runtime)}
        self.shelf = FileShelf(self.roots, environ, self.work)


def test_a_copy_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    run(desk.shelf.keep_copy, "first")
    kept = run(desk.shelf.keep_copy, "second\nline")
    path = Path(kept.path)
    assert path == desk.runtime / "orch-tui" / "last-copy.txt"
    assert path.read_text() == "second\nline\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_copy_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (desk.runtime / "orch-tui").write_text("in the way")
    kept = run(desk.shelf.keep_copy, "text")
    assert kept.problem is not None
    assert "orch-tui" in kept.problem


def test_nothing_is_kept_where_another_user_may_write(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (desk.runtime / "orch-tui").mkdir()
    (desk.runtime / "orch-tui").chmod(0o777)
    kept = run(desk.shelf.keep_copy, "text")
    assert kept.problem is not None
    assert "another user may write there" in kept.problem
    assert not (desk.runtime / "orch-tui" / "last-copy.txt").exists()


def test_a_log_is_written_as_clean_text_with_the_line_that_is_meant(tmp_path: Path) -> None:
    desk = Desk(tmp_path, lines=9_000)
    page = StageLogs(desk.roots).read_now(LogRequest(KEY, 1, Whence.END, max_lines=1000))
    wish = LogTextWish(KEY, 1, "build", page.start, 7)
    written = run(desk.shelf.write_log, wish)
    lines = Path(written.path).read_text().splitlines()
    assert lines == [f"line {n}" for n in range(1, 9_001)]
    assert f"line {written.line}" == "line 8008"
    assert stat.S_IMODE(Path(written.path).stat().st_mode) == 0o600


def test_of_a_large_log_the_part_from_the_line_on_is_written_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "READING_LIMIT_BYTES", 100_000)
    desk = Desk(tmp_path, lines=9_000)
    page = StageLogs(desk.roots).read_now(LogRequest(KEY, 1, Whence.END, max_lines=100))
    written = run(desk.shelf.write_log, LogTextWish(KEY, 1, "build", page.start, 7))
    lines = Path(written.path).read_text().splitlines()
    assert lines[written.line - 1] == "line 8908"
    assert "only a part of the log, from 98 % on" in written.remark


def test_a_kept_log_lies_where_the_person_works_and_replaces_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    wish = LogTextWish(KEY, 1, "build", to_keep=True)
    first, second = run(desk.shelf.write_log, wish), run(desk.shelf.write_log, wish)
    assert Path(first.path).parent == desk.work
    assert first.path != second.path
    assert Path(second.path).read_text() == "line 1\nline 2\nline 3\n"


def test_a_stage_without_a_log_has_no_path(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert run(desk.shelf.log_path, KEY, 1) == str(desk.log)
    assert run(desk.shelf.log_path, KEY, 2) == ""


def test_a_place_is_found_where_the_stage_ran_and_never_outside(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    source = desk.roots.repo / "web/src/a.ts"
    source.parent.mkdir(parents=True)
    source.write_text("")
    (tmp_path / "secret").write_text("")
    (desk.roots.repo / "linked").symlink_to(tmp_path / "secret")
    assert run(desk.shelf.source_path, "src/a.ts", "web").path == str(source)
    assert run(desk.shelf.source_path, str(source), "").path == str(source)
    for name in ("../secret", "linked", str(tmp_path / "secret"), "none.py", "/etc/passwd", "web"):
        found = run(desk.shelf.source_path, name, "")
        assert found.problem == f"There is no file {name} in this repository."


def test_a_file_of_a_run_is_shown_as_a_clean_copy(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    name = desk.roots.relative(desk.log.with_name("report.txt"))
    (desk.roots.repo / name).write_text("a\x1b]52;c;x\x07b\n\xff")
    shown = run(desk.shelf.show_file, name)
    assert Path(shown.path).read_text().startswith("ab\n")
    (desk.roots.repo / "own").write_text("")
    for other in ("own", f"{name}/../../../../../../own", "/etc/passwd"):
        assert run(desk.shelf.show_file, other).problem == "it is no file of a run"
    link = desk.log.with_name("link")
    link.symlink_to("/etc/passwd")
    assert run(desk.shelf.show_file, desk.roots.relative(link)).problem


@pytest.mark.parametrize("key", ["o", "e"])
def test_the_terminal_is_handed_to_another_program_and_taken_back(tmp_path: Path, key: str) -> None:
    desk = Desk(tmp_path)
    reader = tmp_path / "reader"
    reader.write_text('#!/bin/sh\nfor f; do :; done\necho "$1 of $(sed -n 2p "$f")"; read answer\n')
    reader.chmod(0o755)
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(desk.runtime), "EDITOR": str(reader)}
    environ |= {"PAGER": f"{reader} pager", "VISUAL": ""}
    command = [sys.executable, "-m", "orchestrator_tui", "--repo", str(desk.roots.repo)]
    with RealTerminal(command, size=(100, 30), environ=environ) as terminal:
        terminal.until("diagnostics")
        terminal.type("L")
        terminal.until("line 3")
        terminal.type(key)
        terminal.until(f"{'pager' if key == 'o' else '+3'} of line 2")
        terminal.type("\r")
        terminal.until("Back from")
        terminal.until("line 3")
        terminal.type("q", "q")
        assert terminal.wait() == 0
    assert bytes(terminal.raw).count(b"\x1b[?1049h") == 2
