"""The themes: dark, light, and one without colours."""

from __future__ import annotations

from rich.terminal_theme import TerminalTheme
from textual.color import Color
from textual.theme import Theme

DARK = Theme(
    name="orch-dark",
    primary="#5fafd7",
    secondary="#87afaf",
    accent="#d7afff",
    foreground="#d0d5da",
    background="#0f1317",
    surface="#151a20",
    panel="#1e252d",
    success="#87c38a",
    warning="#e3b35c",
    error="#f2706b",
    dark=True,
    variables={
        "text-muted": "#7d8894",
        "state-running": "#6cc7e8",
        "state-lost": "#e88ae0",
        "state-awaiting": "#d7a6ff",
        "cursor-line": "#26323d",
        "cursor-line-blurred": "#1d262e",
        "frame": "#3a4652",
        "frame-focus": "#5fafd7",
        "block-cursor-background": "#5fafd7",
        "block-cursor-foreground": "#0f1317",
        "input-selection-background": "#5fafd7 35%",
    },
)

LIGHT = Theme(
    name="orch-light",
    primary="#005f87",
    secondary="#4e7a7a",
    accent="#7a3fb5",
    foreground="#24292f",
    background="#fbfbf9",
    surface="#f4f4f0",
    panel="#e8e8e2",
    success="#1f7a34",
    warning="#8f6000",
    error="#b3261e",
    dark=False,
    variables={
        "text-muted": "#667079",
        "state-running": "#00699e",
        "state-lost": "#a0288f",
        "state-awaiting": "#7a3fb5",
        "cursor-line": "#d9e6ee",
        "cursor-line-blurred": "#e9eef1",
        "frame": "#b9c0c6",
        "frame-focus": "#005f87",
        "block-cursor-background": "#005f87",
        "block-cursor-foreground": "#ffffff",
        "input-selection-background": "#005f87 25%",
    },
)

MONO = Theme(
    name="orch-mono",
    primary="#d0d0d0",
    secondary="#d0d0d0",
    accent="#ffffff",
    foreground="#d0d0d0",
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    success="#d0d0d0",
    warning="#ffffff",
    error="#ffffff",
    dark=True,
    variables={
        "text-muted": "#8a8a8a",
        "state-running": "#ffffff",
        "state-lost": "#ffffff",
        "state-awaiting": "#ffffff",
        "cursor-line": "#3a3a3a",
        "cursor-line-blurred": "#262626",
        "frame": "#585858",
        "frame-focus": "#ffffff",
        "block-cursor-background": "#ffffff",
        "block-cursor-foreground": "#000000",
        "input-selection-background": "#585858",
    },
)


def _terminal_theme(background: str, foreground: str, *colors: str) -> TerminalTheme:
    """Return what the eight colours and their bright kin look like where a log uses them."""
    named = [Color.parse(color).rgb for color in colors]
    front, back = Color.parse(foreground).rgb, Color.parse(background).rgb
    return TerminalTheme(back, front, named[:8], named[8:])


_GREYS = ("#8a8a8a", *["#d0d0d0"] * 7)

# The colours that a program in a log names by number, in the tones of the screen around them.
TERMINAL_THEMES = {
    DARK.name: _terminal_theme(
        *("#0f1317", "#d0d5da"),
        *("#5a6672", "#f2706b", "#87c38a", "#e3b35c", "#5fafd7", "#c79bf0", "#6cc7c7", "#d0d5da"),
        *("#7d8894", "#ff918c", "#a8dcaa", "#f2cd86", "#8ccbea", "#dcbcff", "#96dede", "#ffffff"),
    ),
    LIGHT.name: _terminal_theme(
        *("#fbfbf9", "#24292f"),
        *("#24292f", "#b3261e", "#1f7a34", "#8f6000", "#005f87", "#7a3fb5", "#00707a", "#667079"),
        *("#4d565e", "#d0453c", "#2f9147", "#a87410", "#1f7fae", "#9459cc", "#12868f", "#24292f"),
    ),
    MONO.name: _terminal_theme("#000000", "#d0d0d0", *_GREYS, *_GREYS),
}
THEMES = (DARK, LIGHT, MONO)
THEME_NAMES = {"dark": DARK.name, "light": LIGHT.name, "mono": MONO.name}
