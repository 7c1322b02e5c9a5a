"""PickDialog and ViewsDialog: an order or a saved view to choose."""

from __future__ import annotations

from enum import StrEnum

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.state.placing import Asked, Sort
from orchestrator_tui.state.saved_views import BUILT_IN, MOST_NAME, SavedView, view_named
from orchestrator_tui.ui.frames import PaintsSoon
from orchestrator_tui.ui.keys import PICK_KEYS, VIEWS_KEYS
from orchestrator_tui.ui.widgets.choice_list import Choice, ChoiceList

_SORTS = {
    Sort.ATTENTION: ("a", "what needs somebody first"),
    Sort.NEWEST: ("n", "begun last first"),
    Sort.TASK: ("t", "by the name of the task"),
    Sort.PIPELINE: ("p", "by the name of the pipeline"),
    Sort.STATE: ("s", "by state"),
    Sort.DURATION: ("d", "longest first"),
}
REVERSE = "r"


class SortDialog(PaintsSoon, ModalScreen[tuple[Sort, bool] | None]):
    """Offers the orders; gives one and whether it is turned round, or None when it was left."""

    BINDINGS = PICK_KEYS

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self._asked = asked

    def compose(self) -> ComposeResult:
        """Yield the orders, the present one selected."""
        asked = self._asked
        turn = "back to the usual way" if asked.is_reversed else f"{asked.sort}, the last first"
        choices = [Choice(key, sort.value, words) for sort, (key, words) in _SORTS.items()]
        choices.append(Choice(REVERSE, "turn round", turn))
        with Vertical(id="pick", classes="dialog") as box:
            box.border_title = "Sort the runs"
            box.border_subtitle = "enter or its key   esc close"
            yield ChoiceList(tuple(choices), list(_SORTS).index(asked.sort))

    def on_mount(self) -> None:
        """Put the keys into the list."""
        self.query_one(ChoiceList).focus()

    def on_key(self, event: events.Key) -> None:
        """Choose an order by its key."""
        if event.character:
            self.query_one(ChoiceList).choose(event.character)

    @on(ChoiceList.Chosen)
    def _chosen(self) -> None:
        index = self.query_one(ChoiceList).index
        sorts = list(_SORTS)
        if index < len(sorts):
            self.dismiss((sorts[index], False))
        else:
            self.dismiss((self._asked.sort, not self._asked.is_reversed))

    def action_close(self) -> None:
        """Leave the order as it is."""
        self.dismiss(None)


class ViewAct(StrEnum):
    """What is to be done with a view."""

    TAKE = "take"
    SAVE = "save"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class ViewWish:
    """A view, and what is to be done with it."""

    act: ViewAct
    name: str


class ViewsDialog(PaintsSoon, ModalScreen[ViewWish | None]):
    """Offers the views, and to keep the present one; gives what is wished."""

    BINDINGS = VIEWS_KEYS

    def __init__(
        self, saved: tuple[SavedView, ...], fixed: tuple[SavedView, ...], present: SavedView
    ) -> None:
        super().__init__()
        self._saved = saved
        self._fixed = fixed  # of the configuration
        self._present = present
        self._to_delete = ""

    @property
    def _views(self) -> tuple[SavedView, ...]:
        return (*BUILT_IN, *self._fixed, *self._saved)

    def compose(self) -> ComposeResult:
        """Yield the views, a line for a name, and what the keys do."""
        choices = tuple(
            Choice(str(number) if number < 10 else "", view.name, view.words)
            for number, view in enumerate(self._views, 1)
        )
        names = [view.name for view in self._views]
        at = names.index(self._present.name) if self._present.name in names else 0
        with Vertical(id="views", classes="dialog") as box:
            box.border_title = "Views"
            box.border_subtitle = "enter shows   w save   d delete   esc close"
            yield ChoiceList(choices, at)
            yield Static("", markup=False, id="views-note", classes="command")
            yield Input(placeholder="name of the present view", compact=True, max_length=MOST_NAME)

    def on_mount(self) -> None:
        """Put the keys into the list."""
        self.query_one(Input).display = False
        self.query_one(ChoiceList).focus()

    def _note(self, words: str) -> None:
        self.query_one("#views-note", Static).update(safe_text(words))

    def on_key(self, event: events.Key) -> None:
        """Choose a view by its number."""
        if event.character and event.character.isdigit():
            self.query_one(ChoiceList).choose(event.character)

    @on(ChoiceList.Chosen)
    def _chosen(self) -> None:
        view = self._views[self.query_one(ChoiceList).index]
        self.dismiss(ViewWish(ViewAct.TAKE, view.name))

    @on(ChoiceList.Highlighted)
    def _highlighted(self) -> None:
        self._to_delete = ""
        self._note("")

    def action_save(self) -> None:
        """Ask for the name of the present view."""
        line = self.query_one(Input)
        line.display = True
        line.focus()
        self._note(f"saves   {self._present.words}")

    @on(Input.Submitted)
    def _named(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        if not name:
            self._note("! a view needs a name")
        elif view_named((*BUILT_IN, *self._fixed), name):
            self._note(f"! {name} is there for good; take another name")
        else:
            self.dismiss(ViewWish(ViewAct.SAVE, name))

    def action_delete(self) -> None:
        """Delete the selected view at the second press; say so at the first."""
        view = self._views[self.query_one(ChoiceList).index]
        if view not in self._saved:
            self._note(f"! {view.name} cannot be deleted: it was not saved here")
        elif self._to_delete == view.name:
            self.dismiss(ViewWish(ViewAct.DELETE, view.name))
        else:
            self._to_delete = view.name
            self._note(f"d again deletes {view.name}")

    def action_close(self) -> None:
        """Leave the name, or the dialog."""
        line = self.query_one(Input)
        if line.display:
            line.display = False
            self._note("")
            self.query_one(ChoiceList).focus()
        else:
            self.dismiss(None)
