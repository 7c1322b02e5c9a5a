"""Sweeping: temporary files that writers left when they were killed."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import EntryKind
from orchestrator_tui.primitives.process_identity import identity_of

ABANDONED_AFTER = timedelta(hours=1)  # a write takes milliseconds, on a sick disk minutes
MOST_AT_ONCE = 100
# What `write_atomic` calls its temporary files; those of the Node original are left alone.
_OURS = re.compile(r"\..+\.([0-9]{1,10})\.[0-9a-f]{12}\.tmp")


def sweep_orphans(folder: Path, now: datetime) -> int:
    """Remove our abandoned temporary files from one folder, at most 100; return how many.

    A file counts as abandoned if it is over an hour old and the process in its name has ended. A
    folder that is not there has none.

    Raises:
        OSError: The environment refuses.
    """
    try:
        entries = files.list_folder(folder)
    except (FileNotFoundError, NotADirectoryError):
        return 0
    orphans = (
        folder / entry.name
        for entry in entries
        if entry.kind is EntryKind.FILE and _is_orphan(folder / entry.name, now)
    )
    return sum(files.remove(path) for path in islice(orphans, MOST_AT_ONCE))


def _is_orphan(path: Path, now: datetime) -> bool:
    match = _OURS.fullmatch(path.name)
    if match is None or identity_of(int(match.group(1))) is not None:
        return False
    signature = files.signature(path)
    return signature is not None and now - signature.modified_at > ABANDONED_AFTER
