"""Same failure: whether a stage failed before, and with what seems to be the same error."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from types import MappingProxyType
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.state.formatting import counted

LOOKED_AT: Final = 500  # characters of an error line
MASK: Final = "#"

# What differs between two tellings of one error, in this order: the wider form comes first.
_MASKED: Final = (
    re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"),
    re.compile(r"\b0x[0-9a-fA-F]+\b"),
    re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"),
    re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{7,64}\b"),  # short and long hashes
    re.compile(r"\d+(?:[.,:]\d+)*"),  # also times of day, and a place as line:column
)
_COLOURS: Final = re.compile(r"\x1b\[[0-9;:]*[A-Za-z]")
_TEMPORARY: Final = re.compile(r"(?:/private)?/(?:var/)?tmp/[^\s:'\"),]+")


@dataclass(frozen=True, slots=True)
class EarlierFailure:
    """A run that ended earlier: its short id, and by stage the error line of what failed."""

    run: str
    has_failed: bool
    lines: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def fingerprint(line: str) -> str:
    """Return an error line without what differs from run to run.

    Numbers, times, hexadecimal names and the names of temporary files become `#`, and so do the
    digits within other paths; colours are left out and spaces folded.
    """
    text = _TEMPORARY.sub(MASK, _COLOURS.sub("", line[:LOOKED_AT]))
    for pattern in _MASKED:
        text = pattern.sub(MASK, text)
    return " ".join(re.sub(r"#(?:\s*#)+", MASK, text).split())


def failure_words(stage_id: str, line: str, earlier: Sequence[EarlierFailure]) -> str:
    """Say whether this failure is new, the one of last time, or another; empty without a past.

    `earlier` are the runs of the same task and pipeline that succeeded or failed, newest first;
    `line` is the error line of the stage that failed now.
    """
    if not earlier:
        return ""
    last = earlier[0]
    if not last.has_failed:
        return f"first failure since run {last.run}"
    found = fingerprint(line)
    same = [bool(found) and fingerprint(run.lines.get(stage_id, "")) == found for run in earlier]
    of = f"{sum(same)} of the {counted(len(earlier), 'run')} before"
    if same[0]:
        return "same failure as last time" + (f": {of}" * (len(earlier) > 1))
    if stage_id not in last.lines:
        return f"another stage than in run {last.run}" + (f"; same failure: {of}" * any(same))
    if not found or not last.lines[stage_id]:  # one of them told nothing to compare
        return f"this stage failed in run {last.run}, too" + (f"; same failure: {of}" * any(same))
    return f"another failure than in run {last.run}" + (f"; same failure: {of}" * any(same))
