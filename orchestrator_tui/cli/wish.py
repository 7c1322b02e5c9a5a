"""ScreenWish: how a person wants the screen, worked out from flags, variables and preferences."""

from __future__ import annotations

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.settings import Preferences


@dataclass(frozen=True, slots=True)
class ScreenWish:
    """What the screen is made after; `place` is the repository as a person writes it."""

    preferences: Preferences
    place: str
    theme: str
    ascii_only: bool = False
    view: str = ""
