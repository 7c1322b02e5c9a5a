"""The filter language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator_tui.state.fleet import RunState
from orchestrator_tui.state.liveness import State
from orchestrator_tui.state.query import EVERYTHING, Query, QueryProblem, matches, parse_query
from tests.state.values import KEY, NOW, ago, facts, run

FAILED = run(
    status="failed",
    pipeline_title="Health check",
    summary="Stage 'Unit tests' failed with exit code 1.",
    started_at=ago(hours=6),
    completed_at=ago(hours=5),
    updated_at=ago(hours=5),
    heartbeat_at=ago(hours=5),
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", True),
        ("0951", True),
        ("LOG-view", True),
        ("diag c2d9e410", True),
        ("health", True),
        ("test exit", True),
        ("test absent", False),
        ("-absent", True),
        ("-test", False),
        ('"unit tests"', True),
        ('"tests unit"', False),
        ("viewdiagnostics", False),
        ("state:failed", True),
        ("state:FAIL", True),
        ("state:f", False),
        ("state:problem", True),
        ("state:finished -state:ok", True),
        ("-state:fail", False),
        ("state:active", False),
        ("task:0951 pipeline:diag stage:test", True),
        ("task:diagnostics", False),
        ('pipeline:"health check"', True),
        ("run:c2d9", True),
        ("stage:build", False),
        ("since:6h", True),
        ("since:299m", False),
        ("-since:4h", True),
        ("-", True),
    ],
)
def test_a_query_asks_for_what_it_says(text: str, found: bool) -> None:
    query = parse_query(text)
    if text == "state:f":
        assert isinstance(query, QueryProblem)
        return
    assert isinstance(query, Query)
    assert matches(FAILED, State.FAILED, query, NOW) is found


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("state:s", "fits more than one state"),
        ("state:melting", "is no state"),
        ("status:failed", "is no field"),
        ("task:", "needs a value"),
        ("since:yesterday", "write 30m, 24h or 7d"),
        ('"open', "is not closed"),
    ],
)
def test_what_is_no_query_says_why_and_how_else(text: str, part: str) -> None:
    problem = parse_query(text)
    assert isinstance(problem, QueryProblem)
    assert part in problem.text


def test_a_run_that_goes_on_is_always_recent() -> None:
    query = parse_query("since:1m")
    assert isinstance(query, Query)
    assert matches(run(started_at=ago(days=3)), State.RUNNING, query, NOW)


def test_a_run_that_was_never_read_is_found_by_its_ids() -> None:
    query = parse_query("c2d9e410 since:1d")
    assert isinstance(query, Query)
    assert matches(RunState(KEY), State.UNKNOWN, query, NOW)


@given(st.text(max_size=30) | st.from_regex(r"-?(state|since|task|x):\"?\w{0,5}\"?( \w+)?"))
def test_no_text_makes_it_raise(text: str) -> None:
    query = parse_query(text)
    if isinstance(query, Query):
        matches(RunState(KEY, facts()), State.RUNNING, query, NOW)
    else:
        assert query.text


def test_nothing_asked_is_everything() -> None:
    assert parse_query("   ") == EVERYTHING
