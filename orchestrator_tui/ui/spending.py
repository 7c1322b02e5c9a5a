"""What the program itself takes of the machine, in words."""

from __future__ import annotations

from typing import Final

from orchestrator_tui.ui.ports import Spent

MIB: Final = 2**20


def spending_words(spent: Spent) -> str:
    """Return `cpu 1%  mem 74 MiB`: whole numbers, so that the words seldom change."""
    return f"cpu {spent.core_share:.0%}  mem {spent.resident_bytes / MIB:.0f} MiB"
