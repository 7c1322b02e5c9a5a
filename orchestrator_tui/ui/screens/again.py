"""RunAgainDialog: the ways to run a run again."""

from __future__ import annotations

from enum import StrEnum

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.requests import Request, RestartRun, ResumeRun, command_line
from orchestrator_tui.ui.asked import CommandCopyAsked
from orchestrator_tui.ui.keys import AGAIN_KEYS
from orchestrator_tui.ui.screens.dialogs import Question, equal_command, framed
from orchestrator_tui.ui.widgets.cells import fit_name
from orchestrator_tui.ui.widgets.choice_list import Choice, ChoiceList

NAME_CELLS = 52


@dataclass(frozen=True, slots=True)
class AgainStage:
    """A stage that a run can be taken up from; `ending` is how it ended, in a word."""

    id: str
    title: str
    ending: str = ""


@dataclass(frozen=True, slots=True)
class RunAgainView:
    """What can be done once more with a run, or with several; texts need not be safe.

    `resume_refusal` says why no run can go on, `launch_refusal` why no new one can be started,
    both None where it can. Of several runs, `resumable` and `restartable` are those that can.
    `stages` and `stage_id`, the one that failed or comes next, are those of a single run.
    """

    name: str
    resumable: tuple[RunKey, ...] = ()
    restartable: tuple[RunKey, ...] = ()
    count: int = 1
    stages: tuple[AgainStage, ...] = ()
    stage_id: str | None = None
    resume_refusal: str | None = None
    launch_refusal: str | None = None


class Way(StrEnum):
    """The ways to run a run again; the value is its key."""

    RESUME = "f"
    FROM = "s"
    ONLY = "o"
    NEW = "n"
    EDIT = "e"
    COMMAND = "c"


@dataclass(frozen=True, slots=True)
class EditInputs:
    """The start form is to be opened with the inputs of a run."""

    key: RunKey


ONE_ONLY = "for one run at a time"
COPY = Choice(Way.COMMAND, "Copy the command", "of the way chosen last")


def ways(view: RunAgainView) -> tuple[Choice, ...]:
    """Return all ways in their order, those that cannot be gone with the reason."""
    place = next((n for n, s in enumerate(view.stages, 1) if s.id == view.stage_id), 0)
    where = f"stage {place} {view.stage_id}" if place else "where it stopped"
    refusal, launch = view.resume_refusal, view.launch_refusal
    if view.count > 1:
        some, new = (_of_several(keys, view.count) for keys in (view.resumable, view.restartable))
        return (
            Choice(Way.RESUME, f"Resume {some}", "each where it stopped", refusal),
            Choice(Way.FROM, "From a stage...", "", ONE_ONLY),
            Choice(Way.ONLY, "Only one stage...", "", ONE_ONLY),
            Choice(Way.NEW, f"New runs for {new}", "same inputs", launch),
            Choice(Way.EDIT, "Edit inputs...", "", ONE_ONLY),
            COPY,
        )
    no_stage = refusal or (None if view.stages else "the manifest names no stages")
    return (
        Choice(Way.RESUME, f"Resume from {where}", "keeps what succeeded", refusal),
        Choice(Way.FROM, "From a stage...", "that one and all after it", no_stage),
        Choice(Way.ONLY, "Only one stage...", "nothing after it", no_stage),
        Choice(Way.NEW, "New run", "same inputs", launch),
        Choice(Way.EDIT, "Edit inputs...", "the start form, filled in", launch),
        COPY,
    )


def _of_several(keys: tuple[RunKey, ...], count: int) -> str:
    return f"all {count} runs" if len(keys) == count else f"{len(keys)} of {count} runs"


class RunAgainDialog(Question[tuple[Request, ...] | EditInputs | None]):
    """Offers the ways to run again; gives the requests, or None when it was left."""

    BINDINGS = AGAIN_KEYS

    def __init__(self, view: RunAgainView, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(clock=clock)
        self._view = view
        self._way: Way | None = None
        self._shown: tuple[Request, ...] = ()  # what the command line is of

    def compose(self) -> ComposeResult:
        """Yield the run, the ways or stages, and the equal command."""
        choices = ways(self._view)
        first = next((n for n, choice in enumerate(choices) if choice.refusal is None), 0)
        box = Vertical(id="again", classes="dialog")
        with framed(box, "Run again", "enter do it   esc close"):
            name = fit_name(safe_text(self._view.name), NAME_CELLS)
            yield Static(name, markup=False, classes="strong line")
            yield ChoiceList(choices, first, id="ways")
            yield Static("", markup=False, id="again-command", classes="command")

    def on_mount(self) -> None:
        """Begin at the way that fits the run best."""
        super().on_mount()
        self.query_one(ChoiceList).focus()
        self._show_command()

    def _stage(self) -> AgainStage | None:
        index = self.query_one(ChoiceList).index
        return self._view.stages[index] if self._way else None

    def _requests(self) -> tuple[Request, ...]:
        chosen = self.query_one(ChoiceList).chosen
        if chosen is None or chosen.refusal is not None:
            return ()
        view, stage = self._view, self._stage()
        if stage is not None:
            key = view.resumable[0]
            if self._way is Way.ONLY:
                return (ResumeRun(key, only_stage=stage.id),)
            return (ResumeRun(key, from_stage=stage.id),)
        if chosen.key == Way.NEW:
            return tuple(RestartRun(key) for key in view.restartable)
        if chosen.key == Way.RESUME:
            return tuple(ResumeRun(key) for key in view.resumable)
        return ()

    @on(ChoiceList.Highlighted)
    def _show_command(self) -> None:
        line = self.query_one("#again-command", Static)
        chosen = self.query_one(ChoiceList).chosen
        if requests := self._requests() or (self._shown if self._is_on(Way.COMMAND) else ()):
            self._shown = requests
            line.update(equal_command(*requests))
        elif self._is_on(Way.EDIT):
            line.update(Content("enter opens the form"))
        elif chosen is not None and chosen.refusal is not None:
            line.update(Content.styled(f"! {safe_text(chosen.refusal)}", "$warning"))
        else:
            line.update(Content("enter chooses the stage"))

    def _is_on(self, way: Way) -> bool:
        chosen = self.query_one(ChoiceList).chosen
        open_way = chosen is not None and chosen.key == way and chosen.refusal is None
        return self._way is None and open_way

    @on(ChoiceList.Chosen)
    def _chosen(self, event: ChoiceList.Chosen) -> None:
        if self._is_on(Way.COMMAND):
            self.action_copy()
            return
        # A failed run's card names both keys, as in `r f`, so they may well come in one piece.
        if not self.hears() and not event.is_named:
            return
        chosen = self.query_one(ChoiceList).chosen
        if self._is_on(Way.EDIT):
            self.dismiss(EditInputs(self._view.restartable[0]))
            return
        if requests := self._requests():
            self.dismiss(requests)
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

    def action_copy(self) -> None:
        """Copy the command line that is shown."""
        if self._shown:
            self.post_message(CommandCopyAsked(command_line(self._shown)))

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
