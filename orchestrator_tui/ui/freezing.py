"""Freezer: stands the display still on the terminal's own screen, to select and scroll there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Final

from rich.cells import set_cell_size
from textual.app import App

from orchestrator_tui.primitives.safe_text import BACKSTOP
from orchestrator_tui.ui.tty import MOUSE_OFF

LEAVE_ALTERNATE, ENTER_ALTERNATE = "\x1b[?1049l", "\x1b[?1049h"
_SAME_LINE: Final = "\r\x1b[K"


class Freezer:
    """While frozen nothing is painted, and the last picture stands as text on the main screen.

    `write` writes to the terminal beside the screen.
    """

    def __init__(self, app: App[Any], write: Callable[[str], None]) -> None:
        self._app = app
        self._write = write
        self._held: contextlib.ExitStack | None = None
        self._words = ""

    @property
    def is_frozen(self) -> bool:
        """Whether the display stands still."""
        return self._held is not None

    def freeze(self, words: str) -> None:
        """Leave the screen as a text with `words` in its last line."""
        if self._held is not None:
            return
        picture = "".join(f"{line}\r\n" for line in self._lines())
        self._held = contextlib.ExitStack()
        self._held.enter_context(self._app.batch_update())
        self._words = words
        self._write(f"{LEAVE_ALTERNATE}{MOUSE_OFF}\r\n{picture}{self._fitted(words)}")

    def _lines(self) -> list[str]:
        """Return the picture without its last line, which is the footer."""
        strips = self._app.screen._compositor.render_strips()  # private in the pinned Textual
        lines = ["".join(s.text for s in strip if not s.control) for strip in strips]
        return [BACKSTOP.sub("", line).rstrip() for line in lines[:-1]]

    def _fitted(self, words: str) -> str:
        return set_cell_size(words, max(1, self._app.size.width - 1)).rstrip()

    def say_frozen(self) -> None:
        """Say again that nothing else works now."""
        if self._held is not None:
            self._write(f"{_SAME_LINE}{self._fitted(f'still {self._words}')}")

    def thaw(self) -> None:
        """Paint again."""
        if self._held is None:
            return
        held, self._held = self._held, None
        self._write(f"{_SAME_LINE}{ENTER_ALTERNATE}")
        held.close()
