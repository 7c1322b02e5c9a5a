"""Question: what every dialog has in common that asks before something is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from rich.cells import cell_len
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.requests import Request, command_line
from orchestrator_tui.ui.frames import PaintsSoon
from orchestrator_tui.ui.leaving import EndsItsWork
from orchestrator_tui.ui.widgets.cells import fit
from orchestrator_tui.ui.widgets.lines import entitle

R = TypeVar("R")

DEAF_S = 0.3  # a key typed before the dialog was seen is not meant for it, nor is one held down
INNER_CELLS = 66  # of a dialog's text at 80 columns; a narrower terminal cuts
MOST_LINES = 5  # runs listed, so that the answers stay in sight in 15 rows


def equal_command(*requests: Request) -> Content:
    """Return the command line that does the same, ready to be shown."""
    return Content(f"$ {safe_text(command_line(requests))}")


class Question(PaintsSoon, ModalScreen[R], EndsItsWork):
    """A dialog that hears no confirming key for a moment, nor one that is held down."""

    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-roomy")]

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__()
        self._clock = clock
        self._deaf_since = clock.monotonic()

    def on_mount(self) -> None:
        """Be deaf from the moment when the dialog can be seen."""
        self._deaf_since = self._clock.monotonic()

    def hears(self) -> bool:
        """Tell whether a confirming key that comes now is meant; each one begins a new silence."""
        now = self._clock.monotonic()
        silence, self._deaf_since = now - self._deaf_since, now
        return silence >= DEAF_S


@dataclass(frozen=True, slots=True)
class RunLine:
    """One of several runs that a dialog is about; `refusal` says why it is left out."""

    name: str
    remark: str = ""
    refusal: str | None = None


def run_lines(lines: Sequence[RunLine]) -> Content:
    """Return the lines of several runs; those left out say why, and too many are counted."""
    shown = list(lines) if len(lines) <= MOST_LINES else list(lines[: MOST_LINES - 1])
    names = [safe_text(line.name) for line in shown]
    width = min(max((cell_len(name) for name in names), default=0), INNER_CELLS // 2)
    told: list[Content] = []
    for name, line in zip(names, shown, strict=True):
        room = INNER_CELLS - width - 2
        if line.refusal is None:
            told.append(Content(f"{fit(name, width)}  {fit(safe_text(line.remark), room)}"))
        else:
            told.append(
                Content.assemble(
                    (f"{fit(name, width)}  ", "$text-muted"),
                    (fit(f"! {safe_text(line.refusal)}", room), "$warning"),
                )
            )
    if left := len(lines) - len(shown):
        out = sum(line.refusal is not None for line in lines[len(shown) :])
        told.append(Content(f"and {left} more" + (f", {out} of them left out" if out else "")))
    return Content("\n").join(told)


def framed(box: Vertical, title: str, hint: str) -> Vertical:
    """Give a dialog's box its title and the hint at its foot."""
    entitle(box, title, hint)
    return box
