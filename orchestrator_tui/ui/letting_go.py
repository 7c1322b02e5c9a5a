"""Letting go: what Textual would remember of widgets that are gone."""

from __future__ import annotations

from functools import lru_cache

from textual._styles_cache import StylesCache
from textual.color import Color
from textual.style import Style


@lru_cache(1024)
def _inner_and_outer(base: Color, background: Color) -> tuple[Style, Style]:
    return Style(background=base + background), Style(background=base)


def _by_colours(_cache: StylesCache, base: Color, background: Color) -> tuple[Style, Style]:
    return _inner_and_outer(base, background)


def let_go_of_widgets() -> None:
    """Have the colours of borders remembered by the colours alone.

    Textual 8.2.8 remembers them by the widget's cache of painted lines too, and so keeps the lines
    of a thousand widgets, some 70 MiB, long after their screens were left.
    """
    setattr(StylesCache, "get_inner_outer", _by_colours)  # noqa: B010 (mypy holds methods fixed)
