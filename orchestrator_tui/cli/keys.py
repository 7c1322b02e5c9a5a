"""orch-tui keys: what the terminal sends for a key, and every binding by its id."""

from __future__ import annotations

import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from orchestrator_tui.cli.documents import KEYS_SCHEMA
from orchestrator_tui.cli.exits import bad_usage
from orchestrator_tui.cli.options import Format, format_option, with_settings
from orchestrator_tui.cli.output import column_widths, flush, padded, print_json, print_line
from orchestrator_tui.cli.resolving import preferences_of
from orchestrator_tui.settings import Preferences, Settings

MOST_BYTES: Final = 1024  # of one key, or of a paste
LAST: Final = ("q", "ctrl+c", "ctrl+d")


@click.command("keys")
@click.option("--list", "listed", is_flag=True, help="Print all bindings by their ids.")
@format_option(Format.TEXT, Format.JSON)
@with_settings
def command(settings: Settings, listed: bool, form: str) -> None:
    """Print what the terminal sends for each key that is pressed, until q.

    A key that another program takes, such as tmux or the terminal itself, prints nothing.
    """
    if listed:
        _print_bindings(preferences_of(settings), Format(form))
        return
    if Format(form) != Format.TEXT:
        raise bad_usage("--format json goes with --list")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise bad_usage("there is no terminal to press keys in; --list prints the bindings")
    _print_presses()


def _print_bindings(preferred: Preferences, form: Format) -> None:
    from orchestrator_tui.ui.keymap import all_bindings, check_keymap

    bindings = list(all_bindings(check_keymap(preferred.keys).keymap))
    if form == Format.JSON:
        print_json(
            {
                "schema": KEYS_SCHEMA,
                "bindings": [
                    {"id": b.id, "where": b.place, "keys": list(b.keys), "does": b.words}
                    for b in bindings
                ],
            }
        )
        return
    rows = [("ID", "WHERE", "KEYS", "DOES")]
    rows += [(b.id, b.place, ",".join(b.keys), b.words) for b in bindings]
    widths = column_widths(rows)
    for row in rows:
        cells = [padded(text, cells) for text, cells in zip(row, widths, strict=True)]
        print_line("  ".join(cells).rstrip())


def _print_presses() -> None:
    from orchestrator_tui.ui.keymap import keys_in

    with _raw():
        # Only now: what is pressed before the terminal is set would be lost.
        print_line("Press keys; q ends.\r")
        names: tuple[str, ...] = ()
        while not any(name in LAST for name in names):
            flush()
            sent = os.read(sys.stdin.fileno(), MOST_BYTES)
            if not sent:
                return
            names = keys_in(sent.decode("utf-8", "replace"))
            told = " ".join(names) or "no key"
            print_line(f"{told:<24} {ascii(sent)[1:]}\r")


@contextmanager
def _raw() -> Iterator[None]:
    """Have each key arrive by itself; the terminal is set back however this ends."""
    from orchestrator_tui.ui.keymap import ASK_FOR_MORE_KEYS, NO_MORE_KEYS

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    sys.stdout.write(ASK_FOR_MORE_KEYS)
    try:
        yield
    finally:
        sys.stdout.write(NO_MORE_KEYS)
        flush()
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
