"""Settings: where everything lies and which task is meant, from flags and the environment."""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.files import exists
from orchestrator_tui.records.identifiers import (
    DEFAULT_TASK_ID,
    InvalidIdentifier,
    TaskId,
    sanitize_task_id,
)
from orchestrator_tui.records.paths import CONFIG_NAME, Roots

# Read in this order, as the Node original does; blank counts as not set.
TASK_VARIABLES = ("MCP_RUNNER_TASK_ID", "CODEX_ORCHESTRATOR_TASK_ID", "TASK")
ROOT_VARIABLE = "CODEX_ORCHESTRATOR_ROOT"
RUNS_VARIABLE = "CODEX_ORCHESTRATOR_RUNS_DIR"
OUT_VARIABLE = "CODEX_ORCHESTRATOR_OUT_DIR"
RUNS_NAME = ".runs"
OUT_NAME = "out"
READ_ONLY_VARIABLE = "ORCH_TUI_READ_ONLY"
ASCII_VARIABLE = "ORCH_TUI_ASCII"
DEFAULT_ORIGIN = "default"
THEMES = ("dark", "light", "high-contrast", "cvd-dark", "cvd-light", "mono")
NOTIFY_WORDS = ("auto", "always", "off")


class InvalidSettings(Exception):
    """A flag or a variable that cannot be used; the text names it and why."""


@dataclass(frozen=True, slots=True)
class Places:
    """The folders that a person named by flags; None where none was named."""

    repo: str | None = None
    runs_dir: str | None = None
    out_dir: str | None = None

    def over(self, other: Places) -> Places:
        """Return these places, filled up with those of `other`."""
        return Places(
            repo=self.repo or other.repo,
            runs_dir=self.runs_dir or other.runs_dir,
            out_dir=self.out_dir or other.out_dir,
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """What every verb is given: the folders, the task, and the environment it was started in."""

    roots: Roots
    task_id: TaskId
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Preferences:
    """What is preferred; None and an empty filter where nothing is. `origins` names whose wish.

    `keys` holds the wishes for other keys by the id of the binding, as they were written.
    """

    theme: str | None = None
    ascii: bool = False
    task: str | None = None
    filter: str = ""
    read_only: bool = False
    notify: str = NOTIFY_WORDS[0]
    notify_command: str = ""
    reduced_motion: bool = False
    confirm_quit: bool = False
    keys: Mapping[str, Any] = field(default_factory=dict)
    views: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] | None = None

    def origin(self, name: str) -> str:
        """Return where a value came from: a variable, the path of a file, or `default`."""
        return (self.origins or {}).get(name, DEFAULT_ORIGIN)


def load_settings(
    environ: Mapping[str, str], cwd: Path, places: Places = Places(), task: str | None = None
) -> Settings:
    """Return the settings; a flag comes before a variable, a variable before what is found.

    A relative folder in a variable counts from the repository, one in a flag from `cwd`.

    Raises:
        InvalidSettings: A task id may not become part of a path.
    """
    repo = _repository(environ, cwd, places.repo)
    roots = Roots(
        repo=repo,
        runs=_folder(places.runs_dir, cwd, environ.get(RUNS_VARIABLE), repo, RUNS_NAME),
        out=_folder(places.out_dir, cwd, environ.get(OUT_VARIABLE), repo, OUT_NAME),
    )
    return Settings(roots=roots, task_id=_task_id(environ, task), environ=environ)


def _absolute(base: Path, path: str) -> Path:
    return Path(os.path.normpath(base / path))


def _folder(flag: str | None, cwd: Path, variable: str | None, repo: Path, name: str) -> Path:
    if flag:
        return _absolute(cwd, flag)
    return _absolute(repo, variable or name)


def _repository(environ: Mapping[str, str], cwd: Path, flag: str | None) -> Path:
    named = flag or environ.get(ROOT_VARIABLE)
    return _absolute(cwd, named) if named else find_repository(cwd)


def find_repository(cwd: Path) -> Path:
    """Return the folder at or above `cwd` that has pipelines or runs; `cwd` where none has.

    The search ends at the top of the git checkout, and outside of one looks at `cwd` alone.
    """
    candidates: list[Path] = []
    for folder in (cwd, *cwd.parents):
        candidates.append(folder)
        if exists(folder / ".git"):
            break
    else:
        candidates = [cwd]
    for folder in candidates:
        if exists(folder / CONFIG_NAME) or exists(folder / RUNS_NAME):
            return folder
    return cwd


def _task_id(environ: Mapping[str, str], flag: str | None) -> TaskId:
    if flag is not None:
        try:
            return sanitize_task_id(flag)
        except InvalidIdentifier as error:
            raise InvalidSettings(str(error)) from error
    for name in TASK_VARIABLES:
        value = environ.get(name, "").strip()
        if not value:
            continue
        try:
            return sanitize_task_id(value)
        except InvalidIdentifier as error:
            raise InvalidSettings(f'Invalid {name} "{value}": {error}') from error
    return DEFAULT_TASK_ID
