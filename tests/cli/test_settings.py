"""Flags come before variables, variables before what is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator_tui.cli.home import program_for
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.settings import InvalidSettings, Places, find_repository, load_settings


@pytest.mark.acceptance(10)
@pytest.mark.parametrize(
    ("environ", "task"),
    [
        ({}, "0101"),
        ({"MCP_RUNNER_TASK_ID": "a", "TASK": "b"}, "a"),
        ({"MCP_RUNNER_TASK_ID": "  ", "CODEX_ORCHESTRATOR_TASK_ID": "x", "TASK": "y"}, "x"),
        ({"TASK": " y "}, "y"),
    ],
)
def test_the_task_comes_from_the_first_variable_that_says_something(
    environ: dict[str, str], task: str, tmp_path: Path
) -> None:
    assert load_settings(environ, tmp_path).task_id == task


def test_a_flag_names_the_task_whatever_the_variables_say(tmp_path: Path) -> None:
    settings = load_settings({"MCP_RUNNER_TASK_ID": "con"}, tmp_path, task="mine")
    assert settings.task_id == "mine"


@pytest.mark.acceptance(9)
def test_a_bad_task_variable_is_named_with_its_value(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as raised:
        load_settings({"MCP_RUNNER_TASK_ID": "con"}, tmp_path)
    assert str(raised.value).startswith('Invalid MCP_RUNNER_TASK_ID "con": Invalid task ID "con":')


def test_folders_lie_below_the_repository_unless_they_are_named(tmp_path: Path) -> None:
    roots = load_settings({}, tmp_path).roots
    assert (roots.repo, roots.runs, roots.out) == (tmp_path, tmp_path / ".runs", tmp_path / "out")


def test_a_relative_folder_counts_from_the_repository_in_a_variable_and_from_here_in_a_flag(
    tmp_path: Path,
) -> None:
    environ = {
        "CODEX_ORCHESTRATOR_ROOT": "project",
        "CODEX_ORCHESTRATOR_RUNS_DIR": "../runs",
        "CODEX_ORCHESTRATOR_OUT_DIR": "",
    }
    roots = load_settings(environ, tmp_path).roots
    assert roots.repo == tmp_path / "project"
    assert roots.runs == tmp_path / "runs"
    assert roots.out == tmp_path / "project" / "out"
    named = load_settings(environ, tmp_path, Places(repo="other", runs_dir="r")).roots
    assert (named.repo, named.runs) == (tmp_path / "other", tmp_path / "r")


def test_places_of_a_verb_come_before_those_before_it() -> None:
    assert Places(repo="a").over(Places(repo="b", out_dir="c")) == Places(repo="a", out_dir="c")


@pytest.mark.parametrize("mark", ["codex.orchestrator.json", ".runs"])
def test_the_repository_is_found_from_below(tmp_path: Path, mark: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / mark).mkdir()
    below = tmp_path / "src" / "deep"
    below.mkdir(parents=True)
    assert find_repository(below) == tmp_path


def test_the_search_ends_at_the_top_of_the_checkout(tmp_path: Path) -> None:
    (tmp_path / ".runs").mkdir()
    inner = tmp_path / "inner"
    (inner / ".git").mkdir(parents=True)
    (inner / "src").mkdir()
    assert find_repository(inner / "src") == inner / "src"


def test_outside_of_a_checkout_only_the_folder_itself_counts(tmp_path: Path) -> None:
    (tmp_path / ".runs").mkdir()
    (tmp_path / "src").mkdir()
    assert find_repository(tmp_path / "src") == tmp_path / "src"
    assert find_repository(tmp_path) == tmp_path


def test_a_command_for_later_names_the_folders_that_are_not_found_by_themselves(
    tmp_path: Path,
) -> None:
    repo, elsewhere = tmp_path / "app", tmp_path / "else where"
    (repo / ".git").mkdir(parents=True)
    (repo / "codex.orchestrator.json").write_text("{}")
    elsewhere.mkdir()
    own = Roots.of(repo)
    assert program_for(own, {}, repo) == "orch-tui"
    assert program_for(own, {"CODEX_ORCHESTRATOR_ROOT": str(repo)}, elsewhere) == "orch-tui"
    assert program_for(own, {}, elsewhere) == f"orch-tui --repo {repo}"
    other = Roots(repo, elsewhere, repo / "out")
    assert f"--runs-dir '{elsewhere}' --out-dir {repo}/out" in program_for(other, {}, repo)
