"""LogLines: the keys and the mouse over the lines of a log."""

from __future__ import annotations

from bisect import bisect_left

from textual import events
from textual.message import Message

from orchestrator_tui.ui.asked import SelectionAsked
from orchestrator_tui.ui.keys import LOG_LINE_KEYS
from orchestrator_tui.ui.widgets.log_canvas import LogCanvas
from orchestrator_tui.ui.widgets.log_times import Times

SIDE_STEP = 8  # cells that a key moves sideways
WHEEL_ROWS = 3


class LogLines(LogCanvas, inherit_bindings=False):
    """Moves over a log, selects lines of it, and lets the mouse do so too."""

    BINDINGS = LOG_LINE_KEYS

    class EndAsked(Message):
        """The user wants the first or, if `last`, the last line of the whole log."""

        def __init__(self, *, last: bool) -> None:
            super().__init__()
            self.last = last

    def __init__(self) -> None:
        super().__init__()
        self._dragged_from: int | None = None

    @property
    def is_selecting(self) -> bool:
        """Whether lines are selected."""
        return self._selected is not None

    # Moving

    def _move(self, rows: int) -> None:
        if self._selected is not None:
            self._extend(rows)
            return
        if rows < 0:
            self._follow = False
        if self.window.shown and not self._follow:
            self._anchor = self._shifted(self._anchor, rows)
        self._settle()
        self.post_message(self.Moved(up=rows < 0))

    def action_move(self, rows: int) -> None:
        """Move by some rows."""
        self._move(rows)

    def action_page(self, pages: float) -> None:
        """Move by a part of the visible height."""
        rows = int(abs(pages) * max(2, self.size.height - 1))
        self._move(rows if pages > 0 else -rows)

    def action_move_to(self, end: str) -> None:
        """Go to the `first` line of the log, or to the `last` and stay there."""
        if self._selected is not None:
            self._extend(-len(self.window.shown) if end == "first" else len(self.window.shown))
            return
        self._follow = end == "last" and self.can_follow
        self.post_message(self.EndAsked(last=end == "last"))

    def action_follow(self) -> None:
        """Keep the last line visible, or stop doing so."""
        if self._follow:
            self._follow = False
            self.post_message(self.Moved())
        else:
            self.action_move_to("last")

    def _furthest_left(self) -> int:
        longest = max((self._painter.rows(o)[r].body.cell_length for o, r in self._page), default=0)
        return max(0, longest - self._painter.room)

    def action_sideways(self, steps: int) -> None:
        """Move to the right or left over lines that are too long."""
        most = max(self._left, self._furthest_left())
        self._go_sideways(max(0, min(self._left + steps * SIDE_STEP, most)))

    def action_line_edge(self, edge: str) -> None:
        """Move to the `start` or `end` of the longest visible line."""
        self._go_sideways(self._furthest_left() if edge == "end" else 0)

    def _go_sideways(self, left: int) -> None:
        if left != self._left and not self.wrap:
            self._left = left
            self.refresh()

    def action_wrap(self) -> None:
        """Let long lines go on below, or cut them at the right edge."""
        self._painter.wrap = not self._painter.wrap
        self._left = 0
        self.draw_anew()
        self.post_message(self.Moved())

    def action_times(self) -> None:
        """Show the next kind of time before each line, or none."""
        self._painter.times = self._painter.times.following()
        self.draw_anew()
        self.post_message(self.Moved())

    @property
    def times(self) -> Times:
        """Which time stands before each line."""
        return self._painter.times

    # Selecting

    def action_select(self) -> None:
        """Begin to select lines, or select none."""
        here = self.here
        if self._selected is not None or here is None:
            self._selected = None
        else:
            self._follow = False
            self._selected = (here, here)
        self._selection_changed()

    def _extend(self, lines: int) -> None:
        """Move the end of the selection by some lines, no further than what is in memory."""
        shown = self.window.shown
        if self._selected is None or not shown:
            return
        began, ends = self._selected
        place = bisect_left(shown, ends) + lines
        ends = shown[max(0, min(place, len(shown) - 1))]
        self._selected = (began, ends)
        if ends not in {ordinal for ordinal, _ in self._page}:
            back = 1 - self.size.height if lines > 0 else 0
            self._anchor = self._shifted((ends, 0), back)
        self._selection_changed(up=lines < 0)

    def _selection_changed(self, *, up: bool | None = None) -> None:
        self._settle()
        self.refresh_bindings()
        self.post_message(self.Moved(up=up))

    @property
    def selected_lines(self) -> tuple[str, ...]:
        """The texts of the selected lines that are shown, not yet safe."""
        chosen, shown = self._selection, self.window.shown
        first, stop = bisect_left(shown, chosen.start), bisect_left(shown, chosen.stop)
        return self.texts(shown[first:stop])

    def action_copy_selected(self) -> None:
        """Have the selected lines copied."""
        self.post_message(SelectionAsked(self.selected_lines))
        self.action_leave_selection()

    def action_leave_selection(self) -> None:
        """Select no lines."""
        self._selected = None
        self._selection_changed()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave `y`, `enter` and `esc` to the screen while no lines are selected."""
        if action in ("copy_selected", "leave_selection"):
            return self.is_selecting
        return True

    def action_numbers(self) -> None:
        """Show or hide the number of each line."""
        self.show_numbers(not self._painter.numbers)

    def show_numbers(self, numbers: bool) -> None:
        """Show or hide the number of each line; blank while the log's start was not seen."""
        self._painter.numbers = numbers
        self.draw_anew()

    # The mouse; with shift it is the terminal's own

    def _line_at(self, y: int) -> int | None:
        return self._page[y][0] if 0 <= y < len(self._page) else None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Put the cursor on the line below the mouse; dragging on selects."""
        line = self._line_at(event.y)
        if event.button != 1 or event.shift or line is None:
            return
        event.stop()
        self._selected = None
        self._cursor = self._dragged_from = line
        self.capture_mouse()
        self._selection_changed()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Select the lines from where the button went down; beyond an edge go on by a line."""
        if self._dragged_from is None:
            return
        event.stop()
        line = self._line_at(event.y)
        if self._selected is None:
            if line is None or line == self._dragged_from:
                return
            self._follow = False
            self._selected = (self._dragged_from, self._dragged_from)
        if line is None:
            self._extend(-1 if event.y < 0 else 1)
        elif line != self._selected[1]:
            self._selected = (self._dragged_from, line)
            self._selection_changed()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Copy what was dragged over."""
        if self._dragged_from is None:
            return
        event.stop()
        self._dragged_from = None
        self.release_mouse()
        if self._selected is not None:
            self.action_copy_selected()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move down, or right with shift."""
        event.stop()
        if event.shift or event.ctrl:
            self.action_sideways(1)
        else:
            self._move(WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move up, or left with shift."""
        event.stop()
        if event.shift or event.ctrl:
            self.action_sideways(-1)
        else:
            self._move(-WHEEL_ROWS)
