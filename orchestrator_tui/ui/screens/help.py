"""HelpDialog: the keys of the screen below, read from its live bindings."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from orchestrator_tui.ui.frames import PaintsSoon
from orchestrator_tui.ui.keys import GROUP_TITLES, HELP_KEYS

KeyRow = tuple[str, str, str]  # group, keys, words
Column = list[tuple[str, str, bool]]  # keys, words, whether it is a heading

KEYS_CELLS = 11
WORDS_CELLS = 23  # two columns of this fit into 80 cells


class HelpDialog(PaintsSoon, ModalScreen[None]):
    """What the keys do here; closes with esc, `?` or `q`."""

    BINDINGS = HELP_KEYS
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-middle")]

    def __init__(self, title: str, rows: tuple[KeyRow, ...]) -> None:
        super().__init__()
        self._title = title
        self._rows = rows

    def compose(self) -> ComposeResult:
        """Yield the groups in two columns, one above the other where the screen is narrow."""
        with Vertical(id="help", classes="dialog") as box:
            box.border_title = f"Keys  {self._title}"
            box.border_subtitle = "esc close"
            with VerticalScroll(can_focus=True), Container(id="help-keys"):
                left, right = self._columns()
                yield Static(column_text(left))
                yield Static(column_text(right))

    def on_resize(self) -> None:
        """Say so where there are more keys than rows."""
        self.call_after_refresh(self._tell_more)

    def _tell_more(self) -> None:
        has_more = self.query_one(VerticalScroll).max_scroll_y > 0
        more = "down, pgdn: more   " if has_more else ""
        self.query_one("#help").border_subtitle = f"{more}esc close"

    def _columns(self) -> tuple[Column, Column]:
        blocks: list[Column] = []
        for group, heading in GROUP_TITLES.items():
            rows = [(keys, words) for g, keys, words in self._rows if g == group]
            if rows:
                block = [(heading.upper(), "", True)]
                blocks.append(block + [(keys, words, False) for keys, words in rows])
        left: Column = []
        right: Column = []
        for block in blocks:
            shorter = left if len(left) <= len(right) else right
            shorter += [*([("", "", False)] if shorter else []), *block]
        return left, right


def column_text(column: Column) -> Text:
    """Return a column as text; no line is wrapped."""
    text = Text(end="", no_wrap=True)
    for keys, words, is_heading in column:
        text.append(f"{keys:<{KEYS_CELLS}}", "bold" if is_heading or keys else "")
        text.append(f"{words}\n", "" if is_heading else "dim")
    return text
