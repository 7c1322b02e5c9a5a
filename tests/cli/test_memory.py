"""What screens remember: where it lies, who may read it, and what damage does."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import anyio
import pytest

from orchestrator_tui.cli.memory import LIMIT_BYTES, FileMemory
from orchestrator_tui.cli.places import memory_folder
from orchestrator_tui.records.paths import Roots

ROOTS = Roots.of(Path("/srv/team/my app"))


def test_a_repository_has_a_folder_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder = memory_folder(ROOTS)
    assert folder.parent == tmp_path / "orch-tui"
    assert folder.name.startswith("my-app-")
    assert folder == memory_folder(ROOTS)
    assert folder != memory_folder(Roots.of(Path("/srv/other/my app")))


@pytest.mark.anyio
async def test_a_document_comes_back_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    memory = FileMemory(tmp_path / "orch-tui" / "app")
    assert await memory.recall("seen") == {}
    assert await memory.keep("seen", {"version": 1, "runs": ["a", "b"]}) is None
    assert await memory.keep("seen", {"version": 1, "runs": ["\u202ec", 1, None]}) is None
    again = FileMemory(tmp_path / "orch-tui" / "app")
    assert await again.recall("seen") == {"version": 1, "runs": ["\u202ec", 1, None]}
    (path,) = (tmp_path / "orch-tui" / "app").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.anyio
@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b"\xff\xfe", b'"x"', b" " * (LIMIT_BYTES + 1)]
)
async def test_a_damaged_document_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "seen.json").write_bytes(content)
    memory = FileMemory(tmp_path)
    assert await memory.recall("seen") == {}
    assert await memory.keep("seen", {"a": 1}) is None
    assert await memory.recall("seen") == {"a": 1}


@pytest.mark.anyio
async def test_what_cannot_be_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder has to be")
    problem = await FileMemory(tmp_path / "state" / "app").keep("seen", {})
    assert problem is not None
    assert problem.startswith(f"{tmp_path}/state/app/seen.json: ")
    memory = FileMemory(tmp_path / "app")
    assert await memory.keep("seen", {"a": 1}) is None
    too_long = await memory.keep("seen", {"a": "x" * LIMIT_BYTES})
    assert too_long is not None
    assert "are more than the 262,144 kept" in too_long
    odd = await memory.keep("seen", {"a": object()})
    assert odd is not None
    assert await memory.recall("seen") == {"a": 1}


@pytest.mark.anyio
async def test_nothing_but_plain_files_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "seen.json")
    assert await FileMemory(tmp_path).recall("seen") == {}


@pytest.mark.anyio
async def test_the_last_of_many_documents_wins(tmp_path: Path) -> None:
    memory = FileMemory(tmp_path)
    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(memory.keep, "seen", {"number": number})
    assert await memory.recall("seen") == {"number": 19}
