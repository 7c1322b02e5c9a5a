"""Takeaway: copies texts and hands logs to other programs, and says what became of it."""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.ui.clipboard import (
    Between,
    clipboard_sequence,
    copied_words,
    fit_to_copy,
)
from orchestrator_tui.ui.ports import LogTextWish, TextShelf, WrittenText


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

    async def take_log(
        self,
        use: str,
        wish: LogTextWish,
        environ: Mapping[str, str],
        suspended: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Write a log as text and open it in a `pager` or `editor`, or keep the `file`; tell it."""
        if self.shelf is None:
            self.say("There is no place to write the log to.", is_refusal=True)
            return
        written = await self.shelf.write_log(replace(wish, to_keep=use == "file"))
        if written.problem is not None:
            self.say(f"The log cannot be written: {written.problem}", is_refusal=True)
            return
        remark = f"; {written.remark}" if written.remark else ""
        if use == "file":
            self.say(f"Wrote the log to {written.path}{remark}.{_records_words(written)}")
            return
        words_of = pager_words if use == "pager" else editor_words
        words = words_of(environ, written.path, written.line)
        what = f"{written.path}, line {written.line}{remark}"
        back, instead = f". The log was a copy: {what}.", f"The log is in {what}."
        self._hand_on(words, suspended, back=back, instead=instead)

    async def open_source(
        self,
        place: str,
        folder: str,
        environ: Mapping[str, str],
        suspended: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Open `path:line` of the repository in an editor; tell what became of it."""
        if self.shelf is None:
            self.say("Files cannot be opened from here.", is_refusal=True)
            return
        name, line = split_place(place)
        found = await self.shelf.source_path(name, folder)
        if found.problem is not None:
            self.say(found.problem, is_refusal=True)
            return
        words = editor_words(environ, found.path, line)
        at = f"{found.path}:{line}."
        self._hand_on(words, suspended, back=f": {at}", instead=f"The place is {at}")

    async def page_file(
        self,
        name: str,
        environ: Mapping[str, str],
        suspended: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Show a file of a run in the pager, as text that is safe; tell what became of it."""
        if self.shelf is None:
            self.say("Files cannot be opened from here.", is_refusal=True)
            return
        written = await self.shelf.show_file(name)
        if written.problem is not None:
            self.say(f"{name} cannot be shown: {written.problem}", is_refusal=True)
            return
        words = pager_words(environ, written.path, 1)
        remark = f"; {written.remark}" if written.remark else ""
        back = f". It was a copy of {name}{remark}."
        instead = f"A copy is in {written.path}{remark}."
        self._hand_on(words, suspended, back=back, instead=instead)

    def _hand_on(
        self,
        words: list[str],
        suspended: Callable[[], AbstractContextManager[None]],
        *,
        back: str,
        instead: str,
    ) -> None:
        """Give the terminal to a program; say that it came back, or what there is instead."""
        problem = run_in_terminal(words, suspended)
        if problem is not None:
            self.say(f"{problem}. {instead}", is_refusal=True)
        else:
            self.say(f"Back from {words[0]}{back}")


def split_place(place: str) -> tuple[str, int]:
    """Return the path and the line of `path:line` or `path:line:column`."""
    name, *numbers = place.split(":")
    return name, int(numbers[0]) if numbers and numbers[0].isdecimal() else 1


def _records_words(written: WrittenText) -> str:
    return f"\nIts records, as they were written: {written.source}" if written.source else ""


def pager_words(environ: Mapping[str, str], path: str, line: int) -> list[str]:
    """Return the command that shows a file from a line on: `$PAGER`, else less."""
    words = _words_in(environ.get("PAGER")) or ["less"]
    name = words[0].rsplit("/", 1)[-1]
    at = [f"+{line}"] if name in ("less", "more", "most", "lnav") and line > 1 else []
    return [*words, *at, path]


def _words_in(command: str | None) -> list[str]:
    """Return a command in words; one with a quote that has no end is one word, not to be found."""
    try:
        return shlex.split(command or "")
    except ValueError:
        return [command or ""]


def editor_words(environ: Mapping[str, str], path: str, line: int) -> list[str]:
    """Return the command that edits a file at a line: `$VISUAL`, `$EDITOR`, else vi."""
    words = _words_in(environ.get("VISUAL") or environ.get("EDITOR")) or ["vi"]
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
    # ctrl+c is for that program; a handler, unlike ignoring it, is not handed on to it.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        with suspended():
            ended = subprocess.run(words, check=False)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return f"{words[0]} cannot be started: {reason}"
    finally:
        signal.signal(signal.SIGINT, before)
    return f"{words[0]} ended with {ended.returncode}" if ended.returncode else None
