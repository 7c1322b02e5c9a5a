"""Crash reports: what an unforeseen error was, in a file of the person's own."""

from __future__ import annotations

import platform
import sys
import traceback
from datetime import datetime
from pathlib import Path
from typing import Final

import platformdirs

from orchestrator_tui import __version__
from orchestrator_tui.cli.redacting import Redactor
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.safe_text import safe_lines
from orchestrator_tui.records.program import PROGRAM
from orchestrator_tui.records.times import format_time

KEPT: Final = 10  # reports; older ones are removed
MOST_BYTES: Final = 256 * 1024
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_BEGINNING, _ENDING = "crash-", ".txt"


def crash_folder() -> Path:
    """Return where the reports of this person lie."""
    return platformdirs.user_state_path(PROGRAM) / "crashes"


def report_text(error: BaseException, now: datetime) -> str:
    """Return a report: versions, the time, and where it happened; no values of variables.

    What looks like a secret is taken out, and so is what a terminal would obey.
    """
    frames = "".join(traceback.format_exception(error))
    lines = (
        f"{PROGRAM} {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"{format_time(now)}, {' '.join(sys.argv[1:2]) or 'no verb'}",
        "",
        *safe_lines(Redactor().text(frames)[-MOST_BYTES:]),
    )
    return "".join(f"{line}\n" for line in lines)


def keep_report(error: BaseException, now: datetime) -> Path:
    """Write a report for this person alone and return its path; of the old ones some are kept.

    Raises:
        OSError: The environment refuses.
    """
    folder = crash_folder()
    files.make_folder(folder.parent, mode=_PRIVATE_FOLDER)
    files.make_folder(folder, mode=_PRIVATE_FOLDER)
    stamp = format_time(now).replace(":", "-").replace(".", "-")
    path = folder / f"{_BEGINNING}{stamp}{_ENDING}"
    files.write_atomic(path, report_text(error, now).encode("utf-8", "replace"), mode=_PRIVATE_FILE)
    old = [
        entry.name
        for entry in files.list_folder(folder)
        if entry.name.startswith(_BEGINNING) and entry.name.endswith(_ENDING)
        if entry.name != path.name
    ]
    for name in old[: 1 - KEPT]:
        files.remove(folder / name)
    return path


def told_of(error: BaseException, now: datetime) -> str:
    """Keep a report, and return what a person is told of the error: what, and where more stands."""
    what = f"{PROGRAM}: the screen ended by an error of the program: {type(error).__name__}"
    try:
        where = f"{PROGRAM}: a report of it: {keep_report(error, now)}"
    except OSError as refusal:
        where = f"{PROGRAM}: no report of it could be written: {refusal}"
    return f"{what}\n{where}\n{PROGRAM}: runs that were started go on"
