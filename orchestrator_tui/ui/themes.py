"""The themes: dark, light, with more contrast, for colour-blind eyes, and without colours."""

from __future__ import annotations

from rich.terminal_theme import TerminalTheme
from textual.color import Color
from textual.theme import Theme

from orchestrator_tui.ui.colours import PALETTES, Palette


def _theme(name: str, palette: Palette, *, dark: bool) -> Theme:
    return Theme(
        name=name,
        primary=palette.primary,
        secondary=palette.primary,
        accent=palette.awaiting,
        foreground=palette.text,
        background=palette.ground,
        surface=palette.surface,
        panel=palette.bar,
        success=palette.succeeded,
        warning=palette.stalled,
        error=palette.failed,
        dark=dark,
        variables={
            "text-muted": palette.muted,
            "state-running": palette.running,
            "state-lost": palette.lost,
            "state-awaiting": palette.awaiting,
            "cursor-line": palette.line,
            "cursor-line-blurred": palette.quiet_line,
            "frame": palette.frame,
            "frame-focus": palette.primary,
            "block-cursor-background": palette.primary,
            "block-cursor-foreground": palette.ground,
            "input-selection-background": f"{palette.primary} 35%",
        },
    )


THEME_NAMES = {word: f"orch-{word}" for word in PALETTES}
_LIGHT_WORDS = ("light", "cvd-light")
THEMES = tuple(
    _theme(THEME_NAMES[word], palette, dark=word not in _LIGHT_WORDS)
    for word, palette in PALETTES.items()
)
DARK = THEMES[0]


def _terminal_theme(background: str, foreground: str, *colors: str) -> TerminalTheme:
    """Return what the eight colours and their bright kin look like where a log uses them."""
    named = [Color.parse(color).rgb for color in colors]
    front, back = Color.parse(foreground).rgb, Color.parse(background).rgb
    return TerminalTheme(back, front, named[:8], named[8:])


_GREYS = ("#8a8a8a", *["#d0d0d0"] * 7)
_ON_DARK = _terminal_theme(
    *("#0f1317", "#d0d5da"),
    *("#5a6672", "#f2706b", "#87c38a", "#e3b35c", "#5fafd7", "#c79bf0", "#6cc7c7", "#d0d5da"),
    *("#7d8894", "#ff918c", "#a8dcaa", "#f2cd86", "#8ccbea", "#dcbcff", "#96dede", "#ffffff"),
)
_ON_LIGHT = _terminal_theme(
    *("#fbfbf9", "#24292f"),
    *("#24292f", "#b3261e", "#1f7a34", "#8f6000", "#005f87", "#7a3fb5", "#00707a", "#667079"),
    *("#4d565e", "#d0453c", "#2f9147", "#a87410", "#1f7fae", "#9459cc", "#12868f", "#24292f"),
)
_ON_BLACK = _terminal_theme(
    *("#000000", "#ffffff"),
    *("#9e9e9e", "#ff9c94", "#5fff87", "#ffd75f", "#87afff", "#ff9cff", "#5fffff", "#ffffff"),
    *("#c6c6c6", "#ffb8b2", "#9cffb4", "#ffe79c", "#afc8ff", "#ffbcff", "#9cffff", "#ffffff"),
)
# The colours that a program in a log names by number, in the tones of the screen around them.
TERMINAL_THEMES = {
    THEME_NAMES["dark"]: _ON_DARK,
    THEME_NAMES["light"]: _ON_LIGHT,
    THEME_NAMES["high-contrast"]: _ON_BLACK,
    THEME_NAMES["cvd-dark"]: _ON_DARK,
    THEME_NAMES["cvd-light"]: _ON_LIGHT,
    THEME_NAMES["mono"]: _terminal_theme("#000000", "#d0d0d0", *_GREYS, *_GREYS),
}
