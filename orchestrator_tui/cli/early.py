"""The early screen: what was read first of the runs, shown while the rest is still being loaded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from rich.color import ColorSystem

from orchestrator_tui.cli.memory import FileMemory
from orchestrator_tui.cli.wish import ScreenWish
from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.reducer import observe
from orchestrator_tui.ui.colours import PALETTES
from orchestrator_tui.ui.early_frame import Page, early_frame
from orchestrator_tui.ui.early_screen import EarlyScreen
from orchestrator_tui.ui.run_listing import RunListing
from orchestrator_tui.ui.seen_runs import SEEN, seen_from
from orchestrator_tui.watch.feed import DiskFeed

PATIENCE_S: Final = 0.1  # for what is read first; the home screen itself would come as late
_COLOURS: Final = {"256color": ColorSystem.EIGHT_BIT, "kitty": ColorSystem.EIGHT_BIT}  # as in Rich


def color_system(environ: Mapping[str, str]) -> ColorSystem:
    """Return how a terminal is told colours, judged as Rich judges it."""
    if environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return ColorSystem.TRUECOLOR
    colors = environ.get("TERM", "").strip().lower().rpartition("-")[2]
    return _COLOURS.get(colors, ColorSystem.STANDARD)


def _is_in_front() -> bool:
    """Tell whether the terminal is this program's, and not that of a job before it."""
    try:
        return os.tcgetpgrp(1) == os.getpgrp()
    except OSError:
        return False


def begin_early(
    feed: DiskFeed, memory: FileMemory, wish: ScreenWish, clock: Clock
) -> EarlyScreen | None:
    """Take the terminal and show what the feed reads first; None where that is nothing.

    Nor is anything shown of a saved view, which is read later, or where colours are not those of
    a theme.
    """
    if not _is_in_front():
        return None  # to take the terminal now would stop the program
    if wish.view or os.environ.get("NO_COLOR") or os.environ.get("TEXTUAL_COLOR_SYSTEM"):
        return None
    seen = feed.seen_first(PATIENCE_S)
    if not seen:
        return None
    columns, rows = os.get_terminal_size(1)
    page = Page(columns, rows, PALETTES[wish.theme], color_system(os.environ), wish.ascii_only)
    frame = early_frame(
        observe(Fleet(), seen),
        RunListing(wish.preferences.filter).asked,
        seen_from(memory.recall_now(SEEN)),
        clock.now(),
        place=wish.place,
        page=page,
    )
    return EarlyScreen(frame) if frame else None
