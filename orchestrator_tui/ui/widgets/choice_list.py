"""ChoiceList: a few things to choose from, those that cannot be chosen with the reason."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.ui.keys import LIST_KEYS
from orchestrator_tui.ui.palette import style_of
from orchestrator_tui.ui.widgets.cells import fit
from orchestrator_tui.ui.widgets.ground import Grounded

MARKER_CELLS, KEY_CELLS = 2, 4  # the keys have a column only where there are some


@dataclass(frozen=True, slots=True)
class Choice:
    """One line: its key, what it does, a remark; `refusal` says why it cannot be chosen."""

    key: str
    label: str
    remark: str = ""
    refusal: str | None = None


class ChoiceList(ScrollView, Grounded, can_focus=True):
    """Choices with a cursor; texts need not be safe."""

    DEFAULT_CSS = "ChoiceList { height: auto; overflow-x: hidden; scrollbar-size-vertical: 1; }"
    BINDINGS = LIST_KEYS

    class Highlighted(Message):
        """The cursor is on another choice."""

    class Chosen(Message):
        """A choice was made by enter, its key or the mouse; by its key it `is_named`."""

        def __init__(self, *, is_named: bool = False) -> None:
            super().__init__()
            self.is_named = is_named

    def __init__(
        self,
        choices: tuple[Choice, ...],
        index: int = 0,
        *,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._choices = choices
        self.index = index
        self.virtual_size = Size(1, len(choices))

    @property
    def chosen(self) -> Choice | None:
        """The choice that the cursor is on."""
        return self._choices[self.index] if self.index < len(self._choices) else None

    def offer(self, choices: tuple[Choice, ...], index: int) -> None:
        """Offer other things."""
        self._choices = choices
        self.index = index
        self.virtual_size = Size(1, len(choices))
        self.refresh(layout=True)
        self.call_after_refresh(self._go_to, index)

    def move_to(self, index: int) -> None:
        """Put the cursor on a choice."""
        self._go_to(index)

    def choose(self, key: str) -> None:
        """Make the choice of a key, if it is offered."""
        for index, choice in enumerate(self._choices):
            if choice.key == key:
                self._go_to(index)
                self.post_message(self.Chosen(is_named=True))

    def _go_to(self, index: int) -> None:
        if not self._choices:
            return
        self.index = max(0, min(index, len(self._choices) - 1))
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if self.index < top:
            self.scroll_to(y=self.index, animate=False)
        elif self.index >= top + height:
            self.scroll_to(y=self.index - height + 1, animate=False)
        self.refresh()
        self.post_message(self.Highlighted())

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self._go_to(self.index + rows)

    def action_move_to(self, end: str) -> None:
        """Move the cursor to the `first` or `last` choice."""
        self._go_to(0 if end == "first" else len(self._choices) - 1)

    def action_page(self, pages: float) -> None:
        """Move the cursor by a part of the height."""
        self._go_to(self.index + int(pages * self.size.height))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor under the mouse; a second click chooses."""
        index = self.scroll_offset.y + event.y
        if index < len(self._choices):
            self._go_to(index)
            if event.chain > 1:
                self.post_message(self.Chosen())

    def on_key(self, event: events.Key) -> None:
        """Take enter as the choice."""
        if event.key == "enter":
            event.stop()
            self.post_message(self.Chosen())

    def _style(self, name: str) -> Style:
        return style_of(self, name)

    def render_line(self, y: int) -> Strip:
        """Return the line of one choice."""
        index, (base, width, _) = self.scroll_offset.y + y, self.ground
        if index >= len(self._choices):
            return Strip.blank(width, base)
        choice = self._choices[index]
        here = index == self.index
        if here:
            base += self._style("cursor-line" if self.has_focus else "cursor-line-blurred")
        quiet = base + self._style("muted")
        closed = choice.refusal is not None
        key_cells = KEY_CELLS if any(c.key for c in self._choices) else 0
        room = width - MARKER_CELLS - key_cells - 1  # the last column may be the scrollbar's
        longest = max(cell_len(safe_text(c.label)) for c in self._choices)
        # A label is cut before less than a word of the remark can be seen.
        label_cells = min(longest + 3, max(room * 11 // 20, min(longest + 1, room - 16)))
        label = fit(safe_text(choice.label), label_cells - 1) + " "
        remark = fit(safe_text(choice.refusal or choice.remark), room - len(label))
        return Strip(
            [
                Segment("> " if here else "  ", base),
                Segment(fit(choice.key, key_cells), quiet if closed else base + self._style("key")),
                Segment(label, quiet if closed else base),
                Segment(remark, quiet),
            ]
        ).adjust_cell_length(width, base)
