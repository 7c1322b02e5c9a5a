"""Every binding by its id, and what a terminal's bytes are called as keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from textual import events
from textual._xterm_parser import XTermParser
from textual.binding import Binding

from orchestrator_tui.ui import keys

_ENDING = "_KEYS"
# The terminal tells more keys apart after the first of these; Textual's driver sends the same.
ASK_FOR_MORE_KEYS, NO_MORE_KEYS = "\x1b[>1u", "\x1b[<u"


@dataclass(frozen=True, slots=True)
class BoundKey:
    """A binding: where it holds, such as `runs`, its id, its keys by Textual's names, its words."""

    place: str
    id: str
    keys: tuple[str, ...]
    words: str


def all_bindings() -> Iterator[BoundKey]:
    """Yield every binding that has an id, place by place."""
    for name, group in vars(keys).items():
        if not name.endswith(_ENDING):
            continue
        place = name.removesuffix(_ENDING).lower()
        for binding in group:
            if isinstance(binding, Binding) and binding.id:
                yield BoundKey(
                    place, binding.id, tuple(binding.key.split(",")), binding.description
                )


def keys_in(text: str) -> tuple[str, ...]:
    """Return the names of the keys whose bytes a terminal sent at once, as bindings name them."""
    if text == "\x1b":  # what follows it would come in the same piece
        return ("escape",)
    found = XTermParser().feed(text)
    return tuple(event.key for event in found if isinstance(event, events.Key))
