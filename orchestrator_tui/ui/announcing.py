"""Announcer: what leaves the screen when something happens: title, bell, desktop notice, hook."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Final

from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.liveness import State
from orchestrator_tui.state.notices import AGAIN_AFTER_S, Notice
from orchestrator_tui.state.ordering import FleetCounts
from orchestrator_tui.ui.clipboard import Between, handed_on

# The title before is kept by the terminal and set back at the end; who knows neither ignores both.
KEEP_TITLE, TITLE_BACK = "\x1b[22;2t", "\x1b[23;2t"
BELL: Final = "\x07"
TITLE_CELLS, NOTICE_CELLS = 60, 160
# Without any report of focus, this long without a key counts as nobody looking.
IDLE_AFTER_S: Final = 120.0
MOST_AT_ONCE: Final = 3  # runs told one by one; the others are counted
_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f;]+")  # what would end or split a sequence


class Notify(StrEnum):
    """When bell and desktop notice are sent."""

    AUTO = "auto"  # while nobody looks
    ALWAYS = "always"
    OFF = "off"


class Desktop(StrEnum):
    """Which sequences a terminal turns into a notice of the desktop."""

    OSC_9 = "osc 9"
    OSC_777 = "osc 777"
    EITHER = "either"
    NONE = "none"


def desktop_of(environ: Mapping[str, str]) -> Desktop:
    """Return what the terminal understands; over SSH often only TERM tells."""
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    if term in ("", "dumb", "linux"):
        return Desktop.NONE
    if term.startswith(("rxvt", "foot")):
        return Desktop.OSC_777
    if program in ("iTerm.app", "WezTerm", "ghostty") or "kitty" in term or "ghostty" in term:
        return Desktop.OSC_9
    return Desktop.EITHER


def fit_for_sequence(text: str, cells: int) -> str:
    """Return text that may stand inside a sequence: one line, no controls, not too long."""
    return " ".join(_UNFIT.sub(" ", safe_text(" ".join(text.split()))).split())[:cells]


def title_words(counts: FleetCounts, place: str) -> str:
    """Return the title of the window: `orch-tui ! 2 > 3 app`."""
    name = place.rstrip("/").rpartition("/")[2] or place
    return fit_for_sequence(f"orch-tui ! {counts.attention} > {counts.running} {name}", TITLE_CELLS)


def notice_sequence(notice: Notice, desktop: Desktop, between: Between) -> str:
    """Return bell and desktop notice for one run."""
    head = fit_for_sequence(f"{notice.word} {notice.name}", NOTICE_CELLS)
    body = fit_for_sequence(notice.reason, NOTICE_CELLS)
    bare = ""
    if desktop in (Desktop.OSC_9, Desktop.EITHER):
        bare += f"\x1b]9;{head}: {body}\x07"
    if desktop in (Desktop.OSC_777, Desktop.EITHER):
        bare += f"\x1b]777;notify;{head};{body}\x07"
    # The bell goes as it is: tmux and screen have their own way with it.
    return BELL + (handed_on(bare, between) if bare else "")


class Announcer:
    """Tells the terminal what happened, and whether anybody looks is judged here.

    `write` writes to the terminal beside the screen.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        clock: Clock,
        environ: Mapping[str, str],
        between: Between,
        notify: Notify,
    ) -> None:
        self._write = write
        self._clock = clock
        self._between = between
        self._notify = notify
        self._desktop = desktop_of(environ)
        self._has_title = environ.get("TERM", "") not in ("", "dumb", "linux")
        self._title = ""
        self._has_focus: bool | None = None  # None: the terminal never told
        self._touched_at = clock.monotonic()
        self._told: dict[tuple[RunKey, State], float] = {}

    def show_title(self, counts: FleetCounts, place: str) -> None:
        """Put counts into the title of the window, if they are others."""
        title = title_words(counts, place)
        if title != self._title and self._has_title:
            self._write(("" if self._title else KEEP_TITLE) + f"\x1b]2;{title}\x07")
            self._title = title

    def close(self) -> None:
        """Give the window its title back."""
        if self._title:
            self._write(f"\x1b]2;\x07{TITLE_BACK}")
            self._title = ""

    def touched(self) -> None:
        """Take note of a key or the mouse."""
        self._touched_at = self._clock.monotonic()

    def focus(self, has_focus: bool) -> None:
        """Take note of what the terminal says of its focus."""
        self._has_focus = has_focus

    @property
    def is_looked_at(self) -> bool:
        """Whether somebody seems to look at the screen."""
        if self._has_focus is not None:
            return self._has_focus
        return self._clock.monotonic() - self._touched_at < IDLE_AFTER_S

    def new(self, notices: Iterable[Notice]) -> tuple[Notice, ...]:
        """Return the notices that were not told a short while ago."""
        now = self._clock.monotonic()
        self._told = {k: at for k, at in self._told.items() if now - at < AGAIN_AFTER_S}
        fresh = [each for each in notices if (each.key, each.state) not in self._told]
        self._told |= {(each.key, each.state): now for each in fresh}
        return tuple(fresh)

    def announce(self, notices: Iterable[Notice]) -> None:
        """Ring and tell the desktop, if it is wanted and nobody looks."""
        if self._notify is Notify.OFF or (self._notify is Notify.AUTO and self.is_looked_at):
            return
        listed = list(notices)
        for notice in listed[:MOST_AT_ONCE]:
            self._write(notice_sequence(notice, self._desktop, self._between))
        if (more := len(listed) - MOST_AT_ONCE) > 0:
            rest = replace(listed[-1], word="", name="orch-tui", reason=f"and {more} more runs")
            self._write(notice_sequence(rest, self._desktop, self._between))
