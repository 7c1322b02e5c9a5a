"""Reading: every shape that a run file ever had, and everything that is none."""

from __future__ import annotations

import errno
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator_tui.primitives.steps import Step
from orchestrator_tui.records.facts import RunShape
from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.store.discovery import all_runs, ref_of_manifest
from orchestrator_tui.store.json_text import MAX_DEPTH
from orchestrator_tui.store.older_shapes import summary_status
from orchestrator_tui.store.reading import (
    MANIFEST_LIMIT_BYTES,
    BadContent,
    ReadRun,
    RunRef,
    parse_object,
    read_object,
    read_run,
)
from tests.fault_plans import BAD_DAYS, Failing, FailingStep, installed, steps_of
from tests.store.conftest import FIXTURES, RUN, TASK, copied, got, put

GOLDEN = FIXTURES / f"minimal/recommended/.runs/{TASK}/cli/{RUN}/manifest.json"


def ref_of(roots: Roots, below_runs: str) -> RunRef:
    ref = ref_of_manifest(roots, roots.runs / below_runs / "manifest.json")
    assert ref is not None
    return ref


def read(roots: Roots, below_runs: str) -> ReadRun | BadContent | None:
    return read_run(roots, ref_of(roots, below_runs))


def sound(roots: Roots, below_runs: str) -> ReadRun:
    found = read(roots, below_runs)
    assert isinstance(found, ReadRun)
    return found


# --- content -----------------------------------------------------------------------------------


@pytest.mark.acceptance(110)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"[]", "a list, not an object"),
        (b"null", "null, not an object"),
        (b"true", "true or false, not an object"),
        (b'"x"', "a text, not an object"),
        (b"3", "a number, not an object"),
        (b'{"a": NaN}', "NaN is not a number"),
        (b'{"a": -Infinity}', "-Infinity is not a number"),
        (b'{"a": 1e999}', "out of range"),
        (b"\xef\xbb\xbf{}", "a byte order mark"),
        ('{"a": 1}'.encode("utf-16"), "UTF-16"),
        (b"\0" * 64, "nothing but zero bytes"),
        (b'{"a": "\xff"}', "not UTF-8 text: byte 8"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "not JSON: line 1 column 1"),
        (b'{"a": 1} {}', "more after the end"),
        (b'{\n  "a": 1\n', "line 3 column 1, unexpected end of file"),
        (b'{"a": "x', "unexpected end of file"),
        (b"{'a': 1}", "a name in double quotes is missing"),
        (b'{"a" 1}', "a colon is missing"),
        (b'{"a": 1 "b": 2}', "a comma is missing"),
        (b'{"a": "\x01"}', "a raw control character in a text"),
        (b"9" * 5000, "out of range"),
    ],
)
def test_content_that_is_no_object_is_told_in_plain_words(content: bytes, words: str) -> None:
    found = parse_object(content, "x.json")
    assert isinstance(found, BadContent)
    assert words in found.reason
    assert found.path == "x.json"


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 200, 1000, 100_000])
@pytest.mark.parametrize("brackets", [(b'{"a":', b"}"), (b"[", b"]")])
def test_deep_nesting_is_refused_whatever_the_depth(
    depth: int, brackets: tuple[bytes, bytes]
) -> None:
    content = b'{"x":' + brackets[0] * depth + b"1" + brackets[1] * depth + b"}"
    found = parse_object(content, "x")
    assert isinstance(found, BadContent)
    assert f"nested more than {MAX_DEPTH} levels" in found.reason


def test_nesting_that_real_files_have_is_read() -> None:
    assert isinstance(parse_object(b'{"x":' + b"[" * 120 + b"]" * 120 + b"}", "x"), dict)


def test_half_surrogates_that_javascript_leaves_become_one_mark_each() -> None:
    found = parse_object(b'{"summary": "cut \\ud83d", "\\udc00": ["\\ud83d\\ude00"]}', "x")
    assert found == {"summary": "cut \ufffd", "\ufffd": ["😀"]}


def test_numbers_too_long_for_a_machine_become_floats() -> None:
    found = parse_object(b'{"a": 123456789012345678901234567890, "b": "\\ud800"}', "x")
    assert found == {"a": 1.2345678901234568e29, "b": "\ufffd"}


def test_of_a_repeated_name_the_last_value_counts() -> None:
    assert parse_object(b'{"a": 1, "a": 2}', "x") == {"a": 2}


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_no_bytes_raise(content: bytes) -> None:
    assert isinstance(parse_object(content, "x"), (dict, BadContent))


def test_a_golden_manifest_cut_at_every_byte_is_bad_content_and_never_slow() -> None:
    golden = GOLDEN.read_bytes()
    started = time.monotonic()
    for length in range(len(golden.rstrip())):
        assert isinstance(parse_object(golden[:length], "m"), BadContent), length
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("unit", [b"{},", b'"\\"",', b"[[[", b'{"a":'])
def test_two_megabytes_of_anything_are_judged_in_two_seconds(unit: bytes) -> None:
    content = b'{"x":[' + unit * (MANIFEST_LIMIT_BYTES // len(unit))
    started = time.monotonic()
    assert isinstance(parse_object(content, "m"), BadContent)
    assert time.monotonic() - started < 2


# --- files -------------------------------------------------------------------------------------


def test_a_file_beyond_the_limit_is_told_with_its_size(roots: Roots) -> None:
    path = put(roots.runs / "a" / "manifest.json", b" " * (3 * 1024 * 1024))
    found = read_object(roots, path)
    assert found == BadContent(
        ".runs/a/manifest.json", "has 3,145,728 bytes, more than the limit of 2,097,152"
    )


def test_a_pipe_a_folder_or_a_link_in_place_of_a_file_is_told_at_once(roots: Roots) -> None:
    folder = roots.runs / "a"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    put(roots.repo / "secret.json", {"token": "x"})
    (folder / "link").symlink_to(roots.repo / "secret.json")
    (folder / "loop").symlink_to("loop")
    for name, word in (("pipe", "pipe"), ("folder", "folder"), ("link", "link"), ("loop", "link")):
        found = read_object(roots, folder / name)
        assert isinstance(found, BadContent), name
        assert word in found.reason
    assert read_object(roots, folder / "absent") is None


def test_a_forbidden_file_is_told(roots: Roots) -> None:
    path = put(roots.runs / "a.json", {})
    with installed(FailingStep(Step.OPEN, errno.EACCES)):
        found = read_object(roots, path)
    assert found == BadContent(".runs/a.json", "permission denied")


@pytest.mark.parametrize("code", BAD_DAYS)
def test_no_bad_day_raises_while_a_run_is_read(tmp_path: Path, code: int) -> None:
    roots = copied("minimal/recommended", tmp_path)
    ref = ref_of(roots, f"{TASK}/cli/{RUN}")
    for number in range(1, steps_of(lambda: read_run(roots, ref)) + 1):
        with installed(Failing(number, code)):
            found = read_run(roots, ref)
        assert isinstance(found, (ReadRun, BadContent))


def test_a_folder_that_cannot_be_looked_into_is_no_twin(roots: Roots) -> None:
    put(roots.runs / TASK / RUN / "manifest.json", {"runId": RUN, "build": {"success": True}})
    ref = ref_of(roots, f"{TASK}/{RUN}")
    with installed(FailingStep(Step.STAT, errno.EIO)):
        assert isinstance(read_run(roots, ref), BadContent)
    (roots.runs / TASK / "cli" / "x" / "commands").mkdir(parents=True)
    with installed(FailingStep(Step.STAT, errno.EIO)):
        assert read(roots, f"{TASK}/cli/x") is None


def test_a_run_that_vanishes_while_it_is_read_is_none(tmp_path: Path) -> None:
    roots = copied("minimal/recommended", tmp_path)
    ref = ref_of(roots, f"{TASK}/cli/{RUN}")
    with installed(FailingStep(Step.OPEN, errno.ENOENT)):
        assert read_object(roots, ref.manifest) is None


# --- runs --------------------------------------------------------------------------------------


@pytest.mark.acceptance(112, 113)
def test_every_real_run_of_every_generation_is_read(tmp_path: Path) -> None:
    for name in ("node-peer", "legacy-2025-10", "minimal/recommended", "minimal/resume"):
        roots = copied(name, tmp_path / name.replace("/", "-"))
        found = {str(ref.key): read_run(roots, ref) for ref in all_runs(roots)}
        assert found
        assert all(isinstance(run, ReadRun) for run in found.values()), found


def test_a_run_of_the_node_original_is_read_whole(tmp_path: Path) -> None:
    roots = copied("node-peer", tmp_path)
    run = sound(roots, "0202-orchestrator-hardening/cli/2026-11-22T07-27-21-083Z-4b6631bc")
    facts = run.facts
    assert (facts.status, facts.status_detail) == ("failed", "stage:compile:failed")
    assert (facts.stage_id, facts.stage_index, facts.stage_of) == ("compile", 2, 3)
    assert facts.problems == ()
    assert facts.manifest.startswith(".runs/0202-orchestrator-hardening/cli/")
    assert "privacy" in run.manifest.extras


@pytest.mark.acceptance(112)
def test_a_run_of_october_2025_is_read_from_its_mcp_folder(tmp_path: Path) -> None:
    roots = copied("legacy-2025-10", tmp_path)
    run = sound(roots, "0001/mcp/2025-10-18T18-30-06-976Z-41083")
    assert run.facts.shape is RunShape.MCP
    assert run.facts.status == "failed"
    assert [(c.id, c.title) for c in run.manifest.commands] == [("sleep 60", "sleep 60")]
    assert run.manifest.pipeline_id is None


@pytest.mark.acceptance(112)
def test_the_oldest_runs_have_neither_status_nor_stages(tmp_path: Path) -> None:
    roots = copied("legacy-2025-10", tmp_path)
    run = sound(roots, "0001/mcp/2025-10-18T13-37-27Z")
    assert run.facts.status is None
    assert run.facts.started_at == datetime(2025, 10, 18, 13, 37, 27, tzinfo=UTC)
    assert run.manifest.commands == ()


OLD_STAGE = {"index": 1, "command": "make all", "status": "succeeded", "exit_code": 0}
OLD_TIMES = {"started_at": "2025-10-18T16-21-54-804Z", "completed_at": "2025-10-18T16-22-03-102Z"}
OCTOBER: dict[str, tuple[JsonObject, str | None, list[str]]] = {
    "without a stage": (
        {"runner": "agents-sdk", "status": "succeeded", "commands": [], "resume_token": None},
        "succeeded",
        [],
    ),
    "times with dashes": (
        {
            "status": "succeeded",
            "timeout_seconds": 3600,
            "commands": [
                {**OLD_STAGE, **OLD_TIMES, "manifest_path": None, "response_file": "01.json"}
            ],
            **OLD_TIMES,
        },
        "succeeded",
        ["make all"],
    ),
    "stages without times": (
        {
            "status": "failed",
            "status_detail": "command-failed",
            "commands": [{"index": 1, "command": "make all", "status": "failed", "exit_code": 1}],
            "started_at": "2025-10-19T06:54:01.536Z",
        },
        "failed",
        ["make all"],
    ),
    "neither status nor stages": (
        {"mode": "mcp", "started_at": "2025-10-18T14-39-19Z", "command": "serve", "repo": "/x"},
        None,
        [],
    ),
    "with a heartbeat of ten seconds": (
        {
            "status": "in_progress",
            "commands": [{**OLD_STAGE, "error_file": None}],
            "heartbeat_at": "2025-10-19T10:00:25.938Z",
            "heartbeat_interval_seconds": 10,
            "heartbeat_stale_after_seconds": 30,
            "started_at": "2025-10-19T10:00:05.815Z",
        },
        "in_progress",
        ["make all"],
    ),
}


@pytest.mark.acceptance(112)
@pytest.mark.parametrize(("document", "status", "stages"), OCTOBER.values(), ids=OCTOBER)
def test_every_shape_of_october_2025_is_read(
    roots: Roots, document: JsonObject, status: str | None, stages: list[str]
) -> None:
    put(roots.runs / "0001/mcp/2025-10-19T10-00-05-814Z-68910/manifest.json", document)
    run = sound(roots, "0001/mcp/2025-10-19T10-00-05-814Z-68910")
    assert run.facts.status == status
    assert [command.title for command in run.manifest.commands] == stages
    assert (run.facts.started_at is None) is ("started_at" not in document)
    assert (run.facts.completed_at is None) is ("completed_at" not in document)


def test_a_note_written_by_hand_is_read_for_what_it_tells(tmp_path: Path) -> None:
    roots = copied("legacy-2025-10", tmp_path)
    run = sound(roots, "3/2025-10-16T01-33-15Z")
    assert run.facts.shape is RunShape.OTHER
    assert run.manifest.run_id == "TASK3-20251016-013315"
    assert run.facts.started_at == datetime(2025, 10, 16, 1, 33, 15, tzinfo=UTC)
    assert [(c.title, c.status) for c in run.manifest.commands] == [
        ("npm run lint", "succeeded"),
        ("npm test", "succeeded"),
    ]
    assert run.facts.summary is not None
    assert run.facts.summary.startswith("Aligned mode policy")


def test_a_note_of_november_2025_is_read_too(roots: Roots) -> None:
    note = {"task": "obys", "timestamp": "20251125T220723Z", "mode": "x", "notes": ["First."]}
    put(roots.runs / "obys/20251125T220723Z/manifest.json", note)
    run = sound(roots, "obys/20251125T220723Z")
    assert (run.manifest.task_id, run.facts.summary) == ("obys", "First.")
    assert run.facts.started_at == datetime(2025, 11, 25, 22, 7, 23, tzinfo=UTC)


def test_a_run_of_which_only_the_summary_is_left_is_read_from_it(tmp_path: Path) -> None:
    roots = copied("node-peer", tmp_path)
    task, run_id = "0911-orchestrator-status-ui", "2026-11-22T07-27-23-948Z-8fcdfbda"
    copy = got(roots.runs / task / run_id / "manifest.json")
    put(roots.runs / "kept" / run_id / "manifest.json", copy)
    run = sound(roots, f"kept/{run_id}")
    assert run.facts.shape is RunShape.SUMMARY
    assert (run.facts.status, run.facts.pipeline_id) == ("failed", "flaky")
    assert (run.facts.stage_id, run.facts.stage_status) == ("compile", "failed")
    assert run.facts.started_at == datetime(2026, 11, 22, 7, 27, 23, 948_000, tzinfo=UTC)
    assert run.facts.problems == (
        "task_id is '0911-orchestrator-status-ui', not that of its folder",
    )


def summary(
    *, build: object = None, test: object = None, approved: object = None, cli: bool
) -> JsonObject:
    artifacts = [{"path": ".runs/x/cli/y/manifest.json"}] if cli else []
    return {
        "runId": "y",
        "build": {"success": build, "artifacts": artifacts},
        "test": {"success": test},
        "review": {"decision": {"approved": approved}},
    }


@pytest.mark.acceptance(79)
@pytest.mark.parametrize(
    ("document", "status"),
    [
        (summary(build=True, test=False, approved=False, cli=True), "succeeded"),
        (summary(build=False, test=False, approved=False, cli=True), "failed"),
        (summary(build=True, test=False, approved=False, cli=False), "failed"),
        (summary(build=True, test=True, approved=True, cli=False), "succeeded"),
        (summary(build=True, cli=False), "succeeded"),
        (summary(test=True, approved=False, cli=False), "failed"),
        (summary(build="yes", cli=False), None),
        ({"runId": "y", "build": [], "test": 3, "review": None}, None),
    ],
)
def test_how_a_summary_ended_follows_what_its_writer_meant(
    document: JsonObject, status: str | None
) -> None:
    assert summary_status(document) == status


@pytest.mark.acceptance(111)
def test_pointers_and_copies_beside_a_run_are_no_runs(tmp_path: Path) -> None:
    roots = copied("minimal/recommended", tmp_path)
    put(roots.runs / TASK / RUN / "manifest.json", {"runId": RUN, "build": {}})
    assert read(roots, f"{TASK}/mcp/{RUN}") is None
    assert read(roots, f"{TASK}/{RUN}") is None
    assert isinstance(read(roots, f"{TASK}/cli/{RUN}"), ReadRun)


def test_a_pointer_whose_run_is_gone_is_no_run(roots: Roots) -> None:
    pointer = {"redirect_to": f".runs/{TASK}/cli/{RUN}", "manifest": "x"}
    put(roots.runs / TASK / "mcp" / RUN / "manifest.json", pointer)
    assert read(roots, f"{TASK}/mcp/{RUN}") is None


@pytest.mark.parametrize(
    "document",
    [{}, {"name": "app", "icons": []}, {"redirect_to": "x"}],
)
def test_foreign_files_of_that_name_are_no_runs(roots: Roots, document: JsonObject) -> None:
    put(roots.runs / TASK / "site" / "manifest.json", document)
    assert read(roots, f"{TASK}/site") is None


def test_a_folder_without_a_manifest_is_no_run_unless_it_has_stages(roots: Roots) -> None:
    run_dir = roots.runs / TASK / "cli" / RUN
    run_dir.mkdir(parents=True)
    assert read(roots, f"{TASK}/cli/{RUN}") is None
    (run_dir / "commands").mkdir()
    found = read(roots, f"{TASK}/cli/{RUN}")
    assert isinstance(found, BadContent)
    assert found.reason == "manifest.json is missing"


@pytest.mark.acceptance(110)
@pytest.mark.parametrize("content", [b"{}", b"[]", b"", b'{"a": NaN}', b"\xff\xfe", b"null"])
def test_an_unreadable_manifest_in_a_run_folder_is_told(roots: Roots, content: bytes) -> None:
    put(roots.runs / TASK / "cli" / RUN / "manifest.json", content)
    found = read(roots, f"{TASK}/cli/{RUN}")
    assert isinstance(found, BadContent)
    assert found.path == f".runs/{TASK}/cli/{RUN}/manifest.json"


def test_an_unreadable_file_counts_as_a_run_only_in_a_folder_named_like_one(roots: Roots) -> None:
    put(roots.runs / TASK / "run-2025-10-16T01-33-15Z" / "manifest.json", b"{")
    put(roots.runs / TASK / "assets" / "manifest.json", b"{")
    assert isinstance(read(roots, f"{TASK}/run-2025-10-16T01-33-15Z"), BadContent)
    assert read(roots, f"{TASK}/assets") is None


def test_a_manifest_that_names_another_run_says_so(tmp_path: Path) -> None:
    roots = copied("minimal/recommended", tmp_path)
    other = roots.runs / "other" / "cli" / "x"
    put(other / "manifest.json", GOLDEN.read_bytes())
    assert len(sound(roots, "other/cli/x").facts.problems) == 2


@pytest.mark.acceptance(110)
@pytest.mark.parametrize("name", ["minimal/status-text", "minimal/resume-absolute"])
def test_the_smallest_manifests_that_the_node_original_takes_are_runs(
    name: str, tmp_path: Path
) -> None:
    run = sound(copied(name, tmp_path), f"{TASK}/cli/{RUN}")
    assert run.facts.status is None


REAL_FILES = sorted(
    path
    for path in FIXTURES.rglob("manifest.json")
    if path.read_bytes()[:3] not in (b"../", b"{}\n")
)
VALUES: st.SearchStrategy[object] = st.sampled_from(
    [None, True, -1, 2**63, 1.5, "", "x", [], {}, [None], {"a": []}]
)


@given(st.data())
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_to_a_real_file_raises(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(REAL_FILES))
    document = got(path)
    target = document
    for _ in range(data.draw(st.integers(0, 2))):
        inner = [value for value in target.values() if isinstance(value, dict) and value]
        if inner:
            target = data.draw(st.sampled_from(inner))
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(VALUES)
    roots = Roots.of(tmp_path_factory.getbasetemp() / "damaged")
    below = data.draw(st.sampled_from([f"t/cli/{RUN}", f"m/mcp/{RUN}", f"s/{RUN}"]))
    put(roots.runs / below / "manifest.json", document)
    assert isinstance(read(roots, below), (ReadRun, BadContent, type(None)))
