"""Manifest: what is read can be written back, and nothing that a file holds raises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator_tui.records.manifest import (
    ChildRun,
    CommandRecord,
    JsonObject,
    Manifest,
    manifest_from_document,
    manifest_to_document,
)

FIXTURES = Path(__file__).parent.parent / "fixtures"
REAL = sorted(FIXTURES.rglob("cli/*/manifest.json"))
RECOMMENDED = next(path for path in REAL if "recommended" in path.parts)
KEYS_OF_THE_SHARED_SCHEMA = 37  # 31 of November 2025, 4 of the runtime, 2 of the guardrails

words = st.text(max_size=12)
maybe_words = st.none() | words
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(words, json_values, max_size=3)
unknown = st.dictionaries(words.map(lambda name: f"x_{name}"), json_values, max_size=3)
commands = st.builds(
    CommandRecord,
    index=st.integers(min_value=1),
    id=words.filter(bool),
    title=words.filter(bool),
    command=maybe_words,
    kind=words.filter(bool),
    status=words.filter(bool),
    started_at=maybe_words,
    completed_at=maybe_words,
    exit_code=st.none() | st.integers(),
    summary=maybe_words,
    log_path=maybe_words,
    error_file=maybe_words,
    sub_run_id=maybe_words,
    extras=unknown,
)
manifests = st.builds(
    Manifest,
    run_id=maybe_words,
    task_id=maybe_words,
    pipeline_id=maybe_words,
    status=maybe_words,
    status_detail=maybe_words,
    started_at=maybe_words,
    heartbeat_interval_seconds=st.none() | st.integers(),
    summary=maybe_words,
    metrics_recorded=st.booleans(),
    resume_events=st.lists(objects, max_size=2).map(tuple),
    approvals=st.lists(objects, max_size=2).map(tuple),
    commands=st.lists(commands, max_size=3).map(tuple),
    child_runs=st.lists(st.builds(ChildRun, words, words, words, words), max_size=2).map(tuple),
    instructions_sources=st.lists(words, max_size=2).map(tuple),
    guardrails_required=st.none() | st.booleans(),
    runtime_fallback=st.none() | objects,
    extras=unknown,
)


def parsed(path: Path) -> JsonObject:
    document: JsonObject = json.loads(path.read_bytes())
    return document


@given(manifests)
@settings(max_examples=200)
def test_what_is_written_is_read_back_the_same(manifest: Manifest) -> None:
    read, problems = manifest_from_document(manifest_to_document(manifest))
    assert read == manifest
    assert problems == ()


@pytest.mark.parametrize("path", REAL, ids=lambda p: "/".join(p.parts[-5:-1]))
def test_no_key_of_a_real_manifest_is_lost(path: Path) -> None:
    document = parsed(path)
    manifest, problems = manifest_from_document(document)
    written = manifest_to_document(manifest)
    assert problems == ()
    assert {name: written[name] for name in document if name != "commands"} == {
        name: value for name, value in document.items() if name != "commands"
    }
    for before, after in zip(document.get("commands", []), written["commands"], strict=True):
        assert {name: after[name] for name in before} == before


def test_the_recommended_manifest_is_written_key_by_key_in_its_order() -> None:
    document = parsed(RECOMMENDED)
    manifest, _ = manifest_from_document(document)
    written = manifest_to_document(manifest)
    assert written == document
    assert sorted(written) == sorted(document)
    assert len(written) == KEYS_OF_THE_SHARED_SCHEMA


def test_keys_that_nobody_knows_are_kept_in_their_places() -> None:
    document = parsed(RECOMMENDED)
    document["goal_evidence"] = {"x": [1]}
    document["commands"][0]["shard"] = 3
    written = manifest_to_document(manifest_from_document(document)[0])
    assert written == document


VALUES: list[Any] = [None, True, -1, 2**70, 1.5, "", "text", [], [1], {}, {"a": 1}, [{}]]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_any_value_in_any_field_is_survived_and_told(value: Any) -> None:
    sound = parsed(RECOMMENDED)
    for name in sound:
        manifest, problems = manifest_from_document({**sound, name: value})
        assert isinstance(manifest, Manifest)
        assert all(isinstance(problem, str) for problem in problems)
    for name in sound["commands"][0]:
        damaged = {**sound, "commands": [{**sound["commands"][0], name: value}]}
        manifest, _ = manifest_from_document(damaged)
        assert len(manifest.commands) == 1
        assert manifest.commands[0].id


@given(objects | st.dictionaries(st.sampled_from(list(parsed(RECOMMENDED))), json_values))
@settings(max_examples=300)
def test_no_object_raises(document: JsonObject) -> None:
    manifest, _ = manifest_from_document(document)
    manifest_to_document(manifest)


def test_wrong_types_are_left_out_and_told_in_plain_words() -> None:
    document = {
        "status": 3,
        "heartbeat_interval_seconds": True,
        "metrics_recorded": "yes",
        "commands": [{"index": "1", "command": "echo a", "exit_code": 1.5}, "text"],
        "approvals": {},
        "version": 9,
    }
    manifest, problems = manifest_from_document(document)
    assert manifest.status is None
    assert manifest.heartbeat_interval_seconds is None
    assert problems == (
        "status has an unusable value",
        "heartbeat_interval_seconds has an unusable value",
        "metrics_recorded has an unusable value",
        "approvals is not a list",
        "version 9 is not known",
        "commands[0].index has an unusable value",
        "commands[0].exit_code has an unusable value",
        "commands[1] is not an object",
    )
    assert [command.title for command in manifest.commands] == ["echo a", "stage 2"]


@pytest.mark.acceptance(71)
def test_a_summary_line_is_added_once() -> None:
    manifest = Manifest().with_summary_line("Stage 'B' failed with exit code 3.")
    assert manifest.summary == "Stage 'B' failed with exit code 3."
    assert manifest.with_summary_line("failed with exit code 3.").summary == manifest.summary
    longer = manifest.with_summary_line("Guardrails: none.")
    assert longer.summary == "Stage 'B' failed with exit code 3.\nGuardrails: none."
    assert longer.without_summary_lines("Stage 'B'").summary == "Guardrails: none."
    assert manifest.without_summary_lines("Stage 'B'").summary is None


def test_a_stage_is_changed_by_its_place() -> None:
    manifest = Manifest(commands=(CommandRecord(1, "a", "A"), CommandRecord(2, "b", "B")))
    changed = manifest.with_command(2, status="running")
    assert [command.status for command in changed.commands] == ["pending", "running"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("succeeded", True),
        ("Failed", True),
        ("canceled", True),
        ("cancelled", True),
        ("in_progress", False),
        ("queued", False),
        ("paused", False),
        (None, False),
    ],
)
def test_a_run_has_ended_or_not(status: str | None, expected: bool) -> None:
    assert Manifest(status=status).is_terminal is expected
