"""The environment of a command line: that of the process, and what its flags say before a verb."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

_NO_WISHES: Final[Mapping[str, str]] = MappingProxyType({})
_WISHES: Final = ContextVar("wishes of a command line", default=_NO_WISHES)


@contextmanager
def one_command_line() -> Iterator[None]:
    """Forget at the end what flags have set."""
    before = _WISHES.set(_NO_WISHES)
    try:
        yield
    finally:
        _WISHES.reset(before)


def set_by_flag(variable: str) -> None:
    """Have a variable be set for this command line and its verb, as a flag wants it."""
    _WISHES.set({**_WISHES.get(), variable: "1"})


def environment() -> dict[str, str]:
    """Return the variables that hold for this command line."""
    return {**os.environ, **_WISHES.get()}
