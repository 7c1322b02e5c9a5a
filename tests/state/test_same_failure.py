"""Which failures count as the same, and what is said of those before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator_tui.state.same_failure import EarlierFailure, failure_words, fingerprint

HEX = st.text("0123456789abcdef", min_size=7, max_size=40).filter(lambda t: not t.isalpha())
LINE = "FAILED tests/test_lock.py::test_releases - AssertionError: held"


def failed(run: str, line: str = LINE, stage: str = "test") -> EarlierFailure:
    return EarlierFailure(run, has_failed=True, lines={stage: line})


def green(run: str) -> EarlierFailure:
    return EarlierFailure(run, has_failed=False)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("AssertionError: 41 != 57", "AssertionError: # != #"),
        ("src/module_12.c:88:23: error: bad", "src/module_#.c:#: error: bad"),
        ("2026-11-22T14:27:55.120Z timeout after 1,204.5 ms", "# timeout after # ms"),
        ("14:02:11 E  lost", "# E lost"),
        ("no such file: /tmp/pytest-of-me/x1/out.txt", "no such file: #"),
        ("object at 0x7fbfa35f13a0", "object at #"),
        ("id 3f2504e0-4f89-11d3-9a0c-0305e82c3301 gone", "id # gone"),
        ("commit 8c1d2e9 is bad", "commit # is bad"),
        ("\x1b[31mError\x1b[0m: feedface", "Error: feedface"),
        ("   ", ""),
    ],
)
def test_what_differs_from_run_to_run_is_masked(line: str, expected: str) -> None:
    assert fingerprint(line) == expected


@given(st.integers(0), st.integers(0), HEX, HEX)
def test_numbers_and_hashes_make_no_difference(one: int, other: int, this: str, that: str) -> None:
    assert fingerprint(f"Error: {one} of {this} failed") == fingerprint(
        f"Error: {other} of {that} failed"
    )


@given(st.text())
def test_any_line_has_a_fingerprint_of_one_line(line: str) -> None:
    assert "\n" not in fingerprint(line)


def test_words_make_a_difference() -> None:
    assert fingerprint("Error: cannot open a.txt") != fingerprint("Error: cannot close a.txt")


@pytest.mark.parametrize(
    ("earlier", "expected"),
    [
        ([], ""),
        ([green("19cd3377"), failed("aa")], "first failure since run 19cd3377"),
        (
            [failed("a1"), green("b2"), failed("c3", LINE + " "), failed("d4", "other")],
            "same failure as last time: 2 of the 4 runs before",
        ),
        ([failed("a1")], "same failure as last time"),
        ([failed("a1", "")], "this stage failed in run a1, too"),
        (
            [failed("a1", ""), failed("b2")],
            "this stage failed in run a1, too; same failure: 1 of the 2 runs before",
        ),
        ([failed("a1", "TypeError: x"), green("b2")], "another failure than in run a1"),
        (
            [failed("a1", "TypeError: x"), failed("b2")],
            "another failure than in run a1; same failure: 1 of the 2 runs before",
        ),
        ([failed("a1", stage="build")], "another stage than in run a1"),
        ([EarlierFailure("a1", has_failed=True)], "another stage than in run a1"),
    ],
)
def test_a_failure_is_compared_with_those_before(
    earlier: list[EarlierFailure], expected: str
) -> None:
    assert failure_words("test", LINE, earlier) == expected


def test_a_failure_without_an_error_line_is_like_no_other() -> None:
    words = "this stage failed in run a1, too"
    assert failure_words("test", "", [failed("a1", "")]) == words
