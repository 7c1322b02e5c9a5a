"""CancelDialog and RunAgainDialog: what is asked before a run is stopped or run again."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.requests import CancelRun, LaunchRun, Request, ResumeRun
from orchestrator_tui.ui.keys import AGAIN_KEYS, CANCEL_KEYS
from orchestrator_tui.ui.widgets.cells import fit, fit_name
from orchestrator_tui.ui.widgets.choice_list import Choice, ChoiceList

DEAF_S = 0.3  # keys typed before the dialog was seen are not meant for it
NAME_CELLS = 52
RUNG_CELLS = 32


def equal_command(request: Request) -> Content:
    """Return the command line that does the same, ready to be shown."""
    return Content(f"$ {safe_text(shlex.join(request.argv()))}")


@dataclass(frozen=True, slots=True)
class CancelView:
    """What is said of the run to cancel; texts need not be safe.

    `name` is the run as a person knows it, `where` what it does now, `kept` what stays done.
    `grace_s` is how long its command may take after SIGTERM. A runner that does not
    `obey_at_once` looks at requests between stages only.
    """

    request: CancelRun
    name: str
    where: str = ""
    kept: str = ""
    grace_s: float = 10.0
    obeys_at_once: bool = True


def cancel_rungs(view: CancelView) -> tuple[tuple[str, str], ...]:
    """Return what will be done, step by step, and when."""
    if not view.obeys_at_once:
        return (
            ("ask the runner to stop", "now"),
            ("the runner ends the run", "after this stage"),
        )
    return (
        ("ask the runner to stop", "now"),
        ("it sends SIGTERM to the command", "at once"),
        ("and SIGKILL to what is left", f"after {view.grace_s:g} s more"),
    )


class CancelDialog(ModalScreen[bool]):
    """Asks whether to cancel a run; enter and esc keep it running, only `y` cancels."""

    BINDINGS = CANCEL_KEYS
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-roomy")]

    def __init__(self, view: CancelView, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__()
        self._view = view
        self._clock = clock
        self._opened_at = clock.monotonic()

    def compose(self) -> ComposeResult:
        """Yield the run, the steps, the equal command and the two answers."""
        view = self._view
        with Vertical(id="cancel", classes="dialog") as box:
            box.border_title = "Cancel this run?"
            box.border_subtitle = "enter, esc keep running"
            yield Static(safe_text(view.name), markup=False, classes="strong line")
            if view.where:
                yield Static(safe_text(view.where), markup=False, classes="muted")
            yield Static(self._rungs(), id="cancel-rungs")
            if view.kept:
                yield Static(safe_text(view.kept), markup=False, id="cancel-kept")
            yield Static(equal_command(view.request), classes="command")
            with Horizontal(classes="answers"):
                yield Static(
                    Content.assemble(("y", "bold $error"), "  Cancel the run"), id="cancel-yes"
                )
                yield Button("Keep running", id="keep", compact=True)

    def _rungs(self) -> Content:
        lines = [
            Content.assemble((f"{number}  ", "$text-muted"), fit(what, RUNG_CELLS), when)
            for number, (what, when) in enumerate(cancel_rungs(self._view), 1)
        ]
        return Content("\n").join(lines)

    def on_mount(self) -> None:
        """Give the harmless answer the focus."""
        self._opened_at = self._clock.monotonic()
        self.query_one("#keep", Button).focus()

    def action_confirm(self) -> None:
        """Cancel the run, unless the key came before the dialog could be read."""
        if self._clock.monotonic() - self._opened_at >= DEAF_S:
            self.dismiss(True)

    @on(Button.Pressed, "#keep")
    def action_keep(self) -> None:
        """Keep the run."""
        self.dismiss(False)

    @on(events.Click, "#cancel-yes")
    def _clicked(self) -> None:
        self.action_confirm()


@dataclass(frozen=True, slots=True)
class AgainStage:
    """A stage that a run can be taken up from; `ending` is how it ended, in a word."""

    id: str
    title: str
    ending: str = ""


@dataclass(frozen=True, slots=True)
class RunAgainView:
    """What can be done with a run once more; texts need not be safe.

    `resume_refusal` says why the run itself cannot go on, `launch_refusal` why no new one can be
    started, both None where it can. `stage_id` is the stage that failed or comes next.
    """

    key: RunKey
    name: str
    pipeline_id: str = ""
    stages: tuple[AgainStage, ...] = ()
    stage_id: str | None = None
    prefers_resume: bool = True
    resume_refusal: str | None = None
    launch_refusal: str | None = None


class Way(StrEnum):
    """The ways to run a run again; the value is its key."""

    RESUME = "f"
    NEW = "n"
    FROM = "s"
    ONLY = "o"


def ways(view: RunAgainView) -> tuple[Choice, ...]:
    """Return all ways in their order, those that cannot be gone with the reason."""
    place = next((n for n, s in enumerate(view.stages, 1) if s.id == view.stage_id), 0)
    where = f"stage {place} {view.stage_id}" if place else "where it stopped"
    refusal = view.resume_refusal
    no_stage = refusal or (None if view.stages else "the manifest names no stages")
    return (
        Choice(Way.RESUME, f"Resume from {where}", "keeps what succeeded", refusal),
        Choice(Way.NEW, "New run", "same pipeline and task", view.launch_refusal),
        Choice(Way.FROM, "From a stage...", "that one and all after it", no_stage),
        Choice(Way.ONLY, "Only one stage...", "nothing after it", no_stage),
    )


class RunAgainDialog(ModalScreen[Request | None]):
    """Offers the ways to run a run again; gives the request, or None when it was left."""

    BINDINGS = AGAIN_KEYS
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-roomy")]

    def __init__(self, view: RunAgainView, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__()
        self._view = view
        self._clock = clock
        self._opened_at = clock.monotonic()
        self._way: Way | None = None

    def compose(self) -> ComposeResult:
        """Yield the run, the ways or stages, and the equal command."""
        choices = ways(self._view)
        first = 0 if self._view.prefers_resume else 1
        with Vertical(id="again", classes="dialog") as box:
            box.border_title = "Run again"
            box.border_subtitle = "enter do it   esc close"
            name = fit_name(safe_text(self._view.name), NAME_CELLS)
            yield Static(name, markup=False, classes="strong line")
            yield ChoiceList(choices, first, id="ways")
            yield Static("", markup=False, id="again-command", classes="command")

    def on_mount(self) -> None:
        """Begin at the way that fits the run best."""
        self._opened_at = self._clock.monotonic()
        self.query_one(ChoiceList).focus()
        self._show_command()

    def _stage(self) -> AgainStage | None:
        index = self.query_one(ChoiceList).index
        return self._view.stages[index] if self._way else None

    def _request(self) -> Request | None:
        chosen = self.query_one(ChoiceList).chosen
        if chosen is None or chosen.refusal is not None:
            return None
        view, stage = self._view, self._stage()
        if stage is not None:
            if self._way is Way.ONLY:
                return ResumeRun(view.key, only_stage=stage.id)
            return ResumeRun(view.key, from_stage=stage.id)
        if chosen.key == Way.NEW:
            return LaunchRun(view.pipeline_id, view.key.task_id)
        return ResumeRun(view.key) if chosen.key == Way.RESUME else None

    @on(ChoiceList.Highlighted)
    def _show_command(self) -> None:
        line = self.query_one("#again-command", Static)
        chosen = self.query_one(ChoiceList).chosen
        request = self._request()
        if request is not None:
            line.update(equal_command(request))
        elif chosen is not None and chosen.refusal is not None:
            line.update(Content.styled(f"! {safe_text(chosen.refusal)}", "$warning"))
        else:
            line.update(Content("enter chooses the stage"))

    @on(ChoiceList.Chosen)
    def _chosen(self) -> None:
        if self._clock.monotonic() - self._opened_at < DEAF_S:
            return
        request = self._request()
        chosen = self.query_one(ChoiceList).chosen
        if request is not None:
            self.dismiss(request)
        elif chosen is not None and chosen.refusal is None and self._way is None:
            self._choose_stage(Way(chosen.key))

    def _choose_stage(self, way: Way) -> None:
        self._way = way
        stages = self._view.stages
        ids = [stage.id for stage in stages]
        title = "From which stage?" if way is Way.FROM else "Which stage alone?"
        self.query_one("#again").border_title = f"Run again   {title}"
        self.query_one("#again").border_subtitle = "enter do it   esc back"
        at = ids.index(self._view.stage_id) if self._view.stage_id in ids else 0
        choices = tuple(
            Choice(str(n), f"{stage.id}", stage.ending) for n, stage in enumerate(stages, 1)
        )
        self.query_one(ChoiceList).offer(choices, at)

    def action_way(self, key: str) -> None:
        """Go the way of a key, if it is open."""
        if self._way is None:
            self.query_one(ChoiceList).choose(key)

    def action_back(self) -> None:
        """Go back from the stages to the ways, or leave."""
        if self._way is None:
            self.dismiss(None)
            return
        way, self._way = self._way, None
        self.query_one("#again").border_title = "Run again"
        self.query_one("#again").border_subtitle = "enter do it   esc close"
        self.query_one(ChoiceList).offer(ways(self._view), list(Way).index(way))
