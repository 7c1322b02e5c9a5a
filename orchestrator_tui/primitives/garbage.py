"""Garbage: when the interpreter looks for it: seldom, and not while what is made will stay."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import Final

# The interpreter's own 700 has it look 74 times while what starts a run is loaded.
OBJECTS_BEFORE_LOOK: Final = 10_000


def look_for_none() -> None:
    """Look for no garbage from now on: what is loaded is none, and to go through it takes time."""
    gc.set_threshold(OBJECTS_BEFORE_LOOK)
    gc.disable()


def look_among_the_new() -> None:
    """Look for garbage again, where that was ended, but not among what there is now."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


@contextlib.contextmanager
def looking_for_none() -> Iterator[None]:
    """Look for no garbage meanwhile, nor later among what was made meanwhile."""
    was_looking = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_looking:
            look_among_the_new()
