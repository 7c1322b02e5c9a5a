"""Safe text: nothing that a terminal would obey, for every code point and every hostile string."""

from __future__ import annotations

import subprocess
import sys
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator_tui.primitives import safe_text as text_module
from orchestrator_tui.primitives.safe_text import (
    BACKSTOP,
    DEFAULT_LIMIT,
    safe_lines,
    safe_text,
    safe_texts,
)
from tests.pace import slowness

NEVER_SHOWN = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp", "Cf"}
INVISIBLE = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}
INVISIBLE |= {*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}

HOSTILE = st.text(
    st.one_of(
        st.sampled_from("\x1b\x9b\x9d\x90\x9c\x07[]P;0123mHJ?$q \\\n\r\t\x00\x7f\x08"),
        st.sampled_from("\u202e\u200b\u200d\ufe0f\u0301\u0489\u2028\ud800\ue000\U000e0041é中😀"),
        st.characters(),
    ),
    max_size=60,
)


def assert_safe(text: str) -> None:
    for char in set(text):
        assert unicodedata.category(char) not in NEVER_SHOWN, ascii(char)
        assert ord(char) not in INVISIBLE, ascii(char)
    assert BACKSTOP.search(text) is None


def test_no_code_point_gets_through_that_a_terminal_could_obey() -> None:
    passed = 0
    for start in range(0, 0x110000, 0x1000):
        block = "".join(map(chr, range(start, start + 0x1000)))
        shown = safe_text(block, limit=10 * len(block))
        assert_safe(shown)
        passed += len(set(shown) & set(block))
    assert passed > 130_000  # what can be read is not lost either


@pytest.mark.parametrize(
    "harmless",
    [
        "",
        "plain text, with [markup] and \\ signs",
        "Grüße, 世界 😀 ⠿▁█",
        "Ca\u0301 va",
        "\u00a0\u3000x",
    ],
)
def test_what_is_safe_comes_back_unchanged(harmless: str) -> None:
    assert safe_text(harmless) == harmless


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]52;c;cm0gLXJm\x1b\\text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP$q\x1b\\text", "text"),
        ("\x1b_app\x9ctext", "text"),
        ("\x9b31mred", "red"),
        ("\x9d0;title\x9ctext", "text"),
        ("\x1bcreset", "reset"),
        ("\x1b(0line", "line"),
        ("a\x1b[12", "a"),
        ("a\x1b]52;c;never ends", "a"),
        ("a\x1b", "a␛"),
        ("a\x1b\u20ac", "a␛€"),
        ("\x1b]0;one\x1b]0;two\x07x", "x"),
        ("\x1b]8;;\nnext", "␊next"),
    ],
)
def test_sequences_are_dropped_whole(raw: str, shown: str) -> None:
    assert safe_text(raw) == shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("one\ntwo\r\nthree", "one␊two␊three"),
        ("over\rwritten\x08\x07\x00\x7f", "over␍written␈␇␀␡"),
        ("\x85\u2028\u2029", "⟨0085⟩⟨2028⟩⟨2029⟩"),
        ("\u202eevil\u2066\u200b\u00ad\ufeff", "⟨202E⟩evil⟨2066⟩⟨200B⟩⟨00AD⟩⟨FEFF⟩"),
        ("\U000e0041", "⟨E0041⟩"),
        ("\u3164\u2800", "⟨3164⟩⟨2800⟩"),
        ("\ud800\ue000\u0378", "\ufffd\ufffd\ufffd"),
        ("⚠\ufe0f", "⚠"),
        ("\tx\ty", "    x   y"),
        ("a\u0301\u0302\u0303\u0304\u0305b", "a\u0301\u0302\u0303b"),
        ("\u0301x", "◌\u0301x"),
    ],
)
def test_what_cannot_be_drawn_is_made_visible(raw: str, shown: str) -> None:
    assert safe_text(raw) == shown


def test_lines_are_split_at_newlines_only_and_none_hides_the_next() -> None:
    assert safe_lines("one\r\ntwo\n") == ("one", "two")
    assert safe_lines("a\n\nb\u2028c") == ("a", "", "b⟨2028⟩c")
    assert safe_lines("\x1b]0;never ends\nseen") == ("", "seen")
    assert safe_lines("") == ()


def test_a_text_too_long_is_cut_to_its_limit() -> None:
    assert safe_text("x" * 10, limit=10) == "x" * 10
    assert safe_text("x" * 11, limit=10) == "x" * 9 + "…"
    assert safe_text("\u202e" * 3, limit=10) == "⟨202E⟩⟨20…"
    assert safe_text("\x1b[0m" * 100 + "x", limit=4) == "…"
    assert len(safe_text("é" * 10**6)) == 8192


@given(HOSTILE)
@example("\x1b\x1b[0m[31m")
@example("\x1b]\x1b]0;x\x07")
@example("\u0301" * 9)
def test_hostile_text_is_safe_and_cleaning_it_again_changes_nothing(raw: str) -> None:
    once = safe_text(raw, limit=40)
    assert_safe(once)
    assert len(once) <= 40
    assert "\n" not in once
    assert safe_text(once, limit=40) == once


@given(HOSTILE)
@example("naïve \u0301x")
@example("✓ done\ufe0f")
def test_what_was_met_before_is_shown_as_at_first(raw: str) -> None:
    again = safe_text(raw, limit=40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_module, "_SHOWN", text_module._Shown())
        assert safe_text(raw, limit=40) == again
        assert safe_text(raw, limit=40) == again


@given(st.lists(HOSTILE | st.just("x" * (DEFAULT_LIMIT + 1)), max_size=5))
def test_many_texts_are_made_safe_as_each_alone_is(raw: list[str]) -> None:
    assert safe_texts(raw) == [safe_text(each) for each in raw]
    assert safe_texts(raw) == [safe_text(each) for each in raw]  # what was met is known now


@given(HOSTILE)
def test_lines_of_hostile_text_are_safe(raw: str) -> None:
    for line in safe_lines(raw):
        assert_safe(line)


@given(st.text(st.sampled_from("a\u0301\u0489中")))
def test_no_character_carries_more_than_three_marks(raw: str) -> None:
    run = 0
    for char in safe_text(raw):
        run = run + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        assert run <= 3


@pytest.mark.parametrize(
    "unit",
    [
        "\x1b",
        "\x1b[",
        "\x1b]",
        "\x1bP",
        "\x1b[0;",
        "\x1b ",
        "\x9b",
        "\x90",
        "0;",
        "\u0301",
        "\t",
        "\r",
    ],
    ids=ascii,
)
def test_a_megabyte_of_anything_is_cleaned_in_time(unit: str) -> None:
    for raw in (unit * (10**6 // len(unit)), "\x1b[" + unit * (10**6 // len(unit))):
        began = time.perf_counter()
        assert_safe(safe_text(raw, limit=10**7))
        assert time.perf_counter() - began < 5 * slowness()


def test_the_backstop_stops_controls_and_lets_text_through() -> None:
    for order in "\x00\x07\x1b\x7f\x9b\u202e\u200b\u2066\ufeff\ud800\U000e0041":
        assert BACKSTOP.search(f"a{order}b")
    assert BACKSTOP.search("Grüße, 世界 😀 ␛ ⟨202E⟩ │ ✗") is None


def test_importing_costs_no_walk_over_all_code_points() -> None:
    script = (
        "import re, unicodedata, typing, time; began = time.perf_counter()\n"
        "import orchestrator_tui.primitives.safe_text\n"
        "print(time.perf_counter() - began)"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert float(told.stdout) < 0.1 * slowness()
