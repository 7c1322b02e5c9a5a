"""Events: the numbered lines of `events.jsonl`, written and read back."""

from __future__ import annotations

import threading
from enum import StrEnum
from pathlib import Path
from typing import Any

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.paths import RunPaths
from orchestrator_tui.records.times import format_time
from orchestrator_tui.store.json_text import MAX_LINE_BYTES, BadJson, decode_json, encode_line

SCHEMA_VERSION = 1
RUNNER_ACTOR = "runner"
_TAIL_BYTES = 64 * 1024
_MAX_TAIL_BYTES = 4 * 1024 * 1024  # the Node original writes whole chunks of output into one line
_KEPT_CHARACTERS = 2048  # of each text in a payload that would make its line too long


class EventName(StrEnum):
    """What happens in a run, in the Node original's words."""

    RUN_STARTED = "run_started"
    STEP_STARTED = "step_started"
    TOOL_CALLED = "tool_called"
    AGENT_MESSAGE = "agent_message"
    STEP_COMPLETED = "step_completed"
    STEP_FAILED = "step_failed"
    RUN_COMPLETED = "run_completed"
    RUN_FAILED = "run_failed"
    PAUSE_REQUESTED = "pause_requested"
    RUN_PAUSED = "run_paused"
    RUN_RESUMED = "run_resumed"
    RUN_CANCELED = "run_canceled"
    SECURITY_VIOLATION = "security_violation"


class EventStream:
    """Appends events of one run; numbers go on after the last line that can be read.

    Threads may share one stream. Every append opens the file anew, so that a file replaced
    meanwhile is not written to in vain.
    """

    def __init__(self, paths: RunPaths, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._paths = paths
        self._clock = clock
        self._seq: int | None = None
        self._turn = threading.Lock()

    def append(
        self, event: EventName, payload: JsonObject | None = None, *, actor: str = RUNNER_ACTOR
    ) -> int:
        """Append one event and return its number.

        A payload that would make the line longer than 32 KiB loses the middle of its texts and says
        so by `truncated`.

        Raises:
            OSError: The environment refuses; the number is given to the next event.
        """
        with self._turn:
            if self._seq is None:
                self._seq = last_seq(self._paths.events)
            seq = self._seq + 1
            record: JsonObject = {
                "schema_version": SCHEMA_VERSION,
                "seq": seq,
                "timestamp": format_time(self._clock.now()),
                "task_id": self._paths.key.task_id,
                "run_id": self._paths.key.run_id,
                "event": event.value,
                "actor": actor,
                "payload": payload,
            }
            files.append_record(self._paths.events, _fitted(record))
            self._seq = seq
            return seq


def last_seq(path: Path) -> int:
    """Return the highest number among the last lines of an event file, 0 for none.

    Two processes may once have written at the same time, so the last line's is not always it.

    Raises:
        OSError: The file is there and cannot be read.
    """
    seqs = (event.get("seq") for event in read_last_events(path))
    return max((s for s in seqs if isinstance(s, int) and not isinstance(s, bool)), default=0)


def read_last_events(path: Path, limit_bytes: int = _TAIL_BYTES) -> tuple[JsonObject, ...]:
    """Return the events in the last bytes of an event file, oldest first; bad lines are left out.

    If a single line fills all of `limit_bytes`, more is read, up to 4 MiB.

    Raises:
        OSError: The file is there and cannot be read.
    """
    while True:
        try:
            _, offset, tail = files.read_tail(path, limit_bytes, root=path.parent)
        except FileNotFoundError:
            return ()
        lines = tail.split(b"\n")[1 if offset else 0 :]
        events = tuple(event for line in lines if (event := _event(line)) is not None)
        if events or not offset or limit_bytes >= _MAX_TAIL_BYTES:
            return events
        limit_bytes *= 8


def _event(line: bytes) -> JsonObject | None:
    if not line.strip():
        return None
    try:
        value = decode_json(line)
    except BadJson:
        return None
    return value if isinstance(value, dict) else None


def _fitted(record: JsonObject) -> bytes:
    line = encode_line(record)
    if len(line) <= MAX_LINE_BYTES:
        return line
    payload = record["payload"]
    line = encode_line({**record, "payload": {**_shortened(payload), "truncated": True}})
    if len(line) <= MAX_LINE_BYTES:
        return line
    return encode_line({**record, "payload": {"truncated": True}})


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _KEPT_CHARACTERS:
        half = _KEPT_CHARACTERS // 2
        return f"{value[:half]} … {value[-half:]}"
    if isinstance(value, dict):
        return {name: _shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return value
