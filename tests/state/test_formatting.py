"""Short texts for lengths and sizes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator_tui.state.formatting import (
    age,
    byte_count,
    counted,
    elapsed,
    number,
    short_age,
)


@pytest.mark.parametrize(
    ("seconds", "text", "short"),
    [
        (-3, "0.0 s", "0.0s"),
        (0.84, "0.8 s", "0.8s"),
        (9.96, "9 s", "9s"),
        (40, "40 s", "40s"),
        (119, "119 s", "119s"),
        (14 * 60 + 59, "14 min", "14m"),
        (3 * 3600, "3 h", "3h"),
        (49 * 3600, "2 d", "2d"),
    ],
)
def test_ages_keep_one_unit(seconds: float, text: str, short: str) -> None:
    assert (age(seconds), short_age(seconds)) == (text, short)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "--"),
        (-1, "0:00"),
        (4.9, "0:04"),
        (252, "4:12"),
        (3599, "59:59"),
        (9 * 3600 + 120, "9h02m"),
        (76 * 3600, "3d04h"),
    ],
)
def test_elapsed_reads_as_a_clock(seconds: float | None, text: str) -> None:
    assert elapsed(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (8192, "8 KiB"),
        (1536 * 1024, "1.5 MiB"),
        (1024**2 - 1, "1 MiB"),
        (5 * 1024**5, "5 PiB"),
    ],
)
def test_sizes_have_binary_units(count: int, text: str) -> None:
    assert byte_count(count) == text


@given(st.integers(0, 10**30), st.floats(allow_nan=False, allow_infinity=False))
def test_no_length_or_size_is_too_large(count: int, seconds: float) -> None:
    assert byte_count(count)
    assert age(seconds)
    assert elapsed(seconds)


def test_counts_bring_their_noun() -> None:
    assert counted(1, "question") == "1 question"
    assert counted(1204, "entry", "entries") == "1,204 entries"
    assert number(0) == "0"
