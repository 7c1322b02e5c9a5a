"""FileShelf: where the screens put texts that a person takes along."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from os import getuid
from pathlib import Path
from typing import Final

import anyio.to_thread

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.logs import ALL_STAGES, LogLine, LogPage, LogRequest, Stream, Whence
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.store.reading import reason_of
from orchestrator_tui.ui.ports import LogTextWish, WrittenText
from orchestrator_tui.watch.stage_places import find_stage, log_path

COPY_NAME: Final = "last-copy.txt"
READING_LIMIT_BYTES: Final = 64 * 1024 * 1024  # of a log file that is written out to be read
SHOWN_LIMIT_BYTES: Final = 8 * 1024 * 1024  # of another file of a run
NAME_LENGTH: Final = 100
_PAGE_LINES: Final = 4096
_PRIVATE_FILE: Final = 0o600
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(slots=True)
class _Progress:
    """How far a log was written out."""

    lines: int = 0
    marked: int = 1
    skipped_bytes: int = 0
    left_bytes: int = 0
    size: int = 0


class FileShelf:
    """Writes texts: copies and logs to look at into a private folder, kept logs into the work's.

    `environ` names the private folder by `XDG_RUNTIME_DIR`; without, it lies with the temporary
    files under the user's number.
    """

    def __init__(self, roots: Roots, environ: Mapping[str, str], work_folder: Path) -> None:
        self._roots = roots
        self._work_folder = work_folder
        self._read_page: Callable[[LogRequest], LogPage] | None = None  # loaded when wanted
        runtime = environ.get("XDG_RUNTIME_DIR", "")
        parent = Path(runtime) if runtime.startswith("/") else None
        self._private = (
            parent / "orch-tui"
            if parent is not None and files.is_folder(parent)
            else Path(tempfile.gettempdir()) / f"orch-tui-{getuid()}"
        )

    async def keep_copy(self, text: str) -> WrittenText:
        """Keep what was copied last, for the person alone."""
        return await anyio.to_thread.run_sync(self._keep_copy, text)

    async def write_log(self, wish: LogTextWish) -> WrittenText:
        """Write a log as text that is safe to show."""
        return await anyio.to_thread.run_sync(self._write_log, wish)

    async def log_path(self, key: RunKey, stage_index: int) -> str:
        """Return where a stage's log lies; empty where it has none."""
        return await anyio.to_thread.run_sync(self._log_path, key, stage_index)

    async def source_path(self, name: str, folder: str) -> WrittenText:
        """Return where a file of the repository lies that a command in `folder` has named."""
        return await anyio.to_thread.run_sync(self._source_path, name, folder)

    async def show_file(self, name: str) -> WrittenText:
        """Write a file of a run as text that is safe to show."""
        return await anyio.to_thread.run_sync(self._show_file, name)

    def _source_path(self, name: str, folder: str) -> WrittenText:
        repo = self._roots.repo
        for candidate in dict.fromkeys((repo / folder / name, repo / name)):
            path = files.resolve_inside(repo, candidate)
            try:
                known = files.signature(path) if path is not None else None
                if known is not None and not files.is_folder(candidate):
                    return WrittenText(str(path))
            except OSError as error:
                return WrittenText(problem=f"{name}: {reason_of(error)}")
        return WrittenText(problem=f"There is no file {name} in this repository.")

    def _show_file(self, name: str) -> WrittenText:
        path = self._roots.repo / name
        root = next(
            (r for r in (self._roots.runs, self._roots.out) if path.is_relative_to(r)), None
        )
        if root is None or ".." in path.parts:
            return WrittenText(problem="it is no file of a run")
        copy = self._private / _UNFIT.sub("-", path.name)[-NAME_LENGTH:]
        try:
            signature, content = files.read_range(path, 0, SHOWN_LIMIT_BYTES, root=root)
            files.make_own_folder(self._private)
            text = "".join(f"{safe_text(line)}\n" for line in _lines_of(content))
            files.write_atomic(copy, text.encode("utf-8", "replace"), mode=_PRIVATE_FILE)
        except OSError as error:
            return WrittenText(problem=reason_of(error))
        left = signature.size - len(content)
        return WrittenText(str(copy), remark=f"{left:,} bytes are left out" if left > 0 else "")

    def _keep_copy(self, text: str) -> WrittenText:
        path = self._private / COPY_NAME
        try:
            files.make_own_folder(self._private)
            content = f"{text}\n".encode("utf-8", "replace")
            files.write_atomic(path, content, mode=_PRIVATE_FILE)
        except OSError as error:
            return WrittenText(str(path), problem=f"{path}: {reason_of(error)}")
        return WrittenText(str(path))

    def _log_path(self, key: RunKey, stage_index: int) -> str:
        place = find_stage(self._roots, key, stage_index)
        if isinstance(place, str):
            return ""
        path = log_path(self._roots, place)
        try:
            return str(path) if path is not None and files.exists(path) else ""
        except OSError:
            return ""

    def _write_log(self, wish: LogTextWish) -> WrittenText:
        is_one = wish.stage_index != ALL_STAGES
        stage = f"{wish.stage_index:02}-{wish.stage_id}" if is_one else "all"
        name = _UNFIT.sub("-", f"{wish.key.short}-{stage}")
        try:
            if wish.to_keep:
                path = self._free_path(self._work_folder, name)
                mode = 0o644
            else:
                files.make_own_folder(self._private)
                path, mode = self._private / f"{name}.log", _PRIVATE_FILE
                files.remove(path)
            progress = _Progress()
            with files.AppendStream(path, mode=mode) as stream:
                for lines in self._pages(wish, progress):
                    stream.write("".join(f"{_text_of(line)}\n" for line in lines).encode())
        except OSError as error:
            return WrittenText(problem=reason_of(error))
        source = self._log_path(wish.key, wish.stage_index) if is_one else ""
        return WrittenText(str(path), max(1, progress.marked), _left_out(progress), source)

    @staticmethod
    def _free_path(folder: Path, name: str) -> Path:
        for number in range(1, 1000):
            path = folder / (f"{name}.log" if number == 1 else f"{name}-{number}.log")
            if not files.exists(path):
                return path
        return folder / f"{name}-last.log"

    def _pages(self, wish: LogTextWish, progress: _Progress) -> Iterator[tuple[LogLine, ...]]:
        """Yield the lines of a log; of one that is too large to read, those from the mark on."""
        first = self._read(wish, 0, 1)
        is_long = first.size > READING_LIMIT_BYTES and not wish.to_keep
        offset = wish.mark if is_long else first.start
        end = offset + READING_LIMIT_BYTES if is_long else first.size
        progress.skipped_bytes, progress.size = offset, first.size
        count = _PAGE_LINES
        while True:
            if offset == wish.mark:
                progress.marked = progress.lines + wish.after_mark + 1
            page = self._read(wish, offset, count)
            if offset < wish.mark < page.end and count > 1:
                count //= 2  # closer to the mark, where a page begins
                continue
            progress.lines += len(page.lines)
            yield page.lines
            if page.replaced or page.at_end or page.end <= offset or page.end >= end:
                progress.left_bytes = 0 if page.at_end else max(0, page.size - page.end)
                yield page.partial
                return
            offset, count = page.end, _PAGE_LINES if page.end >= wish.mark else count

    def _read(self, wish: LogTextWish, offset: int, count: int) -> LogPage:
        request = LogRequest(wish.key, wish.stage_index, Whence.AFTER, offset, count, wish.attempt)
        if self._read_page is None:
            from orchestrator_tui.watch.logs import StageLogs

            self._read_page = StageLogs(self._roots).read_now
        return self._read_page(request)


def _lines_of(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").removesuffix("\n").split("\n")


def _text_of(line: LogLine) -> str:
    note = "-- " if line.stream is Stream.NOTE else ""
    cut = f" ... {line.cut_bytes:,} bytes left out" if line.cut_bytes else ""
    return f"{note}{safe_text(line.text)}{cut}".rstrip()


def _left_out(progress: _Progress) -> str:
    if not progress.skipped_bytes and not progress.left_bytes:
        return ""
    percent = 100 * progress.skipped_bytes // max(1, progress.size)
    return (
        f"only a part of the log, from {percent} % on: the whole of it has {progress.size:,} bytes"
    )
