"""start, resume, cancel: real runs in real processes."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import orjson
import pytest

from tests.cli.conftest import OrchTuiCommand
from tests.cli.processes import Project, project_in, wait_for

NODE_KEYS = [
    "run_id",
    "status",
    "artifact_root",
    "manifest",
    "log_path",
    "summary",
    "runtime_mode_requested",
    "runtime_mode",
    "runtime_provider",
    "runtime_fallback",
    "cloud_fallback_reason",
    "issue_log",
    "issue_log_error",
]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a repository with quick pipelines."""
    return project_in(tmp_path / "project")


def statuses(project: Project, run_id: str) -> list[str]:
    """Return the status of each stage."""
    document = project("status", run_id, "--format", "json").document
    return [command["status"] for command in document["commands"]]


def test_a_run_in_the_foreground_passes_its_output_on_and_tells_its_stages(
    project: Project,
) -> None:
    ended = project("start", "steps")
    assert ended.status == 0
    assert ended.out == "out\n"
    told = [line for line in ended.err.splitlines() if line != "err"]
    assert "err" in ended.err.splitlines()
    assert [line[9:] for line in told if "  ok  " in line] == [
        "✓ 1/3 one  ok  0:00",
        "✓ 2/3 two  ok  0:00",
        "✓ 3/3 slow  ok  0:00",
    ]
    assert ended.err.index("▸ 1/3 one") < ended.err.index("\nerr\n")
    assert told[0].endswith(" steps  0101  started")
    assert "✓ SUCCEEDED" in told[-2]


@pytest.mark.acceptance(120)
def test_json_of_a_run_is_exactly_one_document(project: Project) -> None:
    ended = project("start", "steps", "--task", "T", "--format", "json")
    document = ended.document
    assert ended.status == 0
    assert [key for key in NODE_KEYS if key not in document] == []
    assert document["status"] == "succeeded"
    assert document["orch_tui"]["task_id"] == "T"
    assert document["orch_tui"]["duration_s"] >= 0
    assert document["orch_tui"]["error"] is None
    assert (project.repo / document["manifest"]).exists()


def test_a_failed_run_ends_with_1_and_says_why_and_what_to_do(project: Project) -> None:
    (project.repo / "broken").touch()
    ended = project("start")
    assert ended.status == 1
    assert "✗ 2/3 two  exit 3 after 0:00" in ended.err
    assert "again:  orch-tui resume" in ended.err
    assert "\x1b" not in ended.err
    document = project("start", "--format", "json").document
    assert document["orch_tui"]["failed_stage"] == "two"
    assert document["orch_tui"]["error"]["stderr"].startswith("why")
    assert (project.repo / document["orch_tui"]["error"]["error_file"]).exists()


@pytest.mark.acceptance(80)
def test_only_the_stages_that_did_not_succeed_run_again(project: Project) -> None:
    (project.repo / "broken").touch()
    document = project("start", "--format", "json").document
    run_id = document["run_id"]
    assert project("resume", run_id).status == 1
    (project.repo / "broken").unlink()
    ended = project("resume", "@failed", "--actor", "me", "--reason", "mended")
    assert ended.status == 0
    assert "1/3 one" not in ended.err
    assert statuses(project, run_id) == ["succeeded"] * 3
    manifest = orjson.loads((project.repo / document["manifest"]).read_bytes())
    assert manifest["resume_events"][-1]["actor"] == "me"
    assert project("resume", run_id).status == 4
    again = project("resume", run_id, "--only", "one")
    assert (again.status, again.out) == (0, "out\n")


@pytest.mark.acceptance(81)
def test_a_wrong_token_is_refused(project: Project) -> None:
    (project.repo / "broken").touch()
    document = project("start", "--format", "json").document
    before = (project.repo / document["manifest"]).read_bytes()
    ended = project("resume", document["run_id"], "--token", "0" * 64)
    assert (ended.status, ended.out) == (4, "")
    assert "Resume token mismatch." in ended.err
    assert (project.repo / document["manifest"]).read_bytes() == before


@pytest.mark.acceptance(108)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_cancels_a_run_in_the_foreground(
    project: Project, number: signal.Signals, status: int
) -> None:
    project.make_slow()
    running = project.begin("start", "--format", "json")
    project.wait_until_slow()
    running.send_signal(number)
    out, err = running.communicate(timeout=15)
    assert running.returncode == status
    assert orjson.loads(out)["status"] == "cancelled"
    assert "⊘ CANCELLED" in err


def test_a_detached_run_prints_its_id_and_goes_on_alone(project: Project) -> None:
    project.make_slow()
    ended = project("start", "--detach", "--task", "T")
    assert ended.status == 0
    (run_id,) = ended.out.splitlines()
    project.wait_until_slow()
    (active,) = project("status", "--format", "json").document["runs"]
    assert (active["run_id"], active["orch_tui"]["state"]) == (run_id, "running")
    assert active["orch_tui"]["runner"]["verdict"] == "alive"
    followed = project.begin("status", run_id, "--watch", "--interval", "0.1", "--exit-status")
    (project.repo / "slow").unlink()
    followed.communicate(timeout=15)
    assert followed.returncode == 0


@pytest.mark.acceptance(82)
def test_a_living_run_cannot_be_resumed_but_cancelled_once(project: Project) -> None:
    project.make_slow()
    run_id = project("start", "--detach", "--format", "json").document["run_id"]
    project.wait_until_slow()
    assert project("resume", run_id).status == 4
    ended = project("cancel", run_id[-8:], "--reason", "enough", "--format", "json")
    assert ended.status == 0
    (answer,) = ended.document["runs"]
    assert (answer["run_id"], answer["accepted"], answer["ended"]) == (run_id, True, True)
    assert project("status", run_id, "--exit-status").status == 1
    again = project("cancel", run_id)
    assert (again.status, again.out) == (4, "")
    assert "ended already" in again.err
    (project.repo / "slow").unlink()
    assert project("resume", run_id).status == 0


def test_all_active_runs_are_cancelled_only_with_a_yes(project: Project) -> None:
    project.make_slow()
    for task in ("A", "B"):
        project("start", "--detach", "--task", task)
    refused = project("cancel", "--all")
    assert (refused.status, refused.out) == (4, "")
    assert len(project("status", "--format", "json").document["runs"]) == 2
    assert project("cancel", "--all", "--yes").out.count("cancelled") == 2
    assert project("cancel", "--all").status == 0


def test_runs_that_a_filter_lets_through_are_cancelled(project: Project) -> None:
    project.make_slow()
    for task in ("A", "B"):
        project("start", "--detach", "--task", task)
    assert project("cancel", "--filter", "task:A").status == 4
    assert project("cancel", "--filter", "task:A", "--all", "--yes").status == 2
    ended = project("cancel", "--filter", "task:A", "--yes", "--format", "json")
    assert [run["task_id"] for run in ended.document["runs"]] == ["A"]
    assert [run["task_id"] for run in active(project)] == ["B"]
    assert project("cancel", "--all", "--yes").status == 0


def active(project: Project) -> list[dict[str, str]]:
    """Return the active runs."""
    runs: list[dict[str, str]] = [
        run["orch_tui"] for run in project("status", "--format", "json").document["runs"]
    ]
    return runs


def test_a_run_is_killed_with_a_yes_alone(project: Project) -> None:
    project.make_slow()
    run_id = project("start", "--detach", "--format", "json").document["run_id"]
    project.wait_until_slow()
    refused = project("cancel", run_id, "--force")
    assert (refused.status, refused.out) == (4, "")
    killed = project("cancel", run_id, "--force", "--yes")
    assert (killed.status, "Killed" in killed.out) == (0, True)
    assert project("status", run_id, "--format", "json").document["status"] == "cancelled"


def test_a_busy_task_is_left_alone_if_that_is_wished(project: Project) -> None:
    project.make_slow()
    project("start", "--detach", "--task", "A")
    refused = project("start", "--if-idle", "--detach", "--task", "A")
    assert (refused.status, "has an active run" in refused.err) == (4, True)
    assert project("start", "say", "--if-idle", "--task", "B").status == 0
    assert project("cancel", "--all", "--yes").status == 0
    assert project("start", "say", "--if-idle", "--task", "A").status == 0


def test_a_start_returns_once_a_stage_is_over(project: Project) -> None:
    project.make_slow()
    assert project("start", "steps", "--wait-for", "nope").status == 3
    assert project("start", "steps", "--timeout", "1").status == 2
    started = project("start", "steps", "--wait-for", "two", "--timeout", "30")
    assert started.status == 0
    run_id = started.out.strip()
    assert statuses(project, run_id)[:2] == ["succeeded", "succeeded"]
    late = project("start", "steps", "--wait-for", "slow", "--timeout", "0.5", "--task", "B")
    assert late.status == 124
    assert len(active(project)) == 2
    assert project("cancel", "--all", "--yes").status == 0


def test_what_cannot_be_started_leaves_nothing_behind(
    project: Project, orch_tui: OrchTuiCommand
) -> None:
    for arguments, status in (
        (("start", "nope"), 3),
        (("start", "empty"), 2),
        (("start", "--task", "a/b"), 2),
        (("start", "--env", "NAME"), 2),
        (("start", "--runtime-mode", "appserver"), 2),
        (("resume",), 2),
        (("resume", "nope"), 3),
        (("cancel",), 2),
        (("cancel", "nope"), 3),
        (("cancel", "nope", "--all"), 2),
    ):
        ended = orch_tui("--repo", str(project.repo), *arguments)
        assert (ended.status, ended.out) == (status, ""), (arguments, ended.err)
        assert ended.err
    assert not (project.repo / ".runs").exists()


def test_a_variable_reaches_the_commands_here_and_detached(project: Project) -> None:
    here = project("start", "say", "--env", "GREETING=hello=you")
    assert here.out == "hello=you\n"
    run_id = project("start", "say", "--env", "GREETING=hi", "--detach").out.strip()
    logs = project("logs", run_id, "--follow", "--stream", "out")
    assert logs.out == "hi\n"


def test_a_reader_that_goes_away_does_not_end_the_run(project: Project) -> None:
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        project.command("start", "many"),
        stdin=subprocess.DEVNULL,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert "Traceback" not in ended.stderr
    assert statuses(project, "@latest") == ["succeeded"]


def test_a_dry_run_is_a_plan(project: Project) -> None:
    assert project("start", "steps", "--dry-run").out == project("plan", "steps").out
    assert not (project.repo / ".runs").exists()


def test_a_log_can_be_followed_while_it_grows(project: Project) -> None:
    project.make_slow()
    run_id = project("start", "--detach").out.strip()
    project.wait_until_slow()
    following = project.begin("logs", run_id, "--follow")
    wait_for(lambda: following.poll() is None)
    (project.repo / "slow").unlink()
    out, _ = following.communicate(timeout=15)
    assert following.returncode == 0
    assert [line for line in out.splitlines() if line.startswith("==>")] == [
        "==> 1 one <==",
        "==> 2 two <==",
        "==> 3 slow <==",
    ]


@pytest.mark.parametrize("flags", [(), ("--detach",)], ids=["here", "detached"])
def test_a_place_that_can_hold_no_run_is_told_with_its_cure(
    project: Project, flags: tuple[str, ...]
) -> None:
    (project.repo / ".runs").write_text("not a folder")
    ended = project("start", "steps", *flags)
    assert ended.status == 4
    assert f"No run can be kept in {project.repo}/.runs: not a directory." in ended.err
    assert "--runs-dir" in ended.err
