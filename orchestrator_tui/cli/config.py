"""orch-tui config: where preferences stand, what holds, what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import click

from orchestrator_tui.cli.documents import CONFIG_SCHEMA
from orchestrator_tui.cli.exits import Exit, bad_usage, refused, say
from orchestrator_tui.cli.options import Format, format_option, with_settings
from orchestrator_tui.cli.output import print_json, print_line, print_text
from orchestrator_tui.cli.preferences import (
    NAMES,
    TEMPLATE,
    USER_TEMPLATE,
    key_conflicts,
    load_preferences,
    preference_files,
    preference_problems,
)
from orchestrator_tui.primitives import files
from orchestrator_tui.settings import InvalidSettings, Preferences, Settings

ACTIONS: Final = ("path", "show", "check", "init")


@click.command("config")
@click.argument("action", type=click.Choice(ACTIONS), default="show")
@click.option("--origin", is_flag=True, help="With show: whose wish each value is.")
@click.option("--user", is_flag=True, help="With init: the user's file, not the repository's.")
@format_option(Format.TEXT, Format.JSON)
@with_settings
def command(settings: Settings, action: str, origin: bool, user: bool, form: str) -> int:
    """Print where preferences stand, what holds, or what is wrong; or write a file to begin with.

    The repository's .orch-tui.toml comes before the user's file; ORCH_TUI_THEME, ORCH_TUI_ASCII,
    ORCH_TUI_TASK, ORCH_TUI_FILTER, ORCH_TUI_READ_ONLY, ORCH_TUI_NOTIFY, ORCH_TUI_NOTIFY_COMMAND and
    ORCH_TUI_REDUCED_MOTION before both, and flags first. A repository cannot set notify_command.
    """
    if action not in ("path", "show") and Format(form) != Format.TEXT:
        raise bad_usage("--format json goes with path and show")
    match action:
        case "path":
            _print_paths(settings, Format(form))
        case "show":
            _print_values(settings, Format(form), origin=origin)
        case "check":
            return _check(settings)
        case _:
            _begin(settings, user=user)
    return Exit.DONE


def _print_paths(settings: Settings, form: Format) -> None:
    paths = preference_files(settings.roots.repo)
    if form == Format.JSON:
        listed = [{"path": str(path), "exists": files.exists(path)} for path in paths]
        print_json({"schema": CONFIG_SCHEMA, "files": listed})
        return
    for path in paths:
        print_text(f"{path}{'' if files.exists(path) else '  (not there)'}")


def _print_values(settings: Settings, form: Format, *, origin: bool) -> None:
    try:
        preferences = load_preferences(settings.environ, settings.roots.repo)
    except InvalidSettings as error:
        raise bad_usage(str(error)) from error
    if form == Format.JSON:
        values = {
            name: {"value": getattr(preferences, name), "origin": preferences.origin(name)}
            for name in NAMES
        }
        print_json({"schema": CONFIG_SCHEMA, "values": values})
        return
    for name in NAMES:
        whose = f"  # {preferences.origin(name)}" if origin else ""
        print_text(f"{name} = {_shown(preferences, name)}{whose}")


def _shown(preferences: Preferences, name: str) -> str:
    value = getattr(preferences, name)
    if value is None:
        return "(none)"
    if isinstance(value, Mapping):
        pairs = (f'"{key}" = {json.dumps(wish)}' for key, wish in value.items())
        return f"{{{', '.join(pairs)}}}"
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'


def _check(settings: Settings) -> int:
    problems = preference_problems(settings.environ, settings.roots.repo)
    if not problems:
        problems = key_conflicts(load_preferences(settings.environ, settings.roots.repo))
    for problem in problems:
        say(f"orch-tui: {problem}")
    if problems:
        return Exit.USAGE
    print_line("preferences are sound")
    return Exit.DONE


def _begin(settings: Settings, *, user: bool) -> None:
    repository_file, user_file = preference_files(settings.roots.repo)
    path = user_file if user else repository_file
    files.make_folder(path.parent)
    content = TEMPLATE + USER_TEMPLATE if user else TEMPLATE
    if not files.publish(path, content.encode()):
        raise refused(f"{path} is there already; edit it")
    print_text(str(path))
