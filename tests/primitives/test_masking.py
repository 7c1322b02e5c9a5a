"""Secrets are taken out of a stream, wherever it is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator_tui.primitives.masking import Masker

SECRET = b"canary-0123456789-ab"
TEXT = b"one " + SECRET + b" two\n"


def masked(pieces: list[bytes], *needles: bytes) -> bytes:
    masker = Masker(needles, b"#")
    return b"".join(map(masker.feed, pieces)) + masker.finish()


def test_a_secret_is_found_wherever_the_stream_is_cut() -> None:
    for at in range(len(TEXT) + 1):
        assert masked([TEXT[:at], TEXT[at:]], SECRET) == b"one # two\n"
    assert masked([bytes([byte]) for byte in TEXT], SECRET) == b"one # two\n"


def test_the_longer_of_two_secrets_is_taken_out_whole() -> None:
    assert masked([b"a password-long b password-x"], b"password", b"password-long") == b"a # b #-x"
    assert masked([b"a passwor", b"d-lon", b"g"], b"password", b"password-long") == b"a #"


def test_secrets_that_overlap_are_taken_out_together() -> None:
    assert masked([b"<abcdefgh", b"ijklmnop>"], b"abcdefghij", b"ghijklmnop") == b"<#>"


def test_what_only_begins_as_a_secret_is_told_unchanged() -> None:
    masker = Masker([SECRET], b"#")
    assert masker.feed(b"prompt: cana") == b"prompt: "
    assert masker.feed(b"da") == b"canada"
    assert masker.feed(b" canary-") == b" "
    assert masker.finish() == b"canary-"
    assert masker.count == 0


def test_nothing_waits_that_is_no_beginning_of_a_secret() -> None:
    masker = Masker([SECRET], b"#")
    assert masker.feed(b"no newline yet") == b"no newline yet"


def whole(text: bytes, needles: list[bytes]) -> bytes:
    """Mask a text that is there as a whole, byte by byte."""
    inside = [False] * (len(text) + 1)  # of a needle, with the byte before
    hidden = [False] * len(text)
    for needle in needles:
        for at in range(len(text)):
            if text.startswith(needle, at):
                hidden[at : at + len(needle)] = [True] * len(needle)
                inside[at + 1 : at + len(needle)] = [True] * (len(needle) - 1)
    told = bytearray()
    for at, byte in enumerate(text):
        if not hidden[at]:
            told.append(byte)
        elif not inside[at]:
            told += b"#"
    return bytes(told)


@given(
    st.lists(st.text("ab", min_size=1, max_size=5).map(str.encode), min_size=1, max_size=3),
    st.lists(st.text("abc", max_size=6).map(str.encode), max_size=8),
)
def test_the_cuts_of_a_stream_change_nothing(needles: list[bytes], pieces: list[bytes]) -> None:
    assert masked(pieces, *needles) == whole(b"".join(pieces), needles)
