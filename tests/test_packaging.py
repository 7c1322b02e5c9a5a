"""What is shipped: everything that the program needs, and nothing of a working copy."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a wheel and an archive of the sources."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    return folder


def test_the_wheel_holds_every_module_and_every_style(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entry_points = ConfigParser()
        (listed,) = (name for name in names if name.endswith("entry_points.txt"))
        entry_points.read_string(archive.read(listed).decode())
    package = ROOT / "orchestrator_tui"
    needed = {
        str(path.relative_to(ROOT))
        for kind in ("*.py", "*.tcss", "py.typed")
        for path in package.rglob(kind)
    }
    assert needed <= names
    assert {name for name in names if name.startswith("orchestrator_tui/")} == needed
    assert dict(entry_points["console_scripts"]) == dict.fromkeys(
        ("orch-tui", "orchestrator-tui"), "orchestrator_tui.cli.main:main"
    )
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_archive_of_the_sources_can_be_tested_where_it_is_unpacked(built: Path) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        members = {member.name.partition("/")[2]: member.mode for member in archive.getmembers()}
    for name in ("scripts/demo", "scripts/test", "scripts/check", "scripts/make_runs"):
        assert members[name] & 0o111
    for name in ("pyproject.toml", "tests/conftest.py", "docs/formats.md", "tasks/index.json"):
        assert name in members
    assert not [name for name in members if name.startswith((".venv", ".demo", "dist"))]


def test_the_package_can_be_run_as_a_module(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "orchestrator_tui", "--version"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.startswith("orch-tui ")
