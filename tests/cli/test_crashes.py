"""An error of the program: a clean terminal, and a report for the person alone."""

from __future__ import annotations

import os
import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator_tui.cli.crashes import KEPT, crash_folder, keep_report, report_text
from tests.terminals import RealTerminal

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOSTILE = "\x1b]52;c;cHduZWQ=\x07 \u202e token=hunter2hunter2"
# The program with a fault in it, which raises with values that must stay unseen.
FAULTY = f"""
from orchestrator_tui.ui.app import OrchTui
from orchestrator_tui.ui.journal import Journal
from orchestrator_tui.cli.main import main

def fail(self):
    local_secret = "swordfish-in-a-variable"
    raise ValueError({HOSTILE!r})

async def fail_later(self):
    fail(self)

%s
main()
"""


@pytest.fixture(autouse=True)
def own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the reports of each test apart."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.mark.parametrize("fault", ["OrchTui._tick = fail", "Journal.recall = fail_later"])
def test_the_terminal_is_left_clean_and_the_report_named(tmp_path: Path, fault: str) -> None:
    program = [sys.executable, "-c", FAULTY % fault, "--repo", str(tmp_path)]
    with RealTerminal(program, size=(100, 30)) as terminal:
        assert terminal.wait(20) == 1
        raw, text = bytes(terminal.raw), terminal.text
    assert raw.rfind(b"\x1b[?1049l") > raw.rfind(b"\x1b[?1049h")
    assert raw.rfind(b"\x1b[?1000l") > raw.rfind(b"\x1b[?1000h")
    assert b"]52;" not in raw
    assert b"swordfish" not in raw
    assert "the screen ended by an error of the program: ValueError" in text
    (report,) = (tmp_path / "state" / "orch-tui" / "crashes").iterdir()
    assert report.name in text.replace("\n", "")
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert stat.S_IMODE(report.parent.stat().st_mode) == 0o700
    told = report.read_text()
    assert "in fail" in told
    assert "swordfish" not in told
    assert "hunter2" not in told
    assert "\x1b" not in told


def test_the_newest_reports_are_kept() -> None:
    for number in range(KEPT + 3):
        newest = keep_report(ValueError("x"), NOON + timedelta(seconds=number))
    names = sorted(path.name for path in crash_folder().iterdir())
    assert len(names) == KEPT
    assert names[-1] == newest.name
    assert keep_report(ValueError("x"), NOON - timedelta(days=1)).exists()
    assert len(list(crash_folder().iterdir())) == KEPT


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_no_umask_opens_a_report_to_others(umask: int) -> None:
    before = os.umask(umask)
    try:
        path = keep_report(ValueError("x"), NOON)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_report_tells_the_chain_of_errors() -> None:
    try:
        try:
            raise OSError("first")
        except OSError as error:
            raise ValueError("second") from error
    except ValueError as error:
        told = report_text(error, NOON)
    assert told.index("OSError: first") < told.index("ValueError: second")
