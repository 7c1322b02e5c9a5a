"""The command of a person's own: what it gets, and that it reaches no terminal and never hangs."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import psutil
import pytest

from orchestrator_tui.cli.hook import CommandHook
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.records.times import format_time
from tests.terminals import RealTerminal
from tests.watch.disk import KEY, write_run

FACTS = {"ORCH_TUI_RUN_ID": "r-1", "ORCH_TUI_REASON": "$(touch pwned); `touch pwned`\n\0;x"}


def run(hook: CommandHook, facts: dict[str, str] | None = None) -> str | None:
    """Run a hook to its end."""
    return anyio.run(hook.run, facts or {})


def test_facts_come_as_variables_and_never_as_words_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = 'printf "%s\\n%s\\n%s\\nend\\n" "$ORCH_TUI_RUN_ID" "$MINE" "$ORCH_TUI_REASON" > told'
    hook = CommandHook(command, {**os.environ, "MINE": "kept"})
    assert run(hook, FACTS) is None
    told = (tmp_path / "told").read_text()
    assert told == "r-1\nkept\n$(touch pwned); `touch pwned`\n;x\nend\n"
    assert not (tmp_path / "pwned").exists()


def test_it_has_no_terminal_no_input_and_a_session_of_its_own(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "told"
    script = (
        f"echo loud; echo louder >&2; cat; [ -e /dev/tty ] && (: < /dev/tty) 2>/dev/null && t=tty;"
        f' echo "$t $(ps -o sid= -p $$) $$" | tr -s " " > {out}; echo end >> {out}'
    )
    assert run(CommandHook(script, os.environ)) is None
    words = out.read_text().split()
    assert words[0] == words[1], "it leads a session, and there is no terminal in it"
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_one_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    out = tmp_path / "told"
    script = f"sleep 600 & echo $! > {out}; echo end >> {out}; wait"
    hook = CommandHook(script, os.environ, limit_s=1.0)
    begun = time.monotonic()
    assert run(hook) == "it was ended after 1 s"
    assert time.monotonic() - begun < 10
    pid = int(out.read_text().split()[0])
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            process.wait(timeout=10)


def test_what_goes_wrong_is_told(tmp_path: Path) -> None:
    assert run(CommandHook("exit 3", os.environ)) == "it ended with 3"
    assert run(CommandHook("no-such-program-here", os.environ)) == "it ended with 127"


@pytest.mark.anyio
async def test_no_more_than_a_few_run_at_once(tmp_path: Path) -> None:
    hook = CommandHook("sleep 600", os.environ, limit_s=0.5)
    ended: list[str | None] = []

    async def one() -> None:
        ended.append(await hook.run({}))

    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(one)
    assert sorted(str(words) for words in ended) == [
        "4 of it run already",
        "4 of it run already",
        *["it was ended after 0 s"] * 4,
    ]


def test_a_long_run_that_fails_rings_and_is_told_to_the_command(tmp_path: Path) -> None:
    roots, told = Roots.of(tmp_path / "repo"), tmp_path / "told"
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    config = tmp_path / "config" / "orch-tui" / "config.toml"
    config.parent.mkdir(parents=True)
    command = f'echo "$ORCH_TUI_STATE $ORCH_TUI_RUN_ID $ORCH_TUI_REASON" > {told}'
    config.write_text(f"notify = \"always\"\nnotify_command = '{command}'\n")
    now = datetime.now(UTC)
    begun = {
        "started_at": format_time(now - timedelta(minutes=5)),
        "heartbeat_at": format_time(now),
    }
    write_run(roots, KEY, **begun, status="in_progress")
    environ = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    program = [sys.executable, "-m", "orchestrator_tui", "--repo", str(tmp_path / "repo")]
    with RealTerminal(program, size=(100, 30), environ=environ) as terminal:
        terminal.until("▸ 1")
        terminal.pump(2)
        ended = {"completed_at": format_time(now), "status_detail": "stage:build:failed"}
        write_run(roots, KEY, **begun, **ended, status="failed")
        terminal.pump(20, lambda: told.exists() and told.read_text().endswith("\n"))
        assert told.read_text() == f"failed {KEY.run_id} stage build failed\n"
        assert b"\x07\x1b]9;FAILED " in terminal.raw
        assert b"\x1b]2;orch-tui ! 1 > 0 repo\x07" in terminal.raw
        terminal.type("q")
        assert terminal.wait() == 0
        assert b"\x1b[23;2t" in terminal.raw, "the window has its title back"
