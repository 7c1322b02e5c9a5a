"""Options that several verbs share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import click

from orchestrator_tui.cli.exits import bad_usage, refused
from orchestrator_tui.cli.resolving import preferences_of, settings_from, with_preferred_task
from orchestrator_tui.settings import Places, Settings

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
