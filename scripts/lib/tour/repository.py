"""The repository of the pictures: the demonstration, with a past of green and failed runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROJECT = ROOT / "scripts" / "demo_project"
GENERATOR = Path("tools/generate_bindings.py")
# The template as it was before somebody broke it.
MENDED = (
    ("'s2' {s2}", "'s2': {s2}"),
    (', 0), {mean} -\\n    return high - low"', ', 0), {mean}\\n    return high - low"'),
    ('"return height_m({mean} {m2}, {{}}, hours) - NAME[{code}"', '"return {mean} - {m2}"'),
)
NAMES = ("-c", "user.name=tideline", "-c", "user.email=tideline@example.invalid")


@dataclass(frozen=True)
class Repository:
    """A folder with pipelines, and the environment of the person who works in it."""

    home: Path
    folder: Path
    environ: Mapping[str, str]

    def orch_tui(self, *arguments: str) -> list[str]:
        """Return a command line of the program here."""
        return [sys.executable, "-m", "orchestrator_tui", "--repo", str(self.folder), *arguments]

    def run(self, *arguments: str) -> None:
        """Carry out a verb; how it ends does not matter, for runs fail here on purpose."""
        command = self.orch_tui(*arguments)
        subprocess.run(command, env=self.environ, capture_output=True, check=False)

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Begin a verb and let it go on."""
        quiet = subprocess.DEVNULL
        return subprocess.Popen(
            self.orch_tui(*arguments), env=self.environ, stdout=quiet, stderr=quiet
        )

    def git(self, *arguments: str) -> None:
        """Carry out a command of git."""
        command = ["git", "-C", str(self.folder), *NAMES, *arguments]
        subprocess.run(command, env=self.environ, check=True, capture_output=True)


def make_repository(home: Path) -> Repository:
    """Make the repository below `home`, with its first commit."""
    folder = home / "tideline"
    shutil.copytree(PROJECT, folder)
    kept = ("PATH", "LANG", "LC_ALL", "TZ")
    environ = {name: os.environ[name] for name in kept if name in os.environ}
    environ |= {"HOME": str(home), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    repository = Repository(home, folder, environ)
    repository.git("init", "--quiet", "--initial-branch=main")
    broken = (folder / GENERATOR).read_text()
    sound = broken
    for before, after in MENDED:
        assert before in sound, before
        sound = sound.replace(before, after)
    (folder / GENERATOR).write_text(sound)
    (folder / ".gitignore").write_text(".runs/\nout/\nbuild/\n__pycache__/\n")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "-m", "Predict tides from harmonic constituents")
    return repository


def give_past(repository: Repository) -> None:
    """Give the repository green runs, then a commit that breaks one pipeline, and failed runs."""
    imports = [
        repository.begin("start", "import", "--task", f"20{number}-archive-import")
        for number in (97, 98, 99)
    ]
    for _ in range(3):
        repository.run("start", "bindings", "--task", "2101-station-bindings")
        repository.run("start", "check", "--task", "2104-datum-shift")
    repository.run("start", "release", "--task", "2105-spring-release")
    shutil.copy(PROJECT / GENERATOR, repository.folder / GENERATOR)
    repository.git("commit", "--quiet", "-am", "Generate ranges from both high waters")
    for _ in range(2):
        repository.run("start", "bindings", "--task", "2101-station-bindings")
    for each in imports:
        each.wait(timeout=300)


def give_present(repository: Repository) -> None:
    """Start what goes on while the pictures are taken, as far as it does not go on already."""
    for pipeline, task in (("soak", "2102-predictor-soak"), ("import", "2103-archive-import")):
        repository.run("start", pipeline, "--task", task, "--detach", "--if-idle")


def end_present(repository: Repository) -> None:
    """Cancel all that goes on."""
    repository.run("cancel", "--all", "--yes")
