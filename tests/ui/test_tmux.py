"""The program within tmux, and under the names that terminals go by."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.terminals import RealTerminal
from tests.ui.fleets import RUNNING

ROOT = Path(__file__).parent.parent.parent
PROGRAM = [sys.executable, "-m", "tests.ui.program", "busy"]
needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Tmux:
    """A tmux server of its own with one session, in which the program runs."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")
        self._environ = {
            name: value for name, value in os.environ.items() if not name.startswith("TMUX")
        }
        self._environ |= {"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
        self.ask("-f", "/dev/null", "new-session", "-d", "-s", "it", "-x", "100", "-y", "30")
        self.ask("set-option", "-s", "set-clipboard", "on")
        self.ask("set-option", "-g", "window-size", "latest")
        self.ask("set-option", "-g", "status", "off")
        self.ask("respawn-window", "-k", "-t", "it", *PROGRAM)

    def ask(self, *words: str) -> str:
        """Return what tmux says to a command."""
        command = ["tmux", "-S", self._socket, *words]
        return subprocess.run(
            command, env=self._environ, capture_output=True, text=True, timeout=20, check=False
        ).stdout

    @property
    def shown(self) -> str:
        """The program's screen as tmux has it."""
        return self.ask("capture-pane", "-p", "-t", "it")

    def until(self, holds: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until something holds; fail with the screen if it does not come."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, self.shown
            time.sleep(0.05)

    def attached(self, columns: int = 100, rows: int = 30) -> RealTerminal:
        """Return a terminal that is attached."""
        command = ["tmux", "-S", self._socket, "attach", "-t", "it"]
        return RealTerminal(command, size=(columns, rows), environ=self._environ)


@pytest.fixture
def tmux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tmux]:
    """Return a server, and end it."""
    server = Tmux(tmp_path_factory.mktemp("t"))
    yield server
    server.ask("kill-server")


@needs_tmux
def test_within_tmux_it_starts_resizes_detaches_copies_and_quits(tmux: Tmux) -> None:
    tmux.until(lambda: RUNNING.task in tmux.shown and "sort: attention" in tmux.shown)
    with tmux.attached() as client:
        client.until(RUNNING.task)
        client.resize(90, 26)
        client.until("sort: attention")
        tmux.until(lambda: "─╯" in tmux.shown and len(tmux.shown.splitlines()[1]) == 90)
        tmux.ask("detach-client", "-s", "it")
        assert client.wait() == 0
    with tmux.attached() as client:
        client.until(RUNNING.task)
        client.type("y")
        client.until("Run id")
        client.type("i")
        tmux.until(lambda: "-" in tmux.ask("show-buffer"))
        run_id = tmux.ask("show-buffer").strip()
        assert run_id.startswith("2026-01-01T")
        tmux.until(lambda: "orch-tui ! " in tmux.ask("display-message", "-p", "#{pane_title}"))
        client.until_gone("To reproduce")
        client.type("q")
        assert client.wait() == 0, "the session ends with the program"


@pytest.mark.parametrize("term", ["xterm-256color", "screen-256color", "tmux-256color", "nosuch"])
def test_it_needs_no_entry_for_the_terminal(term: str) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with RealTerminal(["env", f"TERM={term}", *PROGRAM], environ=environ) as terminal:
        terminal.until("sort: attention")
        terminal.type("q")
        assert terminal.wait() == 0


@pytest.mark.parametrize("term", ["dumb", ""])
def test_where_no_screen_can_be_drawn_there_is_the_list(term: str, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-m", "orchestrator_tui", "--repo", str(tmp_path)]
    with RealTerminal(["env", f"TERM={term}", *program], environ=environ) as terminal:
        assert terminal.wait(20) == 0
        assert "so this is the list instead of the screen" in " ".join(terminal.text.split())
        assert b"\x1b[?1049h" not in terminal.raw
