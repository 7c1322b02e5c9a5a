"""The quick way to the facts of a run tells what the whole manifest tells, or nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator_tui.primitives.signature import FileSignature
from orchestrator_tui.records.facts import RunShape
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.records.stage_lengths import stage_lengths
from orchestrator_tui.store.facts_reading import UsualRun, read_usual, usual_run
from orchestrator_tui.store.reading import ReadRun, RunRef, read_run
from tests.store.conftest import FIXTURES, RUN, TASK

GOLDEN = FIXTURES / f"minimal/recommended/.runs/{TASK}/cli/{RUN}/manifest.json"
MANIFESTS = sorted(FIXTURES.rglob("manifest.json"))
KEY = RunKey(TASK, RUN)


def both(repo: Path, content: bytes, key: RunKey = KEY) -> tuple[UsualRun | None, object]:
    roots = Roots.of(repo)
    ref = RunRef(key, RunShape.CLI, roots.runs / key.task_id / "cli" / key.run_id)
    ref.run_dir.mkdir(parents=True, exist_ok=True)
    ref.manifest.write_bytes(content)
    return read_usual(roots, ref), read_run(roots, ref)


def agree(repo: Path, content: bytes, key: RunKey = KEY) -> bool:
    """Check that all ways tell the same; return whether the quick ones told anything."""
    usual, whole = both(repo, content, key)
    folder = f".runs/{key.task_id}/cli"
    signature = FileSignature(1, 2, 3, 4, 5)
    one_of_many = usual_run(key, folder, signature, content, is_of_many=True)
    for told in filter(None, (usual, one_of_many)):
        assert isinstance(whole, ReadRun)
        assert told.facts == whole.facts
        assert repr(told.facts) == repr(whole.facts)
        assert told.stages() == stage_lengths(whole.manifest)
    assert (usual is None) <= (one_of_many is None)
    return usual is not None


def is_quick(content: bytes, key: RunKey) -> bool:
    """Tell whether one of very many such manifests is read without its whole."""
    return usual_run(key, "f", FileSignature(1, 2, 3, 4, 5), content, is_of_many=True) is not None


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: str(path.relative_to(FIXTURES)))
def test_real_manifests_have_the_same_facts_either_way(path: Path, tmp_path: Path) -> None:
    key = RunKey(path.parents[2].name, path.parent.name)
    agree(tmp_path, path.read_bytes(), key)


def test_manifests_of_both_programs_are_read_the_quick_way(tmp_path: Path) -> None:
    ours = [path for path in MANIFESTS if path.parents[1].name == "cli"]
    told = [
        agree(tmp_path, path.read_bytes(), RunKey(path.parents[2].name, path.parent.name))
        for path in ours
        if {"minimal", "node-peer"} & set(path.parts)
    ]
    assert len(told) > 5
    assert sum(told) >= len(told) - 2
    keys = [RunKey(path.parents[2].name, path.parent.name) for path in ours]
    quick = [is_quick(path.read_bytes(), key) for path, key in zip(ours, keys, strict=True)]
    assert sum(quick) >= sum(told)


TEXTS = (
    "",
    " ",
    "failed",
    "running",
    "skipped",
    "Failed",
    "subpipeline",
    "a\nb",
    "\ud800",
    "2026-01-02T03:04:05.678Z",
    " 2026-01-02T03:04:05.67Z",
    "2025-10-18T16-21-54-804Z",
    "0001-01-01T00:00:00.000Z",
    "9999-12-31T23:59:59.999Z",
    "2026-13-02T03:04:05.678Z",
    "20251125T220723Z",
    "2026-01-02T03:04:05+02:00",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -3,
    2.5,
    1.0,
    10**30,
    {},
    {"id": ""},
    {"a": {"b": [1]}},
)
LISTS: tuple[Any, ...] = (
    [],
    [None],
    [{}],
    [[]],
    [{"outcome": "blocked"}, {"timestamp": "2026-01-02T03:04:05Z"}],
    [{"status": "failed", "summary": "x\ny"}],
)
ODD: st.SearchStrategy[Any] = st.sampled_from((*TEXTS, *VALUES, *LISTS))
GOLDEN_DOCUMENT: dict[str, Any] = json.loads(GOLDEN.read_bytes())
NAMES = st.sampled_from([*GOLDEN_DOCUMENT, "extras", "odd", "runId", "plan", "redirect_to"])
STAGE_NAMES = st.sampled_from([*GOLDEN_DOCUMENT["commands"][0], "extras", "odd"])


@given(
    changes=st.dictionaries(NAMES, ODD, max_size=3),
    stages=st.lists(st.dictionaries(STAGE_NAMES, ODD, max_size=4), max_size=4),
    gone=st.sets(NAMES, max_size=2),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_a_manifest_both_ways_tell_the_same(
    tmp_path: Path, changes: dict[str, Any], stages: list[dict[str, Any]], gone: set[str]
) -> None:
    stage = GOLDEN_DOCUMENT["commands"][0]
    commands = [{**stage, **changed} for changed in stages]
    document = {**GOLDEN_DOCUMENT, "commands": commands, **changes}
    kept = {name: value for name, value in document.items() if name not in gone}
    agree(tmp_path, json.dumps(kept).encode())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"status": "failed"',
        b"\xef\xbb\xbf" + GOLDEN.read_bytes(),
        b'{"status": NaN}',
        b'{"status": "failed", "status": 3}',
        b'{"status": "\xff"}',
        b'{"status": "failed", "odd": ' + b"[" * 200 + b"]" * 200 + b"}",
        b'{"run_id": "another"}',
        b'{"status": "failed", "odd": "\xff"}',
        b'{"status": "failed", "odd": 1.}',
        b'{"status": "failed", "odd": "a\x01"}',
        b'{"status": "failed", "heartbeat_stale_after_seconds": 123456789012345678901}',
        b'{"status": "failed", "commands": [{"exit_code": 1.0}]}',
        b'{"version": null, "status": "failed"}',
        b'{"runId": "r", "build": {}, "status": "failed"}',
    ],
)
def test_what_is_wrong_with_a_file_is_left_to_the_whole_reading(
    tmp_path: Path, content: bytes
) -> None:
    assert not agree(tmp_path, content)


def test_half_surrogates_are_left_to_the_slower_ways(tmp_path: Path) -> None:
    content = b'{"status": "failed", "odd": "\\ud83d"}'
    assert agree(tmp_path, content)
    assert not is_quick(content, KEY)


def test_a_link_in_place_of_a_manifest_is_not_followed(tmp_path: Path) -> None:
    roots = Roots.of(tmp_path)
    ref = RunRef(KEY, RunShape.CLI, roots.runs / TASK / "cli" / RUN)
    ref.run_dir.mkdir(parents=True)
    ref.manifest.symlink_to(GOLDEN)
    assert read_usual(roots, ref) is None


def test_of_a_repeated_name_the_last_value_counts_either_way(tmp_path: Path) -> None:
    usual, whole = both(tmp_path, b'{"status": "failed", "status": "succeeded"}')
    assert usual is not None
    assert isinstance(whole, ReadRun)
    assert usual.facts == whole.facts
    assert usual.facts.status == "succeeded"
