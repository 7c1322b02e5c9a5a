"""The settings of this process, from flags, variables and what is preferred.

Loads nothing of click, which the screen can do without.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from orchestrator_tui.cli.environment import environment
from orchestrator_tui.cli.exits import Exit, Stopped, bad_usage
from orchestrator_tui.primitives.files import is_folder
from orchestrator_tui.records.identifiers import sanitize_task_id
from orchestrator_tui.settings import (
    TASK_VARIABLES,
    InvalidSettings,
    Places,
    Preferences,
    Settings,
    load_settings,
)


def preferences_of(settings: Settings) -> Preferences:
    """Return what is preferred.

    Raises:
        Stopped: A file or a variable holds what cannot be used.
    """
    from orchestrator_tui.cli.preferences import load_preferences

    try:
        return load_preferences(settings.environ, settings.roots.repo)
    except InvalidSettings as error:
        raise bad_usage(str(error)) from error


def with_preferred_task(settings: Settings) -> Settings:
    """Return the settings with the preferred task, unless a variable of the original names one.

    Raises:
        Stopped: As for `preferences_of`.
    """
    if any(settings.environ.get(name, "").strip() for name in TASK_VARIABLES):
        return settings
    task = preferences_of(settings).task
    return settings if task is None else replace(settings, task_id=sanitize_task_id(task))


def settings_from(places: Places, task: str | None = None) -> Settings:
    """Return the settings of this process.

    Raises:
        Stopped: A flag or a variable cannot be used, or there is no working directory.
    """
    try:
        cwd = Path.cwd()
    except OSError as error:
        raise Stopped(Exit.FAILED, f"the working directory is gone: {error}") from error
    try:
        settings = load_settings(environment(), cwd, places, task)
    except InvalidSettings as error:
        raise bad_usage(str(error)) from error
    if not is_folder(settings.roots.repo):
        raise bad_usage(f"{settings.roots.repo} is not a folder; name the repository with --repo")
    return settings
