"""CancellingDialog: how far the ending of a run has come, and who of it is still alive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import LivingProcess
from orchestrator_tui.state.cancelling import Rung, RungState, ladder
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import FINISHED, State, derive_state
from orchestrator_tui.ui.keys import CANCELLING_KEYS
from orchestrator_tui.ui.ports import RunProcessSource
from orchestrator_tui.ui.screens.dialogs import Question, framed
from orchestrator_tui.ui.widgets.cells import fit

LOOK_S = 0.5  # between two looks at who is alive
MOST_NAMED = 6
WORDS_CELLS = 34
_MARKS = {
    RungState.DONE: ("✓", "+", "$success"),
    RungState.NOW: ("▸", ">", "$warning"),
    RungState.TO_COME: ("◌", ".", "$text-muted"),
}


class Parting(StrEnum):
    """How the dialog was left."""

    HIDDEN = "hidden"
    KILL = "kill"
    ENDED = "ended"


def alive_words(living: Sequence[LivingProcess]) -> str:
    """Return who is still alive, by pid and name."""
    if not living:
        return ""
    named = [f"{process.pid} {safe_text(process.name)}" for process in living[:MOST_NAMED]]
    more = [f"and {len(living) - MOST_NAMED} more"] if len(living) > MOST_NAMED else []
    return f"still alive: {', '.join(named + more)}"


class CancellingDialog(Question[Parting]):
    """Follows a run that is being ended, and closes once it has; hidden, the ending goes on."""

    BINDINGS = CANCELLING_KEYS

    def __init__(
        self,
        key: RunKey,
        processes: RunProcessSource | None,
        *,
        ascii_only: bool = False,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__(clock=clock)
        self.key = key
        self._processes = processes
        self._ascii_only = ascii_only
        self._rungs: tuple[Rung, ...] = ()

    def compose(self) -> ComposeResult:
        """Yield the rungs, the living, and the two answers."""
        title = f"Cancelling {safe_text(self.key.short)}"
        with framed(Vertical(id="cancelling", classes="dialog"), title, "enter, esc hide"):
            yield Static(self._lines(), id="cancelling-rungs")
            yield Static("", markup=False, id="cancelling-alive")
            with Horizontal(classes="answers"):
                kill = Content.assemble(("X", "bold $error"), "  kill now ...")
                yield Static(kill, id="cancelling-kill")
                yield Button("Hide", id="keep", compact=True)

    def on_mount(self) -> None:
        """Give the harmless answer the focus, and begin to look who is alive."""
        super().on_mount()
        self.query_one("#keep", Button).focus()
        if self._processes is not None:
            self._look(self._processes)
            self.set_interval(LOOK_S, lambda: self._look(self._processes))

    def show(self, fleet: Fleet, now: datetime) -> None:
        """Show how far it has come now; close if the run has ended or is gone."""
        run = fleet.runs.get(self.key)
        state = derive_state(run, now).state if run else State.CANCELLED
        if state in FINISHED:
            if self.is_current:
                self.dismiss(Parting.ENDED)
            return
        rungs = ladder(run, now) if run else ()
        if rungs != self._rungs and self.is_mounted:
            self._rungs = rungs
            self.query_one("#cancelling-rungs", Static).update(self._lines())

    def _lines(self) -> Content:
        if not self._rungs:
            return Content("asked; nothing is on disk yet")
        lines = []
        for rung in self._rungs:
            mark, plain, style = _MARKS[rung.state]
            words = fit(rung.words, WORDS_CELLS)
            when = f"{rung.at.astimezone():%H:%M:%S}" if rung.at else ""
            told = "   ".join(part for part in (when, rung.when) if part)
            lines.append(
                Content.assemble((f"{plain if self._ascii_only else mark} ", style), words, told)
            )
        return Content("\n").join(lines)

    @work(name="who is alive", exclusive=True)
    async def _look(self, processes: RunProcessSource | None) -> None:
        if processes is not None:
            living = await processes.living(self.key)
            self.query_one("#cancelling-alive", Static).update(alive_words(living))

    @on(Button.Pressed, "#keep")
    def action_keep(self) -> None:
        """Hide the dialog; the ending goes on."""
        self.dismiss(Parting.HIDDEN)

    @on(events.Click, "#cancelling-kill")
    def action_kill(self) -> None:
        """Go on to the question whether to kill the run."""
        if self.hears():
            self.dismiss(Parting.KILL)
