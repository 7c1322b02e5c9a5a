"""The log of one attempt of one stage: its beginning and its end, whatever it says in between."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.times import format_time
from orchestrator_tui.store.json_text import encode_line

COPY_BYTES = 1024 * 1024
COMPARE_BYTES = 4096
MIN_LIMIT_BYTES = 4096  # below this a record or two would already fill a part

_log = logging.getLogger(__name__)


def encode_record(kind: str, fields: JsonObject, *, now: datetime, index: int) -> bytes:
    """Return one line of a runner log: type, its fields, time, and the stage's index from 1."""
    return encode_line({"type": kind, **fields, "timestamp": format_time(now), "index": index})


class StageLog:
    """Writes the records of one attempt to `commands/NN-slug.ndjson`, bounded in size.

    Beyond `limit_bytes` the first half is kept and a rolling end of up to another half. While the
    command runs, the named file always is the one that grows: when it has said half the limit, it
    becomes `….head.ndjson`, and from then on each full quarter becomes `….older.ndjson`. At the end
    all are joined again, with a record between that tells how much was left out. A crash leaves the
    parts; the next attempt joins them first.

    A disk that refuses a write never stops the command: what could not be written is counted.
    Not safe for use by two threads at once.
    """

    def __init__(
        self, path: Path, runner_log: Path, *, index: int, limit_bytes: int, clock: Clock
    ) -> None:
        self._path = path
        self._runner_log = runner_log
        self._index = index
        self._limit = max(limit_bytes, MIN_LIMIT_BYTES)
        self._clock = clock
        self._room = self._limit // 2
        self._is_capped = False
        self._left_out_bytes = 0
        self._is_torn = False
        self._stream: files.AppendStream | None = None
        self.lost_bytes = 0

    def record(self, kind: str, **fields: Any) -> None:
        """Write a record to the stage's log and to `runner.ndjson`."""
        line = encode_record(kind, fields, now=self._clock.now(), index=self._index)
        self._write(line)
        try:
            files.append_record(self._runner_log, line)
        except OSError as error:
            self._tell(error, len(line))

    def chunk(self, **fields: Any) -> None:
        """Write a record of output, which goes to the stage's log alone."""
        self._write(encode_record("exec:chunk", fields, now=self._clock.now(), index=self._index))

    def close(self) -> None:
        """Finish the file; a capped log becomes one file again."""
        try:
            if self._stream is not None:
                self._stream.close()
            if self._is_capped:
                join_parts(
                    self._path, self._left_out_bytes, now=self._clock.now(), index=self._index
                )
        except OSError as error:
            self._tell(error, 0)

    def _write(self, line: bytes) -> None:
        try:
            if self._stream is None:
                self._open()
            elif len(line) > self._room:
                self._turn()
            self._put(line)
        except OSError as error:
            self._is_torn = True
            self._tell(error, len(line))

    def _put(self, line: bytes) -> None:
        if self._stream is not None:
            self._stream.write(b"\n" + line if self._is_torn else line)
            self._is_torn = False
            self._room -= len(line)

    def _open(self) -> None:
        """Open the file at the first record, behind earlier attempts."""
        join_parts(self._path, None, now=self._clock.now(), index=self._index)
        self._stream = files.AppendStream(self._path)

    def _turn(self) -> None:
        """Put the full file aside and begin a new one under its name."""
        part = older_path(self._path) if self._is_capped else head_path(self._path)
        if self._is_capped and (replaced := files.signature(part)):
            self._left_out_bytes += replaced.size
        files.rename(self._path, part)
        full, self._stream = self._stream, None
        if full is not None:
            full.close()
        self._stream = files.AppendStream(self._path)
        self._room, self._is_torn = self._limit // 4, False
        if not self._is_capped:
            self._is_capped = True
            self._put(self._marker("log-capped", limit_bytes=self._limit))

    def _marker(self, warning: str, **fields: Any) -> bytes:
        return encode_record(
            "command:warning",
            {"warning": warning, **fields},
            now=self._clock.now(),
            index=self._index,
        )

    def _tell(self, error: OSError, lost_bytes: int) -> None:
        if not self.lost_bytes:
            _log.warning("Log of stage %d cannot be written: %s", self._index, error)
        self.lost_bytes += lost_bytes


def head_path(path: Path) -> Path:
    """Return where the beginning of a capped log lies while its stage runs."""
    return path.with_name(f"{path.stem}.head.ndjson")


def older_path(path: Path) -> Path:
    """Return where the older part of a capped log's end lies while its stage runs."""
    return path.with_name(f"{path.stem}.older.ndjson")


def join_parts(path: Path, left_out_bytes: int | None, *, now: datetime, index: int) -> None:
    """Make one file of a capped log's parts, if there are any; a crash at any point is healed.

    Args:
        path: The log; its parts lie beside it.
        left_out_bytes: Bytes of records that no part holds; None where nobody knows any more.
        now: The time of the record that stands between the beginning and the end.
        index: The stage's index in that record.
    """
    head, older = head_path(path), older_path(path)
    if not files.exists(head):
        return
    if not _begins_with(path, head):
        joined = path.with_name(f".{path.name}.join.tmp")
        files.remove(joined)
        with files.AppendStream(joined) as stream:
            _copy(head, stream)
            fields = {"warning": "log-truncated", "left_out_bytes": left_out_bytes}
            stream.write(encode_record("command:warning", fields, now=now, index=index))
            _copy(older, stream)
            _copy(path, stream)
        files.rename(joined, path)
    files.remove(older)
    files.remove(head)  # the last: while it is there, there may be parts to join


def _begins_with(path: Path, head: Path) -> bool:
    """Tell whether a log holds its beginning already, so that only the parts are left over.

    A part that still grows begins with another record: each has its own time and sequence.
    """
    try:
        beginning = files.read_range(head, 0, COMPARE_BYTES)[1]
        return files.read_range(path, 0, len(beginning))[1] == beginning
    except FileNotFoundError:
        return False


def _copy(source: Path, target: files.AppendStream) -> None:
    offset = 0
    try:
        while chunk := files.read_range(source, offset, COPY_BYTES)[1]:
            target.write(chunk)
            offset += len(chunk)
    except FileNotFoundError:
        return  # a part that was never needed
