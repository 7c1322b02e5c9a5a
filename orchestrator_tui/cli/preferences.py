"""Preferences: what a person or a repository would rather have, and where each came from.

A flag comes before a variable, a variable before the repository's file, that one before the
user's, and that one before the default. Reading a file loads pydantic, so only verbs that use a
preference ask for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import platformdirs

from orchestrator_tui.primitives import files
from orchestrator_tui.records.identifiers import InvalidIdentifier, sanitize_task_id
from orchestrator_tui.records.program import PROGRAM
from orchestrator_tui.settings import NOTIFY_WORDS, THEMES, InvalidSettings, Preferences

REPOSITORY_NAME: Final = ".orch-tui.toml"
USER_NAME: Final = "config.toml"
VARIABLE_PREFIX: Final = "ORCH_TUI_"
FILE_LIMIT_BYTES: Final = 256 * 1024
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")

# What `config init` writes: every key, none of them set.
TEMPLATE: Final = """\
# Preferences of orch-tui; take the # away before what you want.

# theme = "dark"            # dark, light, high-contrast, cvd-dark, cvd-light or mono
# ascii = false             # draw with ASCII characters only
# task = "0101"             # the task where none is named
# filter = "state:problem"  # what the screen begins with
# read_only = false         # look only: nothing is started or changed
# notify = "auto"           # bell and desktop notice: auto (while nobody looks), always or off
# reduced_motion = false    # paint at most once a second
# confirm_quit = false      # q asks while a run that was started here goes on, as Q always does

# Views besides those that are saved with V: a name and a filter each.
# [views]
# "gates" = "pipeline:gate since:7d"
"""
# What `config init --user` writes besides.
USER_TEMPLATE: Final = """
# A command of your own for each notice; it finds ORCH_TUI_RUN_ID, ORCH_TUI_STATE, ORCH_TUI_TASK,
# ORCH_TUI_PIPELINE and ORCH_TUI_REASON in its environment.
# notify_command = 'notify-send "$ORCH_TUI_STATE" "$ORCH_TUI_REASON"'

# Other keys, by the id that orch-tui keys --list prints; "none" takes the key away.
# [keys]
# "run.cancel" = "K"
# "find.next" = ["n", "f5"]
"""
_CURES: Final = {
    "theme": f"write one of {', '.join(THEMES)}",
    "ascii": "write true or false",
    "task": "write the id of a task as a text",
    "filter": 'write a filter as a text, such as "state:problem"',
    "read_only": "write true or false",
    "notify": f"write one of {', '.join(NOTIFY_WORDS)}",
    "notify_command": "write a command for /bin/sh as a text",
    "reduced_motion": "write true or false",
    "confirm_quit": "write true or false",
    "keys": 'write a table: [keys], then lines such as "run.cancel" = "K"',
    "views": 'write a table: [views], then lines such as "gates" = "pipeline:gate since:7d"',
}
_SWITCHES: Final = ("ascii", "read_only", "reduced_motion", "confirm_quit")
# A repository is somebody else's: it may neither rule a person's keyboard nor name commands to run.
_USERS_ALONE: Final = ("keys", "notify_command")
_NO_VARIABLE: Final = ("keys", "views")


NAMES: Final = tuple(_CURES)


def preference_files(repo: Path) -> tuple[Path, Path]:
    """Return the repository's file and the user's, whether they are there or not."""
    user = platformdirs.user_config_path(PROGRAM) / USER_NAME
    return repo / REPOSITORY_NAME, user


def load_preferences(environ: Mapping[str, str], repo: Path) -> Preferences:
    """Return what is preferred.

    Raises:
        InvalidSettings: A file or a variable holds what cannot be used; the text says which and
            the cure.
    """
    problems = preference_problems(environ, repo)
    if problems:
        raise InvalidSettings("\n".join(problems))
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for path in reversed(preference_files(repo)):
        for name, value in _read(path).items():
            values[name], origins[name] = value, str(path)
    values["keys"] = flat_wishes(values.get("keys", {}))
    for name, variable in _variables(environ):
        values[name], origins[name] = _of_variable(name, environ[variable]), variable
    return Preferences(**values, origins=origins)


def preference_problems(environ: Mapping[str, str], repo: Path) -> tuple[str, ...]:
    """Return all that is wrong with files and variables, each with its place and the cure."""
    problems: list[str] = []
    repository_file, user_file = preference_files(repo)
    for path in (repository_file, user_file):
        try:
            document = _read(path)
            told = _complaints(document)
        except (OSError, ValueError) as error:
            text = str(error)
            problems.append(text if str(path) in text else f"{path}: {text}; correct the file")
            continue
        problems += [f"{path}: {text}" for text in told]
        if path == repository_file:
            problems += [
                f'{path}: "{name}" cannot stand in a repository; move it to {user_file}'
                for name in _USERS_ALONE
                if name in document
            ]
    for name, variable in _variables(environ):
        value = _of_variable(name, environ[variable])
        problems += [f"{variable}: {text}" for text in _complaints({name: value})]
    return tuple(problems)


def flat_wishes(document: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return wishes by binding id: `run.cancel = "K"` in TOML is a table in a table."""
    flat: dict[str, object] = {}
    for name, value in document.items():
        if isinstance(value, Mapping):
            flat |= flat_wishes(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _variables(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the names that variables set, each with its variable; blank counts as not set."""
    named = [(n, f"{VARIABLE_PREFIX}{n.upper()}") for n in NAMES if n not in _NO_VARIABLE]
    return [(name, variable) for name, variable in named if environ.get(variable, "").strip()]


def _of_variable(name: str, text: str) -> object:
    word = text.strip().lower()
    if name in _SWITCHES and word in (*_TRUE, *_FALSE):
        return word in _TRUE
    return text.strip()


def _read(path: Path) -> dict[str, Any]:
    """Return what a file holds, nothing if it is not there.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no TOML.
    """
    try:
        content = files.read_bytes(path, limit_bytes=FILE_LIMIT_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    import tomllib  # most people have no such file

    return tomllib.loads(content.decode("utf-8"))


def _complaints(document: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the keys of one file or variable."""
    if not document:
        return []
    from orchestrator_tui.cli.preference_shape import complaints

    wrong = dict(complaints(document))
    known = f"there are: {', '.join(NAMES)}"
    told = [f'"{name}" {what}; {_CURES.get(name, known)}' for name, what in wrong.items()]
    if "task" in document and "task" not in wrong:
        try:
            sanitize_task_id(document["task"])
        except InvalidIdentifier as error:
            told.append(f'"task": {error}')
    filters = {"filter": document.get("filter", "")} if "filter" not in wrong else {}
    if "views" not in wrong:
        filters |= {f"[views] {name}": text for name, text in document.get("views", {}).items()}
    if any(filters.values()):
        from orchestrator_tui.state.query import QueryProblem, parse_query

        for name, text in filters.items():
            query = parse_query(text)
            if isinstance(query, QueryProblem):
                told.append(f'"{name}": {query.text}')
    if "keys" in document and "keys" not in wrong:
        from orchestrator_tui.ui.keymap import check_keymap

        told += [f"[keys] {text}" for text in check_keymap(flat_wishes(document["keys"])).mistakes]
    return told


def key_conflicts(preferences: Preferences) -> tuple[str, ...]:
    """Return which wishes for other keys cannot be fulfilled, since the key is taken."""
    if not preferences.keys:
        return ()
    from orchestrator_tui.ui.keymap import check_keymap

    origin = preferences.origin("keys")
    return tuple(f"{origin}: [keys] {text}" for text in check_keymap(preferences.keys).conflicts)
