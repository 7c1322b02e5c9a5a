"""StartDialog: choose a pipeline and a task, see the plan and the equal command, start."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from textwrap import wrap

from rich.cells import cell_len
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.identifiers import InvalidIdentifier, sanitize_task_id
from orchestrator_tui.records.pipeline import CommandStage, Pipeline
from orchestrator_tui.records.requests import LaunchRun
from orchestrator_tui.ui.widgets.cells import fit
from orchestrator_tui.ui.widgets.choice_list import Choice, ChoiceList


@dataclass(frozen=True, slots=True)
class Offer:
    """A pipeline on offer; `problem` says why it cannot be started, `past` what its runs took.

    `pipeline` is None only where there is a problem. Texts need not be safe.
    """

    pipeline: Pipeline | None
    id: str
    title: str
    problem: str | None = None
    past: str = ""


@dataclass(frozen=True, slots=True)
class StartView:
    """What the form offers: pipelines, the task it begins with, and known tasks.

    `busy_tasks` have a run now. `problem` replaces all of it where the configuration cannot be
    used.
    """

    offers: tuple[Offer, ...]
    task_id: str
    known_tasks: tuple[str, ...] = ()
    chosen: str | None = None
    busy_tasks: tuple[str, ...] = ()
    problem: str | None = None


def described(text: str, width: int, rows: int) -> list[str]:
    """Return safe text in lines of `width` cells; on one line, cut, if it needs more rows."""
    lines = wrap(text, max(8, width))
    fits = len(lines) <= rows and all(cell_len(line) <= width for line in lines)
    return lines if lines and fits else [fit(text, width)]


class PlanPreview(Widget):
    """What would run: the stages of the chosen pipeline, or why it cannot."""

    COMPONENT_CLASSES = {"muted", "state--stalled", "strong"}
    offer: reactive[Offer | None] = reactive(None)

    def render(self) -> Text:
        """Return the plan, cut to the pane."""
        offer, width = self.offer, self.size.width
        muted = self.get_component_rich_style("muted", partial=True)
        text = Text(no_wrap=True, end="")
        if offer is None:
            return text
        if offer.problem is not None or offer.pipeline is None:
            trouble = self.get_component_rich_style("state--stalled", partial=True)
            text.no_wrap = False
            text.append(f"! {safe_text(offer.problem or 'cannot be read')}", trouble)
            return text
        pipeline = offer.pipeline
        count = len(pipeline.stages)
        said = safe_text(pipeline.description or pipeline.title)
        lines = described(said, width, self.size.height - count - 1)
        text.append("\n".join(lines) + "\n")
        past = f", {offer.past}" if offer.past else ""
        text.append(fit(f"{count} stage{'s' * (count != 1)}{past}", width) + "\n", muted)
        room = max(1, self.size.height - 1 - len(lines))
        for number, stage in enumerate(pipeline.stages, 1):
            if number == room and count > room:
                text.append(fit(f"   and {count - room + 1} more", width), muted)
                break
            if isinstance(stage, CommandStage):
                does, extra = stage.command, " (may fail)" if stage.allow_failure else ""
            else:
                does, extra = f"+ pipeline {stage.pipeline}", ""
            name = fit(safe_text(stage.id) + extra, min(24, width // 3))
            text.append(f"{number:>2} {name} ")
            text.append(fit(safe_text(does), width - len(name) - 4) + "\n", muted)
        return text


_ENTER_DOES = {
    "pipelines": "enter take it",
    "task": "enter done",
    "go": "enter start it",
    "leave": "enter close",
}


class StartDialog(ModalScreen[LaunchRun | None]):
    """The form; gives the request, or None when it was left."""

    BINDINGS = [
        Binding("escape", "leave", "close", id="start.leave"),
        Binding("ctrl+s", "start", "start", show=False),
    ]

    def __init__(self, view: StartView) -> None:
        super().__init__()
        self._view = view
        ids = [offer.id for offer in view.offers]
        self._index = ids.index(view.chosen) if view.chosen in ids else 0

    def compose(self) -> ComposeResult:
        """Yield the pipelines, the task, the plan, the command and the two buttons."""
        view = self._view
        with Vertical(id="start", classes="dialog") as box:
            box.border_title = "Start a run"
            box.border_subtitle = "esc close"
            if view.problem is not None:
                yield Static(f"! {safe_text(view.problem)}", markup=False, id="start-problem")
            else:
                with Horizontal(id="start-top"):
                    choices = tuple(
                        Choice(
                            "", offer.id, offer.title, "has a mistake" if offer.problem else None
                        )
                        for offer in view.offers
                    )
                    pipelines = ChoiceList(choices, self._index, id="pipelines", classes="pane")
                    pipelines.border_title = "Pipeline"
                    yield pipelines
                    plan = PlanPreview(id="plan", classes="pane")
                    plan.border_title = "Plan"
                    yield plan
                with Horizontal(id="start-task"):
                    yield Static("Task", markup=False, classes="label")
                    known = SuggestFromList(view.known_tasks, case_sensitive=True)
                    yield Input(view.task_id, suggester=known, id="task", compact=True)
                yield Static("", markup=False, id="start-notes")
                yield Static("", markup=False, id="start-command")
            with Horizontal(id="start-buttons"):
                if view.problem is None:
                    yield Button("Start", id="go", variant="primary", compact=True)
                yield Button("Close", id="leave", compact=True)

    def on_mount(self) -> None:
        """Begin in the list of pipelines."""
        if self._view.problem is None:
            self.query_one(ChoiceList).focus()
            self._show()
        else:
            self.query_one("#leave", Button).focus()

    @on(DescendantFocus)
    def _focus_moved(self) -> None:
        enter = _ENTER_DOES.get(self.focused.id or "", "") if self.focused else ""
        hints = (enter, "tab field", "esc close") if self._view.problem is None else ("esc close",)
        self.query_one("#start").border_subtitle = "   ".join(hint for hint in hints if hint)

    def _request(self) -> LaunchRun | str:
        if not self._view.offers:
            return "No pipeline is configured."
        offer = self._view.offers[self._index]
        if offer.problem is not None:
            return "This pipeline cannot be started; the plan says why."
        try:
            task = sanitize_task_id(self.query_one("#task", Input).value)
        except InvalidIdentifier as error:
            return str(error)
        return LaunchRun(offer.id, task)

    def _show(self) -> None:
        offers = self._view.offers
        self.query_one(PlanPreview).offer = offers[self._index] if offers else None
        request = self._request()
        command = self.query_one("#start-command", Static)
        notes = self.query_one("#start-notes", Static)
        self.query_one("#go", Button).disabled = isinstance(request, str)
        if isinstance(request, str):
            command.update("")
            notes.update(f"! {safe_text(request)}")
        else:
            command.update(f"$ {safe_text(shlex.join(request.argv()))}")
            busy = request.task_id in self._view.busy_tasks
            notes.update("! Another run of this task is going on." if busy else "")

    @on(ChoiceList.Highlighted)
    def _another(self) -> None:
        self._index = self.query_one(ChoiceList).index
        self._show()

    @on(ChoiceList.Chosen)
    def _chosen(self) -> None:
        go = self.query_one("#go", Button)
        (self.query_one("#task", Input) if go.disabled else go).focus()

    @on(Input.Changed)
    def _typed(self) -> None:
        self._show()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.query_one("#go", Button).focus()

    @on(Button.Pressed, "#go")
    def action_start(self) -> None:
        """Give the request, if it can be carried out."""
        request = self._request()
        if isinstance(request, LaunchRun):
            self.dismiss(request)

    @on(Button.Pressed, "#leave")
    def action_leave(self) -> None:
        """Close without starting."""
        self.dismiss(None)
