"""The clipboard of the terminal: what is sent to it, and in which words that is told."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from enum import StrEnum

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.state.formatting import byte_count, counted

LIMIT_BYTES = 74_000  # of base64; terminals that limit OSC 52 take at least this many
LIMIT_LINES = 20_000  # of one copy, kept in the file
_SCREEN_CHUNK = 252  # characters; GNU screen takes no longer strings


class Between(StrEnum):
    """What stands between the program and the terminal."""

    NOTHING = "nothing"
    TMUX = "tmux"
    SCREEN = "screen"


_NEEDS = {
    Between.NOTHING: "",
    Between.TMUX: "tmux: set-clipboard or allow-passthrough must be on",
    Between.SCREEN: "screen: the terminal around it must allow OSC 52",
}


def between(environ: Mapping[str, str]) -> Between:
    """Return what stands between, as the environment tells it."""
    term = environ.get("TERM", "")
    if environ.get("TMUX") or term.startswith("tmux"):
        return Between.TMUX
    if environ.get("STY") or term.startswith("screen"):
        return Between.SCREEN
    return Between.NOTHING


def fit_to_copy(lines: Iterable[str]) -> str:
    """Return lines as one text that does no harm where it is pasted."""
    kept = [safe_text(line) for _, line in zip(range(LIMIT_LINES), lines, strict=False)]
    return "\n".join(line.rstrip() for line in kept)


def clipboard_sequence(text: str, between: Between) -> str | None:
    """Return what has the terminal take `text`; None for a text that is too long for that.

    tmux gets it twice: as it is, which `set-clipboard on` lets through, and handed on, which
    `allow-passthrough on` does.
    """
    encoded = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
    if len(encoded) > LIMIT_BYTES:
        return None
    bare = f"\x1b]52;c;{encoded}\x07"
    return bare * (between is Between.TMUX) + handed_on(bare, between)


def handed_on(bare: str, between: Between) -> str:
    """Return a sequence as what stands between hands it on to the terminal."""
    match between:
        case Between.TMUX:
            doubled = bare.replace("\x1b", "\x1b\x1b")
            return f"\x1bPtmux;{doubled}\x1b\\"
        case Between.SCREEN:
            chunks = range(0, len(bare), _SCREEN_CHUNK)
            return "".join(f"\x1bP{bare[at : at + _SCREEN_CHUNK]}\x1b\\" for at in chunks)
        case Between.NOTHING:
            return bare


def copied_words(what: str, text: str, *, sent: bool, between: Between, kept: str) -> str:
    """Return what was copied, how, and what that needs; `kept` tells of the file."""
    count = text.count("\n") + 1
    lines = counted(count, "line")
    if sent:
        amount = f", {lines}" if count > 1 else ""
        parts = [f"Copied {what}{amount}, by OSC 52", kept, _NEEDS[between]]
    else:
        size = byte_count(len(text.encode("utf-8", "replace")))
        parts = [f"Not sent to the terminal: {what}, {lines}, has {size}, too much", kept]
    return "; ".join(part for part in parts if part)
