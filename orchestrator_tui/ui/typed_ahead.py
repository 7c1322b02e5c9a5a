"""TypedAhead: keys that come before the screen or line that they are meant for is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from textual import events
from textual.app import App
from textual.screen import Screen
from textual.widget import Widget

from orchestrator_tui.ui.keymap import Keymap, all_bindings

# What opens a screen, a dialog or a line to type in: the next key is meant for that.
OPENING: Final = frozenset(
    [
        *("run.start", "run.again", "run.cancel", "run.kill", "run.plan", "run.open"),
        *("copy.menu", "find.sort", "find.views", "app.ask_quit", "app.help", "app.commands"),
        *("find.filter", "find.search", "find.keep", "find.go", "app.full_log", "run.stage_log"),
    ]
)
LOOK_S: Final = 0.01
MOST_LOOKS: Final = 50  # an action that opens nothing, since it is refused, holds no longer


class TypedAhead:
    """Holds keys from one that opens something until that has the focus, then hands them on.

    Over a slow line several keys come in one piece; without this the later ones would reach what
    was on the screen before, where they mean something else.
    """

    def __init__(
        self, app: App[Any], keymap: Keymap, hand_on: Callable[[events.Key], Awaitable[None]]
    ) -> None:
        self._app = app
        self._hand_on = hand_on
        self._keys = {
            key for bound in all_bindings(keymap) if bound.id in OPENING for key in bound.keys
        }
        self._held: list[events.Key] = []
        self._looks_left = 0
        self._before: tuple[Screen[Any], Widget | None] | None = None

    def holds(self, event: events.Key) -> bool:
        """Take a key that came too early and tell so; begin to hold after one that opens."""
        if self._looks_left:
            self._held.append(event)
            return True
        if event.key in self._keys and self._opens(event.key):
            self._looks_left = MOST_LOOKS
            self._before = (self._app.screen, self._app.screen.focused)
            self._app.set_timer(LOOK_S, self._look)
        return False

    def _opens(self, key: str) -> bool:
        bound = self._app.screen.active_bindings.get(key)
        return bound is not None and bound.enabled and bound.binding.id in OPENING

    async def _look(self) -> None:
        """Hand the keys on once what was opened has the focus, or nothing was."""
        if not self._app.screen_stack:
            return  # the screens were left meanwhile
        screen = self._app.screen
        now = (screen, screen.focused)
        has_opened = now != self._before and screen.focused is not None
        self._looks_left -= 1
        if self._looks_left and not has_opened:
            self._app.set_timer(LOOK_S, self._look)
            return
        self._looks_left, self._before = 0, None
        held, self._held = self._held, []
        for event in held:
            # One of these may open something, too: then those after it are held anew.
            await self._hand_on(event)
