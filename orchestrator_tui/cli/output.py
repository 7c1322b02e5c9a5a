"""Output: results on standard output, as JSON or as text that is safe for a terminal."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TextIO

from rich.cells import cell_len, set_cell_size

from orchestrator_tui.cli.environment import environment
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.settings import ASCII_VARIABLE
from orchestrator_tui.state.liveness import State

RESET: Final = "\x1b[0m"
# Sixteen colours, so that the terminal's own palette decides.
STATE_COLOURS: Final[Mapping[State, str]] = {
    State.SUCCEEDED: "\x1b[32m",
    State.FAILED: "\x1b[1;31m",
    State.CANCELLED: "\x1b[90m",
    State.LOST: "\x1b[1;95m",
    State.STALLED: "\x1b[1;33m",
    State.AWAITING: "\x1b[35m",
    State.PAUSED: "\x1b[35m",
    State.QUEUED: "\x1b[90m",
    State.RUNNING: "\x1b[36m",
    State.UNKNOWN: "\x1b[90m",
}


def print_json(document: Mapping[str, Any]) -> None:
    """Write one document; characters beyond ASCII are escaped, so it is safe on a terminal."""
    print_line(json.dumps(document, indent=2, allow_nan=False))


def print_json_line(document: Mapping[str, Any]) -> None:
    """Write one document on one line and flush it."""
    print_json_lines((document,))


def print_json_lines(documents: Iterable[Mapping[str, Any]]) -> None:
    """Write documents, each on a line of its own, and flush them together."""
    print_lines(json.dumps(document, allow_nan=False) for document in documents)
    sys.stdout.flush()


def print_line(line: str) -> None:
    """Write a line that is safe already; it may be held back until `flush`."""
    sys.stdout.write(f"{line}\n")


def print_lines(lines: Iterable[str]) -> None:
    """Write lines that are safe already in one piece, as an unbuffered output is slow for each."""
    if text := "".join(f"{line}\n" for line in lines):
        sys.stdout.write(text)


def flush() -> None:
    """Have written what was held back; call it before waiting."""
    sys.stdout.flush()


def print_text(text: str) -> None:
    """Write text from anywhere as one safe line."""
    print_line(safe_text(text))


def has_colour(stream: TextIO) -> bool:
    """Tell whether a stream takes colours: a terminal, and none of them switched off."""
    dumb = os.environ.get("TERM", "") in ("", "dumb")
    return stream.isatty() and not os.environ.get("NO_COLOR") and not dumb


def ascii_only() -> bool:
    """Tell whether standard output cannot write the symbols, or shall not."""
    if environment().get(ASCII_VARIABLE, "").strip().lower() in ("1", "true", "yes", "on"):
        return True
    return not (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


def width() -> int | None:
    """Return the cells of a line of the terminal; None where the output is not one."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def coloured(text: str, state: State, stream: TextIO | None = None) -> str:
    """Return text in a state's colour where the stream, standard output if None, takes colours."""
    takes = has_colour(stream or sys.stdout)
    return f"{STATE_COLOURS[state]}{text}{RESET}" if takes else text


def cut(text: str, cells: int) -> str:
    """Return safe text of at most `cells` cells, its end replaced by `…`."""
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, max(0, cells - 1)).rstrip() + ("…" if cells > 0 else "")


def cut_middle(text: str, cells: int) -> str:
    """Return a safe name of at most `cells` cells: its start, `..` and its end."""
    if cell_len(text) <= cells or cells < 5:
        return cut(text, cells)
    start = (cells - 2 + 1) // 2
    end = text[-(cells - 2 - start) :]
    return set_cell_size(text, cells - 2 - cell_len(end)).rstrip() + ".." + end


def padded(text: str, cells: int) -> str:
    """Return safe text filled up with spaces to `cells` cells."""
    return text + " " * max(0, cells - cell_len(text))


def column_widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the cells of the widest text in each column."""
    return [max(map(cell_len, column)) for column in zip(*rows, strict=True)] if rows else []
