"""StageLogs: pages of what a stage wrote, from whichever shape of log its run has."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio.to_thread

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import FileSignature
from orchestrator_tui.records.facts import RunShape
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.logs import (
    MAX_LINE_BYTES,
    LogLine,
    LogPage,
    LogRequest,
    Stream,
    Whence,
)
from orchestrator_tui.records.manifest import CommandKind, CommandRecord, Manifest
from orchestrator_tui.records.paths import Roots, run_paths_in
from orchestrator_tui.store.discovery import ref_of_manifest
from orchestrator_tui.store.reading import BadContent, RunRef, parse_object, read_run, reason_of
from orchestrator_tui.watch.log_pages import LogFile, StartIndex, page_after, page_before
from orchestrator_tui.watch.log_records import LogRecord, records_in

REMEMBERED_LOGS: Final = 32  # logs of which is known where their attempts begin
_RESPONSE_LIMIT_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class StagePlace:
    """A stage and the run that it belongs to."""

    ref: RunRef
    manifest: Manifest
    command: CommandRecord


class _Remembered:
    """What is kept of a log between two pages of it."""

    def __init__(self) -> None:
        self.identity: tuple[int, int] | None = None
        self.starts = StartIndex()


def find_stage(roots: Roots, key: RunKey, stage_index: int) -> StagePlace | str:
    """Return a stage of a run, or in plain words why there is none; `stage_index` counts from 1."""
    ref = _ref_of(roots, key)
    if ref is None:
        return "the run is gone"
    found = read_run(roots, ref)
    if found is None:
        return "the run is gone"
    if isinstance(found, BadContent):
        return f"{found.path} cannot be read: {found.reason}"
    commands = found.manifest.commands
    if not 1 <= stage_index <= len(commands):
        return f"the run has no stage {stage_index}"
    return StagePlace(ref, found.manifest, commands[stage_index - 1])


class StageLogs:
    """Reads pages of stage logs; bounded in memory whatever a log's size.

    Lines are those of the terminal: output in pieces is joined, a progress bar leaves its last
    state. Start, retries, warnings and end of a command are lines of the stream NOTE.
    """

    def __init__(self, roots: Roots) -> None:
        self._roots = roots
        self._lock = threading.Lock()
        self._remembered: OrderedDict[tuple[RunKey, int], _Remembered] = OrderedDict()

    async def read(self, request: LogRequest) -> LogPage:
        """Return one page; what cannot be read is told in `LogPage.problem`."""
        return await anyio.to_thread.run_sync(self.read_now, request)

    def read_now(self, request: LogRequest) -> LogPage:
        """Return one page, as `read`, in the calling thread."""
        with self._lock:
            place = find_stage(self._roots, request.key, request.stage_index)
            if isinstance(place, str):
                return problem_page(place)
            try:
                return self._page(place, request)
            except FileNotFoundError:
                return _page_without_log(self._roots, place)
            except OSError as error:
                return problem_page(f"the log cannot be read: {reason_of(error)}")

    def _page(self, place: StagePlace, request: LogRequest) -> LogPage:
        path = log_path(self._roots, place)
        signature = files.signature(path) if path else None
        if path is None or signature is None:
            return _page_without_log(self._roots, place)
        kept = self._kept(request, signature)
        if kept is None:
            return LogPage((), 0, 0, signature.size, replaced=True)
        log = _log_file(self._roots, place, path, kept.starts)
        match request.whence:
            case Whence.START:
                return page_after(log, 0, request.max_lines)
            case Whence.END:
                return page_before(log, None, request.max_lines)
            case Whence.AFTER:
                return page_after(log, request.offset, request.max_lines)
            case Whence.BEFORE:
                return page_before(log, request.offset, request.max_lines)

    def _kept(self, request: LogRequest, signature: FileSignature) -> _Remembered | None:
        """Return what is known of the log; None if the offset is for a file that was replaced."""
        name = (request.key, request.stage_index)
        identity = (signature.device, signature.inode)
        kept = self._remembered.get(name)
        is_other = kept is not None and kept.identity != identity
        if kept is None or is_other:
            kept = _Remembered()
            kept.identity = identity
        self._remembered[name] = kept
        self._remembered.move_to_end(name)
        while len(self._remembered) > REMEMBERED_LOGS:
            self._remembered.popitem(last=False)
        asks_by_offset = request.whence in (Whence.AFTER, Whence.BEFORE) and request.offset > 0
        return None if is_other and asks_by_offset else kept


def problem_page(problem: str, lines: tuple[LogLine, ...] = ()) -> LogPage:
    """Return a page that says why there is nothing to show."""
    return LogPage(lines, 0, 0, 0, problem=problem)


def log_path(roots: Roots, place: StagePlace) -> Path | None:
    """Return where a stage's log lies or will lie; None for a stage that writes none."""
    command = place.command
    if place.ref.shape is not RunShape.CLI:
        plain = place.ref.run_dir / "runner.log"
        found = files.signature(plain)
        return plain if found is not None and found.size > 0 else None
    if command.kind == CommandKind.SUBPIPELINE:
        return None
    paths = run_paths_in(roots, place.ref.key, place.ref.run_dir)
    usual = paths.stage_log(command.index, command.id)
    if files.signature(usual) is None and command.log_path:
        told = roots.repo / command.log_path
        if told.is_relative_to(place.ref.run_dir) and told != paths.runner_log:
            return told
    return usual


def _log_file(roots: Roots, place: StagePlace, path: Path, starts: StartIndex) -> LogFile:
    if place.ref.shape is not RunShape.CLI:
        return LogFile(path, roots.runs, _plain_records, _never)
    plain = LogFile(path, roots.runs)
    if not place.manifest.resume_events:
        return plain
    return LogFile(path, roots.runs, records_in, lambda offset: starts.attempt_at(plain, offset))


def _never(_offset: int) -> int:
    return 1


def _plain_records(content: bytes, offset: int) -> list[LogRecord]:
    """Return each line of a plain text as a record of output."""
    records: list[LogRecord] = []
    start = 0
    while (newline := content.find(b"\n", start)) >= 0:
        text = content[start : min(newline, start + 2 * MAX_LINE_BYTES)].decode("utf-8", "replace")
        fields = {"type": "exec:chunk", "stream": "stdout", "data": f"{text}\n"}
        records.append(LogRecord(offset + start, offset + newline + 1, fields))
        start = newline + 1
    return records


def _ref_of(roots: Roots, key: RunKey) -> RunRef | None:
    task_dir = roots.runs / key.task_id
    for folder in (task_dir / "cli", task_dir / "mcp", task_dir):
        ref = ref_of_manifest(roots, folder / key.run_id / "manifest.json")
        if ref is not None and _is_there(ref.manifest):
            return ref
    return None


def _is_there(path: Path) -> bool:
    try:
        return files.exists(path)
    except OSError:  # the read that follows tells why
        return True


def _page_without_log(roots: Roots, place: StagePlace) -> LogPage:
    command = place.command
    if command.kind == CommandKind.SUBPIPELINE:
        return LogPage((LogLine(Stream.NOTE, _child_words(command)),), 0, 0, 0)
    if place.ref.shape is not RunShape.CLI:
        return _older_page(roots, place)
    match command.status:
        case "pending":
            return problem_page("the stage has not started")
        case "running":
            return problem_page("the stage has written nothing yet")
        case _:
            where = run_paths_in(roots, place.ref.key, place.ref.run_dir)
            shown = roots.relative(where.stage_log(command.index, command.id))
            return problem_page(f"there is no log at {shown}")


def _child_words(command: CommandRecord) -> str:
    named = f": {command.sub_run_id}" if command.sub_run_id else ""
    match command.status:
        case "pending":
            return "this stage runs another pipeline, as a run of its own"
        case "running":
            return f"this stage runs as a run of its own{named}"
        case _:
            return f"this stage ran as a run of its own{named}"


def _older_page(roots: Roots, place: StagePlace) -> LogPage:
    """Return what a run of October 2025 kept of a stage: the texts of its response file."""
    told = place.command.extras.get("response_file")
    response = roots.repo / told if isinstance(told, str) else None
    if response is None or not response.is_relative_to(place.ref.run_dir):
        return problem_page("this run kept no output")
    try:
        content = files.read_bytes(response, limit_bytes=_RESPONSE_LIMIT_BYTES, root=roots.runs)
    except OSError as error:
        return problem_page(f"{told} cannot be read: {reason_of(error)}")
    texts = _response_texts(content)
    lines = tuple(LogLine(Stream.STDOUT, line) for text in texts for line in text.split("\n"))
    return LogPage(lines, 0, 0, len(content)) if lines else problem_page("it kept no output")


def _response_texts(content: bytes) -> list[str]:
    # The file holds a list, which is no object; as a member of one it is read by the same rules.
    document = parse_object(b'{"entries":' + content + b"}", "response")
    entries = [] if isinstance(document, BadContent) else document.get("entries")
    return [
        entry["text"]
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("text"), str)
    ]
