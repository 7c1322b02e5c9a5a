"""Safe text: what came from anywhere, made fit to be shown on a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NewType

SafeText = NewType("SafeText", str)

DEFAULT_LIMIT = 8192  # characters of one line
_LOOKED_AT = 8  # characters of input looked at for each character shown; colours take up to 7
_TAB_COLUMNS = 4
_MOST_MARKS = 3  # per character; more can draw over the lines above
_ELLIPSIS = "…"
_REPLACEMENT = "\ufffd"
_NO_BASE = "◌"  # carries a mark that would else join the frame beside it
_CACHED_CODE_POINTS = 4096

# The last line of defence before the terminal. None of these is ever part of SafeText.
BACKSTOP = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)

# Sequences that a terminal would obey, whole or without their end: CSI; then OSC, DCS, SOS, PM and
# APC with their text, which ends at the latest with the line; then ESC with intermediates and a
# final byte. Every repetition is possessive, so no input is looked at twice.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c\n]*+(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*+[0-~]"
)

_OTHER = re.compile("[^ -~]")

_DENIED_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp", "Cf"})
_NAMED_CATEGORIES = frozenset({"Cc", "Zl", "Zp", "Cf"})  # shown as ⟨202E⟩
# Assigned, of a harmless category, and yet nothing to see: fillers and joiners.
_INVISIBLE = frozenset(
    [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2800, 0x3164, 0xFFA0]
)
_VARIATION_SELECTORS = frozenset([*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)])
# They only choose between a picture's two forms, and stand in half of all emoji.
_DROPPED = frozenset([0xFE0E, 0xFE0F])


def safe_text(text: str, *, limit: int = DEFAULT_LIMIT) -> SafeText:
    """Return `text` as one line that is safe to show; safe text comes back unchanged.

    Terminal sequences are dropped. A newline becomes `␊` and other controls their pictures, a tab
    fills up to the next fourth column, invisible format characters become `⟨202E⟩`, and what has
    no meaning here U+FFFD. A character carries at most three combining marks. What is left is of
    the categories that draw something. `limit` counts characters, the `…` of a cut included.
    """
    if len(text) <= limit and _is_plain(text):
        return SafeText(text)
    looked_at = text[: limit * _LOOKED_AT]
    plain = _SEQUENCE.sub("", looked_at).replace("\r\n", "\n").replace("\n", "␊")
    shown = plain.expandtabs(_TAB_COLUMNS).translate(_SHOWN)
    if not shown.isascii() and not _SHOWN.marks.isdisjoint(shown):
        shown = _with_few_marks(shown)
    if len(shown) > limit or len(looked_at) < len(text):
        shown = shown[: limit - 1] + _ELLIPSIS
    return SafeText(shown)


def safe_texts(texts: Sequence[str]) -> list[SafeText]:
    """Return what `safe_text` makes of each; quick for very many of which nearly all are safe."""
    if len(max(texts, key=len, default="")) <= DEFAULT_LIMIT and _is_plain("".join(texts)):
        return [*map(SafeText, texts)]
    return [*map(safe_text, texts)]


def _is_plain(text: str) -> bool:
    """Tell whether every character was met before and is shown as it is, or is usual ASCII."""
    if text.isascii() and text.isprintable():
        return True
    return _SHOWN.plain.issuperset(_OTHER.findall(text))


def strip_sequences(text: str) -> str:
    """Return `text` without its escape sequences; what is left is not yet safe to show."""
    return _SEQUENCE.sub("", text) if "\x1b" in text or not text.isascii() else text


def safe_lines(text: str, *, limit: int = DEFAULT_LIMIT) -> tuple[SafeText, ...]:
    r"""Return the lines of `text`, each as `safe_text` makes it; a final newline ends no new line.

    No sequence reaches beyond its line, so one that lacks its end hides nothing that follows.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    return tuple(safe_text(line, limit=limit) for line in lines)


class _Shown(dict[int, str]):
    """What stands for each code point, worked out when it is first met, for `str.translate`.

    It is asked of the running Python's own Unicode tables, so a code point that this Python does
    not know is never let through. `marks` are the combining ones met so far, `plain` the others
    that are shown as they are.
    """

    def __init__(self) -> None:
        super().__init__()
        self.marks: set[str] = set()
        self.plain: set[str] = set()

    def __missing__(self, code_point: int) -> str:
        shown = _stand_in(code_point)
        if unicodedata.category(shown[:1] or " ") in ("Mn", "Me"):
            self.marks.add(shown)
        elif shown == chr(code_point) and len(self.plain) < _CACHED_CODE_POINTS:
            self.plain.add(shown)
        if len(self) < _CACHED_CODE_POINTS:
            self[code_point] = shown
        return shown


_SHOWN = _Shown()


def _stand_in(code_point: int) -> str:
    char = chr(code_point)
    category = unicodedata.category(char)
    if code_point < 0x20:
        return chr(0x2400 + code_point)
    if code_point == 0x7F:
        return "␡"
    if code_point in _DROPPED:
        return ""
    if category in _NAMED_CATEGORIES or code_point in _INVISIBLE:
        return f"⟨{code_point:04X}⟩"
    if category in _DENIED_CATEGORIES or code_point in _VARIATION_SELECTORS:
        return _REPLACEMENT
    return char


def _with_few_marks(text: str) -> str:
    kept: list[str] = []
    marks = _MOST_MARKS + 1 if text[0] in _SHOWN.marks else 0
    if marks:
        kept.append(_NO_BASE)
        marks = 0
    for char in text:
        marks = marks + 1 if char in _SHOWN.marks else 0
        if marks <= _MOST_MARKS:
            kept.append(char)
    return "".join(kept)
