"""Tidying: what screens that were left have held is given back in a quiet moment."""

from __future__ import annotations

import gc
from typing import Any, Final

from textual.app import App
from textual.timer import Timer

TIDY_AFTER_S: Final = 1.5  # without another change of screens


class Tidying:
    """Looks for garbage after screens were left.

    A screen's widgets point to one another, so only a whole collection frees them, and Python makes
    one seldom in a program that holds much: memory would grow with each screen that is opened.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._timer: Timer | None = None
        self._is_settled = False

    def settle(self) -> None:
        """Take what there is now, all runs among it, for what stays; at the first call only.

        A collection then has little to look through, however many runs there are.
        """
        if not self._is_settled:
            self._is_settled = True
            gc.freeze()

    def screen_changed(self) -> None:
        """Look for garbage soon, unless screens go on to change."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = self._app.set_timer(TIDY_AFTER_S, self._tidy)

    def _tidy(self) -> None:
        self._timer = None
        if self._is_settled:
            gc.collect()
