"""CancelDialog and KillDialog: what is asked before runs are stopped, politely or not."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Static

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.requests import CancelRun, KillRun
from orchestrator_tui.ui.keys import CANCEL_KEYS, KILL_KEYS
from orchestrator_tui.ui.screens.dialogs import (
    Question,
    RunLine,
    equal_command,
    framed,
    run_lines,
)
from orchestrator_tui.ui.widgets.cells import fit

RUNG_CELLS = 32


@dataclass(frozen=True, slots=True)
class CancelView:
    """What is said of the runs to cancel; texts need not be safe.

    `name` is a single run as a person knows it, `where` what it does now, `kept` what stays done;
    of several runs there are `lines` instead. `grace_s` is how long a command may take after
    SIGTERM. A runner that does not `obey_at_once` looks at requests between stages only; one that
    `is_dead` obeys nothing, so its run is ended without it.
    """

    requests: tuple[CancelRun, ...]
    name: str = ""
    where: str = ""
    kept: str = ""
    lines: tuple[RunLine, ...] = ()
    grace_s: float = 10.0
    obeys_at_once: bool = True
    is_dead: bool = False


def cancel_rungs(view: CancelView) -> tuple[tuple[str, str], ...]:
    """Return what will be done, step by step, and when."""
    if view.is_dead:
        return (
            ("end what its dead runner left running", "now"),
            ("mark the run as cancelled", "then"),
        )
    if not view.obeys_at_once:
        return (
            ("ask the runner to stop", "now"),
            ("the runner ends the run", "after this stage"),
        )
    many = len(view.requests) > 1
    return (
        ("ask the runners to stop" if many else "ask the runner to stop", "now"),
        ("SIGTERM to their commands" if many else "SIGTERM to the command", "at once"),
        ("SIGKILL to what is left", f"after {view.grace_s:g} s more"),
    )


class CancelDialog(Question[bool]):
    """Asks whether to cancel; enter and esc keep the runs going, only `y` cancels."""

    BINDINGS = CANCEL_KEYS

    def __init__(self, view: CancelView, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(clock=clock)
        self._view = view

    def compose(self) -> ComposeResult:
        """Yield the runs, the steps, the equal command and the two answers."""
        view, count = self._view, len(self._view.requests)
        title = f"Cancel {count} runs?" if view.lines else "Cancel this run?"
        with framed(Vertical(id="cancel", classes="dialog"), title, "enter, esc keep running"):
            if view.lines:
                yield Static(run_lines(view.lines), id="cancel-runs")
            else:
                yield Static(safe_text(view.name), markup=False, classes="strong line")
            if view.where:
                yield Static(safe_text(view.where), markup=False, classes="muted")
            yield Static(self._rungs(), id="cancel-rungs")
            if view.kept:
                yield Static(safe_text(view.kept), markup=False, id="cancel-kept")
            yield Static(equal_command(*view.requests), classes="command")
            with Horizontal(classes="answers"):
                what = f"Cancel {count} runs" if count > 1 else "Cancel the run"
                yield Static(Content.assemble(("y", "bold $error"), f"  {what}"), id="cancel-yes")
                yield Button("Keep running", id="keep", compact=True)

    def _rungs(self) -> Content:
        lines = [
            Content.assemble((f"{number}  ", "$text-muted"), fit(what, RUNG_CELLS), when)
            for number, (what, when) in enumerate(cancel_rungs(self._view), 1)
        ]
        return Content("\n").join(lines)

    def on_mount(self) -> None:
        """Give the harmless answer the focus."""
        super().on_mount()
        self.query_one("#keep", Button).focus()

    def action_confirm(self) -> None:
        """Cancel, unless the key came before the dialog could be read."""
        if self.hears():
            self.dismiss(True)

    @on(Button.Pressed, "#keep")
    def action_keep(self) -> None:
        """Keep the runs."""
        self.dismiss(False)

    @on(events.Click, "#cancel-yes")
    def _clicked(self) -> None:
        self.action_confirm()


@dataclass(frozen=True, slots=True)
class KillView:
    """What is said of the runs to kill; those whose line has a refusal have no request."""

    requests: tuple[KillRun, ...]
    lines: tuple[RunLine, ...]

    @property
    def words(self) -> str:
        """What has to be typed."""
        return f"kill {len(self.requests)}"


class KillDialog(Question[bool]):
    """Asks for typed words before runs are killed; enter without them and esc go back."""

    BINDINGS = KILL_KEYS

    def __init__(self, view: KillView, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(clock=clock)
        self._view = view

    def compose(self) -> ComposeResult:
        """Yield the runs, what is lost, the words to type and the way back."""
        view, count = self._view, len(self._view.lines)
        title = f"Force kill {count} runs?" if count > 1 else "Force kill this run?"
        with framed(Vertical(id="kill", classes="dialog"), title, "esc go back"):
            yield Static(run_lines(view.lines), id="kill-runs")
            yield Static(
                "Killed stages get no cleanup. Half-written outputs may stay.",
                markup=False,
                id="kill-lost",
            )
            yield Static(equal_command(*view.requests), classes="command")
            with Horizontal(id="kill-words"):
                asked = Content.assemble("Type  ", (view.words, "bold $error"), "  to confirm: ")
                yield Static(asked, classes="label")
                yield Input(id="kill-typed", compact=True)
            with Horizontal(classes="answers"):
                yield Static("", markup=False, id="kill-hint")
                yield Button("Go back", id="keep", compact=True)

    def on_mount(self) -> None:
        """Put the keys into the field, where they kill nothing before the words are complete."""
        super().on_mount()
        self.query_one(Input).focus()

    def _is_typed(self) -> bool:
        return " ".join(self.query_one(Input).value.split()) == self._view.words

    @on(Input.Changed)
    def _typed(self) -> None:
        hint = "enter kills" if self._is_typed() else ""
        self.query_one("#kill-hint", Static).update(Content.styled(hint, "$error"))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        if not self._is_typed():
            self.dismiss(False)
        elif self.hears():
            self.dismiss(True)

    @on(Button.Pressed, "#keep")
    def action_keep(self) -> None:
        """Kill nothing."""
        self.dismiss(False)
