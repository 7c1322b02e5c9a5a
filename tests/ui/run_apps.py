"""Small apps around one widget or screen, and how tests look at them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import PurePath
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widget import Widget

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.observations import Observation
from orchestrator_tui.state.reducer import observe
from orchestrator_tui.ui.asked import (
    AgainAsked,
    CancelAsked,
    CommandCopyAsked,
    EditAsked,
    FileAsked,
    PathCopyAsked,
    RunOpened,
)
from orchestrator_tui.ui.keymap import Named
from orchestrator_tui.ui.keys import APP_KEYS
from orchestrator_tui.ui.palette import PaletteApp
from orchestrator_tui.ui.ports import LogSource
from orchestrator_tui.ui.screens.run import RunScreen
from orchestrator_tui.ui.terminal import Backstop
from orchestrator_tui.ui.themes import DARK, TERMINAL_THEMES, THEMES
from orchestrator_tui.ui.widgets.log_view import LogView
from tests.fakes import NOON, ScriptedLogs

STYLES = PurePath(__file__).parents[2] / "orchestrator_tui" / "ui" / "styles"
MOST_PAUSES = 400


class BareApp(PaletteApp, inherit_bindings=False):
    """An app with the program's styles and no fleet."""

    BINDINGS = APP_KEYS
    CSS_PATH: ClassVar[list[str | PurePath]] = [
        STYLES / name
        for name in ("base.tcss", "run.tcss", "dialogs.tcss", "log.tcss", "start.tcss")
    ]

    def __init__(self) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name
        self.ansi_theme_dark = TERMINAL_THEMES[DARK.name]
        self._filters.append(Backstop())


class LogApp(BareApp):
    """A log in the whole screen."""

    def __init__(self, logs: LogSource) -> None:
        super().__init__()
        self._logs = logs

    def compose(self) -> ComposeResult:
        """Yield the log."""
        yield LogView(self._logs)

    @property
    def log_view(self) -> LogView:
        """The log."""
        return self.query_one(LogView)


class RunApp(BareApp):
    """One run's screen over another; remembers what the screen asks for."""

    def __init__(
        self, key: RunKey, logs: ScriptedLogs, *seen: Observation, named: Named | None = None
    ) -> None:
        super().__init__()
        self.run_screen = RunScreen(key, logs, named=named)
        self.fleet = observe(Fleet(), seen)
        self.asked: list[str] = []

    async def on_mount(self) -> None:
        """Open the run."""
        await self.push_screen(self.run_screen)
        self.see()

    def see(self, *seen: Observation, now: datetime = NOON) -> None:
        """Show what else is seen."""
        self.fleet = observe(self.fleet, seen)
        self.run_screen.show(self.fleet, now)

    @on(AgainAsked)
    def run_screen_again_asked(self, event: AgainAsked) -> None:
        """Remember."""
        self.asked.append(f"again {event.keys[0].short}")

    @on(CancelAsked)
    def run_screen_cancel_asked(self, event: CancelAsked) -> None:
        """Remember."""
        self.asked.append(f"cancel {event.keys[0].short}")

    @on(RunOpened)
    def run_screen_child_opened(self, event: RunOpened) -> None:
        """Remember."""
        self.asked.append(f"child {event.key.run_id}")

    @on(FileAsked)
    def run_screen_file_asked(self, event: FileAsked) -> None:
        """Remember."""
        self.asked.append(f"file {event.name}")

    @on(PathCopyAsked)
    def artifacts_pane_path_asked(self, event: PathCopyAsked) -> None:
        """Remember."""
        self.asked.append(f"path {event.path}")

    @on(EditAsked)
    def failure_card_edit_asked(self, event: EditAsked) -> None:
        """Remember."""
        self.asked.append(f"edit {event.place}")


class DialogApp(BareApp):
    """A dialog over an empty screen; `results` holds what it gave."""

    def __init__(self, dialog: ModalScreen[Any]) -> None:
        super().__init__()
        self._dialog = dialog
        self.results: list[object] = []
        self.copied: list[str] = []

    async def on_mount(self) -> None:
        """Open the dialog."""
        await self.push_screen(self._dialog, self.results.append)

    def on_command_copy_asked(self, event: CommandCopyAsked) -> None:
        """Remember."""
        self.copied.append(event.command)


def drawn(widget: Widget) -> list[str]:
    """Return the text of each visible row of a Line API widget."""
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Wait until a condition holds; fail if it does not soon."""
    for _ in range(MOST_PAUSES):
        if holds():
            await pilot.pause()
            return
        await pilot.pause(0.01)
    raise AssertionError("what was waited for did not come")
