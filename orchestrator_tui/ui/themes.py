"""The themes: dark, light, with more contrast, for colour-blind eyes, and without colours."""

from __future__ import annotations

from dataclasses import replace

from rich.terminal_theme import TerminalTheme
from textual.color import Color
from textual.theme import Theme

from orchestrator_tui.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a theme; `ground` is behind everything, `bar` behind header and footer.

    `line` is behind the selected row, `quiet_line` behind one in a pane without the focus.
    """

    ground: str
    surface: str
    bar: str
    text: str
    muted: str
    primary: str
    succeeded: str
    failed: str
    lost: str
    stalled: str
    awaiting: str
    running: str
    line: str
    quiet_line: str
    frame: str


_DARK = Palette(
    ground="#0f1317",
    surface="#151a20",
    bar="#1e252d",
    text="#d0d5da",
    muted="#7d8894",
    primary="#5fafd7",
    succeeded="#87c38a",
    failed="#f2706b",
    lost="#e88ae0",
    stalled="#e3b35c",
    awaiting="#d7a6ff",
    running="#6cc7e8",
    line="#26323d",
    quiet_line="#1d262e",
    frame="#3a4652",
)
_LIGHT = Palette(
    ground="#fbfbf9",
    surface="#f4f4f0",
    bar="#e8e8e2",
    text="#24292f",
    muted="#667079",
    primary="#005f87",
    succeeded="#1f7a34",
    failed="#b3261e",
    lost="#a0288f",
    stalled="#8f6000",
    awaiting="#7a3fb5",
    running="#00699e",
    line="#d9e6ee",
    quiet_line="#e9eef1",
    frame="#b9c0c6",
)
_HIGH_CONTRAST = Palette(
    ground="#000000",
    surface="#000000",
    bar="#1c1c1c",
    text="#ffffff",
    muted="#c6c6c6",
    primary="#ffff5f",
    succeeded="#5fff87",
    failed="#ff9c94",
    lost="#ff9cff",
    stalled="#ffd75f",
    awaiting="#dcb4ff",
    running="#5fffff",
    line="#00307a",
    quiet_line="#303030",
    frame="#b2b2b2",
)
_MONO = Palette(
    ground="#000000",
    surface="#000000",
    bar="#1c1c1c",
    text="#d0d0d0",
    muted="#8a8a8a",
    primary="#d0d0d0",
    succeeded="#d0d0d0",
    failed="#ffffff",
    lost="#ffffff",
    stalled="#ffffff",
    awaiting="#ffffff",
    running="#ffffff",
    line="#3a3a3a",
    quiet_line="#262626",
    frame="#585858",
)
# After Okabe and Ito's set of colours that people with any kind of colour blindness tell apart;
# blue is lighter than theirs on the dark ground, the light kinds darker on the light one.
_CVD_DARK = replace(
    _DARK,
    succeeded="#4a9fe0",
    failed="#f0743c",
    lost="#e69f00",
    stalled="#f0e442",
    awaiting="#e0a0c6",
    running="#7cc8f4",
)
_CVD_LIGHT = replace(
    _LIGHT,
    succeeded="#005a8f",
    failed="#b34700",
    lost="#7d5600",
    stalled="#665f00",
    awaiting="#9c4478",
    running="#1f6f9e",
)


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


# The names that preferences and flags use.
PALETTES = {
    "dark": _DARK,
    "light": _LIGHT,
    "high-contrast": _HIGH_CONTRAST,
    "cvd-dark": _CVD_DARK,
    "cvd-light": _CVD_LIGHT,
    "mono": _MONO,
}
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
