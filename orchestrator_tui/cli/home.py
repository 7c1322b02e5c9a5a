"""The home screen and all that it opens: the rooms joined to one application."""

from __future__ import annotations

import contextlib
import importlib
import shlex
from collections.abc import Mapping
from pathlib import Path

import anyio.to_thread

from orchestrator_tui.cli.exits import Exit, say
from orchestrator_tui.cli.gauge import ProcessGauge
from orchestrator_tui.cli.logs_when_wanted import LogsWhenWanted
from orchestrator_tui.cli.memory import FileMemory
from orchestrator_tui.cli.output import print_line
from orchestrator_tui.cli.preferences import key_conflicts
from orchestrator_tui.cli.shelf import FileShelf
from orchestrator_tui.cli.wish import ScreenWish
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.records.program import PROGRAM
from orchestrator_tui.records.requests import (
    ActionResult,
    LaunchRun,
    Refused,
    Request,
    StartConditions,
)
from orchestrator_tui.settings import InvalidSettings, Places, Settings, load_settings
from orchestrator_tui.state.saved_views import SavedView
from orchestrator_tui.ui.announcing import Notify
from orchestrator_tui.ui.app import OrchTui
from orchestrator_tui.ui.clipboard import between
from orchestrator_tui.ui.early_screen import EarlyScreen
from orchestrator_tui.ui.keymap import check_keymap
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.terminal import EXIT_HANGUP, is_lost, reset_at_exit
from orchestrator_tui.watch.feed import DiskFeed
from orchestrator_tui.watch.processes import RunProcesses


def run_home(
    settings: Settings,
    wish: ScreenWish,
    feed: DiskFeed,
    memory: FileMemory,
    early: EarlyScreen | None,
) -> int:
    """Show the screens until they are left, and return the exit status."""
    roots, wished = settings.roots, wish.preferences
    hook = None
    if wished.notify_command:
        from orchestrator_tui.cli.hook import CommandHook

        hook = CommandHook(wished.notify_command, settings.environ)
    keys = check_keymap(wished.keys)
    app = OrchTui(
        feed=feed,
        logs=LogsWhenWanted(roots),
        launcher=_Actions(roots, settings.environ, SYSTEM_CLOCK),
        processes=RunProcesses(roots),
        early_screen=early,
        desk=_Desk(roots, settings.environ),
        clock=SYSTEM_CLOCK,
        shelf=FileShelf(roots, settings.environ, Path.cwd()),
        memory=memory,
        hook=hook,
        gauge=ProcessGauge(),
        options=ScreenOptions(
            place=wish.place,
            runs_dir=roots.relative(roots.runs),
            task_id=settings.task_id,
            theme=wish.theme,
            ascii_only=wish.ascii_only,
            query=wished.filter,
            view=wish.view,
            views=tuple(SavedView(name, query) for name, query in wished.views.items()),
            read_only=wished.read_only,
            notify=Notify(wished.notify),
            reduced_motion=wished.reduced_motion,
            confirm_quit=wished.confirm_quit,
            keymap=keys.keymap,
            warnings=key_conflicts(wished),
            watch_terminal=True,
            repo=str(roots.repo),
            program=program_for(roots, settings.environ, Path.cwd()),
            between=between(settings.environ),
            environ=settings.environ,
        ),
    )
    undo = reset_at_exit()
    crash: Exception | None = None
    try:
        app.run()
        undo()
    except Exception as error:  # one that the screens could not end by: the terminal is set back
        crash = error
    if crash and is_lost():  # before there was anybody to notice
        return EXIT_HANGUP
    if crash := crash or app.crash:
        from orchestrator_tui.cli.crashes import told_of

        say(told_of(crash, SYSTEM_CLOCK.now()))
        return Exit.FAILED
    if not is_lost():
        for line in app.farewell():
            print_line(line)
    return app.return_code or 0


def program_for(roots: Roots, environ: Mapping[str, str], cwd: Path) -> str:
    """Return the command that opens these folders from `cwd`; bare where it finds them so."""
    repo, runs, out = str(roots.repo), str(roots.runs), str(roots.out)
    flags: tuple[str, ...] = ()
    for places, tried in (
        (Places(), ()),
        (Places(repo=repo), ("--repo", repo)),
        (Places(repo, runs, out), ("--repo", repo, "--runs-dir", runs, "--out-dir", out)),
    ):
        flags = tried
        with contextlib.suppress(InvalidSettings):
            if load_settings(environ, cwd, places, None).roots == roots:
                break
    return shlex.join((PROGRAM, *flags))


class _Actions:
    """What a person asks for, carried out by the runner, which is loaded when it is needed."""

    def __init__(self, roots: Roots, environ: Mapping[str, str], clock: Clock) -> None:
        self._given = (roots, environ, clock)

    async def perform(self, request: Request) -> ActionResult:
        """Carry out one request; refusals are values, never exceptions."""
        await anyio.to_thread.run_sync(importlib.import_module, "orchestrator_tui.runner.actions")
        from orchestrator_tui.runner.actions import RunActions

        return await RunActions(*self._given).perform(request)


class _Desk:
    """What the start form wants to know, looked up by the runner's room once it is needed."""

    def __init__(self, roots: Roots, environ: Mapping[str, str]) -> None:
        self._given = (roots, environ)

    async def conditions(self) -> StartConditions:
        """Return how the place is now."""
        await self._load()
        from orchestrator_tui.runner.starting import StartDesk

        return await StartDesk(*self._given).conditions()

    async def inputs_of(self, key: RunKey) -> LaunchRun | Refused:
        """Return the request for a new run with the inputs of another."""
        await self._load()
        from orchestrator_tui.runner.starting import StartDesk

        return await StartDesk(*self._given).inputs_of(key)

    async def _load(self) -> None:
        await anyio.to_thread.run_sync(importlib.import_module, "orchestrator_tui.runner.starting")
