"""Which lines of an output look like a problem, and which of them tells most."""

from __future__ import annotations

import time

import pytest

from orchestrator_tui.ui.failure_text import PROBLEM_LOOK, first_error, first_problem

LOUD = [
    "ERROR: database is not there",
    "FATAL: x",
    "  FATAL ERROR: Reached heap limit Allocation failed",
    "CRITICAL: disk full",
    "SEVERE: Servlet threw",
    "[ERROR] Failed to execute goal",
    "[ERROR] /src/Main.java:[3,1] cannot find symbol",
    "ERROR in ./src/index.js",
    "ERROR A problem occurred",
    "ERROR tests/test_x.py - import",
    "ERROR  Cannot find module",
    "2026-01-01 12:00:00 ERROR app.db Connection refused",
    "2026-01-01 12:00:00,123 - app.db - ERROR - Connection refused",
    "2026-01-01T12:00:00.120Z ERROR app: refused",
    "12:00:00.123 [main] ERROR c.x.Y - refused",
    "[12:00:00] [ERROR] refused",
    "12:00:00 [worker-0] [info-desk] ERROR refused",
    "2026/01/01 12:00:00 [CRITICAL] refused",
    "E   assert 1 == 2",
    "E       fixture 'db' not found",
    "E   Failed: DID NOT RAISE <class 'ValueError'>",
    "sh: foo: command not found",
    "sh: 1: foo: not found",
    "/bin/bash: line 1: foo: command not found",
    "zsh:1: command not found: foo",
]
QUIET = [
    "0 ERRORS",
    "ERRORS",
    "ERROR: 0",
    "CRITICAL: 0",
    "[ERROR] ",
    "[ERROR] --------",
    "no error",
    "No ERROR found",
    "ERROR_CODE = 3",
    "ERROR = 3",
    "ERROR   = 3",
    "ERROR HANDLING TESTS",
    "error_handler.py",
    "src/ERROR.md",
    "INFO  errors=0",
    "2026-01-01 12:00:00 INFO level of app set to ERROR now",
    "2026-01-01 12:00:00 DEBUG [ERROR] is a mark",
    "2026-01-01 12:00:00 0 ERROR lines",
    "2026-01-01 12:00:00 app - info - no ERROR there",
    "2026-01-01 12:00:00 no ERROR there",
    "2026-01-01 12:00:00 ERROR_CODE = 3",
    "E2E tests",
    "E   and nothing else",
    "CRITICAL_PATH=/usr",
    "checking for foo... not found",
    "cache: not found",
    "assert that all is well",
]


@pytest.mark.parametrize("line", LOUD)
def test_a_line_marked_as_an_error_looks_like_a_problem(line: str) -> None:
    assert PROBLEM_LOOK.finds(line)
    assert first_problem(["working", line, "no more"]) == line.strip()


@pytest.mark.parametrize("line", QUIET)
def test_a_line_that_only_names_errors_does_not(line: str) -> None:
    assert not PROBLEM_LOOK.finds(line)


def test_an_exception_tells_more_than_a_mark_and_a_mark_more_than_a_failed_test() -> None:
    lines = ["FAILED a", "12:00:00 ERROR app refused", "OSError: refused"]
    assert first_error(lines) == lines[2]
    assert first_error(lines[:2]) == lines[1]


PIECES = ["12:00:00 ", "[", "E   ", "sh: ", "ERROR", "ERROR: ", "command not found ", " ", ": "]


@pytest.mark.parametrize("head", ["", "ERROR", "ERROR:", "[ERROR]", "12:00:00 ", "sh: command: "])
@pytest.mark.parametrize("piece", PIECES)
def test_no_line_takes_long(head: str, piece: str) -> None:
    line = (head + piece * 20_000)[:20_000] + "!"
    begun = time.process_time()
    PROBLEM_LOOK.pattern.search(line)
    assert time.process_time() - begun < 0.2
