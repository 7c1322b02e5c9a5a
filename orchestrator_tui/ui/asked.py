"""What screens and dialogs ask the program for, whichever of them it is."""

from __future__ import annotations

from textual.message import Message

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.ui.ports import LogTextWish


class _OfRuns(Message):
    def __init__(self, keys: tuple[RunKey, ...]) -> None:
        super().__init__()
        self.keys = keys


class AgainAsked(_OfRuns):
    """Runs are to be run again."""


class CancelAsked(_OfRuns):
    """Runs are to be cancelled."""


class KillAsked(_OfRuns):
    """Runs are to be killed."""


class RunOpened(Message):
    """A run is to be opened."""

    def __init__(self, key: RunKey) -> None:
        super().__init__()
        self.key = key


@dataclass(frozen=True, slots=True)
class LogPicture:
    """The lines of a log that are in memory, and the one that a person looks at."""

    line: str | None = None
    loaded: tuple[str, ...] = ()


class CopyAsked(Message):
    """Something of a run is to be copied; `stage_index` 0 means the stage that counts most."""

    def __init__(self, key: RunKey, stage_index: int = 0, log: LogPicture | None = None) -> None:
        super().__init__()
        self.key = key
        self.stage_index = stage_index
        self.log = log


class TextCopyAsked(Message):
    """Lines are to be copied as they stand; `what` names them to the person."""

    def __init__(self, what: str, lines: tuple[str, ...]) -> None:
        super().__init__()
        self.what = what
        self.lines = lines


class CommandCopyAsked(Message):
    """The command line that a dialog shows is to be copied."""

    def __init__(self, command: str) -> None:
        super().__init__()
        self.command = command


class PathCopyAsked(Message):
    """The path of a file, relative to the repository, is to be copied."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path


class SelectionAsked(Message):
    """The selected lines of a log are to be copied."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__()
        self.lines = lines


class TakeAsked(Message):
    """A log is to go to a `pager`, an `editor` or a `file`; the wish lacks the stage's id."""

    def __init__(self, use: str, wish: LogTextWish) -> None:
        super().__init__()
        self.use = use
        self.wish = wish


class FileAsked(Message):
    """A file of a run, named relative to the repository, is to be shown."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class EditAsked(Message):
    """A place in the source, `path:line`, is to be opened; `folder` is where its stage ran."""

    def __init__(self, place: str, folder: str) -> None:
        super().__init__()
        self.place = place
        self.folder = folder
