"""config and what is preferred: which wish wins, and what is said of a wrong one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import OrchTuiCommand
from tests.cli.processes import project_in
from tests.terminals import RealTerminal


@pytest.fixture(autouse=True)
def user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the user's file would be."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path = tmp_path / "config" / "orch-tui" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def repo_file(repo: Path) -> Path:
    """Return where the repository's file would be."""
    return repo / ".orch-tui.toml"


def values(orch_tui: OrchTuiCommand) -> dict[str, tuple[object, str]]:
    """Return each value and whose wish it is."""
    told = orch_tui("config", "show", "--format", "json").document["values"]
    return {name: (each["value"], each["origin"]) for name, each in told.items()}


def test_a_variable_wins_over_the_repository_and_that_over_the_user(
    orch_tui: OrchTuiCommand, repo_file: Path, user_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert values(orch_tui)["theme"] == (None, "default")
    user_file.write_text('theme = "mono"\nascii = true\ntask = "user"\n')
    repo_file.write_text('theme = "light"\ntask = "repo"\n')
    monkeypatch.setenv("ORCH_TUI_TASK", "mine")
    assert values(orch_tui) == {
        "theme": ("light", str(repo_file)),
        "ascii": (True, str(user_file)),
        "task": ("mine", "ORCH_TUI_TASK"),
        "filter": ("", "default"),
        "read_only": (False, "default"),
        "notify": ("auto", "default"),
        "notify_command": ("", "default"),
        "reduced_motion": (False, "default"),
        "confirm_quit": (False, "default"),
        "keys": ({}, "default"),
        "views": ({}, "default"),
    }
    assert 'task = "mine"  # ORCH_TUI_TASK' in orch_tui("config", "show", "--origin").out


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('theme = "pink"', '"theme" is none of the words that may stand here; write one of dark'),
        ("ascii = 1", '"ascii" is neither true nor false; write true or false'),
        ('colour = "red"', '"colour" is no key of this file; there are: theme, ascii, task'),
        ('task = "a/b"', '"task": Invalid task ID "a/b"'),
        ('filter = "state:nosuch"', '"filter": “nosuch” is no state'),
        ('[views]\n"red" = "state:nosuch"', '"[views] red": “nosuch” is no state'),
        ('[keys]\n"run.cancel" = "K"', '"keys" cannot stand in a repository; move it to'),
        ('notify_command = "rm x"', '"notify_command" cannot stand in a repository; move it to'),
        ('notify = "loud"', '"notify" is none of the words that may stand here; write one of auto'),
        ('read_only = "no"', '"read_only" is neither true nor false'),
        ("theme =", "correct the file"),
    ],
)
def test_a_wrong_file_is_told_with_key_and_cure(
    orch_tui: OrchTuiCommand, repo_file: Path, content: str, told: str
) -> None:
    repo_file.write_text(content)
    for arguments in (("check",), ("show",)):
        ended = orch_tui("config", *arguments)
        assert (ended.status, ended.out) == (2, "")
        assert str(repo_file) in ended.err
        assert told in ended.err


def test_a_wrong_variable_is_told_by_its_name(
    orch_tui: OrchTuiCommand, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCH_TUI_ASCII", "perhaps")
    ended = orch_tui("config", "check")
    assert ended.status == 2
    assert 'ORCH_TUI_ASCII: "ascii" is neither true nor false' in ended.err
    monkeypatch.setenv("ORCH_TUI_ASCII", "Yes")
    assert values(orch_tui)["ascii"] == (True, "ORCH_TUI_ASCII")


def test_a_file_to_begin_with_is_written_once_and_is_sound(
    orch_tui: OrchTuiCommand, repo_file: Path, user_file: Path
) -> None:
    assert "(not there)" in orch_tui("config", "path").out
    assert orch_tui("config", "init").out == f"{repo_file}\n"
    assert orch_tui("config", "init").status == 4
    assert orch_tui("config", "init", "--user").out == f"{user_file}\n"
    assert orch_tui("config", "check").status == 0
    assert orch_tui("config", "path").out == f"{repo_file}\n{user_file}\n"
    for path in (repo_file, user_file):
        wished = [
            line[2:] for line in path.read_text().splitlines() if " = " in line or "# [" in line
        ]
        path.write_text("\n".join(wished))
    assert orch_tui("config", "check").status == 0
    assert values(orch_tui)["filter"] == ("state:problem", str(repo_file))


def test_a_run_is_of_the_preferred_task_unless_another_is_named(
    repo: Path, repo_file: Path, orch_tui: OrchTuiCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_in(repo)
    repo_file.write_text('task = "preferred"\n')

    def task(*arguments: str) -> str:
        document = project("start", "say", "--format", "json", *arguments).document
        return str(document["orch_tui"]["task_id"])

    assert task() == "preferred"
    assert task("--task", "flag") == "flag"
    monkeypatch.setenv("MCP_RUNNER_TASK_ID", "original")
    assert task() == "original"


def test_the_quick_verbs_load_no_checks_though_there_are_preferences(repo_file: Path) -> None:
    repo_file.write_text('theme = "light"\n')
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys\nfrom orchestrator_tui.cli.main import run\nrun(['status'])\n"
            "print(*sys.modules)",
        ],
        cwd=repo_file.parent,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert not {"pydantic", "textual", "platformdirs", "tomllib"} & set(loaded)


def test_the_screen_begins_with_what_is_preferred(repo: Path, repo_file: Path) -> None:
    project_in(repo)
    repo_file.write_text('ascii = true\nfilter = "task:nosuch"\n')
    with RealTerminal([sys.executable, "-m", "orchestrator_tui", "--repo", str(repo)]) as terminal:
        terminal.pump(15, lambda: b"filter: task:nosuch" in terminal.raw)
        assert b"filter: task:nosuch" in terminal.raw
        assert "╭".encode() not in terminal.raw
        terminal.type("q")
        assert terminal.wait(10) == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('"run.nosuch" = "K"', '"run.nosuch" is no binding; orch-tui keys --list prints all'),
        ('"run.cancel" = "foo"', '"run.cancel" asks for "foo", which is no key'),
        ('"run.cancel" = "ctrl+m"', "which terminals cannot tell from another key"),
        ('"run.cancel_yes" = "K"', "cannot have other keys: its dialog names them"),
        ('"app.interrupt" = "K"', "cannot have other keys: ctrl+c always leaves"),
        ('"run.cancel" = 3', '"run.cancel" is no key; write a key such as'),
    ],
)
def test_a_wish_for_a_key_that_means_nothing_is_told(
    orch_tui: OrchTuiCommand, user_file: Path, content: str, told: str
) -> None:
    user_file.write_text(f"[keys]\n{content}\n")
    ended = orch_tui("config", "check")
    assert ended.status == 2
    assert told in ended.err


def test_a_key_that_is_taken_is_a_conflict(orch_tui: OrchTuiCommand, user_file: Path) -> None:
    user_file.write_text('[keys]\nrun.cancel = "s"\n')
    ended = orch_tui("config", "check")
    assert ended.status == 2
    assert '"run.cancel" asks for s, which is "run.start" (start a run)' in ended.err
    assert "it keeps its own keys" in ended.err


def test_other_keys_stand_in_the_list_of_keys(orch_tui: OrchTuiCommand, user_file: Path) -> None:
    user_file.write_text('[keys]\nrun.cancel = "ctrl+x"\n"find.next" = ["?", "f5"]\n')
    assert orch_tui("config", "check").status == 2  # ? is the help
    user_file.write_text('[keys]\nrun.cancel = "ctrl+x"\n"find.next" = ["+", "f5"]\n')
    assert orch_tui("config", "check").status == 0
    listed = orch_tui("keys", "--list", "--format", "json").document["bindings"]
    keys = {each["id"]: each["keys"] for each in listed}
    assert keys["run.cancel"] == ["ctrl+x"]
    assert keys["find.next"] == ["plus", "f5"]


@pytest.mark.parametrize("verb", [("start", "diagnostics"), ("cancel", "@latest"), ("resume", "a")])
def test_a_verb_that_acts_is_refused_where_only_looking_is_wanted(
    orch_tui: OrchTuiCommand, repo_file: Path, verb: tuple[str, ...]
) -> None:
    repo_file.write_text("read_only = true\n")
    ended = orch_tui(*verb)
    assert ended.status == 4
    assert f"read-only, by {repo_file}; nothing was changed" in ended.err
    repo_file.write_text("")
    assert "read-only, by ORCH_TUI_READ_ONLY" in orch_tui("--read-only", *verb).err


def test_a_command_for_notices_is_taken_from_the_user_alone(
    orch_tui: OrchTuiCommand, user_file: Path, monkeypatch: pytest.MonkeyPatch, repo: Path
) -> None:
    user_file.write_text('notify = "always"\nnotify_command = "say done"\nreduced_motion = true\n')
    assert values(orch_tui)["notify_command"] == ("say done", str(user_file))
    assert values(orch_tui)["notify"] == ("always", str(user_file))
    monkeypatch.setenv("ORCH_TUI_NOTIFY_COMMAND", "say other")
    monkeypatch.setenv("ORCH_TUI_REDUCED_MOTION", "no")
    assert values(orch_tui)["notify_command"] == ("say other", "ORCH_TUI_NOTIFY_COMMAND")
    assert values(orch_tui)["reduced_motion"] == (False, "ORCH_TUI_REDUCED_MOTION")
    assert orch_tui("config", "check").status == 0
