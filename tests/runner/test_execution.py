"""A run from its first stage to its last word, whatever its stages do."""

from __future__ import annotations

import json
import os
import stat
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from orchestrator_tui.records.logs import Stream
from orchestrator_tui.records.manifest import CommandRecord, Manifest, manifest_to_document
from orchestrator_tui.records.paths import RunPaths
from orchestrator_tui.records.pipeline import (
    CommandStage,
    OrchestratorConfig,
    Pipeline,
    SubpipelineStage,
)
from orchestrator_tui.runner.context import UnknownPipeline
from orchestrator_tui.runner.foreground import start_foreground
from orchestrator_tui.runner.intervals import Intervals
from orchestrator_tui.runner.process_tree import TreeScope
from tests.runner.repository import QUICK, TASK, Repository, child, command, lines_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("scope")]


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def statuses(manifest: Manifest) -> list[str]:
    return [entry.status for entry in manifest.commands]


@pytest.mark.acceptance(67, 90)
async def test_a_failed_stage_ends_the_run_and_leaves_the_rest_pending(repo: Repository) -> None:
    repo.configure(
        main=[command("one", "true"), command("two", "exit 3"), command("three", "true")]
    )
    outcome = await repo.start("main")
    manifest = repo.manifest(outcome.key)
    assert statuses(manifest) == ["succeeded", "failed", "pending"]
    assert (manifest.status, manifest.status_detail) == ("failed", "stage:two:failed")
    assert manifest.summary == "Stage 'Two' failed with exit code 3."
    assert manifest.commands[1].exit_code == 3
    assert manifest.commands[2] == CommandRecord(3, "three", "Three", "true")
    assert outcome.exit_status == 1
    assert manifest.metrics_recorded


@pytest.mark.acceptance(31, 37, 72, 121)
async def test_a_succeeded_run_has_no_detail_and_every_file_that_others_read(
    repo: Repository,
) -> None:
    repo.configure(main=[command("one", "echo hi")])
    outcome = await repo.start("main")
    manifest, paths = repo.manifest(outcome.key), repo.paths(outcome.key)
    assert (manifest.status, manifest.status_detail, manifest.summary) == ("succeeded", None, None)
    assert manifest.commands[0].summary == "hi"
    assert outcome.exit_status == 0
    assert outcome.manifest == manifest
    history = json.loads((repo.roots.out / TASK / "runs.json").read_text())
    copy = json.loads(paths.summary_manifest.read_text())
    summary = json.loads(paths.run_summary.read_text())
    assert {history["runs"][0]["runId"], copy["runId"], summary["runId"]} == {outcome.key.run_id}
    assert manifest.run_summary_path == repo.roots.relative(paths.run_summary)
    assert repo.event_names(outcome.key) == [
        "run_started",
        "step_started",
        "step_completed",
        "run_completed",
    ]
    assert list(repo.document(outcome.key)) == list(
        manifest_to_document(Manifest())
    )  # no key of ours
    runner = json.loads(paths.runner_json.read_text())
    assert (runner["state"], runner["stage_pgid"]) == ("ended", None)


@pytest.mark.acceptance(66)
async def test_before_the_first_stage_everything_is_in_its_place(repo: Repository) -> None:
    repo.configure(main=[command("one", "true")])
    seen: list[Manifest] = []

    def look(paths: RunPaths) -> None:
        seen.append(repo.manifest(paths.key))
        assert paths.commands_dir.is_dir()
        assert paths.errors_dir.is_dir()
        assert paths.resume_token.read_text() == f"{seen[0].resume_token}\n"
        assert paths.local_mcp_link.resolve() == paths.manifest.resolve()
        assert json.loads(paths.mcp_pointer.read_text())["manifest"].endswith("manifest.json")

    await repo.start("main", on_started=look)
    assert (seen[0].status, statuses(seen[0])) == ("queued", ["pending"])


@pytest.mark.acceptance(69)
async def test_a_missing_folder_is_an_error_that_names_it(repo: Repository) -> None:
    repo.configure(main=[command("one", "true", cwd="nowhere")])
    manifest = (await repo.start("main")).manifest
    entry = manifest.commands[0]
    assert (entry.status, entry.exit_code, entry.error_file) == ("failed", None, None)
    assert manifest.status_detail == "stage:one:error"
    assert entry.summary is not None
    assert entry.summary.startswith("Execution error: ")
    assert f"{repo.folder}/nowhere" in entry.summary
    assert manifest.summary == entry.summary


@pytest.mark.acceptance(70)
async def test_a_stage_that_may_fail_is_skipped_and_the_run_succeeds(repo: Repository) -> None:
    repo.configure(main=[command("one", "exit 3", allowFailure=True), command("two", "true")])
    outcome = await repo.start("main")
    assert statuses(outcome.manifest) == ["skipped", "succeeded"]
    assert (outcome.manifest.status, outcome.manifest.commands[0].exit_code) == ("succeeded", 3)
    assert "step_failed" not in repo.event_names(outcome.key)
    assert repo.event_names(outcome.key).count("step_completed") == 2
    error = json.loads(repo.paths(outcome.key).stage_error(1, "one").read_text())
    assert error["reason"] == "command-allow-failure"
    assert error["details"]["non_fatal_fallback"] is True
    log = lines_of(repo.paths(outcome.key).stage_log(1, "one"))
    assert (log[-1]["type"], log[-1]["reason"]) == ("command:fallback", "command_failed")


@pytest.mark.acceptance(68)
async def test_a_killed_command_has_code_128_and_the_name_of_the_signal(repo: Repository) -> None:
    repo.configure(main=[command("one", "kill -KILL $$")])
    outcome = await repo.start("main")
    entry = outcome.manifest.commands[0]
    assert (entry.exit_code, entry.summary) == (128, "Terminated with signal SIGKILL")
    error = json.loads(repo.paths(outcome.key).stage_error(1, "one").read_text())
    assert error["details"]["signal"] == "SIGKILL"


@pytest.mark.acceptance(62)
async def test_a_late_command_is_ended_and_says_so(repo: Repository, scope: TreeScope) -> None:
    repo.configure(main=[command("one", "trap '' TERM; sleep 60", timeoutMs=200)])
    started = time.monotonic()
    outcome = await repo.start("main")
    assert time.monotonic() - started < 0.2 + QUICK.timeout_grace_s + 1.1
    entry = outcome.manifest.commands[0]
    assert (entry.status, entry.summary) == ("failed", "Timed out after 200ms")
    details = json.loads(repo.paths(outcome.key).stage_error(1, "one").read_text())["details"]
    assert (details["failure_reason"], details["timed_out"]) == ("timed_out", True)
    assert details["timeout_ms"] == 200
    assert scope.members() == ()


@pytest.mark.acceptance(62)
@pytest.mark.parametrize(
    ("shell", "least_ms", "most_ms", "signal_name"),
    [("sleep 5", 1000, 1300, "SIGTERM"), ("trap '' TERM; sleep 5", 2000, 2600, "SIGKILL")],
)
async def test_a_command_gets_its_time_and_one_second_to_end(
    repo: Repository,
    scope: TreeScope,
    shell: str,
    least_ms: int,
    most_ms: int,
    signal_name: str,
) -> None:
    repo.configure(main=[command("one", shell, timeoutMs=1000)])
    outcome = await repo.start("main", intervals=Intervals())
    entry = outcome.manifest.commands[0]
    assert (entry.status, entry.summary) == ("failed", "Timed out after 1000ms")
    end = lines_of(repo.paths(outcome.key).stage_log(1, "one"))[-1]
    assert (end["type"], end["signal"]) == ("command:end", signal_name)
    assert least_ms <= end["duration_ms"] <= most_ms
    assert scope.members() == ()


@pytest.mark.acceptance(61)
async def test_a_daemon_that_holds_the_output_keeps_neither_stage_nor_run(
    repo: Repository, scope: TreeScope
) -> None:
    repo.configure(main=[command("one", "sleep 60 & echo done")])
    started = time.monotonic()
    outcome = await repo.start("main")
    assert time.monotonic() - started < 1.5
    assert (outcome.manifest.status, outcome.manifest.commands[0].summary) == ("succeeded", "done")
    log = lines_of(repo.paths(outcome.key).stage_log(1, "one"))
    assert "output-held-open" in [record.get("warning") for record in log]
    assert len(scope.members()) == 1


@pytest.mark.acceptance(63)
async def test_a_late_command_that_may_fail_is_skipped(repo: Repository) -> None:
    repo.configure(main=[command("one", "sleep 60", timeoutMs=100, allowFailure=True)])
    outcome = await repo.start("main")
    assert (outcome.manifest.status, statuses(outcome.manifest)) == ("succeeded", ["skipped"])
    (fallback,) = (
        record
        for record in lines_of(repo.paths(outcome.key).runner_log)
        if record["type"] == "command:fallback"
    )
    assert (fallback["reason"], fallback["timeout_ms"]) == ("timed_out", 100)
    error = json.loads(repo.paths(outcome.key).stage_error(1, "one").read_text())
    assert error["reason"] == "command-allow-failure"
    assert error["details"]["non_fatal_fallback"] is True
    assert error["details"]["failure_reason"] == "timed_out"


@pytest.mark.acceptance(64)
@pytest.mark.parametrize(
    ("variable", "own", "expected"),
    [
        ("1234", None, 1234),
        ("1234", 50, 50),
        ("0", None, None),
        ("-5", None, None),
        ("abc", None, None),
        ("1e999", None, None),
    ],
)
async def test_the_time_limit_comes_from_the_stage_or_else_from_its_environment(
    repo: Repository, variable: str, own: int | None, expected: int | None
) -> None:
    repo.environ["CODEX_ORCHESTRATOR_STAGE_TIMEOUT_MS"] = variable
    more = {} if own is None else {"timeoutMs": own}
    repo.configure(main=[command("one", "true", **more)])
    outcome = await repo.start("main")
    told = [
        record["timeout_ms"]
        for record in lines_of(repo.paths(outcome.key).runner_log)
        if record["type"] == "command:config"
    ]
    assert told == ([] if expected is None else [expected])


@pytest.mark.acceptance(56)
async def test_much_on_stderr_is_cut_and_counted(repo: Repository) -> None:
    repo.configure(main=[command("one", "head -c 300000 /dev/zero | tr '\\0' x >&2; exit 5")])
    outcome = await repo.start("main")
    summary = outcome.manifest.commands[0].summary or ""
    assert summary == f"Exited with code 5 — {'x' * 240}… (stderr 300,000 bytes, truncated)"
    error = repo.paths(outcome.key).stage_error(1, "one")
    assert error.stat().st_size < 9 * 1024
    details = json.loads(error.read_text())["details"]
    assert (details["stderr_truncated"], details["stderr_bytes"]) == (True, 300_000)


@pytest.mark.acceptance(58)
async def test_a_character_that_is_written_in_two_parts_is_logged_whole(repo: Repository) -> None:
    halves = "printf '\\342'; sleep 0.2; printf '\\202\\254\\342'"
    repo.configure(main=[command("one", halves)])
    outcome = await repo.start("main")
    log = lines_of(repo.paths(outcome.key).stage_log(1, "one"))
    chunks = [record for record in log if record["type"] == "exec:chunk"]
    assert "".join(chunk["data"] for chunk in chunks) == "€\ufffd"
    assert sum(chunk["bytes"] for chunk in chunks) == 4


@pytest.mark.acceptance(59)
async def test_the_log_of_a_loud_stage_stays_under_its_cap(repo: Repository) -> None:
    limit_bytes = 1024 * 1024
    repo.configure(
        settings={"logs": {"maxBytesPerStage": limit_bytes}},
        main=[command("one", "seq 1 1500000; echo last words")],
    )
    outcome = await repo.start("main")
    paths = repo.paths(outcome.key)
    log = paths.stage_log(1, "one")
    assert log.stat().st_size < limit_bytes * 1.1
    records = lines_of(log)
    assert records[-1]["type"] == "command:end"
    text = "".join(r["data"] for r in records if r["type"] == "exec:chunk")
    assert text.startswith("1\n2\n")
    assert text.endswith("last words\n")
    assert any(r.get("warning") == "log-truncated" for r in records)
    assert sum(f.stat().st_size for f in paths.run_dir.rglob("*") if f.is_file()) < 2 * limit_bytes


@pytest.mark.acceptance(59)
async def test_ten_mebibytes_take_less_than_twice_their_size(repo: Repository) -> None:
    raw_bytes = 10 * 1024 * 1024
    repo.configure(main=[command("one", f"seq 1 9999999 | head -c {raw_bytes}")])
    outcome = await repo.start("main")
    files = [f for f in repo.paths(outcome.key).run_dir.rglob("*") if f.is_file()]
    assert raw_bytes < sum(f.stat().st_size for f in files) < 2 * raw_bytes


@pytest.mark.acceptance(60)
async def test_thousands_of_tiny_writes_make_no_mountain(repo: Repository) -> None:
    repo.configure(main=[command("one", "for i in $(seq 4000); do printf x; done")])
    outcome = await repo.start("main")
    paths = repo.paths(outcome.key)
    assert paths.manifest.stat().st_size < 20_000
    total = sum(f.stat().st_size for f in paths.run_dir.rglob("*") if f.is_file())
    assert total < 1_200_000


@pytest.mark.acceptance(73, 76)
async def test_a_stage_finds_its_run_in_its_environment(repo: Repository) -> None:
    (repo.folder / "sub").mkdir()
    repo.environ["GIVEN"] = "yes"
    shell = "env -0 > env.bin; cat; pwd"
    repo.configure(main=[command("one", shell, cwd="sub", env={"OWN": "1", "GIVEN": "no"})])
    outcome = await repo.start("main")
    content = (repo.folder / "sub" / "env.bin").read_bytes().decode()
    env = dict(entry.split("=", 1) for entry in content.split("\0") if entry)
    paths, roots = repo.paths(outcome.key), repo.roots
    expected = {
        "MCP_RUNNER_TASK_ID": TASK,
        "CODEX_ORCHESTRATOR_TASK_ID": TASK,
        "CODEX_ORCHESTRATOR_RUN_ID": outcome.key.run_id,
        "CODEX_ORCHESTRATOR_PIPELINE_ID": "main",
        "CODEX_ORCHESTRATOR_MANIFEST_PATH": str(paths.manifest),
        "CODEX_ORCHESTRATOR_RUN_DIR": str(paths.run_dir),
        "CODEX_ORCHESTRATOR_RUNS_DIR": str(roots.runs),
        "CODEX_ORCHESTRATOR_OUT_DIR": str(roots.out),
        "CODEX_ORCHESTRATOR_ROOT": str(roots.repo),
        "CODEX_ORCHESTRATOR_REPO_ROOT": str(roots.repo),
        "OWN": "1",
        "GIVEN": "no",
    }
    assert {name: env.get(name) for name in expected} == expected
    assert outcome.manifest.commands[0].summary == str(repo.folder / "sub")


async def test_output_is_told_while_it_appears(repo: Repository) -> None:
    repo.configure(main=[command("one", "echo a; echo b >&2"), command("two", "echo c")])
    heard: list[tuple[str, Stream, str]] = []
    await repo.start("main", on_output=lambda *told: heard.append(told))
    assert sorted(heard) == [
        ("one", Stream.STDERR, "b\n"),
        ("one", Stream.STDOUT, "a\n"),
        ("two", Stream.STDOUT, "c\n"),
    ]


async def test_a_listener_that_left_does_not_end_the_run(repo: Repository) -> None:
    def broken(*_: object) -> None:
        raise BrokenPipeError("nobody reads")

    repo.configure(main=[command("one", "echo a; sleep 0.1; echo b")])
    outcome = await repo.start("main", on_output=broken)
    assert outcome.manifest.commands[0].summary == "a\nb"


@pytest.mark.acceptance(48)
@pytest.mark.parametrize(("code", "status"), [(0, "succeeded"), (3, "failed")])
async def test_beats_go_on_while_a_command_runs_and_stop_with_it(
    repo: Repository, code: int, status: str
) -> None:
    repo.configure(main=[command("one", f"sleep 0.5; exit {code}")])
    outcome = await repo.start("main")
    manifest = repo.manifest(outcome.key)
    assert manifest.status == status
    beat = repo.paths(outcome.key).heartbeat.read_text()
    assert beat == f"{manifest.heartbeat_at}\n"
    assert len(beat) == 25
    started, beaten = (
        datetime.fromisoformat(str(text)) for text in (manifest.started_at, manifest.heartbeat_at)
    )
    assert (beaten - started).total_seconds() >= 0.5


@pytest.mark.acceptance(46)
async def test_a_change_of_stage_is_on_disk_before_its_command_begins(repo: Repository) -> None:
    """However seldom the manifest is saved for its beat alone."""
    look = 'grep -o \'"status": "[a-z_]*"\' "$CODEX_ORCHESTRATOR_MANIFEST_PATH"'
    repo.configure(main=[command("one", "true"), command("two", look), command("three", "true")])
    seldom = replace(QUICK, heartbeat_s=60.0, manifest_s=60.0)
    seen = (await repo.start("main", intervals=seldom)).manifest.commands[1].summary or ""
    assert [line.split('"')[3] for line in seen.splitlines()] == [
        "in_progress",
        "succeeded",
        "running",
        "pending",
    ]


@pytest.mark.acceptance(46)
def test_how_often_a_beat_saves_the_manifest_can_be_configured(repo: Repository) -> None:
    repo.configure(settings={"manifestIntervalSeconds": 5}, main=[command("one", "true")])
    assert Intervals.of(repo.config.limits).manifest_s == 5
    repo.configure(main=[command("one", "true")])
    usual = Intervals.of(repo.config.limits)
    assert (usual.heartbeat_s, usual.manifest_s) == (5, 30)


async def test_an_unknown_pipeline_leaves_no_folder(repo: Repository) -> None:
    repo.configure(main=[command("one", "true")])
    with pytest.raises(UnknownPipeline, match="Pipeline 'nope' not found"):
        await repo.start("nope")
    assert not repo.roots.runs.exists()


@pytest.mark.acceptance(48)
async def test_an_error_of_the_runner_itself_still_ends_the_run(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("orchestrator_tui.runner.stage_entry.run_command_stage", broken)
    repo.configure(main=[command("one", "true"), command("two", "true")])
    outcome = await repo.start("main")
    manifest = repo.manifest(outcome.key)
    assert (manifest.status, manifest.status_detail) == ("failed", "pipeline-failed")
    assert manifest.summary == "Execution error: a bug"
    assert statuses(manifest) == ["failed", "pending"]
    assert repo.paths(outcome.key).heartbeat.read_text() == f"{manifest.heartbeat_at}\n"


async def test_an_error_file_that_cannot_be_written_does_not_change_the_result(
    repo: Repository,
) -> None:
    shell = 'rmdir "$CODEX_ORCHESTRATOR_RUN_DIR/errors"; '
    shell += 'touch "$CODEX_ORCHESTRATOR_RUN_DIR/errors"; exit 3'
    repo.configure(main=[command("one", shell)])
    entry = (await repo.start("main")).manifest.commands[0]
    assert (entry.status, entry.exit_code, entry.error_file) == ("failed", 3, None)


@pytest.mark.acceptance(26)
async def test_a_history_of_the_oldest_kind_is_there_after_the_first_run(repo: Repository) -> None:
    runs = [
        {"taskId": TASK, "runId": f"old-{day}", "timestamp": f"2025-10-0{day}T00:00:00.000Z"}
        for day in (1, 2, 3)
    ]
    legacy = repo.roots.out / TASK / "state.json"
    legacy.parent.mkdir(parents=True)
    legacy.write_text(json.dumps({"taskId": TASK, "lastRunAt": "", "runs": runs}))
    repo.configure(main=[command("one", "true")])
    outcome = await repo.start("main")
    assert outcome.manifest.metrics_recorded
    history = json.loads((repo.roots.out / TASK / "runs.json").read_text())
    assert history["runs"][:3] == runs
    assert history["runs"][3]["runId"] == outcome.key.run_id


@pytest.mark.acceptance(106)
async def test_events_that_cannot_be_written_change_nothing(
    repo: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    repo.configure(main=[command("one", "true")])
    outcome = await repo.start("main", on_started=lambda paths: paths.events.mkdir())
    assert outcome.manifest.status == "succeeded"
    assert "Event run_started cannot be written" in caplog.text


# --- sub-pipelines -----------------------------------------------------------------------------


@pytest.mark.acceptance(96)
async def test_a_failing_child_fails_its_parent(repo: Repository) -> None:
    repo.configure(
        inner=[command("bad", "exit 2")],
        outer=[child("sub", "inner"), command("after", "true")],
    )
    outcome = await repo.start("outer")
    parent, inner = repo.manifest(repo.run_keys()[0]), repo.manifest(repo.run_keys()[1])
    assert (parent.status, parent.status_detail) == ("failed", "subpipeline:inner:failed")
    assert statuses(parent) == ["failed", "pending"]
    assert parent.commands[0].sub_run_id == inner.run_id
    assert parent.commands[0].exit_code is None
    assert [(c.run_id, c.status) for c in parent.child_runs] == [(inner.run_id, "failed")]
    assert inner.parent_run_id == outcome.key.run_id
    assert parent.summary == "Sub-pipeline 'inner' failed."
    assert parent.commands[0].summary == "Stage 'Bad' failed with exit code 2."


@pytest.mark.acceptance(97)
async def test_an_optional_child_may_fail(repo: Repository) -> None:
    repo.configure(
        inner=[command("bad", "exit 2")],
        outer=[child("sub", "inner", optional=True), command("after", "true")],
    )
    manifest = (await repo.start("outer")).manifest
    assert (manifest.status, statuses(manifest)) == ("succeeded", ["skipped", "succeeded"])
    assert [run.status for run in manifest.child_runs] == ["failed"]


@pytest.mark.acceptance(98)
async def test_a_child_that_does_not_exist_ends_its_parent(repo: Repository) -> None:
    stages = (SubpipelineStage("sub", "Sub", "nope"), CommandStage("after", "After", "true"))
    config = OrchestratorConfig((Pipeline("outer", "Outer", stages),))
    outcome = await start_foreground(repo.roots, config, "outer", TASK, intervals=QUICK)
    manifest = outcome.manifest
    assert (manifest.status, manifest.status_detail) == ("failed", "subpipeline:nope:error")
    entry = manifest.commands[0]
    assert entry.summary == "Sub-pipeline error: Pipeline 'nope' not found."
    assert (entry.sub_run_id, manifest.child_runs) == (None, ())
    assert statuses(repo.manifest(outcome.key)) == ["failed", "pending"]


@pytest.mark.acceptance(100)
async def test_a_succeeded_child_speaks_for_itself(repo: Repository) -> None:
    repo.configure(inner=[command("good", "true")], outer=[child("sub", "inner")])
    manifest = (await repo.start("outer")).manifest
    assert manifest.status == "succeeded"
    assert manifest.commands[0].summary == "Sub-pipeline 'inner' succeeded."


@pytest.mark.parametrize("is_private", [True, False])
async def test_what_a_run_writes_is_for_its_user_alone_where_that_is_wanted(
    repo: Repository, is_private: bool
) -> None:
    stages = [command("one", "umask > seen; touch made"), command("two", "exit 3")]
    repo.configure(settings={"privateFiles": is_private}, main=stages)
    before = os.umask(0o022)
    try:
        outcome = await repo.start("main")
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    paths = repo.paths(outcome.key)
    written = [paths.run_dir, paths.commands_dir, paths.stage_log(1, "one"), paths.manifest]
    written += [paths.stage_error(2, "two"), paths.events, paths.runner_json]
    written += [paths.summary_manifest, repo.roots.out / TASK / "runs.json"]
    seen = {path.name: bool(stat.S_IMODE(path.stat().st_mode) & 0o077) for path in written}
    assert seen == dict.fromkeys(seen, not is_private)
    assert int((repo.folder / "seen").read_text(), 8) == 0o022
    assert stat.S_IMODE((repo.folder / "made").stat().st_mode) == 0o644
