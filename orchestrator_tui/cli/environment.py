"""The environment of a command line: that of the process, and what its flags say before a verb."""

from __future__ import annotations

import os
from typing import Final

import click

_WISHES: Final = "orchestrator_tui.wishes"


def set_by_flag(context: click.Context, variable: str) -> None:
    """Have a variable be set for this command line and its verb, as a flag wants it."""
    context.meta.setdefault(_WISHES, {})[variable] = "1"


def environment() -> dict[str, str]:
    """Return the variables that hold for this command line."""
    context = click.get_current_context(silent=True)
    wishes = context.meta.get(_WISHES, {}) if context else {}
    return {**os.environ, **wishes}
