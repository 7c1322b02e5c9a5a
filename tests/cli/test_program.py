"""The program as a process: what it imports, how it ends, what it writes where."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from orchestrator_tui import __version__
from orchestrator_tui.cli.program import VERBS
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.store.configuration import load_config
from orchestrator_tui.store.configuration_memory import ConfigMemory
from tests.cli.conftest import FIXTURES, OrchTuiCommand
from tests.cli.processes import project_in
from tests.fakes import HandClock

PEER = FIXTURES / "node-peer"
FAILED = "2026-11-22T07-27-21-083Z-4b6631bc"


def python(code: str, *, cwd: Path = PEER) -> str:
    """Return what a fresh interpreter prints."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["--help"],
        ["status", "--run", FAILED, "--format", "json"],
        ["status", "4b6631bc"],
        ["status"],
        ["list"],
    ],
    ids=" ".join,
)
def test_the_quick_verbs_load_neither_screens_nor_checks(arguments: list[str]) -> None:
    loaded = python(
        "import sys\n"
        "from orchestrator_tui.cli.main import run\n"
        f"run({arguments!r})\n"
        "print('LOADED', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    names = set(loaded.rpartition("LOADED")[2].split())
    assert "click" in names
    assert not names & {"textual", "pydantic", "msgspec"}


def test_the_version_loads_no_requests_and_no_runs() -> None:
    loaded = python(
        "import sys\n"
        "from orchestrator_tui.cli.main import run\n"
        "run(['--version'])\n"
        "print('LOADED', *sys.modules)\n"
    )
    names = set(loaded.rpartition("LOADED")[2].split())
    unwanted = {"records.requests", "records.manifest", "state.liveness", "store.reading"}
    assert not names & {f"orchestrator_tui.{name}" for name in unwanted}
    assert not names & {"anyio", "asyncio", "ssl", "platformdirs", "psutil", "rich", "orjson"}


def test_a_start_in_a_repository_that_is_known_loads_little(tmp_path: Path) -> None:
    repo = project_in(tmp_path / "project").repo
    later = HandClock(datetime.now(UTC) + timedelta(seconds=60))
    remembered = ConfigMemory(ConfigMemory.of_user().folder, later)
    load_config(Roots.of(repo), {}, remembered)
    loaded = python(
        "import sys\n"
        "from orchestrator_tui.cli.main import run\n"
        f"run(['--repo', {str(repo)!r}, 'start', 'steps'])\n"
        "print('LOADED', *sys.modules)\n"
    )
    names = set(loaded.rpartition("LOADED")[2].split())
    assert "orchestrator_tui.runner.foreground" in names
    assert not names & {"pydantic", "textual", "hashlib", "tomllib", "orchestrator_tui.state.query"}


def test_a_verb_is_not_loaded_for_the_help() -> None:
    loaded = python(
        "import sys\n"
        "from orchestrator_tui.cli.main import run\n"
        "run(['--help'])\n"
        "print('LOADED', *sys.modules)\n"
    ).rpartition("LOADED")[2]
    assert not [verb for verb in VERBS if f"orchestrator_tui.cli.{verb}" in loaded.split()]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(orch_tui: OrchTuiCommand, verb: str) -> None:
    ended = orch_tui(verb, "--help")
    assert ended.status == 0
    assert f"Usage: orch-tui {verb}" in ended.out


def test_the_version_is_one_line(orch_tui: OrchTuiCommand) -> None:
    ended = orch_tui("--version")
    assert (ended.status, ended.out) == (0, f"orch-tui {__version__}\n")


@pytest.mark.parametrize("arguments", [("nosuch",), ("--nosuch",), ("status", "--nosuch")])
def test_wrong_usage_ends_with_2_and_leaves_standard_output_empty(
    orch_tui: OrchTuiCommand, arguments: tuple[str, ...]
) -> None:
    ended = orch_tui(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert "nosuch" in ended.err
    assert "Try: orch-tui" in ended.err


@pytest.mark.acceptance(9)
@pytest.mark.parametrize("verb", ["list", "status", "plan"])
def test_a_bad_task_variable_ends_every_verb(
    orch_tui: OrchTuiCommand, repo: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setenv("MCP_RUNNER_TASK_ID", "con")
    ended = orch_tui(verb)
    assert (ended.status, ended.out) == (2, "")
    assert 'Invalid MCP_RUNNER_TASK_ID "con": Invalid task ID "con":' in ended.err


def test_folders_may_be_named_before_and_after_the_verb(
    orch_tui: OrchTuiCommand, repo: Path
) -> None:
    for arguments in (("--repo", str(PEER), "status"), ("status", "--repo", str(PEER))):
        assert orch_tui(*arguments, "@failed").status == 0
    assert orch_tui("status", "--runs-dir", str(PEER / ".runs"), "@failed").status == 0


def test_without_a_terminal_the_list_stands_for_the_screen(
    orch_tui: OrchTuiCommand, peer_repo: Path
) -> None:
    ended = orch_tui()
    assert ended.status == 0
    assert "4b6631bc" in ended.out
    assert ended.err.count("\n") == 1
    assert "not a terminal" in ended.err
    filtered = orch_tui("--filter", "state:failed")
    assert "FAILED" in filtered.out and "SUCCEEDED" in ended.out
    assert "SUCCEEDED" not in filtered.out


@pytest.mark.parametrize(
    "arguments",
    [("--filter", "state:bogus"), ("--theme", "pink"), ("--theme", "pink", "list")],
    ids=" ".join,
)
def test_what_no_screen_would_take_is_refused_without_one_too(
    orch_tui: OrchTuiCommand, peer_repo: Path, arguments: tuple[str, ...]
) -> None:
    ended = orch_tui(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert arguments[1].rpartition(":")[2] in ended.err


def test_a_reader_that_goes_away_is_no_error() -> None:
    ended = subprocess.run(
        f"{sys.executable} -m orchestrator_tui status {FAILED} --format json | head -1",
        cwd=PEER,
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "{\n"
    assert ended.stderr == ""


def test_a_lost_reader_ends_a_long_output_quietly() -> None:
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        [sys.executable, "-m", "orchestrator_tui", "status", FAILED, "--format", "json"],
        cwd=PEER,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (ended.returncode, ended.stderr) == (141, "")


def test_symbols_that_the_output_cannot_write_do_not_end_the_program() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "orchestrator_tui", "status", FAILED],
        cwd=PEER,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "x FAILED" in ended.stdout


@pytest.mark.parametrize("closing", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_standard_streams_that_are_closed_do_not_end_the_program(closing: str, repo: Path) -> None:
    project = project_in(repo)
    ended = subprocess.run(
        f"{' '.join(project.command('start', 'steps', '--task', 't1'))} {closing}",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False)
    manifests = list(repo.glob(".runs/t1/cli/*/manifest.json"))
    assert [orjson.loads(m.read_bytes())["status"] for m in manifests] == ["succeeded"]


def test_a_repository_that_is_no_folder_is_told(orch_tui: OrchTuiCommand, tmp_path: Path) -> None:
    ended = orch_tui("--repo", str(tmp_path / "nowhere"), "list")
    assert (ended.status, ended.out) == (2, "")
    assert "nowhere is not a folder" in ended.err
