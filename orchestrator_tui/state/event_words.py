"""RunEvent: a line of `events.jsonl` in the words that a person reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.times import parse_time

WORDS_LENGTH: Final = 400  # characters of an event's words that are kept
# What tells most of an event, in this order; the first text found is shown.
_TELLING: Final = ("message", "summary", "reason", "requested_reason", "detail")


@dataclass(frozen=True, slots=True)
class RunEvent:
    """What happened in a run; `words` need not be safe for a terminal."""

    at: datetime | None
    name: str
    words: str


def event_of(document: JsonObject) -> RunEvent | None:
    """Return the event in a line of `events.jsonl`, None for a line that names none."""
    name = document.get("event")
    if not isinstance(name, str) or not name:
        return None
    payload = document.get("payload")
    words = _words(name, payload if isinstance(payload, Mapping) else {})
    actor = document.get("actor")
    if isinstance(actor, str) and actor not in ("", "runner"):
        words = f"{words} (by {actor})".strip()
    return RunEvent(parse_time(document.get("timestamp")), name, words[:WORDS_LENGTH])


def _words(name: str, payload: Mapping[str, Any]) -> str:
    subject = _text(payload, "stage_id") or (
        _text(payload, "pipeline_id") if name.startswith("run_") else ""
    )
    status = _text(payload, "status") if name in ("run_completed", "step_failed") else ""
    code = payload.get("exit_code")
    ended = f"exit {code}" if isinstance(code, int) and not isinstance(code, bool) else ""
    told = next((found for key in _TELLING if (found := _text(payload, key))), "")
    first, _, more = told.strip().partition("\n")
    line = f"{first} .." if more else first
    return "  ".join(part for part in (subject, ended or status, line) if part)


def _text(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name)
    return value if isinstance(value, str) else ""
