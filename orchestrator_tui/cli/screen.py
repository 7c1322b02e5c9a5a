"""The screen: preflight, what is read first shown early, then the whole of it."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from orchestrator_tui.cli import output
from orchestrator_tui.cli.exits import say
from orchestrator_tui.cli.resolving import preferences_of, settings_from, with_preferred_task
from orchestrator_tui.cli.wish import ScreenWish
from orchestrator_tui.primitives.allocation import give_back_memory
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.primitives.garbage import look_for_none
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.program import PROGRAM
from orchestrator_tui.settings import Places, Preferences, Settings

# For so long a thread that reads may keep the screen waiting; the interpreter's own is 5 ms, as
# much as a key takes.
TURN_S: Final = 0.0005


def unusable_reason() -> str | None:
    """Return why no screen can be drawn here, or None if one can."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return "standard input and output are not a terminal"
    if os.environ.get("TERM", "") in ("", "dumb"):
        return f"TERM is {os.environ.get('TERM') or 'not set'}"
    return None


def show(places: Places, *, theme: str | None, query: str, view: str = "") -> int:
    """Open the screen and return the exit status; print the list where no screen can be drawn.

    Raises:
        Stopped: A flag or a variable cannot be used.
    """
    settings = settings_from(places)
    reason = unusable_reason()
    if reason is None:
        preferred = preferences_of(settings)
        wished = replace(
            preferred,
            theme=theme or preferred.theme,
            filter=query or preferred.filter,
        )
        return _open(with_preferred_task(settings), wished, view)
    from orchestrator_tui.cli.list import print_runs, wanted_query

    print_runs(settings, wanted_query(query))
    say(f"{PROGRAM}: {reason}, so this is the list instead of the screen")
    return 0


def open_on(settings: Settings, key: RunKey) -> int:
    """Open the screen with one run in the list and return the exit status."""
    wished = replace(preferences_of(settings), filter=f"run:{key.run_id}")
    return _open(settings, wished)


def _theme() -> str:
    return "mono" if os.environ.get("NO_COLOR") else "dark"


def _open(settings: Settings, wished: Preferences, view: str = "") -> int:
    from orchestrator_tui.cli.memory import FileMemory
    from orchestrator_tui.cli.places import index_folder, memory_folder
    from orchestrator_tui.store.configuration_memory import ConfigMemory
    from orchestrator_tui.ui.tty import trust_the_terminal
    from orchestrator_tui.watch.feed import DiskFeed
    from orchestrator_tui.watch.index import RunIndex

    give_back_memory()
    look_for_none()  # `ui.warming` begins again
    sys.setswitchinterval(TURN_S)
    trust_the_terminal()
    roots = settings.roots
    wish = ScreenWish(
        preferences=wished,
        place=_shown(roots.repo),
        theme=wished.theme or _theme(),
        ascii_only=wished.ascii or output.ascii_only(),
        view=view,
    )
    index = RunIndex(index_folder(roots), roots)
    feed = DiskFeed(
        roots, settings.environ, SYSTEM_CLOCK, index=index, config_memory=ConfigMemory.of_user()
    )
    feed.begin()
    memory = FileMemory(memory_folder(roots))

    from orchestrator_tui.cli.early import begin_early

    early = begin_early(feed, memory, wish, SYSTEM_CLOCK)
    try:
        from orchestrator_tui.cli.home import run_home

        return run_home(settings, wish, feed, memory, early)
    finally:
        if early is not None:
            early.leave()


def _shown(folder: Path) -> str:
    """Return a folder as a person writes it, `~` for the home."""
    home = Path.home()
    if folder == home:
        return "~"
    return f"~/{folder.relative_to(home)}" if folder.is_relative_to(home) else str(folder)
