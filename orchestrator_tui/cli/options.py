"""Options that several verbs share, and the settings that come from them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import click

from orchestrator_tui.cli.environment import environment
from orchestrator_tui.cli.exits import Exit, Stopped, bad_usage, refused
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

CONTEXT = {"help_option_names": ["-h", "--help"]}
Verb = Callable[..., Any]


class Format(StrEnum):
    """How a result is written."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    MD = "md"


def place_options(verb: Verb) -> Verb:
    """Add --repo, --runs-dir and --out-dir, and pass them on as `places`."""

    @click.option("--repo", metavar="DIR", help="The repository; else found from here upwards.")
    @click.option("--runs-dir", metavar="DIR", help="Where runs lie; else .runs in it.")
    @click.option("--out-dir", metavar="DIR", help="Where histories lie; else out in it.")
    @functools.wraps(verb)
    def joined(
        *args: Any, repo: str | None, runs_dir: str | None, out_dir: str | None, **flags: Any
    ) -> Any:
        return verb(*args, places=Places(repo, runs_dir, out_dir), **flags)

    return joined


def with_settings(verb: Verb) -> Verb:
    """Give a verb its `settings`; a `task` among its flags goes into them."""

    @place_options
    @functools.wraps(verb)
    def joined(places: Places, **flags: Any) -> Any:
        outer = click.get_current_context().find_object(Places) or Places()
        names_task = "task" in flags
        task = flags.pop("task", None)
        settings = settings_from(places.over(outer), task)
        if names_task and task is None:
            settings = with_preferred_task(settings)
        return verb(settings, **flags)

    return joined


def with_settings_to_act(verb: Verb) -> Verb:
    """Give a verb that starts or changes runs its settings, unless only looking is wanted."""

    @with_settings
    @functools.wraps(verb)
    def joined(settings: Settings, **flags: Any) -> Any:
        preferred = preferences_of(settings)
        if preferred.read_only and not flags.get("dry_run"):
            raise refused(f"read-only, by {preferred.origin('read_only')}; nothing was changed")
        return verb(settings, **flags)

    return joined


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


def format_option(*formats: Format) -> Callable[[Verb], Verb]:
    """Return the option --format with the formats of a verb; the first is the default."""
    return click.option(
        "--format",
        "form",
        type=click.Choice([form.value for form in formats]),
        default=formats[0].value,
        show_default=True,
        help="How the result is written.",
    )


run_option = click.option("--run", "run_flag", metavar="ID", help="The same as RUN.")


def chosen_run(position: str | None, flag: str | None) -> str | None:
    """Return the run that was named, by position or by --run.

    Raises:
        Stopped: Two different ones were named.
    """
    if position and flag and position != flag:
        raise bad_usage(f"two runs were named: {position} and {flag}")
    return position or flag
