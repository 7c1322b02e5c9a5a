"""JSON text, in and out: bounded, strict, and told in plain words where it is bad."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

import orjson

from orchestrator_tui.records.manifest import JsonObject

# Levels; the real files have at most 9, and writers of JSON give up near 250. What has no more
# brackets than that, as most manifests, need not be looked through.
MAX_DEPTH = 128
MAX_LINE_BYTES = 32 * 1024  # one record of a shared line file: a reader never sees half of it
_TOO_DEEP = f"not usable: nested more than {MAX_DEPTH} levels deep"
_BIG_INTEGER_DIGITS = 18  # longer integers become floats, as in JavaScript
_SURROGATE = re.compile("[\ud800-\udfff]")
_MARKS = {
    b"\xef\xbb\xbf": "a byte order mark",
    b"\xff\xfe": "the mark of UTF-16 text, not UTF-8",
    b"\xfe\xff": "the mark of UTF-16 text, not UTF-8",
}
_EXPECTED = {
    "Expecting value": "a value is missing",
    "Expecting property name enclosed in double quotes": "a name in double quotes is missing",
    "Expecting ':' delimiter": "a colon is missing",
    "Expecting ',' delimiter": "a comma is missing",
    "Unterminated string starting at": "a text without its closing quote",
    "Invalid control character at": "a raw control character in a text",
    "Extra data": "more after the end",
}
# As the encoder writes them; the backslash first, for the others bring more of them.
_ESCAPES = (
    (b"\\", b"\\\\"),
    (b'"', b'\\"'),
    (b"\n", b"\\n"),
    (b"\t", b"\\t"),
    (b"\r", b"\\r"),
    (b"\x1b", b"\\u001b"),
)
# Looked for one by one, which takes 20 us for 64 KiB where one pass over all bytes takes 36.
_RARE_CONTROLS = tuple(bytes([code]) for code in range(32) if chr(code) not in "\n\t\r\x1b")


class BadJson(ValueError):
    """Bytes that are not one acceptable JSON value; the text says why in plain words."""


def decode_json(content: bytes) -> Any:
    """Return the value in UTF-8 JSON; a name that comes twice keeps its last value.

    Half surrogates, which JavaScript writes where it cuts a text, become U+FFFD.

    Raises:
        BadJson: Not UTF-8, a byte order mark, NaN or Infinity, a number out of range, more than
            `MAX_DEPTH` levels, or no JSON at all.
    """
    _refuse_foreign_text(content)
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        value = _decode_slowly(content, dict)
    if may_be_deep(content):
        _refuse_depth(value)
    return value


def may_be_deep(content: bytes) -> bool:
    """Tell whether there are brackets enough for more than `MAX_DEPTH` levels."""
    # To leave them out takes a fifth of the time that counting them does.
    return len(content) - len(content.replace(b"{", b"").replace(b"[", b"")) > MAX_DEPTH


def decode_distinct(content: bytes) -> Any:
    """Return the value in UTF-8 JSON, as `decode_json`, but refuse a name that comes twice.

    Raises:
        BadJson: As for `decode_json`, and for repeated names.
    """
    _refuse_foreign_text(content)
    value = _decode_slowly(content, _distinct)
    _refuse_depth(value)
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadJson("not usable: a name comes twice in one object")
    return found


def _refuse_foreign_text(content: bytes) -> None:
    if content.startswith(b"{"):
        return
    for mark, name in _MARKS.items():
        if content.startswith(mark):
            raise BadJson(f"not JSON: begins with {name}")
    if not content.strip():
        raise BadJson("empty")
    if not content.strip(b"\0"):
        raise BadJson("not JSON: nothing but zero bytes")


def _refuse_depth(value: Any) -> None:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise BadJson(_TOO_DEEP)


def _decode_slowly(content: bytes, as_object: Callable[[list[tuple[str, Any]]], JsonObject]) -> Any:
    try:
        text = content.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=as_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_number,
        )
    except UnicodeDecodeError as error:
        raise BadJson(f"not UTF-8 text: byte {error.start + 1:,}") from error
    except json.JSONDecodeError as error:
        raise BadJson(_where(error)) from error
    except RecursionError as error:
        raise BadJson(_TOO_DEEP) from error
    return without_surrogates(value) if "\\u" in text else value


def _where(error: json.JSONDecodeError) -> str:
    at_end = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
    words = "unexpected end of file" if at_end else _EXPECTED.get(error.msg, error.msg.lower())
    return f"not JSON: line {error.lineno} column {error.colno}, {words}"


def _refuse_constant(name: str) -> NoReturn:
    raise BadJson(f"not JSON: {name} is not a number that JSON has")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise BadJson(f"not usable: the number {text[:20]} is out of range")
    return number


def _number(text: str) -> int | float:
    return int(text) if len(text) <= _BIG_INTEGER_DIGITS else _finite(text)


def without_surrogates(value: Any) -> Any:
    """Return a JSON value with U+FFFD for every half surrogate, in names too."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {without_surrogates(name): without_surrogates(v) for name, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_surrogates(item) for item in value]
    return value


def _encode(value: Any, option: int) -> bytes:
    try:
        return orjson.dumps(value, option=option)
    except TypeError:
        # orjson refuses half surrogates, which file names and cut texts can bring in
        return orjson.dumps(without_surrogates(value), option=option)


def encode_document(value: Any) -> bytes:
    """Return a JSON document as the Node original lays it out: two spaces, a newline at the end."""
    return _encode(value, orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def encode_unended(value: Any) -> bytes:
    """Return a JSON document with two spaces and no newline at the end, as `runs.json` has it."""
    return _encode(value, orjson.OPT_INDENT_2)


def encode_line(value: Any) -> bytes:
    """Return a JSON value on one line, newline included."""
    return _encode(value, orjson.OPT_APPEND_NEWLINE)


def decoded(content: bytes) -> tuple[str, Any]:
    """Return bytes as text, and what stands for that text in a value that is to be encoded.

    The second spares turning text of many languages back into the bytes that it came from, which
    costs twice as much as all the rest. Bytes that are not UTF-8 become U+FFFD.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("utf-8", "replace")
        return text, text
    if len(text) == len(content) or any(map(content.__contains__, _RARE_CONTROLS)):
        return text, text  # the encoder takes ASCII as it is
    for raw, escaped in _ESCAPES:
        if raw in content:
            content = content.replace(raw, escaped)
    return text, orjson.Fragment(b'"%b"' % content)
