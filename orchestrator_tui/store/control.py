"""Control: `control.json`, by which anyone asks a run to stop, pause, go on or fail."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import Durability
from orchestrator_tui.primitives.locking import FileLock
from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.paths import RunPaths
from orchestrator_tui.records.times import format_time
from orchestrator_tui.store.json_text import (
    BadJson,
    decode_distinct,
    encode_document,
    without_surrogates,
)
from orchestrator_tui.store.reading import BadContent, reason_of

CONTROL_LIMIT_BYTES = 64 * 1024  # docs/formats.md, limits
MAX_SEQ = 2**53 - 2  # the largest number that JavaScript can still add one to
TRACE_ID_LENGTH = 160  # code points; the Node original's limit for ids in a summary
_NONCES = ("confirm_nonce", "confirmNonce")
_UNESCAPED = "!~*'()"  # what encodeURIComponent leaves alone and `quote` does not


class ActionKind(StrEnum):
    """What a run can be asked."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    FAIL = "fail"


_KINDS = {kind.value: kind for kind in ActionKind}


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """The latest request in a control file; `action` is None for none or one that is not known.

    `has_nonce` marks an action that carries a confirmation nonce: it must be refused. Texts are as
    in the file; ids that are not texts are None.
    """

    seq: int
    action: ActionKind | None = None
    reason: str | None = None
    request_id: str | None = None
    intent_id: str | None = None
    requested_by: str | None = None
    requested_at: str | None = None
    has_nonce: bool = False

    @property
    def trace(self) -> str:
        """The ids as the Node original puts them into a summary: ` (intent_id=…, request_id=…)`."""
        named = (("intent_id", self.intent_id), ("request_id", self.request_id))
        parts = [f"{name}={shown}" for name, value in named if (shown := encode_trace_id(value))]
        return f" ({', '.join(parts)})" if parts else ""


def encode_trace_id(value: object) -> str:
    """Return an id as it may stand in a summary: trimmed, cut to 160 code points, percent-encoded.

    Anything but a text gives nothing.
    """
    if not isinstance(value, str):
        return ""
    clean: str = without_surrogates(value.strip())
    return quote(clean[:TRACE_ID_LENGTH], safe=_UNESCAPED)


def read_control(paths: RunPaths) -> ControlRequest | BadContent | None:
    """Return the latest request, why the file cannot be used, or None if there is none."""
    try:
        document = _read(paths)
    except FileNotFoundError:
        return None
    except OSError as error:
        return BadContent(paths.control.name, reason_of(error))
    except BadJson as error:
        return BadContent(paths.control.name, str(error))
    seq = _seq(document)
    if seq is None:
        return BadContent(paths.control.name, "control_seq is no whole number from 0 to 2^53-2")
    return _request(seq, document.get("latest_action"))


def request_action(
    paths: RunPaths,
    action: ActionKind,
    *,
    reason: str | None,
    requested_by: str,
    now: datetime,
    request_id: str | None = None,
    last_seen: int = 0,
) -> int:
    """Put a request into the control file and return its number.

    The number is one above the file's and above `last_seen`, the last one that the runner is known
    to have consumed. What else the file holds is kept; a file that cannot be read is replaced.

    Raises:
        LockTimeout: Somebody else was writing all the time.
        OSError: The environment refuses, or something that is no file lies in its place.
        ValueError: No number is left.
    """
    lock = FileLock(paths.control.with_name("control.json.lock"), task_id=paths.key.task_id)
    with lock:
        document = _kept(paths)
        seq = max(_seq(document) or 0, last_seen) + 1
        if seq > MAX_SEQ:
            raise ValueError(f"{paths.control}: no request number is left; remove the file")
        document |= {
            "run_id": paths.key.run_id,
            "control_seq": seq,
            "latest_action": {
                "request_id": request_id or str(uuid.uuid4()),
                "intent_id": None,
                "requested_by": requested_by,
                "requested_at": format_time(now),
                "action": ActionKind(action).value,
                "reason": reason,
            },
        }
        files.write_atomic(paths.control, encode_document(document), durability=Durability.FULL)
    return seq


def _read(paths: RunPaths) -> JsonObject:
    content = files.read_bytes(
        paths.control, limit_bytes=CONTROL_LIMIT_BYTES, root=paths.run_dir, from_strangers=False
    )
    document = decode_distinct(content)
    if not isinstance(document, dict):
        raise BadJson("not an object")
    return document


def _kept(paths: RunPaths) -> JsonObject:
    try:
        return _read(paths)
    except (FileNotFoundError, BadJson):
        return {}


def _seq(document: JsonObject) -> int | None:
    """Return a number that can be counted on from; the Node original takes none for 0."""
    value = document.get("control_seq")
    if value is None:
        return 0
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and 0 <= value <= MAX_SEQ else None


def _request(seq: int, latest: Any) -> ControlRequest:
    if not isinstance(latest, dict):
        return ControlRequest(seq)
    return ControlRequest(
        seq,
        action=_KINDS.get(_text(latest, "action") or ""),
        reason=_text(latest, "reason"),
        request_id=_text(latest, "request_id"),
        intent_id=_text(latest, "intent_id"),
        requested_by=_text(latest, "requested_by"),
        requested_at=_text(latest, "requested_at"),
        has_nonce=any(name in latest for name in _NONCES),
    )


def _text(document: JsonObject, name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and value else None
