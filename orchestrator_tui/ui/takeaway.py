"""Takeaway: copies texts and hands logs to other programs, and says what became of it."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from orchestrator_tui.ui.clipboard import (
    Between,
    clipboard_sequence,
    copied_words,
    fit_to_copy,
)
from orchestrator_tui.ui.ports import TextShelf


class Say(Protocol):
    """Tells a person what became of an action."""

    def __call__(self, text: str, *, is_refusal: bool = False) -> None:
        """Tell it; a refusal stays longer."""
        ...


@dataclass(frozen=True, slots=True)
class Takeaway:
    """What leaves the program: by the terminal's clipboard, a file, or another program.

    `write` writes to the terminal past the screen.
    """

    shelf: TextShelf | None
    between: Between
    write: Callable[[str], None]
    say: Say

    async def copy(self, what: str, lines: Iterable[str]) -> None:
        """Copy lines, made safe, to the terminal's clipboard and into a file; tell both."""
        text = fit_to_copy(lines)
        sequence = clipboard_sequence(text, self.between)
        if sequence is not None:
            self.write(sequence)
        kept = ""
        if self.shelf is not None:
            written = await self.shelf.keep_copy(text)
            kept = f"not kept in a file: {written.problem}"
            kept = kept if written.problem else f"also in {written.path}"
        sent = sequence is not None
        words = copied_words(what, text, sent=sent, between=self.between, kept=kept)
        self.say(words, is_refusal=not sent)


def pager_words(environ: Mapping[str, str], path: str, line: int) -> list[str]:
    """Return the command that shows a file from a line on: `$PAGER`, else less."""
    words = shlex.split(environ.get("PAGER") or "less") or ["less"]
    name = words[0].rsplit("/", 1)[-1]
    at = [f"+{line}"] if name in ("less", "more", "most", "lnav") and line > 1 else []
    return [*words, *at, path]


def editor_words(environ: Mapping[str, str], path: str, line: int) -> list[str]:
    """Return the command that edits a file at a line: `$VISUAL`, `$EDITOR`, else vi."""
    words = shlex.split(environ.get("VISUAL") or environ.get("EDITOR") or "vi") or ["vi"]
    name = words[0].rsplit("/", 1)[-1]
    if name in ("code", "codium", "cursor"):
        return [*words, "--wait", "--goto", f"{path}:{line}"]
    if name in ("hx", "helix", "subl", "zed"):
        return [*words, f"{path}:{line}"]
    return [*words, f"+{line}", path]


def run_in_terminal(
    words: list[str], suspended: Callable[[], AbstractContextManager[None]]
) -> str | None:
    """Run a program in the terminal until it ends; return why it did not go well, or None."""
    try:
        with suspended():
            ended = subprocess.run(words, check=False)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return f"{words[0]} cannot be started: {reason}"
    return f"{words[0]} ended with {ended.returncode}" if ended.returncode else None
