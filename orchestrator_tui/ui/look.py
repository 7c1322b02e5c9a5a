"""Look: each state's symbol, word and style, in that order; colour alone never carries meaning."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.state.liveness import State


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is shown.

    `symbol` and `plain` (the ASCII set) are one cell wide in every locale. `style` names the
    component class: `state--failed` for `failed`. `word` is a stage's; those of runs are in
    `state.views`, since they are also printed.
    """

    symbol: str
    plain: str
    style: str
    word: str = ""


_RUN_LOOKS: Mapping[State, Look] = MappingProxyType(
    {
        State.SUCCEEDED: Look("✓", "+", "succeeded"),
        State.FAILED: Look("✗", "x", "failed"),
        State.CANCELLED: Look("⊘", "-", "cancelled"),
        State.LOST: Look("∅", "!", "lost"),
        State.STALLED: Look("~", "~", "stalled"),
        State.AWAITING: Look("?", "?", "awaiting"),
        State.PAUSED: Look("=", "=", "paused"),
        State.QUEUED: Look("◌", ".", "queued"),
        State.RUNNING: Look("▸", ">", "running"),
        State.UNKNOWN: Look("⁇", "#", "unknown"),
    }
)

_STAGE_LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "pending": Look("◌", ".", "queued", "pending"),
        "running": Look("▸", ">", "running", "running"),
        "stalled": Look("~", "~", "stalled", "stalled"),
        "interrupted": Look("∅", "!", "lost", "interrupted"),
        "succeeded": Look("✓", "+", "succeeded", "ok"),
        "kept": Look("=", "=", "kept", "kept"),
        "failed": Look("✗", "x", "failed", "failed"),
        "soft_failed": Look("⊗", "*", "stalled", "failed, allowed"),
        "skipped": Look("»", "/", "queued", "skipped"),
        "cancelled": Look("⊘", "-", "cancelled", "cancelled"),
    }
)

STATE_STYLES: set[str] = {
    f"state--{look.style}" for look in (*_RUN_LOOKS.values(), *_STAGE_LOOKS.values())
}


# Frames, bars and marks in ASCII; every one stays one cell wide.
PLAIN_GLYPHS = str.maketrans(
    {
        **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼", "+"),
        **dict.fromkeys("─━═╌", "-"),
        **dict.fromkeys("│┃║▌▐▎▊", "|"),
        **dict.fromkeys("▁▂▃▄▅▆▇", " "),
        "›": ">",
        "‹": "<",
        "…": ".",
        "“": '"',
        "”": '"',
        "█": "#",
        "•": "*",
        "↑": "^",
        "↓": "v",
        "←": "<",
        "→": ">",
    }
)


def run_look(state: State) -> Look:
    """Return how a run's state is shown."""
    return _RUN_LOOKS[state]


def stage_look(state: str) -> Look:
    """Return how a stage's state is shown; a word that is not known looks pending."""
    return _STAGE_LOOKS.get(state, _STAGE_LOOKS["pending"])


def symbol_of(look: Look, *, ascii_only: bool) -> str:
    """Return the symbol of the set in use."""
    return look.plain if ascii_only else look.symbol
