"""Lines of events.jsonl in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator_tui.state.event_words import WORDS_LENGTH, RunEvent, event_of

AT = "2026-11-22T07:27:23.957Z"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def words(name: str, payload: Any = None, actor: str = "runner") -> str:
    found = event_of({"timestamp": AT, "event": name, "actor": actor, "payload": payload})
    assert found is not None
    return found.words


@pytest.mark.parametrize(
    ("name", "payload", "expected"),
    [
        ("run_started", {"pipeline_id": "flaky", "status": "in_progress"}, "flaky"),
        ("step_started", {"stage_id": "build", "status": "running"}, "build"),
        ("step_failed", {"stage_id": "test", "status": "failed", "exit_code": 2}, "test  exit 2"),
        ("step_failed", {"stage_id": "gate", "status": "failed", "exit_code": None, "summary": "x"},
         "gate  failed  x"),
        ("tool_called", {"stage_id": "build", "message": "make\n"}, "build  make"),
        ("run_completed", {"pipeline_id": "flaky", "status": "succeeded"}, "flaky  succeeded"),
        ("agent_message", {"stage_id": "unit", "message": "one\ntwo\n"}, "unit  one .."),
        ("run_paused", None, ""),
        ("odd", [1, 2], ""),
    ],
)  # fmt: skip
def test_an_event_tells_its_stage_its_end_and_its_words(
    name: str, payload: Any, expected: str
) -> None:
    assert words(name, payload) == expected


def test_who_asked_is_told_unless_it_was_the_runner() -> None:
    assert words("pause_requested", {"reason": "lunch"}, "ada") == "lunch (by ada)"


def test_a_line_without_a_name_is_no_event_and_one_without_a_time_is() -> None:
    assert event_of({"timestamp": AT}) is None
    assert event_of({"event": "x", "timestamp": 5}) == RunEvent(None, "x", "")
    moment = datetime(2026, 11, 22, 7, 27, 23, 957_000, UTC)
    assert event_of({"event": "x", "timestamp": AT}) == RunEvent(moment, "x", "")


@given(st.dictionaries(st.sampled_from(["event", "timestamp", "actor", "payload"]), JSON))
def test_no_line_is_too_odd(document: dict[str, Any]) -> None:
    found = event_of(document)
    assert found is None or len(found.words) <= WORDS_LENGTH
