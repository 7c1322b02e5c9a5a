"""The scripts: what they need, what they say, and what they leave behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "scripts" / "demo"
TOUR = ROOT / "scripts" / "tour"


def run(*command: str | Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script without a terminal."""
    return subprocess.run(
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def fake_pythons(folder: Path, body: str) -> dict[str, str]:
    """Return an environment in which every Python is a script with that body."""
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        program = folder / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout that has no environment yet; only the scripts are in it."""
    scripts = tmp_path / "checkout" / "scripts"
    (scripts / "lib").mkdir(parents=True)
    for name in ("demo", "test", "lib/venv.sh"):
        (scripts / name).write_text((ROOT / "scripts" / name).read_text())
        (scripts / name).chmod(0o755)
    (scripts.parent / "pyproject.toml").write_text("")
    return scripts.parent


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("exit 1", "Python 3.11 or newer is missing"),
        ('case "$2" in *ensurepip*) exit 1 ;; *print*) echo 3.12 ;; esac', "python3.12-venv"),
    ],
)
@pytest.mark.parametrize("script", ["demo", "test"])
def test_what_is_missing_is_told_in_one_line(
    checkout: Path, tmp_path: Path, script: str, body: str, told: str
) -> None:
    environ = fake_pythons(tmp_path, body)
    environ.pop("ORCH_TUI_VENV", None)
    ended = run(checkout / "scripts" / script, environ=environ)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert told in ended.stderr
    assert "apt-get install" in ended.stderr
    assert not (checkout / ".venv").exists()


@pytest.fixture
def demo_environ() -> dict[str, str]:
    """Return an environment in which the scripts use this interpreter's packages."""
    return {**os.environ, "ORCH_TUI_VENV": sys.prefix, "TERM": "xterm-256color"}


def orch_tui(repo: Path, *arguments: str) -> str:
    """Run the program in a repository and return its standard output."""
    command = [sys.executable, "-m", "orchestrator_tui", "--repo", str(repo), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def listed(repo: Path, *arguments: str) -> dict[str, str]:
    """Return the state of each pipeline's run in a repository."""
    document = orjson.loads(orch_tui(repo, "list", "--format", "json", *arguments))
    return {run["pipeline_id"]: run["state"] for run in document["runs"]}


@pytest.mark.timeout(120)
def test_the_demonstration_starts_three_real_runs_once_and_shows_them(
    tmp_path: Path, demo_environ: dict[str, str]
) -> None:
    repo = tmp_path / "demo repo"
    try:
        first = run(DEMO, "--keep", repo, environ=demo_environ)
        assert first.returncode == 0, first.stderr
        assert {"bindings", "soak", "import"} <= set(first.stdout.split())
        assert first.stderr.count("Started ") == 3
        assert set(listed(repo)) == {"bindings", "soak", "import"}
        log = subprocess.run(
            ["git", "-C", repo, "log", "--format=%s"], check=True, capture_output=True, text=True
        )
        assert log.stdout.count("\n") == 1
        again = run(DEMO, "--keep", repo, environ=demo_environ)
        assert again.returncode == 0, again.stderr
        assert "Started" not in again.stderr
        assert len(list(repo.glob(".runs/*/cli/*/manifest.json"))) == 3
    finally:
        orch_tui(repo, "cancel", "--all", "--yes")
    assert not set(listed(repo, "--state", "active"))


def test_the_demonstration_refuses_what_it_does_not_know(demo_environ: dict[str, str]) -> None:
    for arguments in (["--nosuch"], ["--keep"]):
        ended = run(DEMO, *arguments, environ=demo_environ)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.startswith("usage: ./scripts/demo")


@pytest.mark.timeout(180)
def test_the_tour_draws_the_real_program(tmp_path: Path, demo_environ: dict[str, str]) -> None:
    assert "runs-80x24" in run(TOUR, "--list", environ=demo_environ).stdout.split()
    ended = run(TOUR, "--quick", "--into", tmp_path, "runs-80x24", environ=demo_environ)
    if "fonts-dejavu-core" in ended.stderr:
        pytest.skip("no font with the program's signs is installed")
    assert ended.returncode == 0, ended.stderr
    picture = (tmp_path / "runs-80x24.png").read_bytes()
    assert picture.startswith(b"\x89PNG")


@pytest.mark.timeout(180)
def test_error_handlers_that_no_test_reaches_are_told() -> None:
    environ = {**os.environ, "ORCH_TUI_VENV": sys.prefix}
    ended = run(ROOT / "scripts" / "excepts", "tests/store/test_checkout.py", environ=environ)
    assert ended.returncode == 1, ended.stderr
    told = ended.stdout
    assert "orchestrator_tui/watch/index.py" in told
    assert told.count("orchestrator_tui/store/checkout.py") == 1  # of two
    assert "handlers are reached" in told.splitlines()[-1]
