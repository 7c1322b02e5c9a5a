"""JSON text: bytes that become a text in JSON on the short way are what the long way gives."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator_tui.store.json_text import decoded, encode_line

PIECES = st.sampled_from(["→", "ä", "😀", '"', "\\", "\n", "\r", "\t", "\x1b[0m", "\b", "\0", "a"])


def check(content: bytes) -> None:
    text, value = decoded(content)
    assert text == content.decode("utf-8", "replace")
    assert encode_line({"data": value}) == encode_line({"data": text})


@given(st.lists(PIECES, max_size=30).map("".join) | st.text())
@settings(max_examples=300)
def test_text_of_any_language_is_encoded_as_it_would_be_the_long_way(text: str) -> None:
    check(text.encode("utf-8", "replace"))


@given(st.lists(st.sampled_from([b"\xff", b"\xc3", b"\xa4", "→".encode(), b'"', b"\n"])))
def test_bytes_that_are_no_text_become_replacement_characters(pieces: list[bytes]) -> None:
    check(b"".join(pieces))


def test_every_control_character_is_escaped_beside_text_that_is_not_ascii() -> None:
    for code in range(0x20):
        check("→".encode() + bytes([code]))
