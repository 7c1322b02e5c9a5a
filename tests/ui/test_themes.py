"""The themes: what is shown in them can be read."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from textual.color import Color

from orchestrator_tui.settings import THEMES
from orchestrator_tui.ui.colours import PALETTES
from orchestrator_tui.ui.themes import TERMINAL_THEMES, THEME_NAMES
from orchestrator_tui.ui.themes import THEMES as SCREEN_THEMES

STATES = ("succeeded", "failed", "lost", "stalled", "awaiting", "running")
READABLE = 4.5  # WCAG 2.1, contrast (minimum), for text of normal size
ENHANCED = 7.0  # the same, contrast (enhanced)


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    """Return the relative luminance as WCAG 2.1 defines it."""
    parts = (part / 255 for part in Color.parse(color).rgb)
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("word", PALETTES)
def test_every_state_can_be_read_on_its_ground_and_on_the_selected_row(word: str) -> None:
    palette = asdict(PALETTES[word])
    for name in (*STATES, "text", "primary"):
        assert contrast(palette[name], palette["ground"]) >= READABLE, name
        assert contrast(palette[name], palette["quiet_line"]) >= 4.0, name
    for name in STATES:
        assert contrast(palette[name], palette["line"]) >= 3.5, name


def test_high_contrast_has_more_of_it() -> None:
    palette = asdict(PALETTES["high-contrast"])
    for name in (*STATES, "text", "muted", "primary", "frame"):
        assert contrast(palette[name], palette["ground"]) >= ENHANCED, name


def test_mono_has_no_colours() -> None:
    for value in asdict(PALETTES["mono"]).values():
        color = Color.parse(value)
        assert color.r == color.g == color.b


def test_preferences_name_each_theme() -> None:
    assert tuple(PALETTES) == THEMES
    assert {theme.name for theme in SCREEN_THEMES} == set(THEME_NAMES.values())
    assert set(TERMINAL_THEMES) == set(THEME_NAMES.values())
