"""RunCursor: the runs of the table in order, the selected one, and those that are marked."""

from __future__ import annotations

from dataclasses import field
from datetime import UTC, datetime
from typing import Final

from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.ordering import RunGroup, RunOrder
from orchestrator_tui.ui.keys import LIST_KEYS
from orchestrator_tui.ui.widgets.ground import Grounded
from orchestrator_tui.ui.widgets.run_lines import RunLines
from orchestrator_tui.ui.widgets.run_marks import RunMarks

NARROW_CELLS: Final = 78  # below it the selected run has a second line


@dataclass(frozen=True, slots=True, eq=False)
class TableView:
    """What the table shows: runs in order, and the time that ages are counted to.

    `runs` is the memory that made the order, at its last answer.
    """

    fleet: Fleet
    order: tuple[RunKey, ...]
    now: datetime
    groups: tuple[RunGroup, ...] = ()
    runs: RunOrder = field(default_factory=RunOrder)


EMPTY = TableView(Fleet(), (), datetime.min.replace(tzinfo=UTC))


def moved_to(order: tuple[RunKey, ...], position: int, index: int) -> tuple[RunKey, ...]:
    """Return `order` with what is at `position` at `index`, all others in their order around it.

    So the selected row never moves by itself, while every other row is where its state puts it.
    """
    others = order[:position] + order[position + 1 :]
    index = min(index, len(others))
    return others[:index] + order[position : position + 1] + others[index:]


class RunCursor(ScrollView, Grounded, can_focus=True):
    """The cursor stays on its run and the run on its row until the user moves.

    While runs are still being read and nobody has touched a key, it stays on the first row: what
    happened to be read first would else hold the place of what needs somebody.
    """

    BINDINGS = LIST_KEYS

    view: reactive[TableView] = reactive(EMPTY, init=False, repaint=False)

    class RunHighlighted(Message):
        """The cursor is on another run; None where there are none."""

        def __init__(self, key: RunKey | None) -> None:
            super().__init__()
            self.key = key

    class RunChosen(Message):
        """A run was opened by a click on the selected row."""

        def __init__(self, key: RunKey) -> None:
            super().__init__()
            self.key = key

    class MarksChanged(Message):
        """Other runs are marked."""

    class Moved(Message):
        """A person moved the cursor."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._order: tuple[RunKey, ...] = ()
        self._lines = RunLines()
        self._index = 0
        self._selected: RunKey | None = None
        self._wanted: RunKey | None = None
        self._is_settled = False
        self._marks = RunMarks()

    def on_key(self) -> None:
        """Take note of a person, whatever the key does."""
        self._is_settled = True

    def on_mouse_down(self) -> None:
        """Take note of a person, wherever the button goes."""
        self._is_settled = True

    def repaint_changed(self) -> None:
        """Paint the rows that differ; what subclasses are made for."""

    # --- what is selected and marked --------------------------------------------------------

    @property
    def selected(self) -> RunKey | None:
        """The run that the cursor is on."""
        return self._selected

    @property
    def marked(self) -> tuple[RunKey, ...]:
        """The marked runs, a range that is being drawn included."""
        begin, end = self._range()
        return tuple(dict.fromkeys((*self._marks.keys, *self._order[begin:end])))

    @property
    def chosen(self) -> tuple[RunKey, ...]:
        """The runs that an action is about: those marked, else the selected one."""
        return self.marked or ((self._selected,) if self._selected else ())

    def in_sight(self) -> frozenset[RunKey]:
        """Return the runs whose rows are on the screen."""
        top = self.scroll_offset.y
        found = (self._lines.at(line) for line in range(top, top + self.size.height))
        return frozenset(self._order[at] for at in found if isinstance(at, int))

    def _range(self) -> tuple[int, int]:
        anchor = self._marks.anchor
        near = self.view.runs.position(anchor) if anchor else None
        # The row of the cursor, which stays where it is, has moved others by one.
        places = (near, near - 1, near + 1) if near is not None else ()
        at = next((n for n in places if self._order[n : n + 1] == (anchor,)), None)
        if at is None:
            return 0, 0
        return min(at, self._index), max(at, self._index) + 1

    def toggle_mark(self) -> None:
        """Mark the selected run, or take its mark away, and go on to the next; end a range."""
        if self._marks.anchor is not None:
            self.mark_range()
        elif self._selected is not None:
            self._marks.toggle(self._selected)
            self._go_to(self._index + 1)
            self._marked_others()

    def mark_range(self) -> None:
        """Begin a range at the selected run, or mark the runs of the one that was begun."""
        if self._marks.anchor is None:
            self._marks.anchor = self._selected
            self.unpin()  # a range is of rows as they stand
        else:
            begin, end = self._range()
            self._marks.mark(self._order[begin:end])
        self._marked_others()

    def clear_marks(self) -> bool:
        """Take all marks away; tell whether there were any."""
        had = self._marks.clear()
        if had:
            self._marked_others()
        return had

    def _marked_others(self) -> None:
        self.repaint_changed()
        self.post_message(self.MarksChanged())

    def select(self, key: RunKey) -> None:
        """Put the cursor on a run, now or as soon as it is listed."""
        position = self.view.runs.position(key)
        if position is None:
            self._wanted = key
        else:
            self._wanted = None
            self._order = self.view.order
            self._go_to(position)

    def unpin(self) -> None:
        """Let the selected row go to where its state puts it."""
        self._order = self.view.order
        self._show_order(self._index_of(self._selected), is_asked=True)

    # --- another view -----------------------------------------------------------------------

    def watch_view(self, old: TableView, new: TableView) -> None:
        """Show another view; only rows that differ are painted again."""
        if new.fleet.runs is not old.fleet.runs:
            self._marks.keep_known(new.fleet.runs)
        if new.order is not old.order or new.groups != old.groups:
            self._take_order(new)
        else:
            self.repaint_changed()

    def _take_order(self, view: TableView) -> None:
        wanted = view.runs.position(self._wanted) if self._wanted else None
        self._order = view.order
        if wanted is not None:
            self._wanted = None
            self._show_order(wanted, is_asked=True)
            return
        if not self._is_settled:
            self._is_settled = view.fleet.is_read and bool(view.order)
            self._show_order(0)
            return
        position = view.runs.position(self._selected) if self._selected else None
        if position is not None and position != self._index and not view.groups:
            self._order = moved_to(view.order, position, self._index)
        self._show_order(self._index_of(self._selected))

    def _index_of(self, key: RunKey | None) -> int:
        if key is None or self._order[self._index : self._index + 1] == (key,):
            return self._index
        position = self.view.runs.position(key)
        return self._index if position is None else position

    def _show_order(self, index: int, *, is_asked: bool = False) -> None:
        """Show the order as it is now, with the cursor on the row at `index`."""
        was_at = self._lines.line_of(self._index) - self.scroll_offset.y
        self._index = max(0, min(index, len(self._order) - 1))
        selected = self._order[self._index] if self._order else None
        self._lay_out()
        if is_asked:
            self._keep_visible()
        elif 0 <= was_at < self.size.height:
            # Where it stood on the screen, as far as the ends of the list allow it.
            self._scroll_to_line(self._lines.line_of(self._index) - was_at)
            self._keep_visible()
        self.repaint_changed()
        if selected != self._selected:
            self._selected = selected
            self.post_message(self.RunHighlighted(selected))

    def _lay_out(self) -> None:
        has_note = self.size.width < NARROW_CELLS and bool(self._order)
        note = self._index if has_note else None
        self._lines = RunLines(len(self._order), self.view.groups, note)
        self.virtual_size = Size(self.size.width, self._lines.total)

    def _keep_visible(self) -> None:
        top, height = self.scroll_offset.y, max(1, self.size.height)
        line = self._lines.line_of(self._index)
        above = line - isinstance(self._lines.at(line - 1), RunGroup)
        below = line + (self._lines.note_below is not None)
        if above < top:
            self._scroll_to_line(above)
        elif below >= top + height:
            self._scroll_to_line(below - height + 1)

    def _scroll_to_line(self, line: int) -> None:
        # By force: whether there is anything to scroll is known only when the new size is laid out.
        self.scroll_to(y=line, animate=False, force=True)

    def _go_to(self, index: int) -> None:
        if not self._order:
            return
        self._wanted = None  # who goes elsewhere meanwhile shall stay there
        self._index = max(0, min(index, len(self._order) - 1))
        self._selected = self._order[self._index]
        if self._order is not self.view.order:
            position = self.view.runs.position(self._selected)
            self._order = self.view.order
            if position is not None and not self.view.groups:
                self._order = moved_to(self.view.order, position, self._index)
        self._lay_out()
        self._keep_visible()
        self.repaint_changed()
        self.post_message(self.RunHighlighted(self._selected))
        self.post_message(self.Moved())
        if self._marks.anchor is not None:
            self.post_message(self.MarksChanged())

    def action_move(self, rows: int) -> None:
        """Move the cursor by some rows."""
        self._go_to(self._index + rows)

    def action_move_to(self, end: str) -> None:
        """Move the cursor to the `first` or `last` row."""
        self._go_to(0 if end == "first" else len(self._order) - 1)

    def action_page(self, pages: float) -> None:
        """Move the cursor by a part of the visible height."""
        self._go_to(self._index + int(pages * max(1, self.size.height - 1)))

    def on_resize(self, _event: events.Resize) -> None:
        """Fit the rows to the new width."""
        self._lay_out()
        self._keep_visible()

    def on_click(self, event: events.Click) -> None:
        """Select the row under the mouse; a second click opens it."""
        index = self._lines.at(self.scroll_offset.y + event.y)
        if not isinstance(index, int):
            return
        if index == self._index and event.chain > 1 and self._selected is not None:
            self.post_message(self.RunChosen(self._selected))
        else:
            self._go_to(index)
