"""StartDialog: choose a pipeline and its inputs, see the plan and the equal command, start."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.events import DescendantFocus
from textual.suggester import SuggestFromList
from textual.widgets import Button, Input, Static

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.identifiers import InvalidIdentifier, sanitize_task_id
from orchestrator_tui.records.requests import LaunchRun, RunInputs, StartConditions, command_line
from orchestrator_tui.state.formatting import byte_count, counted
from orchestrator_tui.ui.asked import CommandCopyAsked
from orchestrator_tui.ui.keys import ANSWER_KEYS, START_KEYS
from orchestrator_tui.ui.planning import PlanView
from orchestrator_tui.ui.screens.dialogs import Question, framed
from orchestrator_tui.ui.screens.plan import PlanDialog
from orchestrator_tui.ui.widgets.choice_list import Choice, ChoiceList
from orchestrator_tui.ui.widgets.plan_preview import PlanPreview

WIDE_COLUMNS = 120  # from here on the plan stands beside the whole form
REMARK_CELLS = 66
LOW_DISK_BYTES = 2 * 1024**3
POLICIES = ("never", "on-request", "on-failure", "untrusted")  # words that the Node original knows


@dataclass(frozen=True, slots=True)
class Offer:
    """A pipeline on offer and its plan; `problem` says why it cannot be started."""

    id: str
    title: str
    plan: PlanView
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class StartView:
    """What the form offers: pipelines, and the request that it begins with; texts not yet safe.

    `busy` names by task the runs that it has now. `problem` replaces all of it where no pipeline
    can be started.
    """

    offers: tuple[Offer, ...]
    begin: LaunchRun
    known_tasks: tuple[str, ...] = ()
    busy: tuple[tuple[str, str], ...] = ()
    recent: tuple[LaunchRun, ...] = ()
    problem: str | None = None


class InvalidInput(ValueError):
    """A field cannot be used; the text says why."""


def read_variables(text: str) -> tuple[tuple[str, str], ...]:
    """Return the variables in a line as a shell would write them: `FOO=1 BAR='a b'`.

    Raises:
        InvalidInput: It is no such line.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InvalidInput(f"Env: {error}; quote as in a shell.") from error
    env: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name.isidentifier() and equals):
            raise InvalidInput(f"Env: {word} is not of the form NAME=VALUE.")
        env[name] = value
    return tuple(env.items())


def written_variables(env: tuple[tuple[str, str], ...]) -> str:
    """Return variables on one line, as `read_variables` reads them."""
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in env)


def remarks(
    request: LaunchRun, view: StartView, conditions: StartConditions | None
) -> tuple[tuple[bool, str], ...]:
    """Return what is worth knowing before the start, each with whether it is a warning."""
    busy = [name for task, name in view.busy if task == request.task_id]
    told: list[tuple[bool, str]] = []
    if busy:
        more = f" and {len(busy) - 1} more run" if len(busy) > 1 else " runs"
        told.append((True, f"{busy[0]}{more} on this task"))
    if conditions is None:
        return (*told, (False, "looking at git and the disk ..."))
    if conditions.free_bytes is not None and conditions.free_bytes < LOW_DISK_BYTES:
        told.append((True, f"the disk has {byte_count(conditions.free_bytes)} left"))
    if conditions.tasks is not None:
        is_known = request.task_id in conditions.tasks
        told.append((not is_known, f"task is {'' if is_known else 'not '}in tasks/index.json"))
    if conditions.dirty is not None:
        files = counted(conditions.dirty, "file")
        told.append(
            (True, f"git tree is dirty ({files})") if conditions.dirty else (False, "git is clean")
        )
    told.append((False, "configuration is valid"))
    return tuple(sorted(told, key=lambda each: not each[0]))


def packed(told: Sequence[tuple[str, str]], width: int) -> list[Content]:
    """Return styled words in lines of at most `width` cells; none is broken that would fit."""
    lines: list[list[tuple[str, str]]] = []
    left = 0
    for words, style in told:
        cells = cell_len(words)
        if not lines or cells + 3 > left:
            lines.append([])
            left = width
        elif lines[-1]:
            lines[-1].append(("   ", ""))
            left -= 3
        lines[-1].append((words, style))
        left -= cells
    return [Content.assemble(*line) for line in lines]


class Answers(Horizontal):
    """Buttons in a row; hjkl and the arrows move between them."""

    BINDINGS = ANSWER_KEYS


_ENTER_DOES = {
    "pipelines": "enter take it",
    "go": "enter start it",
    "plan-only": "enter show the plan",
    "leave": "enter close",
}


class StartDialog(Question[LaunchRun | None]):
    """The form; gives the request, or None when it was left."""

    BINDINGS = START_KEYS
    HORIZONTAL_BREAKPOINTS = [(0, "-beside-none"), (WIDE_COLUMNS, "-beside")]

    def __init__(
        self, view: StartView, *, ascii_only: bool = False, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        super().__init__(clock=clock)
        self._view = view
        self._ascii_only = ascii_only
        self._index = self._place_of(view.begin.pipeline_id)
        self._conditions: StartConditions | None = None

    def _place_of(self, pipeline_id: str) -> int:
        ids = [offer.id for offer in self._view.offers]
        return ids.index(pipeline_id) if pipeline_id in ids else 0

    def compose(self) -> ComposeResult:
        """Yield the pipelines, the fields, the plan, the checks, the command and the buttons."""
        view = self._view
        with framed(Vertical(id="start", classes="dialog"), "Start a run", "esc close"):
            if view.problem is not None:
                yield Static(f"! {safe_text(view.problem)}", markup=False, id="start-problem")
                with Answers(id="start-buttons"):
                    yield Button("Close", id="leave", compact=True)
                return
            with Container(id="start-body"):
                yield self._pipelines()
                plan = PlanPreview(id="plan", classes="pane", ascii_only=self._ascii_only)
                plan.border_title = "Plan"
                plan.can_focus = (
                    False  # tab leads from the pipelines to the fields; P shows it whole
                )
                yield plan
                with Vertical(id="start-form"):
                    yield from self._fields()

    def _pipelines(self) -> ChoiceList:
        choices = tuple(
            Choice("", offer.id, offer.title, "has a mistake" if offer.problem else None)
            for offer in self._view.offers
        )
        pipelines = ChoiceList(choices, self._index, id="pipelines", classes="pane")
        pipelines.border_title = "Pipeline"
        return pipelines

    def _fields(self) -> ComposeResult:
        view, begin = self._view, self._view.begin
        tasks = SuggestFromList(view.known_tasks, case_sensitive=True)
        policies = SuggestFromList(POLICIES)
        fields = (
            ("Task", Input(begin.task_id, suggester=tasks, id="task", compact=True)),
            (
                "Approval",
                Input(
                    begin.approval_policy or "",
                    placeholder="as the tools have it",
                    suggester=policies,
                    id="approval",
                    compact=True,
                ),
            ),
            (
                "Env",
                Input(
                    written_variables(begin.inputs.env),
                    placeholder="NAME=VALUE OTHER='a b'",
                    id="env",
                    compact=True,
                ),
            ),
            ("Note", Input(begin.inputs.note or "", id="note", compact=True)),
        )
        for pair in (fields[:2], fields[2:]):
            with Horizontal(classes="start-fields"):
                for label, field in pair:
                    yield Static(label, markup=False, classes="label")
                    yield field
        yield Static(self._recent(), id="start-recent")
        yield Static("", id="start-notes")
        yield Static("", id="start-command")
        with Answers(id="start-buttons"):
            yield Button("Start", id="go", variant="primary", compact=True)
            yield Button("Plan only", id="plan-only", compact=True)
            yield Button("Cancel", id="leave", compact=True)

    def _recent(self) -> Content:
        parts: list[tuple[str, str]] = [("Recent   ", "$text-muted")]
        for number, request in enumerate(self._view.recent, 1):
            parts.append((f"{number} ", "bold $primary"))
            parts.append((safe_text(f"{request.pipeline_id} {request.task_id}   "), ""))
        return Content.assemble(*parts) if self._view.recent else Content("")

    def on_mount(self) -> None:
        """Begin in the list of pipelines."""
        super().on_mount()
        if self._view.problem is None:
            self.query_one("#start-recent").display = bool(self._view.recent)
            self.query_one(ChoiceList).focus()
            self._show()
        else:
            self.query_one("#leave", Button).focus()

    def learn(self, conditions: StartConditions) -> None:
        """Show what was found out of the place meanwhile."""
        self._conditions = conditions
        if self._view.problem is None and self.is_mounted:
            self._show()

    @on(DescendantFocus)
    def _focus_moved(self) -> None:
        focused = self.focused
        enter = _ENTER_DOES.get(focused.id or "", "enter done") if focused else ""
        is_text = isinstance(focused, Input)
        hints = [enter, "tab field", "" if is_text else "y copy command", "esc close"]
        if self._view.problem is not None:
            hints = ["esc close"]
        self.query_one("#start").border_subtitle = "   ".join(hint for hint in hints if hint)

    # --- what is asked for ----------------------------------------------------------------------

    def _text(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _request(self) -> LaunchRun:
        if not self._view.offers:
            raise InvalidInput("No pipeline is configured.")
        offer = self._view.offers[self._index]
        if offer.problem is not None:
            raise InvalidInput("This pipeline cannot be started; the plan says why.")
        try:
            task = sanitize_task_id(self._text("task"))
        except InvalidIdentifier as error:
            raise InvalidInput(str(error)) from error
        inputs = RunInputs(read_variables(self._text("env")), self._text("note") or None)
        return LaunchRun(offer.id, task, self._text("approval") or None, inputs)

    def _show(self) -> None:
        offers = self._view.offers
        self.query_one(PlanPreview).view = offers[self._index].plan if offers else None
        command = self.query_one("#start-command", Static)
        notes = self.query_one("#start-notes", Static)
        try:
            request = self._request()
        except InvalidInput as error:
            self.query_one("#go", Button).disabled = True
            command.update("")
            notes.update(Content.styled(f"! {safe_text(str(error))}", "$warning"))
            return
        self.query_one("#go", Button).disabled = False
        command.update(Content(f"$ {safe_text(command_line([request]))}"))
        notes.update(self._remarks(request))

    def _remarks(self, request: LaunchRun) -> Content:
        good = "+" if self._ascii_only else "✓"
        told: list[tuple[str, str]] = []
        for is_warning, text in remarks(request, self._view, self._conditions):
            mark, style = ("!", "$warning") if is_warning else (good, "$text-muted")
            told.append((f"{mark} {safe_text(text)}", style))
        room = self.query_one("#start-notes").size.width or REMARK_CELLS
        return Content("\n").join(packed(told, min(room, REMARK_CELLS)))

    @on(ChoiceList.Highlighted)
    def _another(self) -> None:
        self._index = self.query_one(ChoiceList).index
        self._show()

    @on(ChoiceList.Chosen)
    def _chosen(self) -> None:
        self.hears()  # the same enter, held down, must not start what it chose
        go = self.query_one("#go", Button)
        (self.query_one("#task", Input) if go.disabled else go).focus()

    @on(Input.Changed)
    def _typed(self) -> None:
        self._show()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.hears()
        self.query_one("#go", Button).focus()

    # --- what is done ---------------------------------------------------------------------------

    @on(Button.Pressed, "#go")
    def _start(self) -> None:
        if not self.hears():
            return
        try:
            self.dismiss(self._request())
        except InvalidInput:
            return  # it is on the screen

    @on(Button.Pressed, "#leave")
    def action_leave(self) -> None:
        """Close without starting."""
        self.dismiss(None)

    @on(Button.Pressed, "#plan-only")
    def action_plan(self) -> None:
        """Show the plan of the chosen pipeline whole."""
        if self._view.offers:
            plan = self._view.offers[self._index].plan
            self.app.push_screen(PlanDialog(plan, ascii_only=self._ascii_only))

    def action_copy(self) -> None:
        """Copy the command line that is shown."""
        try:
            self.post_message(CommandCopyAsked(command_line([self._request()])))
        except (InvalidInput, LookupError):
            return

    def action_recent(self, number: int) -> None:
        """Fill the form as a recent run was started."""
        if number > len(self._view.recent):
            return
        request = self._view.recent[number - 1]
        self.query_one("#task", Input).value = request.task_id
        self.query_one("#approval", Input).value = request.approval_policy or ""
        self.query_one("#env", Input).value = written_variables(request.inputs.env)
        self.query_one("#note", Input).value = request.inputs.note or ""
        self._index = self._place_of(request.pipeline_id)
        self.query_one(ChoiceList).move_to(self._index)
        self._show()
