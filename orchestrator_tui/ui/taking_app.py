"""TakingApp: what a person takes along: copies, logs and files for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual import on, work

from orchestrator_tui.primitives.safe_text import strip_sequences
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.formatting import counted
from orchestrator_tui.ui.asked import (
    CopyAsked,
    EditAsked,
    FileAsked,
    LogPicture,
    PathCopyAsked,
    SelectionAsked,
    TakeAsked,
    TextCopyAsked,
)
from orchestrator_tui.ui.asking_app import AskingApp
from orchestrator_tui.ui.ports import LogTextWish, TextShelf
from orchestrator_tui.ui.screens.runs import RunsScreen
from orchestrator_tui.ui.takeaway import Takeaway
from orchestrator_tui.ui.terminal_app import SETTLE_S


class TakingApp(AskingApp, inherit_bindings=False):
    """The part of the program that hands on what it shows, to a clipboard, a pager or an editor."""

    _takeaway: Takeaway
    _shelf: TextShelf | None

    def copy_to_clipboard(self, text: str) -> None:
        """Copy what a widget of Textual's own gives, as everything else is copied."""
        self._clipboard = text
        self._copy("the text", text.split("\n"))

    @work(name="copy")
    async def _copy(self, what: str, lines: Sequence[str]) -> None:
        await self._takeaway.copy(what, lines)

    @on(RunsScreen.NamesAsked)
    def _copy_names(self, event: RunsScreen.NamesAsked) -> None:
        lines = [str(key) for key in event.keys]
        self._copy(f"the names of {counted(len(lines), 'run')}", lines)

    @on(TextCopyAsked)
    def _text_copy_asked(self, event: TextCopyAsked) -> None:
        self._copy(event.what, event.lines)

    @on(SelectionAsked)
    def _selection_asked(self, event: SelectionAsked) -> None:
        self._copy("the selected lines", [strip_sequences(line) for line in event.lines])

    @on(CopyAsked)
    def _copy_asked(self, event: CopyAsked) -> None:
        self.ask_copy(event.key, event.stage_index, event.log)

    @work(name="copy menu")
    async def ask_copy(
        self, key: RunKey, stage_index: int = 0, log: LogPicture | None = None
    ) -> None:
        """Offer what can be copied of a run, and copy the chosen piece."""
        from orchestrator_tui.ui.copying import copied_lines, copy_source
        from orchestrator_tui.ui.screens.copying import CopyMenu

        now, repo = self._clock.now(), self.options.repo
        source = copy_source(self.fleet, key, stage_index, log, repo, now)
        if source is None:
            self.say("That run is gone.", is_refusal=True)
            return
        if self._shelf is not None:
            path = await self._shelf.log_path(key, source.stage_index)
            source = replace(source, log_path=path)
        piece = await self.push_screen_wait(CopyMenu(source))
        if piece is not None:
            await self._takeaway.copy(*copied_lines(source, piece))

    @on(TakeAsked)
    def _take_asked(self, event: TakeAsked) -> None:
        detail = self.fleet.details.get(event.wish.key)
        commands = detail.manifest.commands if detail else ()
        index = event.wish.stage_index
        stage_id = commands[index - 1].id if 0 < index <= len(commands) else "log"
        self.say("Writing the log as text ...")
        self._take_log(event.use, replace(event.wish, stage_id=stage_id))

    @work(name="take a log")
    async def _take_log(self, use: str, wish: LogTextWish) -> None:
        await self._pacer.settle(SETTLE_S)
        await self._takeaway.take_log(use, wish, self.options.environ, self._suspended)

    @on(FileAsked)
    def _file_asked(self, event: FileAsked) -> None:
        self._page_file(event.name)

    @work(name="show a file")
    async def _page_file(self, name: str) -> None:
        await self._takeaway.page_file(name, self.options.environ, self._suspended)

    @on(PathCopyAsked)
    def _path_asked(self, event: PathCopyAsked) -> None:
        self._copy("the path", [f"{self.options.repo}/{event.path}"])

    @on(EditAsked)
    def _edit_asked(self, event: EditAsked) -> None:
        self._open_source(event.place, event.folder)

    @work(name="open in editor")
    async def _open_source(self, place: str, folder: str) -> None:
        await self._takeaway.open_source(place, folder, self.options.environ, self._suspended)
