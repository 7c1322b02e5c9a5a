"""doctor, keys, completion: what is there, what a key is called, what a shell completes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator_tui.cli.program import VERBS
from orchestrator_tui.ui.keymap import all_bindings, keys_in
from tests.cli.conftest import OrchTuiCommand
from tests.cli.processes import project_in
from tests.terminals import RealTerminal

OLD_S = 3600


@pytest.fixture(autouse=True)
def roomy_kernel(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the kernel's limits be ample, whatever this machine's are; return where they stand."""
    folder = tmp_path / "inotify"
    folder.mkdir()
    for name, limit in (("max_user_watches", "100000\n"), ("max_user_instances", "128\n")):
        (folder / name).write_text(limit)
    monkeypatch.setattr("orchestrator_tui.cli.checks.INOTIFY", folder)
    return folder


def verdicts(orch_tui: OrchTuiCommand, *arguments: str) -> dict[str, tuple[str, str]]:
    """Return verdict and text of each check by its id."""
    checks = orch_tui("doctor", "--format", "json", *arguments).document["checks"]
    return {check["id"]: (check["verdict"], check["text"]) for check in checks}


def test_a_good_repository_has_nothing_to_complain_of(repo: Path, orch_tui: OrchTuiCommand) -> None:
    project_in(repo)
    ended = orch_tui("doctor")
    assert ended.status == 0
    assert f"{repo}/.runs can be written to, which the first run makes" in ended.out
    assert not (repo / ".runs").exists()
    assert sorted(path.name for path in repo.iterdir()) == [".git", "codex.orchestrator.json"]
    found = verdicts(orch_tui)
    # The test project has one pipeline without stages on purpose.
    assert {id for id, (verdict, _) in found.items() if verdict != "ok"} == {"pipelines"}


def test_what_is_doubtful_ends_with_1_only_if_strict(repo: Path, orch_tui: OrchTuiCommand) -> None:
    assert orch_tui("doctor").status == 0
    assert orch_tui("doctor", "--strict").status == 1
    assert verdicts(orch_tui)["pipelines"][0] == "warn"


def test_a_configuration_that_cannot_be_used_ends_with_1(
    repo: Path, orch_tui: OrchTuiCommand
) -> None:
    (repo / "codex.orchestrator.json").write_text("{")
    ended = orch_tui("doctor")
    assert ended.status == 1
    assert "fail  codex.orchestrator.json: not JSON" in ended.out


def test_leftovers_are_named_with_what_becomes_of_them(
    repo: Path, orch_tui: OrchTuiCommand
) -> None:
    (repo / ".runs" / "T" / "metrics.pending").mkdir(parents=True)
    (repo / "out" / "T" / ".pending").mkdir(parents=True)
    lock = repo / ".runs" / "T.lock"
    record = repo / "out" / "T" / ".pending" / "r.json"
    for path in (lock, record):
        path.write_text("{}")
    assert set(verdicts(orch_tui)) & {"lock", "pending"} == set()
    long_ago = time.time() - OLD_S
    for path in (lock, record):
        os.utime(path, (long_ago, long_ago))
    found = verdicts(orch_tui)
    assert "T.lock" in found["lock"][1]
    assert "1 record not merged yet" in found["pending"][1]


def test_few_watches_are_told_with_the_cure(
    repo: Path, orch_tui: OrchTuiCommand, roomy_kernel: Path
) -> None:
    (roomy_kernel / "max_user_watches").write_text("10\n")
    assert verdicts(orch_tui)["max_user_watches"] == ("warn", "fs.inotify.max_user_watches is 10")
    assert "sysctl fs.inotify.max_user_watches=8192" in orch_tui("doctor").out


def test_the_terminal_is_looked_at_on_request(
    repo: Path, orch_tui: OrchTuiCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "TERM" not in verdicts(orch_tui)
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("TMUX", "/tmp/tmux")
    found = verdicts(orch_tui, "--terminal")
    assert found["TERM"] == ("warn", "TERM is dumb")
    assert "tmux" in found["clipboard"][1]


def test_every_binding_is_listed_by_its_id(orch_tui: OrchTuiCommand) -> None:
    document = orch_tui("keys", "--list", "--format", "json").document
    listed = {(each["where"], each["id"]) for each in document["bindings"]}
    assert ("runs", "run.start") in listed
    assert listed == {(each.place, each.id) for each in all_bindings()}
    assert "run.start" in orch_tui("keys", "--list").out


def test_keys_without_a_terminal_are_refused(orch_tui: OrchTuiCommand) -> None:
    for arguments in (("keys",), ("keys", "--format", "json")):
        assert orch_tui(*arguments).status == 2


@pytest.mark.parametrize(
    ("sent", "name"),
    [("\x1b", "escape"), ("\x1b[A", "up"), ("\x12", "ctrl+r"), ("?", "question_mark")],
)
def test_bytes_are_called_as_bindings_call_the_key(sent: str, name: str) -> None:
    assert keys_in(sent) == (name,)


def test_keys_prints_what_is_pressed_until_q_and_sets_the_terminal_back() -> None:
    with RealTerminal([sys.executable, "-m", "orchestrator_tui", "keys"]) as terminal:
        terminal.pump(10, lambda: b"q ends" in terminal.raw)
        terminal.type("up", "ctrl+r")
        terminal.pump(10, lambda: b"ctrl+r" in terminal.raw)
        terminal.type("q")
        assert terminal.wait(10) == 0
        assert b"up                       '\\x1b[A'" in terminal.raw
        assert terminal.raw.rstrip().endswith(b"\x1b[<u")


def completed(words: str, count: int) -> list[str]:
    """Return what bash would offer."""
    environ = {
        **os.environ,
        "_ORCH_TUI_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(count),
    }
    out = subprocess.run(
        [sys.executable, "-m", "orchestrator_tui"],
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [line.partition(",")[2] for line in out.splitlines()]


def test_a_shell_completes_verbs_and_flags() -> None:
    assert completed("orch-tui wa", 1) == ["watch", "wait"]
    assert set(completed("orch-tui ", 1)) == set(VERBS)
    assert completed("orch-tui watch --t", 2) == ["--timeout"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_told_how_to_complete(orch_tui: OrchTuiCommand, shell: str) -> None:
    ended = orch_tui("completion", shell)
    assert ended.status == 0
    assert "_ORCH_TUI_COMPLETE" in ended.out
    assert orch_tui("completion", "csh").status == 2


def test_json_of_the_doctor_names_its_schema(repo: Path, orch_tui: OrchTuiCommand) -> None:
    assert json.loads(orch_tui("doctor", "--format", "json").out)["schema"] == "orch-tui/doctor/1"
