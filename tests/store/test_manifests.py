"""Manifests: what we write is what the Node original reads, whole, bounded and in time."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator_tui.primitives.files import Durability
from orchestrator_tui.primitives.steps import Step
from orchestrator_tui.records.manifest import CommandRecord, Manifest
from orchestrator_tui.records.paths import Roots, RunPaths, resolve_run_paths
from orchestrator_tui.records.pipeline import CommandStage, Pipeline, Stage, SubpipelineStage
from orchestrator_tui.store.bootstrap import create_run, new_resume_token, task_slug
from orchestrator_tui.store.discovery import all_runs, locate_run
from orchestrator_tui.store.json_text import encode_line
from orchestrator_tui.store.manifests import (
    REASON_ALLOWED,
    REASON_FAILED,
    CommandEnd,
    append_command_error,
    bounded_details,
    command_summary,
    new_manifest,
    save_manifest,
    write_heartbeat,
)
from orchestrator_tui.store.reading import ReadRun, read_run
from tests.fakes import NOON
from tests.fault_plans import FailingStep, Watching, installed
from tests.store.conftest import FIXTURES, RUN, TASK, TOKEN, TWO_STAGES, got, put

RECOMMENDED = FIXTURES / f"minimal/recommended/.runs/{TASK}/cli/{RUN}"
NOON_TEXT = "2026-01-01T12:00:00.000Z"


def fresh(roots: Roots, paths: RunPaths, pipeline: Pipeline = TWO_STAGES) -> Manifest:
    return new_manifest(roots, paths, pipeline, resume_token=TOKEN, now=NOON)


# --- saving --------------------------------------------------------------------------------------


@pytest.mark.acceptance(65, 66)
def test_a_new_manifest_has_the_keys_of_the_recommended_one_in_its_order(
    roots: Roots, paths: RunPaths
) -> None:
    save_manifest(paths, fresh(roots, paths), NOON)
    written, model = got(paths.manifest), got(RECOMMENDED / "manifest.json")
    assert list(written) == list(model)
    assert [list(command) for command in written["commands"]] == [
        list(command) for command in model["commands"]
    ]
    same = "version task_id task_slug run_id pipeline_id runner artifact_root compat_path log_path"
    for name in same.split():
        assert written[name] == model[name], name
    for name in model:
        if name.startswith(("runtime_", "heartbeat_interval", "heartbeat_stale", "plan_")):
            assert written[name] == model[name], name


@pytest.mark.acceptance(66)
def test_a_new_run_is_queued_with_every_stage_pending(roots: Roots, paths: RunPaths) -> None:
    manifest = fresh(roots, paths)
    assert manifest.status == "queued"
    assert manifest.started_at == manifest.updated_at == manifest.heartbeat_at == NOON_TEXT
    assert (manifest.heartbeat_interval_seconds, manifest.heartbeat_stale_after_seconds) == (5, 30)
    assert [(c.index, c.id, c.status, c.started_at) for c in manifest.commands] == [
        (1, "a", "pending", None),
        (2, "b", "pending", None),
    ]


def test_a_sub_pipeline_stage_has_no_command(roots: Roots, paths: RunPaths) -> None:
    pipeline = Pipeline("p", "P", (SubpipelineStage("verify", "Verify", "two"),))
    (command,) = fresh(roots, paths, pipeline).commands
    assert (command.kind, command.command) == ("subpipeline", None)


def guarded(stage: Stage, *, required: bool | None = None) -> Pipeline:
    return Pipeline("p", "P", (stage,), guardrails_required=required)


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [
        (TWO_STAGES, (False, "stage_detection")),
        (guarded(CommandStage("Spec-Guard", "", "x")), (True, "stage_detection")),
        (guarded(CommandStage("g", "", "node SpecGuardRunner.js")), (True, "stage_detection")),
        (guarded(SubpipelineStage("g", "", "spec-guard")), (True, "stage_detection")),
        (guarded(CommandStage("spec-guard", "", "x"), required=False), (False, "explicit")),
    ],
)
def test_guardrails_are_required_as_told_or_as_found(
    roots: Roots, paths: RunPaths, pipeline: Pipeline, expected: tuple[bool, str]
) -> None:
    manifest = fresh(roots, paths, pipeline)
    assert (manifest.guardrails_required, manifest.guardrails_required_source) == expected


@pytest.mark.acceptance(65)
def test_the_file_is_indented_text_with_a_newline_and_no_mark(
    roots: Roots, paths: RunPaths
) -> None:
    save_manifest(paths, fresh(roots, paths).with_summary_line("Größe — 😀"), NOON)
    content = paths.manifest.read_bytes()
    assert content.startswith(b'{\n  "version": 1,\n')
    assert content.endswith(b"}\n")
    assert "Größe — 😀".encode() in content


def test_half_surrogates_and_endless_numbers_never_reach_the_file(
    roots: Roots, paths: RunPaths
) -> None:
    manifest = fresh(roots, paths).with_summary_line("cut \ud83d")
    manifest = manifest.with_command(1, extras={"odd": [float("nan"), "\udcff"]})
    save_manifest(paths, manifest, NOON)
    document = got(paths.manifest)
    assert document["summary"] == "cut \ufffd"
    assert document["commands"][0]["odd"] == [None, "\ufffd"]


@pytest.mark.parametrize(
    ("status", "synced"),
    [("in_progress", 1), ("succeeded", 2), ("failed", 2), ("cancelled", 2)],
)
def test_an_ended_run_is_safe_from_a_power_cut(
    roots: Roots, paths: RunPaths, status: str, synced: int
) -> None:
    manifest = fresh(roots, paths)
    save_manifest(paths, manifest, NOON)
    plan = Watching()
    with installed(plan):
        save_manifest(paths, Manifest(status=status), NOON)
    assert len(plan.paths_of(Step.SYNC)) == synced
    with installed(plan):
        save_manifest(paths, manifest, NOON, durability=Durability.RENAME)
    assert len(plan.paths_of(Step.SYNC)) == synced


def test_what_was_saved_is_returned_with_its_time(roots: Roots, paths: RunPaths) -> None:
    saved = save_manifest(paths, Manifest(status="queued", updated_at="old"), NOON)
    assert saved.updated_at == NOON_TEXT == got(paths.manifest)["updated_at"]


@pytest.mark.parametrize("step", [Step.OPEN, Step.WRITE, Step.SYNC, Step.RENAME])
def test_a_save_that_fails_leaves_the_old_manifest(
    roots: Roots, paths: RunPaths, step: Step
) -> None:
    save_manifest(paths, fresh(roots, paths), NOON)
    before = paths.manifest.read_bytes()
    with installed(FailingStep(step, errno.ENOSPC)), pytest.raises(OSError, match="space"):
        save_manifest(paths, Manifest(status="failed"), NOON)
    assert paths.manifest.read_bytes() == before
    assert [path.name for path in paths.run_dir.iterdir()] == ["manifest.json"]


@pytest.mark.acceptance(45, 51)
def test_a_heartbeat_is_one_time_and_never_seen_torn(paths: RunPaths) -> None:
    plan = Watching()
    with installed(plan):
        write_heartbeat(paths, NOON)
    assert paths.heartbeat.read_text() == f"{NOON_TEXT}\n"
    assert len(plan.paths_of(Step.RENAME)) == 1
    assert not plan.paths_of(Step.SYNC)


# --- a new run -----------------------------------------------------------------------------------


def created(roots: Roots, **more: Any) -> RunPaths:
    manifest = fresh(roots, resolve_run_paths(roots, TASK, RUN))
    return create_run(roots, manifest, NOON, **more)


@pytest.mark.acceptance(66, 121)
def test_everything_lies_ready_before_the_first_stage(roots: Roots) -> None:
    paths = created(roots)
    assert got(paths.manifest)["status"] == "queued"
    assert paths.resume_token.read_text() == f"{TOKEN}\n"
    assert paths.resume_token.stat().st_mode & 0o777 == 0o600
    assert paths.heartbeat.read_text() == f"{NOON_TEXT}\n"
    assert paths.commands_dir.is_dir() and paths.errors_dir.is_dir()
    assert got(paths.mcp_pointer) == {
        "redirect_to": f".runs/{TASK}/cli/{RUN}",
        "manifest": f".runs/{TASK}/cli/{RUN}/manifest.json",
        "created_at": NOON_TEXT,
        "note": got(paths.mcp_pointer)["note"],
    }
    assert paths.local_mcp_link.readlink() == Path(f"../../{TASK}/cli/{RUN}/manifest.json")
    assert paths.local_mcp_link.read_bytes() == paths.manifest.read_bytes()


def test_a_new_run_is_found_and_read_as_written(roots: Roots) -> None:
    created(roots)
    (ref,) = all_runs(roots)
    found = read_run(roots, ref)
    assert isinstance(found, ReadRun)
    assert found.facts.problems == ()
    located = locate_run(roots, RUN)
    assert located == ref


def test_two_starters_cannot_both_make_a_run(roots: Roots) -> None:
    paths = created(roots)
    before = paths.manifest.read_bytes()
    with pytest.raises(FileExistsError):
        created(roots)
    assert paths.manifest.read_bytes() == before


@pytest.mark.acceptance(117)
def test_a_run_outside_the_repository_names_its_files_relatively(roots: Roots) -> None:
    far = Roots(roots.repo, roots.repo.parent / "runs", roots.repo.parent / "out")
    paths = created(far)
    document = got(paths.manifest)
    assert document["artifact_root"] == f"../runs/{TASK}/cli/{RUN}"
    assert (far.repo / document["artifact_root"]).resolve() == paths.run_dir.resolve()
    assert paths.local_mcp_link.resolve() == paths.manifest.resolve()


def test_where_links_are_not_possible_a_file_points(roots: Roots) -> None:
    told: list[str] = []
    with installed(FailingStep(Step.SYMLINK, errno.EPERM)):
        paths = created(roots, warn=told.append)
    assert got(paths.local_mcp_link) == {
        "redirect_to": f".runs/{TASK}/cli/{RUN}",
        "manifest": f".runs/{TASK}/cli/{RUN}/manifest.json",
    }
    assert told == []
    assert locate_run(roots, RUN) is not None


def test_a_pointer_that_cannot_be_made_does_not_stop_the_run(roots: Roots) -> None:
    told: list[str] = []
    put(roots.runs / "local-mcp", "a file where a folder should be")
    (roots.runs / TASK / "mcp" / RUN / "manifest.json").mkdir(parents=True)
    paths = created(roots, warn=told.append)
    compat = got(paths.mcp_pointer.with_name("compat.json"))
    assert sorted(compat) == ["error", "manifest", "redirect_to"]
    assert len(told) == 1
    assert got(paths.manifest)["status"] == "queued"


def test_a_link_that_is_there_already_is_left_alone(roots: Roots) -> None:
    told: list[str] = []
    link = roots.runs / "local-mcp" / RUN / "manifest.json"
    link.parent.mkdir(parents=True)
    link.symlink_to("elsewhere")
    created(roots, warn=told.append)
    assert link.readlink() == Path("elsewhere")
    assert told == []


def test_a_disk_that_takes_no_link_is_told_and_the_run_goes_on(roots: Roots) -> None:
    told: list[str] = []
    with installed(FailingStep(Step.SYMLINK, errno.ENOSPC)):
        paths = created(roots, warn=told.append)
    assert "space" in told[0]
    assert got(paths.manifest)["status"] == "queued"


def test_tokens_are_64_hex_digits_and_never_the_same() -> None:
    tokens = {new_resume_token() for _ in range(50)}
    assert len(tokens) == 50
    assert all(re.fullmatch("[0-9a-f]{64}", token) for token in tokens)


@pytest.mark.parametrize(
    ("index", "slug"),
    [
        ({"items": [{"id": "x"}, {"id": TASK, "slug": "python-port"}]}, "python-port"),
        ({"items": [{"id": TASK, "slug": ""}]}, TASK),
        ({"items": [{"id": TASK}]}, TASK),
        ({"items": {"id": TASK}}, TASK),
        ([], TASK),
        (b"{", TASK),
        (None, TASK),
    ],
)
def test_a_task_is_named_by_the_task_index_or_by_itself(
    roots: Roots, index: object, slug: str
) -> None:
    if index is not None:
        put(roots.repo / "tasks" / "index.json", index)
    assert task_slug(roots, TASK) == slug


# --- summaries -----------------------------------------------------------------------------------


@pytest.mark.acceptance(57, 62, 68)
@pytest.mark.parametrize(
    ("end", "hint", "summary"),
    [
        (CommandEnd(0, stdout="a\n"), "Build finished", "Build finished"),
        (CommandEnd(0, stdout="a\n"), None, "a"),
        (CommandEnd(0, stderr="err"), None, "err"),
        (CommandEnd(0, stdout=" \n"), "", "Command completed with code 0"),
        (CommandEnd(4, stdout="out"), "hint", "Exited with code 4"),
        (CommandEnd(4, stderr="bad\n"), None, "Exited with code 4 — bad"),
        (CommandEnd(128, signal="SIGKILL"), None, "Terminated with signal SIGKILL"),
        (CommandEnd(128, "SIGTERM", True, 1000), "hint", "Timed out after 1000ms"),
    ],
)
def test_a_stage_is_summed_up_by_its_cause_or_its_output(
    end: CommandEnd, hint: str | None, summary: str
) -> None:
    assert command_summary(end, hint) == summary


def test_a_long_output_is_cut_after_240_characters() -> None:
    assert command_summary(CommandEnd(0, stdout="é" * 300)) == "é" * 240 + "…"
    failed = command_summary(CommandEnd(2, stderr="x" * 300, stderr_bytes=300))
    assert failed == "Exited with code 2 — " + "x" * 240 + "…"


@pytest.mark.acceptance(56)
def test_a_summary_tells_how_much_stderr_there_was() -> None:
    end = CommandEnd(5, stderr="x" * 65_536, stderr_bytes=300_000)
    summary = command_summary(end)
    assert summary.startswith("Exited with code 5 — ")
    assert summary.count("x") == 240 + "Exited".count("x")
    assert summary.endswith("x… (stderr 300,000 bytes, truncated)")


# --- error files ---------------------------------------------------------------------------------


def error_of(roots: Roots, paths: RunPaths, details: dict[str, Any], **more: Any) -> dict[str, Any]:
    command = CommandRecord(2, "Lint it", "Lint", command="npm run lint")
    path = append_command_error(
        roots, paths, command, reason=REASON_FAILED, details=details, now=NOON, **more
    )
    assert path == f".runs/{TASK}/cli/{RUN}/errors/02-Lint-it.json"
    return got(roots.repo / path)


def test_an_error_file_has_the_keys_of_the_node_original(roots: Roots, paths: RunPaths) -> None:
    details = {"exit_code": 3, "stderr": "bad", "failure_reason": "command_failed"}
    real = FIXTURES / (
        "node-peer/.runs/0202-orchestrator-hardening/cli/"
        "2026-11-22T07-27-21-083Z-4b6631bc/errors/01-advice.json"
    )
    document = error_of(roots, paths, details)
    assert list(document) == list(got(real))
    assert document == {
        "run_id": RUN,
        "task_id": TASK,
        "command_index": 2,
        "command_id": "Lint it",
        "command": "npm run lint",
        "reason": "command-failed",
        "details": {**details, "stderr_bytes": 3},
        "created_at": NOON_TEXT,
    }
    assert got(real)["reason"] == REASON_ALLOWED


@pytest.mark.acceptance(55)
def test_stderr_of_exactly_the_limit_is_stored_whole(roots: Roots, paths: RunPaths) -> None:
    for text in ("x" * 8192, "€" * 2730 + "xx"):
        details = error_of(roots, paths, {"stderr": text})["details"]
        assert details == {"stderr": text, "stderr_bytes": 8192}


@pytest.mark.acceptance(55)
def test_longer_stderr_keeps_its_beginning_and_its_end(roots: Roots, paths: RunPaths) -> None:
    text = "\n".join(f"line {number} — €" for number in range(2000))
    total = len(text.encode())
    details = error_of(roots, paths, {"stderr": text})["details"]
    kept = details["stderr"]
    assert len(kept.encode()) <= 8192
    assert kept.startswith("line 0 — €\nline 1 ") and kept.endswith("line 1999 — €")
    assert "\ufffd" not in kept
    assert (details["stderr_truncated"], details["stderr_bytes"]) == (True, total)
    (marker,) = re.findall(r"^… ([\d,]+) bytes left out …$", kept, re.MULTILINE)
    shown = kept.replace(f"… {marker} bytes left out …\n", "")
    assert int(marker.replace(",", "")) + len(shown.encode()) in (total, total + 1)


@pytest.mark.acceptance(55, 56)
def test_what_the_buffer_had_dropped_already_is_told_too(roots: Roots, paths: RunPaths) -> None:
    document = error_of(roots, paths, {"stderr": "x" * 65_536, "stderr_bytes": 300_000})
    kept = document["details"]["stderr"]
    (marker,) = re.findall(r"… ([\d,]+) bytes left out …", kept)
    assert int(marker.replace(",", "")) + kept.count("x") == 300_000
    assert len(orjson.dumps(document, option=orjson.OPT_INDENT_2)) < 9 * 1024


def test_a_mark_that_is_there_already_is_kept(roots: Roots, paths: RunPaths) -> None:
    details = {"stderr": "x" * 9000, "stderr_truncated": "by the buffer"}
    assert error_of(roots, paths, details)["details"]["stderr_truncated"] == "by the buffer"


def test_every_long_text_is_bounded_not_only_stderr(roots: Roots, paths: RunPaths) -> None:
    details = error_of(roots, paths, {"note": "n" * 9000, "list": [1]}, limit_bytes=1000)["details"]
    assert len(details["note"]) <= 1000
    assert details["note_truncated"] is True
    assert "stderr_bytes" not in details


@given(
    st.text(st.characters() | st.sampled_from('\x00\x1b\n"\\€😀\ud800'), max_size=600),
    st.integers(64, 400),
)
def test_stderr_takes_no_more_room_in_the_file_than_it_may(text: str, limit_bytes: int) -> None:
    kept = bounded_details({"stderr": text}, limit_bytes)["stderr"]
    assert len(encode_line(kept)) - 3 <= limit_bytes


def test_a_limit_too_small_for_any_escape_keeps_nothing() -> None:
    assert bounded_details({"stderr": "\0" * 500}, 64)["stderr"] == ""


def test_an_error_file_of_control_characters_stays_small(roots: Roots, paths: RunPaths) -> None:
    error_of(roots, paths, {"stderr": "\x1b\x00" * 100_000})
    assert paths.stage_error(2, "Lint it").stat().st_size < 9 * 1024
