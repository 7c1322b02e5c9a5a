"""FileMemory: what the screens remember from one day to the next, apart from the runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from orchestrator_tui.primitives import files
from orchestrator_tui.store.json_text import decode_json, encode_document
from orchestrator_tui.store.reading import reason_of

LIMIT_BYTES: Final = 256 * 1024  # of one document
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_NAME = re.compile(r"[a-z][a-z0-9-]{0,40}")


class FileMemory:
    """Keeps small JSON documents by name in one folder, for the person alone; never raises.

    Where two screens keep a document of one name the last one wins, so who adds to a list recalls
    it first and adds to what is there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turn = anyio.Lock()  # a later document must not be overtaken by an earlier one

    async def recall(self, name: str) -> dict[str, object]:
        """Return a document; empty where none is kept or it is damaged."""
        return await anyio.to_thread.run_sync(self.recall_now, name, abandon_on_cancel=True)

    def recall_now(self, name: str) -> dict[str, object]:
        """Return the same where nothing else waits meanwhile."""
        path = self._path(name)
        try:
            value = decode_json(files.read_bytes(path, limit_bytes=LIMIT_BYTES))
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}

    async def keep(self, name: str, document: Mapping[str, object]) -> str | None:
        """Keep a document in place of the one before; return why it was not kept."""
        async with self._turn:
            return await anyio.to_thread.run_sync(
                self._keep, name, dict(document), abandon_on_cancel=True
            )

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"not the name of a document: {name!r}")
        return self._folder / f"{name}.json"

    def _keep(self, name: str, document: dict[str, object]) -> str | None:
        path = self._path(name)
        try:
            content = encode_document(document)
            if len(content) > LIMIT_BYTES:
                return f"{path}: {len(content):,} bytes are more than the {LIMIT_BYTES:,} kept"
            for folder in (self._folder.parent, self._folder):
                files.make_folder(folder, mode=_PRIVATE_FOLDER)
            files.write_atomic(path, content, mode=_PRIVATE_FILE)
        except OSError as error:
            return f"{path}: {reason_of(error)}"
        except (TypeError, ValueError) as error:  # a value that JSON has no word for
            return f"{path}: {error}"
        return None
