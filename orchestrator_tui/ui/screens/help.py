"""HelpDialog: the keys of the screen below, read from its live bindings."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from orchestrator_tui.ui.keys import GROUP_TITLES

KeyRow = tuple[str, str, str]  # group, keys, words

_SYMBOLS = {
    "question_mark": "?",
    "colon": ":",
    "slash": "/",
    "exclamation_mark": "!",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "backslash": "\\",
    "full_stop": ".",
    "comma": ",",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "ampersand": "&",
    "number_sign": "#",
    "apostrophe": "'",
    "dollar_sign": "$",
}


def key_words(keys: list[str]) -> str:
    """Return keys as a person would write them, short ones first: `down`, `j` → `j down`."""
    return " ".join(sorted((_SYMBOLS.get(key, key) for key in keys), key=len))


class HelpDialog(ModalScreen[None]):
    """What the keys do here; closes with esc, enter, `?` or `q`."""

    BINDINGS = [("escape,enter,question_mark,q", "app.pop_screen", "close")]

    def __init__(self, title: str, rows: tuple[KeyRow, ...]) -> None:
        super().__init__()
        self._title = title
        self._rows = rows

    def compose(self) -> ComposeResult:
        """Yield the groups in two columns."""
        with Vertical(id="help", classes="dialog") as box:
            box.border_title = f"Keys  {self._title}"
            box.border_subtitle = "esc close"
            with VerticalScroll(can_focus=True):
                yield Static(self._text(), id="help-keys")

    def _text(self) -> Text:
        blocks: list[list[tuple[str, str, bool]]] = []
        for group, heading in GROUP_TITLES.items():
            rows = [(keys, words) for g, keys, words in self._rows if g == group]
            if rows:
                block = [(heading.upper(), "", True)]
                blocks.append(block + [(keys, words, False) for keys, words in rows])
        left: list[tuple[str, str, bool]] = []
        right: list[tuple[str, str, bool]] = []
        for block in blocks:
            shorter = left if len(left) <= len(right) else right
            shorter += [*([("", "", False)] if shorter else []), *block]
        text = Text(end="", no_wrap=True)
        blank = ("", "", False)
        for number in range(max(len(left), len(right))):
            for column in (left, right):
                keys, words, is_heading = column[number] if number < len(column) else blank
                text.append(f"{keys:<11}", "bold" if is_heading or keys else "")
                text.append(f"{words:<23}", "" if is_heading else "dim")
            text.append("\n")
        return text
