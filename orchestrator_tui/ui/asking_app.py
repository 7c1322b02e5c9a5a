"""AskingApp: what a person can ask of the program, each after a dialog, each with its result."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from textual import events, on, work
from textual.worker import WorkerFailed

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.requests import (
    ActionResult,
    Done,
    LaunchRun,
    Refused,
    Request,
    RestartRun,
    ResumeRun,
    StartConditions,
    command_line,
)
from orchestrator_tui.state.activity import Result
from orchestrator_tui.state.liveness import derive_state
from orchestrator_tui.ui.asked import AgainAsked, CancelAsked, CommandCopyAsked, KillAsked
from orchestrator_tui.ui.ports import (
    Memory,
    ObservationFeed,
    RunLauncher,
    RunProcessSource,
    StartDesk,
)
from orchestrator_tui.ui.screens.base import RoomyScreen
from orchestrator_tui.ui.screens.runs import RunsScreen
from orchestrator_tui.ui.telling_app import TellingApp


class _Learner(Protocol):
    """A dialog that is told the conditions of a start once they are known."""

    def learn(self, found: StartConditions) -> None: ...


def _cause(error: Exception) -> Exception:
    """Return the error itself of one that only says that a worker failed."""
    within = error.error if isinstance(error, WorkerFailed) else error
    return within if isinstance(within, Exception) else error


async def _look_around(dialog: _Learner, desk: StartDesk) -> None:
    dialog.learn(await desk.conditions())


class AskingApp(TellingApp, inherit_bindings=False):
    """The part of the program that asks before it acts; the rest of it shows.

    Dialogs are loaded with the first question: the first frame needs none of them.
    """

    _feed: ObservationFeed
    _launcher: RunLauncher
    memory: Memory | None
    _processes: RunProcessSource | None
    _desk: StartDesk | None
    _started_here: set[RunKey]
    _config_looked_at: asyncio.Event

    @property
    def crash(self) -> Exception | None:
        """The unforeseen error that ended the screens, None as long as there is none."""
        return self._exception

    def _handle_exception(self, error: Exception) -> None:
        """End the screens by an unforeseen error; `crash` tells of it, the terminal stays clean.

        What Textual would print holds the values of variables, secrets and raw output among them.
        """
        self._return_code = 1
        if self._exception is None:
            self._exception = _cause(error)
            self._exception_event.set()
        self._close_messages_no_wait()

    @property
    @abstractmethod
    def chosen_run(self) -> RunKey | None:
        """The run that is open, or else selected."""

    @abstractmethod
    def _copy(self, what: str, lines: Sequence[str]) -> object: ...

    @abstractmethod
    def leave(self, status: int = 0) -> None:
        """End the screens; runs go on."""

    def _may_act(self) -> bool:
        if self.options.read_only:
            self.say("These screens are read-only: nothing is started or changed.", is_refusal=True)
        return not self.options.read_only

    async def _config_known(self) -> None:
        """Wait, in the first moments, until somebody has looked for the configuration."""
        if not self.fleet.is_config_known:
            self._tell(f"Reading {self.options.config_path} ...")
            await self._config_looked_at.wait()

    def on_key(self, event: events.Key) -> None:
        """Say why a key that would start or change something does nothing."""
        if event.key in self.options.withheld_keys and isinstance(self.screen, RoomyScreen):
            self._may_act()

    # --- start and run again ----------------------------------------------------------------

    @on(RunsScreen.StartAsked)
    def _start_asked(self) -> None:
        self.ask_start()

    @work(name="start a run")
    async def ask_start(
        self, pipeline_id: str | None = None, begin: LaunchRun | None = None
    ) -> None:
        """Show the form, and start what it gives."""
        from orchestrator_tui.ui.asking import start_view
        from orchestrator_tui.ui.recent import keep_recent, recall_recent
        from orchestrator_tui.ui.screens.start import StartDialog

        if not self._may_act():
            return
        await self._config_known()
        recent = await recall_recent(self.memory)
        now = self._clock.now()
        view = start_view(
            self.fleet, self.chosen_run, self.options, now, pipeline_id, begin=begin, recent=recent
        )
        dialog = StartDialog(view, ascii_only=self.options.ascii_only, clock=self._clock)
        if self._desk is None:
            dialog.learn(StartConditions())
        else:
            # Work of the dialog, which ends with it.
            dialog.run_worker(_look_around(dialog, self._desk), name="look around")
        request = await self.push_screen_wait(dialog)
        if request is not None:
            await self._perform(request)
            await keep_recent(self.memory, request)

    def action_plan(self) -> None:
        """Show what a resume of the chosen run would do, or what its pipeline does."""
        from orchestrator_tui.ui.asking import plan_view
        from orchestrator_tui.ui.screens.plan import PlanDialog

        view = plan_view(self.fleet, self.chosen_run, self._clock.now())
        if view is None:
            self.say("No run is selected.", is_refusal=True)
        else:
            self.push_screen(PlanDialog(view, ascii_only=self.options.ascii_only))

    @on(CommandCopyAsked)
    def _command_copy_asked(self, event: CommandCopyAsked) -> None:
        self._copy("the command", [event.command])

    @work(name="edit inputs")
    async def ask_edit(self, key: RunKey) -> None:
        """Open the form with the inputs of a run."""
        found = await self._desk.inputs_of(key) if self._desk else None
        if isinstance(found, LaunchRun):
            self.ask_start(begin=found)
        elif found is not None:
            self.say(found.reason, is_refusal=True)

    @on(AgainAsked)
    def _again_asked(self, event: AgainAsked) -> None:
        self.ask_again(event.keys)

    @work(name="run again")
    async def ask_again(self, keys: tuple[RunKey, ...]) -> None:
        """Offer the ways to run runs again, and go the chosen one."""
        from orchestrator_tui.ui.asking import again_view
        from orchestrator_tui.ui.screens.again import EditInputs, RunAgainDialog

        if not self._may_act():
            return
        await self._config_known()
        view = again_view(self.fleet, keys, self._clock.now())
        if isinstance(view, str):
            self.say(view, is_refusal=True)
            return
        answer = await self.push_screen_wait(RunAgainDialog(view, clock=self._clock))
        if isinstance(answer, EditInputs):
            self.ask_edit(answer.key)
        elif answer is not None:
            await self._perform(*answer)

    # --- end ----------------------------------------------------------------------------------

    @on(CancelAsked)
    def _cancel_asked(self, event: CancelAsked) -> None:
        self.ask_cancel(event.keys)

    @work(name="cancel runs")
    async def ask_cancel(self, keys: tuple[RunKey, ...]) -> None:
        """Ask whether to cancel, do so, and show how far it has come."""
        from orchestrator_tui.ui.asking import cancel_view
        from orchestrator_tui.ui.screens.ending import CancelDialog

        if not self._may_act():
            return
        view = cancel_view(self.fleet, keys, self._clock.now())
        if isinstance(view, str):
            self.say(view, is_refusal=True)
            return
        if not await self.push_screen_wait(CancelDialog(view, clock=self._clock)):
            return
        results = await self._perform(*view.requests)
        if len(keys) == 1 and isinstance(results[0], Done) and not view.is_dead:
            await self._follow_cancel(keys[0])

    async def _follow_cancel(self, key: RunKey) -> None:
        from orchestrator_tui.ui.screens.cancelling import CancellingDialog, Parting

        plain = self.options.ascii_only
        dialog = CancellingDialog(key, self._processes, ascii_only=plain, clock=self._clock)
        parting = await self.push_screen_wait(dialog)
        if parting is Parting.KILL:
            self.ask_kill((key,))
        elif parting is Parting.ENDED:
            self.say(self._ended_words(key))

    def _ended_words(self, key: RunKey) -> str:
        run = self.fleet.runs.get(key)
        if run is None:
            return f"{key.short} is not there any more."
        return f"{key.short} has ended: {derive_state(run, self._clock.now()).state}."

    @on(KillAsked)
    def _kill_asked(self, event: KillAsked) -> None:
        self.ask_kill(event.keys)

    def action_kill(self) -> None:
        """Ask whether to kill the chosen run."""
        key = self.chosen_run
        if key is None:
            self.say("No run is selected.", is_refusal=True)
        else:
            self.ask_kill((key,))

    @work(name="kill runs")
    async def ask_kill(self, keys: tuple[RunKey, ...]) -> None:
        """Ask whether to kill, and do so."""
        from orchestrator_tui.ui.asking import kill_view
        from orchestrator_tui.ui.screens.ending import KillDialog

        if not self._may_act():
            return
        view = kill_view(self.fleet, keys, self._clock.now())
        if isinstance(view, str):
            self.say(view, is_refusal=True)
        elif await self.push_screen_wait(KillDialog(view, clock=self._clock)):
            await self._perform(*view.requests)

    @on(RunsScreen.QuitAsked)
    def _quit_asked(self) -> None:
        if not self.options.confirm_quit:
            self.leave()
            return
        from orchestrator_tui.ui.asking import quit_view

        view = quit_view(self.fleet, self._started_here, self._clock.now())
        if view.lines:
            self.action_ask_quit()
        else:
            self.leave()

    @work(name="quit")
    async def action_ask_quit(self) -> None:
        """Tell which runs go on, and ask whether to quit."""
        from orchestrator_tui.ui.asking import quit_view
        from orchestrator_tui.ui.screens.quitting import Leaving, QuitDialog

        if isinstance(self.screen, QuitDialog):
            return
        view = quit_view(self.fleet, self._started_here, self._clock.now())
        answer = await self.push_screen_wait(QuitDialog(view, clock=self._clock))
        if answer is Leaving.STOP:
            results = await self._perform(*view.stops)
            if any(isinstance(result, Refused) for result in results):
                return  # what could not be stopped is told; whoever reads it decides
        if answer is not Leaving.STAY:
            self.leave()

    # --- do -----------------------------------------------------------------------------------

    async def _perform(self, *requests: Request) -> list[ActionResult]:
        """Carry out requests side by side, and tell what came of them together."""
        from orchestrator_tui.ui.asking import told_together

        results = await asyncio.gather(*(self._perform_one(request) for request in requests))
        text, is_refusal = told_together(requests, results)
        self._tell(text, is_refusal=is_refusal)
        if len(results) == 1 and isinstance(results[0], Done) and results[0].key is not None:
            self.runs_screen.select(results[0].key)
        self._feed.rescan()
        await self.journal.save()
        return results

    async def _perform_one(self, request: Request) -> ActionResult:
        key = None if isinstance(request, LaunchRun) else request.key
        name = self.journal.began(command_line([request]), key)
        await self.journal.save()
        result = await self._launcher.perform(request)
        if isinstance(result, Done):
            self.journal.ended(name, Result.DONE, result.message, result.key)
            if result.key is not None and isinstance(request, LaunchRun | ResumeRun | RestartRun):
                self._started_here.add(result.key)
        else:
            self.journal.ended(name, Result.REFUSED, result.reason)
        return result
