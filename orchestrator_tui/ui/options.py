"""ScreenOptions: how the screens look and what they begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.identifiers import DEFAULT_TASK_ID
from orchestrator_tui.records.program import PROGRAM
from orchestrator_tui.state.saved_views import SavedView
from orchestrator_tui.ui.announcing import Notify
from orchestrator_tui.ui.clipboard import Between
from orchestrator_tui.ui.keymap import UNBOUND, Keymap, all_bindings
from orchestrator_tui.ui.keys import ACTING


@dataclass(frozen=True, slots=True)
class ScreenOptions:
    """Plain values from flags, environment and files.

    `place`, `runs_dir` and `config_path` are paths as shown to a person, `repo` is one for
    commands; `program` is what opens these runs again from the shell's folder. `theme` is a word
    of `ui.themes.PALETTES`. `read_only` screens start and change nothing. `keymap` gives bindings
    other keys, `warnings` are told when the screens open. With `watch_terminal` the screens end
    when the terminal goes away or the process is told to stop. `view` is the saved view to begin
    with, `views` are those of the configuration. `between` is what stands between the program and
    the terminal's clipboard, `environ` names pager and editor.
    """

    place: str = ""
    runs_dir: str = ".runs"
    config_path: str = "codex.orchestrator.json"
    task_id: str = DEFAULT_TASK_ID
    theme: str = "dark"
    ascii_only: bool = False
    query: str = ""
    repo: str = ""
    program: str = PROGRAM
    between: Between = Between.NOTHING
    environ: Mapping[str, str] = field(default_factory=dict)
    watch_terminal: bool = False
    notify: Notify = Notify.AUTO
    reduced_motion: bool = False
    read_only: bool = False
    confirm_quit: bool = False
    keymap: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    view: str = ""
    views: tuple[SavedView, ...] = ()

    @property
    def withheld_keys(self) -> frozenset[str]:
        """The keys that would start or change something if the screens were not read-only."""
        bounds = all_bindings(self.keymap) if self.read_only else ()
        return frozenset(key for bound in bounds if bound.id in ACTING for key in bound.keys)

    @property
    def keys(self) -> Keymap:
        """The keymap, without keys for what starts or changes something on read-only screens."""
        return {**self.keymap, **(dict.fromkeys(ACTING, UNBOUND) if self.read_only else {})}
