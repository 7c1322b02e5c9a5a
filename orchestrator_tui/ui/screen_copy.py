"""ScreenCopy: what the terminal shows, so that only the cells that differ are sent.

Loads nothing of Textual.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import Final

from rich.cells import cell_len, get_character_cell_size

# What a frame of Textual's is made of: places, styles, ends of lines, text.
_TOKEN: Final = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[([\d;]*)m|\n|([^\x00-\x1f\x7f]+)")
_FRAME: Final = re.compile(r"\x1b\[\d+;\d+H")
# What changes no cell: modes, but for those of the alternate screen, questions, titles, the mouse.
_HARMLESS: Final = re.compile(
    r"(?:\x1b\[\?(?!1049|1047|47)[\d;]+(?:[hl]|\$p)"
    r"|\x1b\[[<>=]\d*u"
    r"|\x1b\[2[23];\d+t"
    r"|\x1b\](?:[012]|22);[^\x00-\x1f\x7f-\x9f]*\x07)+"
)
_UNKNOWN: Final = "\x00"  # a cell whose look is not known; no text holds it
MOST_CELLS: Final = 1000  # of a line; beyond it nothing is remembered
SKIP_CELLS: Final = 4  # fewer equal cells between two that differ are sent, not jumped over


@lru_cache(maxsize=512)
def _parts(style: str) -> tuple[str, str, str]:
    """Return attributes, text colour and ground of the parameters of a style."""
    numbers = style.split(";") if style else []
    attributes: list[str] = []
    colours = {"3": "39", "4": "49"}
    while numbers:
        first = numbers.pop(0)
        if first in ("38", "48"):
            rest = 4 if numbers[:1] == ["2"] else 2
            colours[first[0]] = ";".join([first, *numbers[:rest]])
            del numbers[:rest]
        elif len(first) == 2 and first[0] in "34":
            colours[first[0]] = first
        elif len(first) >= 2 and first[0] in "19" and first not in ("1", "9"):
            colours["3" if first[0] == "9" else "4"] = first
        else:
            attributes.append(first)
    return ";".join(attributes), colours["3"], colours["4"]


@lru_cache(maxsize=2048)
def _change(old: str, new: str) -> str:
    """Return what turns one style into another; both are the parameters of a style from none."""
    if not new:
        return "\x1b[0m"
    before, after = _parts(old), _parts(new)
    if before[0] != after[0]:
        return f"\x1b[0;{new}m" if old else f"\x1b[{new}m"
    changed = [now for was, now in zip(before[1:], after[1:], strict=True) if was != now]
    return f"\x1b[{';'.join(changed)}m"


@lru_cache(maxsize=4096)
def _is_plain(text: str) -> bool:
    """Tell whether each character takes one cell, whoever counts."""
    return text.isascii() or all(get_character_cell_size(char) == 1 for char in text)


def _is_worth_moving(first: int, last: int, by: int) -> bool:
    return 0 < abs(by) <= (last - first) // 2


class ScreenCopy:
    """What the terminal shows, as far as it is known, and the shortest way to the next frame."""

    def __init__(self) -> None:
        self._texts: dict[int, list[str]] = {}
        self._styles: dict[int, list[str]] = {}
        self._sent: list[str] = []
        self._style = ""
        self._cursor: tuple[int, int] | None = None
        self._rest: tuple[int, int] | None = None  # where the last frame left the cursor
        self._moved: tuple[int, int, int] | None = None

    def move_lines(self, first: int, last: int, by: int) -> None:
        """Expect the lines `first` to `last`, from 1, `by` lines higher in the next frame.

        They are moved by the terminal if that frame paints all of them, so that whatever stands
        there else comes out right.
        """
        lines = (first, last)
        if self._moved is not None and self._moved[:2] == lines:
            by += self._moved[2]
        elif self._moved is not None:
            by = 0  # two in one frame are painted as they are
        self._moved = (*lines, by)

    def forget(self) -> None:
        """Take nothing for known: the terminal was changed by others, or has another size."""
        self._texts.clear()
        self._styles.clear()
        self._cursor = self._rest = self._moved = None

    def _forget_line(self, y: int) -> None:
        self._texts.pop(y, None)
        self._styles.pop(y, None)

    def shorten(self, output: str) -> str:
        """Return the least that has to be sent for some output; what is no frame goes as it is."""
        if _HARMLESS.fullmatch(output):
            if output.endswith("p"):
                self._forget_line(1)  # a terminal that does not know the question shows its end
            return output
        if not _FRAME.match(output):
            self.forget()
            return output
        tokens = list(_TOKEN.finditer(output))
        if sum(token.end() - token.start() for token in tokens) != len(output):
            self.forget()
            return output
        self._sent, self._style = [], ""
        self._cursor = None  # others may have moved it
        moved, self._moved = self._moved, None
        if moved is not None and _is_worth_moving(*moved) and self._covers(tokens, *moved[:2]):
            self._move(*moved)
        self._take(tokens)
        if self._style:
            self._sent.append("\x1b[0m")
        return "".join(self._sent)

    def _covers(self, tokens: list[re.Match[str]], first: int, last: int) -> bool:
        """Tell whether all that is known of some lines is painted anew."""
        y, painted = 1, Counter[int]()
        for row, _, _, text in (token.groups() for token in tokens):
            if row is not None:
                y = int(row)
            elif text is not None:
                painted[y] += cell_len(text)
        return all(painted[y] >= len(self._texts.get(y, "?")) for y in range(first, last + 1))

    def _move(self, first: int, last: int, by: int) -> None:
        count = abs(by)
        # Whole lines are deleted or inserted between margins, as every terminal can; what comes
        # into sight there is empty.
        self._sent += (
            f"\x1b[{first};{last}r\x1b[{first};1H\x1b[{count}{'M' if by > 0 else 'L'}\x1b[r",
        )
        for lines in (self._texts, self._styles):
            old = {y: lines.pop(y) for y in range(first, last + 1) if y in lines}
            lines.update((y - by, line) for y, line in old.items() if first <= y - by <= last)

    def _take(self, tokens: list[re.Match[str]]) -> None:
        x, y, style, is_odd = 1, 1, "", False
        for token in tokens:
            row, column, sgr, text = token.groups()
            if text is not None:
                if not is_odd and _is_plain(text):
                    self._put(x, y, style, text)
                else:
                    # From here on a terminal may count cells in another way: sent as it is.
                    is_odd = True
                    self._put_whole(x, y, style, text)
                x += cell_len(text)
            elif sgr is not None:
                style = "" if sgr == "0" else sgr
            elif row is not None:
                y, x, is_odd = int(row), int(column), False
        rest = (x, y) if tokens and tokens[-1].group(1) is not None else None
        if rest is not None and (self._sent or rest != self._rest):
            self._go(x, y)
        self._rest = rest

    def _line(self, y: int, end: int) -> tuple[list[str], list[str]]:
        texts, styles = self._texts.setdefault(y, []), self._styles.setdefault(y, [])
        missing = end - len(texts)
        if missing > 0:
            texts.extend([_UNKNOWN] * missing)
            styles.extend([""] * missing)
        return texts, styles

    def _put(self, x: int, y: int, style: str, text: str) -> None:
        count, begin, end = len(text), x - 1, x - 1 + len(text)
        if end > MOST_CELLS:
            self._put_whole(x, y, style, text)
            return
        texts, styles = self._line(y, end)
        cells = list(text)
        same_style = styles[begin:end].count(style) == count
        if same_style and texts[begin:end] == cells:
            return
        first = 0
        while first < count:
            if texts[begin + first] == cells[first] and styles[begin + first] == style:
                first += 1
                continue
            last = seen = first
            while seen + 1 < count and seen - last < SKIP_CELLS:
                seen += 1
                if texts[begin + seen] != cells[seen] or styles[begin + seen] != style:
                    last = seen
            self._send(x + first, y, style, text[first : last + 1], last + 1 - first)
            first = last + 1
        texts[begin:end] = cells
        styles[begin:end] = [style] * count

    def _put_whole(self, x: int, y: int, style: str, text: str) -> None:
        self._send(x, y, style, text, cell_len(text))
        self._cursor = None
        end = min(MOST_CELLS, x - 1 + cell_len(text))
        if end > x - 1:
            texts, _ = self._line(y, end)
            texts[x - 1 : end] = [_UNKNOWN] * (end - x + 1)

    def _send(self, x: int, y: int, style: str, text: str, cells: int) -> None:
        self._go(x, y)
        if style != self._style:
            self._sent.append(_change(self._style, style))
            self._style = style
        self._sent.append(text)
        self._cursor = (x + cells, y)

    def _go(self, x: int, y: int) -> None:
        if self._cursor == (x, y):
            return
        if self._cursor is not None and self._cursor[1] == y and x > self._cursor[0]:
            steps = x - self._cursor[0]
            self._sent.append(f"\x1b[{steps}C" if steps > 1 else "\x1b[C")
        else:
            self._sent.append(f"\x1b[{y};{x}H")
        self._cursor = (x, y)
