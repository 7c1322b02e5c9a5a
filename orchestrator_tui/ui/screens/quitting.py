"""QuitDialog: what goes on when the screens are left, and whether it shall."""

from __future__ import annotations

from enum import StrEnum

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.records.program import PROGRAM
from orchestrator_tui.records.requests import CancelRun
from orchestrator_tui.state.formatting import counted
from orchestrator_tui.ui.keys import QUIT_KEYS
from orchestrator_tui.ui.screens.dialogs import (
    Question,
    RunLine,
    equal_command,
    framed,
    run_lines,
)


@dataclass(frozen=True, slots=True)
class QuitView:
    """The runs that were started here and go on, and the requests that would stop them."""

    lines: tuple[RunLine, ...] = ()
    stops: tuple[CancelRun, ...] = ()


class Leaving(StrEnum):
    """What is to be done."""

    STAY = "stay"
    QUIT = "quit"
    STOP = "stop"


class QuitDialog(Question[Leaving]):
    """Asks whether to quit; enter and esc go back, `q` quits, `S` stops runs before."""

    BINDINGS = QUIT_KEYS

    def __init__(self, view: QuitView, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(clock=clock)
        self._view = view

    def compose(self) -> ComposeResult:
        """Yield what keeps going, how to come back, and the answers."""
        lines, stops = self._view.lines, self._view.stops
        with framed(Vertical(id="quit", classes="dialog"), "Quit?", "enter, esc go back"):
            if lines:
                going = f"{counted(len(lines), 'run')} started here"
                goes = "keeps" if len(lines) == 1 else "keep"
                told = f"{going} {goes} running in the background:"
                yield Static(told, markup=False, classes="strong line")
                yield Static(run_lines(lines), id="quit-runs")
            else:
                yield Static("No run that was started here goes on.", markup=False)
            back = f"Come back any time with  {PROGRAM}  from this directory."
            yield Static(back, markup=False, id="quit-back", classes="" if stops else "alone")
            if stops:
                yield Static(equal_command(*stops), classes="command")
            with Horizontal(classes="answers"):
                yield Static(Content.assemble(("q", "bold $primary"), "  Quit"), id="quit-yes")
                stop = f"  Stop {'it' if len(stops) == 1 else f'my {len(stops)} runs'}, then quit"
                words = Content.assemble(("S", "bold $error"), stop) if stops else Content("")
                yield Static(words, id="quit-stop")
                yield Button("Go back", id="keep", compact=True)

    def on_mount(self) -> None:
        """Give the harmless answer the focus."""
        super().on_mount()
        self.query_one("#keep", Button).focus()

    @on(events.Click, "#quit-yes")
    def action_quit(self) -> None:
        """Quit; runs go on."""
        if self.hears():
            self.dismiss(Leaving.QUIT)

    @on(events.Click, "#quit-stop")
    def action_stop(self) -> None:
        """Stop the runs that were started here, then quit."""
        if self._view.stops and self.hears():
            self.dismiss(Leaving.STOP)

    @on(Button.Pressed, "#keep")
    def action_keep(self) -> None:
        """Go back."""
        self.dismiss(Leaving.STAY)
