"""watch, wait, errors, restart: runs followed in real processes, and what they print."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import orjson
import pytest

from tests.cli.conftest import OrchTuiCommand
from tests.cli.processes import Project, project_in, wait_for


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a repository with quick pipelines."""
    return project_in(tmp_path / "project")


def begun_slowly(project: Project, *arguments: str) -> str:
    """Return the id of a run that waits in its last stage."""
    project.make_slow()
    run_id = project("start", "--detach", *arguments).out.strip()
    project.wait_until_slow()
    return run_id


def failed(project: Project) -> str:
    """Return the id of a run whose second stage failed."""
    (project.repo / "broken").touch()
    document = project("start", "--format", "json").document
    return str(document["run_id"])


def events(out: str) -> list[tuple[str, str | None]]:
    """Return event and stage of each line of JSON."""
    lines = [orjson.loads(line) for line in out.splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    return [(line["event"], line["payload"].get("stage_id")) for line in lines]


def test_watch_tells_each_stage_until_the_run_is_over(project: Project) -> None:
    run_id = begun_slowly(project)
    with project.begin("watch", run_id, "--exit-status") as watching:
        assert watching.stdout is not None
        assert watching.stderr is not None
        first = watching.stdout.readline()
        (project.repo / "slow").unlink()
        # Not communicate(): it would pass over the lines that came with the first.
        lines = [first.rstrip("\n"), *watching.stdout.read().splitlines()]
        assert (watching.wait(timeout=15), watching.stderr.read()) == (0, "")
    assert lines[0].endswith("steps  0101  started")
    assert [line[9:] for line in lines[1:-2]] == [
        "✓ 1/3 one  ok  0:00",
        "✓ 2/3 two  ok  0:00",
        "▸ 3/3 slow",
        lines[-3][9:],
    ]
    assert lines[-3][9:].startswith("✓ 3/3 slow  ok")
    assert "✓ SUCCEEDED" in lines[-2]


def test_watch_in_few_lines_puts_good_stages_on_the_line_of_the_next(project: Project) -> None:
    run_id = begun_slowly(project)
    (project.repo / "slow").unlink()
    assert project("wait", run_id).status == 0
    out = project("watch", run_id, "--compact", "--plain").out
    assert out.isascii()
    assert "ok" not in out
    run_id = failed(project)
    out = project("watch", run_id, "--compact").out
    assert "✗ 2/3 two  exit 3 after 0:00   (one 0:00 ok)" in out
    assert f"again:  orch-tui resume {run_id[-8:]}" in out
    assert "\x1b" not in out


def test_watch_writes_events_as_the_runner_names_them(project: Project) -> None:
    run_id = failed(project)
    ended = project("watch", run_id, "--format", "jsonl", "--exit-status")
    assert ended.status == 1
    assert events(ended.out) == [
        ("run_started", None),
        ("step_completed", "one"),
        ("step_failed", "two"),
        ("run_failed", None),
    ]
    (line, *_) = ended.out.splitlines()
    assert orjson.loads(line)["run_id"] == run_id


def test_watch_ends_at_a_state_at_a_time_and_at_an_interrupt(project: Project) -> None:
    run_id = begun_slowly(project)
    assert project("watch", run_id, "--until", "running").status == 0
    ended = project("watch", "--timeout", "0.5", "--format", "jsonl")
    assert ended.status == 124
    assert "--timeout" in ended.err
    assert ("step_started", "slow") in events(ended.out)
    watching = project.begin("watch", run_id)
    assert watching.stdout is not None
    watching.stdout.readline()
    watching.send_signal(signal.SIGINT)
    _, err = watching.communicate(timeout=15)
    assert (watching.returncode, err) == (130, "")
    assert project("status", run_id, "--exit-status").status == 0
    project("cancel", run_id)


def test_watch_without_a_run_says_that_none_is_active(project: Project) -> None:
    failed(project)
    ended = project("watch")
    assert (ended.status, ended.out) == (0, "")
    assert "no active runs" in ended.err


def test_a_reader_that_goes_away_ends_watch_quietly(project: Project) -> None:
    run_id = failed(project)
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        project.command("watch", run_id),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (ended.returncode, ended.stderr) == (141, "")


def test_wait_is_silent_and_ends_with_the_status_of_the_runs(project: Project) -> None:
    bad = failed(project)
    (project.repo / "broken").unlink()
    run_id = begun_slowly(project)
    waiting = project.begin("wait", run_id)
    wait_for(lambda: waiting.poll() is None)
    (project.repo / "slow").unlink()
    assert waiting.communicate(timeout=15) == ("", "")
    assert waiting.returncode == 0
    assert project("wait", run_id, bad).status == 1
    document = project("wait", run_id, "--format", "json").document
    assert document["timed_out"] is False
    assert [run["state"] for run in document["runs"]] == ["succeeded"]


def test_wait_for_one_of_several_ends_with_the_first(project: Project) -> None:
    bad = failed(project)
    (project.repo / "broken").unlink()
    run_id = begun_slowly(project)
    assert project("wait", run_id, bad, "--any").status == 1
    project("cancel", run_id)


def test_wait_ends_at_a_stage_or_a_state(project: Project) -> None:
    run_id = begun_slowly(project)
    assert project("wait", run_id, "--for", "stage:one").status == 0
    assert project("wait", run_id, "--for", "running").status == 0
    assert project("wait", run_id, "--for", "stage:slow", "--timeout", "0.5").status == 124
    assert project("wait", run_id, "--for", "stage:nope").status == 3
    project("cancel", run_id)
    assert project("wait", run_id, "--for", "stage:slow").status == 1
    assert project("wait", run_id, "--for", "cancelled").status == 0
    assert project("wait", run_id, "--for", "succeeded").status == 1


def test_a_lost_run_ends_the_waiting_with_5(project: Project) -> None:
    run_id = begun_slowly(project)
    runner = project("status", run_id, "--format", "json").document["orch_tui"]["runner"]
    os.kill(runner["pid"], signal.SIGKILL)
    assert project("wait", run_id, "--timeout", "20").status == 5
    watched = project("watch", run_id, "--exit-status", "--timeout", "20")
    assert watched.status == 5
    lines = watched.out.splitlines()
    (at,) = [n for n, line in enumerate(lines) if " LOST " in line]
    assert any("3/3 slow" in line for line in lines[:at])
    assert not any(line[:1].isdigit() for line in lines[at + 1 :])  # its end is told last
    (project.repo / "slow").unlink()


def test_errors_are_told_as_text_markdown_and_json(project: Project) -> None:
    run_id = failed(project)
    text = project("errors", run_id)
    assert text.status == 0
    assert text.out.startswith("stage 2 Two   exit 3   0:0")
    assert "\n  reason   the command failed\n" in text.out
    assert text.out.endswith("\n  stderr   1 line\n    why\n")
    assert "\x1b" not in text.out
    markdown = project("errors", run_id, "--format", "md").out
    assert markdown.startswith("### steps: stage 2 two exit 3\n\n- error: `why`\n- command: ")
    assert "\n- reason: `the command failed`\n" in markdown
    assert "\n```\nwhy" in markdown
    document = project("errors", run_id, "--format", "json").document
    (card,) = document["errors"]
    assert (card["stage"], card["is_past"]) == ("two", False)
    assert card["stderr"].startswith("why\x1b")
    assert card["told"]["error"] == "why"
    assert (document["git"], document["since_green"]) == (None, None)


def failing(project: Project, command: str) -> str:
    """Return what a start says whose run fails in its only stage."""
    stage = {"kind": "command", "id": "test", "title": "Test", "command": command}
    config = {"pipelines": [{"id": "only", "title": "Only", "stages": [stage]}]}
    (project.repo / "codex.orchestrator.json").write_bytes(orjson.dumps(config))
    return project("start", "only").err


def test_errors_that_a_stage_told_on_stdout_are_told(project: Project) -> None:
    told = "FAILED test_x.py::test_a - AssertionError: 1 != 2"
    failing(project, f"echo collecting; echo '{told}'; printf '1 failed\\033[2J\\n'; exit 1")
    text = project("errors", "@latest").out
    assert f"\n  error    {told}\n" in text
    assert text.endswith(
        f"\n  stdout   its end: 3 lines\n    collecting\n    {told}\n    1 failed\n"
    )
    assert "\x1b" not in text
    markdown = project("errors", "@latest", "--format", "md").out
    assert f"- error: `{told}`\n" in markdown
    assert markdown.endswith(f"\nstdout\n\n```\ncollecting\n{told}\n1 failed\n```\n")
    (card,) = project("errors", "@latest", "--format", "json").document["errors"]
    assert card["told"]["error"] == told
    assert card["stderr"] == ""
    assert card["stdout"].startswith(f"collecting\n{told}\n1 failed")


@pytest.mark.parametrize("command", ["echo no; exit 1", "echo no; kill -9 $$"])
def test_the_hint_to_logs_names_a_stream_only_where_it_has_something(
    project: Project, command: str
) -> None:
    (line,) = (ln for ln in failing(project, command).splitlines() if "logs:" in ln)
    assert line.endswith(" --stage test")
    (line,) = (
        ln for ln in failing(project, f"echo E >&2; {command}").splitlines() if "logs:" in ln
    )
    assert line.endswith(" --stage test --errors")


def test_a_run_without_errors_says_so(project: Project) -> None:
    run_id = failed(project)
    (project.repo / "broken").unlink()
    project("resume", run_id)
    ended = project("errors", run_id)
    assert (ended.status, ended.out) == (0, "")
    assert "no stage of run" in ended.err
    assert "Two" in project("errors", run_id, "--past").out


def test_restart_is_a_new_run_of_the_same_pipeline_and_task(project: Project) -> None:
    first = project(
        "start", "say", "--task", "T", "--approval-policy", "never", "--format", "json"
    ).document
    ended = project("restart", first["run_id"], "--format", "json")
    assert ended.status == 0
    assert ended.document["run_id"] != first["run_id"]
    manifest = orjson.loads((project.repo / ended.document["manifest"]).read_bytes())
    kept = (manifest["task_id"], manifest["pipeline_id"], manifest["approval_policy"])
    assert kept == ("T", "say", "never")
    run_id = project("restart", "@latest", "--detach").out.strip()
    assert project("wait", run_id).status == 0


def test_what_cannot_be_followed_is_told(project: Project, orch_tui: OrchTuiCommand) -> None:
    for arguments, status in (
        (("wait",), 2),
        (("errors",), 2),
        (("restart",), 2),
        (("restart", "@latest", "--from", "two"), 2),
        (("watch", "nope"), 3),
        (("wait", "nope"), 3),
        (("errors", "nope"), 3),
        (("restart", "nope"), 3),
        (("watch", "nope", "--until", "nosuch"), 2),
    ):
        ended = orch_tui("--repo", str(project.repo), *arguments)
        assert (ended.status, ended.out) == (status, ""), (arguments, ended.err)
