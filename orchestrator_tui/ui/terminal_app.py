"""TerminalApp: how the program is with its terminal: what it writes there, hears, and hands on."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Iterator

from textual import events, on
from textual.app import SuspendNotSupported
from textual.geometry import Size
from textual.widgets import Input

from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.ui.announcing import Announcer
from orchestrator_tui.ui.freezing import Freezer
from orchestrator_tui.ui.keymap import keys_now, shown_keys
from orchestrator_tui.ui.pacing import Pacer
from orchestrator_tui.ui.palette import PaletteApp
from orchestrator_tui.ui.sparing import SparingDriver
from orchestrator_tui.ui.tty import MOUSE_OFF, MOUSE_ON, stop_for_shell
from orchestrator_tui.ui.typed_ahead import TypedAhead

STOPPED_S = 0.1  # shorter than anybody takes to say `fg`
SETTLE_S = 1.0  # for an answer of the terminal, before others read what it sends


class TerminalApp(PaletteApp, inherit_bindings=False):
    """The part of the program that knows its terminal; what is shown there is not its matter."""

    _clock: Clock
    _pacer: Pacer
    _freezer: Freezer
    _announcer: Announcer
    _typed_ahead: TypedAhead
    _has_mouse: bool
    _has_shown: bool
    _first_size: Size | None

    @abstractmethod
    def say(self, text: str, *, is_refusal: bool = False) -> None:
        """Tell something, and note it."""

    @abstractmethod
    def _show(self) -> None: ...

    # --- what it hears ------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Take note that somebody is there, and hand the event on unless all stands still."""
        if isinstance(event, events.InputEvent):
            self._announcer.touched()
            if self._freezer.is_frozen:
                self._while_frozen(event)
                return
            if isinstance(event, events.Key) and self._came_too_early(event):
                return
        await super().on_event(event)

    def _came_too_early(self, event: events.Key) -> bool:
        return not event.is_forwarded and self._typed_ahead.holds(event)

    def _while_frozen(self, event: events.InputEvent) -> None:
        if not isinstance(event, events.Key):
            return
        if event.key in ("escape", "q", "ctrl+c", *self._freeze_keys()):
            self._thaw()
        else:
            self._freezer.say_frozen()

    def post_display_hook(self) -> None:
        """Follow the frame to the terminal."""
        self._pacer.painted()

    @on(events.CursorPosition)
    def _terminal_answered(self, event: events.CursorPosition) -> None:
        was_slow = self._pacer.pace.is_slow
        self._pacer.answered(event.time)
        if was_slow != self._pacer.pace.is_slow:
            self._show()

    @on(events.DescendantFocus)
    def _still_cursor(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, Input):
            event.widget.cursor_blink = False  # each blink is a frame

    @on(events.AppFocus)
    @on(events.AppBlur)
    def _focus_changed(self, event: events.AppFocus | events.AppBlur) -> None:
        self._announcer.focus(isinstance(event, events.AppFocus))

    def action_redraw(self) -> None:
        """Draw the screen anew, whatever the terminal may show now."""
        self._forget_terminal()
        self.refresh(repaint=True, layout=True)

    def _forget_terminal(self) -> None:
        if isinstance(self._driver, SparingDriver):
            self._driver.forget()

    def on_resize(self, event: events.Resize) -> None:
        """Send the next frame whole: each terminal moves its text in a way of its own."""
        # Before the first frame Textual tells the size that it begins with, and tells it twice.
        if self._has_shown or self._first_size not in (None, event.size):
            self._forget_terminal()
        self._first_size = event.size

    # --- standing still -----------------------------------------------------------------------

    def _freeze_keys(self) -> tuple[str, ...]:
        return keys_now(self.screen.active_bindings).get("app.freeze", ())

    def action_freeze(self) -> None:
        """Let the display stand still on the terminal's own screen."""
        at = f"{self._clock.now().astimezone():%H:%M:%S}"
        keys = shown_keys(self._freeze_keys())
        self._freezer.freeze(f"FROZEN at {at}: {keys} resumes; the mouse is the terminal's")

    def _thaw(self) -> None:
        self._freezer.thaw()
        if self._has_mouse:
            self._write_beside(MOUSE_ON)
        if isinstance(self._driver, SparingDriver):
            self._driver.forget()
        self._show()
        self.screen.refresh(layout=True)
        self.screen.check_idle()

    # --- what it writes -----------------------------------------------------------------------

    def _write_past_screen(self, sequence: str) -> None:
        if self._driver is not None:
            self._driver.write(sequence)
            self._driver.flush()

    def lines_moved(self, first: int, last: int, by: int) -> None:
        """Have the terminal move lines rather than be sent them."""
        if isinstance(self._driver, SparingDriver):
            self._driver.move_lines(first, last, by)

    def _write_beside(self, sequence: str) -> None:
        """Write what changes no cell: a title, a bell."""
        if isinstance(self._driver, SparingDriver):
            self._driver.beside(sequence)
        elif self._driver is not None:
            self._driver.write(sequence)

    # --- handing it on ------------------------------------------------------------------------

    @contextlib.contextmanager
    def _suspended(self) -> Iterator[None]:
        try:
            with self.suspend():
                yield
        except SuspendNotSupported as error:
            raise ValueError("this terminal cannot be handed on") from error
        finally:
            self._pacer.forget()
            if not self._has_mouse:  # the driver has just turned it on again
                self._write_past_screen(MOUSE_OFF)

    def action_stop_for_shell(self) -> None:
        """Stop as other programs do on ctrl+z, until the shell says `fg`; runs keep going."""
        begun_s = self._clock.monotonic()
        try:
            with self._suspended():
                stop_for_shell()
        except ValueError as error:
            self.say(f"{error}.")
            return
        if self._clock.monotonic() - begun_s < STOPPED_S:
            self.say("No shell is here that would go on.")

    def action_mouse(self) -> None:
        """Leave the mouse to the terminal, for its own selection, or take it back."""
        self._has_mouse = not self._has_mouse
        self._write_past_screen(MOUSE_ON if self._has_mouse else MOUSE_OFF)
        if self._has_mouse:
            self.say("The mouse works in orch-tui again.")
        else:
            self.say("The mouse is the terminal's: select text as usual. M takes it back.")
