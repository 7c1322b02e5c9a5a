"""Quick decoding: of very many manifests each no further than a list shows it; slow to load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec

from orchestrator_tui.records.facts import Told
from orchestrator_tui.records.manifest import (
    COMMAND_TYPES,
    LIST_FIELDS,
    MANIFEST_TYPES,
    MANIFEST_VERSION,
)
from orchestrator_tui.store.json_text import may_be_deep

# Longer ones are read as other numbers, so that they are left to `json_text`.
_Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_KINDS: Final[Mapping[tuple[type, ...], Any]] = {
    (str,): str,
    (int,): _Whole,
    (bool,): bool,
    (dict,): dict[str, msgspec.Raw],
}


def _record(name: str, *fields: tuple[str, Any, object]) -> type[msgspec.Struct]:
    # Fields are asked for as in a dictionary.
    namespace = {"get": object.__getattribute__}
    return msgspec.defstruct(name, fields, namespace=namespace, gc=False)


_Command = _record(
    "Command", *((name, _KINDS[of] | None, None) for name, of in COMMAND_TYPES.items())
)
_ITEMS: Final[Mapping[str, Any]] = {"commands": _Command, "resume_events": Any}
_Manifest = _record(
    "Manifest",
    ("version", int | float, MANIFEST_VERSION),
    ("runner", str | None, None),
    ("runId", msgspec.Raw | None, None),  # a RunSummary has it
    *((name, list[_ITEMS.get(name, msgspec.Raw)] | None, None) for name in LIST_FIELDS),  # type: ignore[misc]
    *(
        (name, _KINDS[of] | None, None)
        for name, of in MANIFEST_TYPES.items()
        if name not in (*LIST_FIELDS, "extras")
    ),
)
_decode: Final = msgspec.json.Decoder(_Manifest).decode
_EMPTY: Final = _Manifest()


def decode_usual(content: bytes) -> Told | None:
    """Return what a manifest tells that `is_usual`; None where only the whole reading can tell.

    In half the time that decoding all of it and looking whether it is usual takes. Never raises.
    """
    try:
        if not content.isascii():
            content.decode("utf-8")  # the decoder does not look at texts that it leaves out
        found: Any = _decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    is_manifest = found.runId is None and found.version == MANIFEST_VERSION
    if not is_manifest or may_be_deep(content) or (found.status is None and found == _EMPTY):
        return None
    return found  # type: ignore[no-any-return]
