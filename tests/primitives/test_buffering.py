"""Buffers, decoders and line assemblers, cut at every place where a cut can fall."""

from __future__ import annotations

import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator_tui.primitives.buffering import (
    DEFAULT_LIMIT_BYTES,
    AssembledLine,
    CappedBuffer,
    LineAssembler,
    StreamDecoder,
    truncate_utf8,
)

CHUNKS = st.lists(st.binary(max_size=40), max_size=12)


def filled(limit_bytes: int, chunks: list[bytes]) -> CappedBuffer:
    buffer = CappedBuffer(limit_bytes)
    for chunk in chunks:
        buffer.add(chunk)
    return buffer


@pytest.mark.acceptance(53)
def test_a_capped_buffer_keeps_the_first_and_the_last_bytes() -> None:
    buffer = filled(16, [b"abcdefgh", b"ijklmnop", b"qrstuvwx"])
    assert (buffer.head(), buffer.tail()) == (b"abcd", b"mnopqrstuvwx")
    assert buffer.dropped_bytes == 8
    assert buffer.text(marker=True) == "abcd\n… 8 bytes left out …\nmnopqrstuvwx"


@pytest.mark.acceptance(54)
@pytest.mark.parametrize(("size", "is_truncated"), [(65_536, False), (65_537, True)])
def test_a_buffer_is_truncated_only_beyond_its_limit(size: int, is_truncated: bool) -> None:
    buffer = filled(65_536, [b"x" * size])
    assert buffer.is_truncated is is_truncated
    assert len(buffer.head()) == 16_384
    assert len(buffer.head() + buffer.tail()) == 65_536


@pytest.mark.acceptance(54)
def test_a_stream_of_100_mib_takes_less_than_one_mib() -> None:
    chunk = b"y" * 65_536
    buffer = CappedBuffer()
    tracemalloc.start()
    for _ in range(1600):
        buffer.add(chunk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert buffer.total_bytes == 100 * 1024 * 1024
    assert peak < 1024 * 1024


@pytest.mark.acceptance(54)
def test_tiny_chunks_take_no_more_room_than_large_ones() -> None:
    buffer = CappedBuffer()
    tracemalloc.start()
    for _ in range(100_000):
        buffer.add(b"ab")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert buffer.tail() == b"ab" * (DEFAULT_LIMIT_BYTES * 3 // 8)
    assert peak < 1024 * 1024


@given(st.integers(0, 64), CHUNKS)
def test_a_capped_buffer_is_the_stream_with_its_middle_gone(
    limit_bytes: int, chunks: list[bytes]
) -> None:
    stream = b"".join(chunks)
    buffer = filled(limit_bytes, chunks)
    assert buffer.total_bytes == len(stream)
    assert len(buffer.head() + buffer.tail()) == min(limit_bytes, len(stream))
    assert stream.startswith(buffer.head())
    assert stream.endswith(buffer.tail())
    if not buffer.is_truncated:
        assert buffer.head() + buffer.tail() == stream


def test_a_cut_leaves_out_the_characters_that_it_broke() -> None:
    buffer = filled(16, ["€".encode() * 20])
    assert buffer.text() == "€" + "€" * 4
    assert buffer.text(marker=True) == "€\n… 45 bytes left out …\n€€€€"


def test_a_cut_keeps_bytes_that_were_never_text() -> None:
    assert filled(8, [b"\xff" * 20]).text() == "\ufffd" * 8
    assert filled(8, [b"\x80" * 20]).text() == "\ufffd" * 5  # three may belong to a cut character


@pytest.mark.acceptance(58)
def test_a_character_split_at_every_byte_is_decoded_once() -> None:
    encoded = "aé€😀z".encode()
    for cut in range(len(encoded) + 1):
        decoder = StreamDecoder()
        text = decoder.feed(encoded[:cut]) + decoder.feed(encoded[cut:]) + decoder.finish()
        assert text == "aé€😀z"


@pytest.mark.acceptance(58)
@pytest.mark.parametrize("torn", [b"\xe2", b"\xe2\x82", b"\xf0\x9f\x98"])
def test_a_character_torn_by_the_end_is_one_replacement(torn: bytes) -> None:
    decoder = StreamDecoder()
    assert decoder.feed(b"x" + torn) == "x"
    assert decoder.finish() == "\ufffd"


@given(CHUNKS)
def test_decoding_in_pieces_equals_decoding_at_once(chunks: list[bytes]) -> None:
    decoder = StreamDecoder()
    text = "".join(decoder.feed(chunk) for chunk in chunks) + decoder.finish()
    assert text == b"".join(chunks).decode("utf-8", "replace")


def assembled(limit_bytes: int, pieces: list[str]) -> list[AssembledLine]:
    assembler = LineAssembler(limit_bytes)
    lines = [line for piece in pieces for line in assembler.feed(piece)]
    return [*lines, *assembler.finish()]


def texts(*pieces: str) -> list[str]:
    return [line.text for line in assembled(8192, list(pieces))]


def test_lines_end_at_newlines_and_at_the_end_of_the_stream() -> None:
    assert texts("one\ntw", "o\n\nthree") == ["one", "two", "", "three"]
    assert texts("one\n") == ["one"]
    assert texts("") == []


def test_carriage_return_and_newline_split_over_chunks_end_one_line() -> None:
    assert texts("one\r\ntwo\r", "\nthree\r\r\n") == ["one", "two", "three"]


def test_of_a_progress_bar_the_last_state_is_left() -> None:
    assert texts("10%\r20%\r", "30%\r", "\r40%\ndone\n") == ["40%", "done"]
    assert texts("10%\r20%\r") == ["20%"]


def test_the_line_that_has_begun_can_be_seen() -> None:
    assembler = LineAssembler()
    assert assembler.partial is None
    assembler.feed("done\n50%\r")
    assert assembler.partial == AssembledLine("50%")
    assembler.feed("60%")
    assert assembler.partial == AssembledLine("60%")


def test_a_line_too_long_keeps_its_start_and_counts_the_rest() -> None:
    assert assembled(8, ["abcdef", "ghijkl", "mn\nshort\n"]) == [
        AssembledLine("abcdefgh", 6),
        AssembledLine("short"),
    ]
    assert assembled(4, ["€€€\n"]) == [AssembledLine("€", 6)]
    assert assembled(4, ["too long\rok\n"]) == [AssembledLine("ok")]


def test_a_line_of_many_megabytes_takes_no_more_than_its_limit() -> None:
    assembler = LineAssembler(8192)
    tracemalloc.start()
    for _ in range(200):
        assembler.feed("z" * 65_536)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert assembler.partial == AssembledLine("z" * 8192, 200 * 65_536 - 8192)
    assert peak < 512 * 1024


@given(st.lists(st.text("ab€\r\n", max_size=8), max_size=8), st.integers(1, 12))
def test_lines_do_not_depend_on_where_chunks_end(pieces: list[str], limit_bytes: int) -> None:
    whole = assembled(limit_bytes, ["".join(pieces)])
    assert assembled(limit_bytes, pieces) == whole
    for line in whole:
        assert len(line.text.encode()) <= limit_bytes
        assert "\r" not in line.text


@pytest.mark.acceptance(55)
def test_text_within_its_limit_comes_back_whole() -> None:
    assert truncate_utf8("x" * 8192, 8192) == ("x" * 8192, 0)


@pytest.mark.acceptance(55)
@pytest.mark.parametrize("unit", ["x", "é", "€", "😀", "line of a log\n"])
def test_a_longer_text_keeps_start_and_end_and_says_what_is_missing(unit: str) -> None:
    text = unit * 20_000
    kept, left_out = truncate_utf8(text, 8192)
    assert len(kept.encode()) <= 8192
    marker = re.search(r"^… ([\d,]+) bytes left out …\n", kept, re.MULTILINE)
    assert marker is not None
    assert int(marker[1].replace(",", "")) == left_out
    head, tail = kept[: marker.start()].removesuffix("\n"), kept[marker.end() :]
    assert text.startswith(head)
    assert text.endswith(tail)
    assert 2044 <= len(head.encode()) <= 2048
    assert len(tail.encode()) > 6090
    assert "\ufffd" not in kept


@given(st.text(max_size=300), st.integers(0, 120))
def test_truncated_text_is_never_longer_than_allowed(text: str, limit_bytes: int) -> None:
    kept, left_out = truncate_utf8(text, limit_bytes)
    assert len(kept.encode()) <= limit_bytes
    assert (left_out == 0) is (len(text.encode("utf-8", "replace")) <= limit_bytes)


def test_a_lone_surrogate_cannot_break_a_truncation() -> None:
    assert truncate_utf8("a\ud800b", 100) == ("a?b", 0)
