"""What is sent to a terminal is less, and the terminal shows the same."""

from __future__ import annotations

import random

import pyte
import pytest

from orchestrator_tui.ui.screen_copy import ScreenCopy

WIDTH, HEIGHT = 40, 8
STYLES = (
    "",
    "1",
    "38;2;208;213;218;48;2;15;19;23",
    "38;2;1;2;3;48;2;15;19;23",
    "1;38;2;208;213;218;48;2;38;50;61",
    "3;38;5;12",
    "97;44",
    "31",
    "48;2;9;9;9",
)
WORDS = ("▸ RUN ", "4:12", "a", "                ", "docs-review", "日本語", "cafe\u0301 au lait")


def frame(dice: random.Random) -> str:
    """Return a frame as Textual writes them: some spans of some lines, each piece styled."""
    parts: list[str] = []
    for _ in range(dice.randint(1, 6)):
        y, x = dice.randint(1, HEIGHT), dice.randint(1, WIDTH // 2)
        parts.append(f"\x1b[{y};{x}H")
        for _ in range(dice.randint(1, 3)):
            style, text = dice.choice(STYLES), dice.choice(WORDS)[: WIDTH // 8]
            parts.append(f"\x1b[{style}m{text}\x1b[0m" if style else text)
        if y < HEIGHT:
            parts.append("\n")
    parts.append(f"\x1b[1;{dice.randint(1, 3)}H")
    return "".join(parts)


def shown(screen: pyte.Screen) -> list[list[object]]:
    return [[screen.buffer[y][x] for x in range(WIDTH)] for y in range(HEIGHT)]


def test_the_terminal_shows_what_it_would_without() -> None:
    for seed in range(12):
        dice = random.Random(seed)
        plain, spared = pyte.Screen(WIDTH, HEIGHT), pyte.Screen(WIDTH, HEIGHT)
        copy = ScreenCopy()
        for number in range(40):
            if number == 20:
                # The terminal is emptied behind our back, and told so.
                for screen in (plain, spared):
                    screen.erase_in_display(2)
                copy.forget()
            text = frame(dice)
            pyte.Stream(plain).feed(text)
            pyte.Stream(spared).feed(copy.shorten(text))
            assert shown(spared) == shown(plain), f"seed {seed}, frame {number}"
            assert (spared.cursor.x, spared.cursor.y) == (plain.cursor.x, plain.cursor.y)


def test_a_tick_sends_the_digits_that_changed() -> None:
    copy = ScreenCopy()
    row = "\x1b[38;2;1;2;3;48;2;4;5;6m> \x1b[0m\x1b[38;2;7;8;9;48;2;4;5;6m▸ RUN   {}\x1b[0m"
    copy.shorten("\x1b[3;1H" + row.format("4:11"))
    sent = copy.shorten("\x1b[3;1H" + row.format("4:12"))
    assert sent == "\x1b[3;14H\x1b[38;2;7;8;9;48;2;4;5;6m2\x1b[0m"
    assert copy.shorten("\x1b[3;1H" + row.format("4:12")) == ""


def test_a_frame_that_changes_nothing_sends_nothing_of_the_cursor_either() -> None:
    copy = ScreenCopy()
    assert copy.shorten("\x1b[3;1Hsame\x1b[1;2H") == "\x1b[3;1Hsame\x1b[1;2H"
    assert copy.shorten("\x1b[3;1Hsame\x1b[1;2H") == ""
    assert copy.shorten("\x1b[3;1Hsame\x1b[1;5H") == "\x1b[1;5H"
    assert copy.shorten("\x1b[3;1Hsame\x1b[1;2H") == "\x1b[1;2H"
    copy.forget()
    assert copy.shorten("\x1b[1;2H") == "\x1b[1;2H"


def test_what_is_no_frame_goes_as_it_is_and_nothing_is_taken_for_known_after_it() -> None:
    copy = ScreenCopy()
    text = "\x1b[1;1Hhello"
    assert copy.shorten(text) == text
    for other in ("\x1b[?1049h", "\x1b]52;c;Zm9v\x07", "\x1b[1;1Hlink \x1b]8;;x\x1b\\y"):
        assert copy.shorten(other) == other
        assert copy.shorten(text) == text


def test_the_marks_of_a_frame_are_no_news() -> None:
    copy = ScreenCopy()
    copy.shorten("\x1b[1;1Hhello")
    assert copy.shorten("\x1b[?2026h") == "\x1b[?2026h"
    assert copy.shorten("\x1b[1;1Hhello") == ""


@pytest.mark.parametrize(
    "told", ["\x1b[?1004h", "\x1b[>25u", "\x1b]22;default\x07", "\x1b]2;a title\x07", "\x1b[22;2t"]
)
def test_what_changes_no_cell_leaves_all_known(told: str) -> None:
    copy = ScreenCopy()
    copy.shorten("\x1b[1;1Hhello")
    assert copy.shorten(told) == told
    assert copy.shorten("\x1b[1;1Hhello") == ""


def test_where_the_end_of_a_question_may_stand_nothing_is_known() -> None:
    copy = ScreenCopy()
    copy.shorten("\x1b[1;1Hhello\x1b[2;1Hhello")
    assert copy.shorten("\x1b[?2026$p") == "\x1b[?2026$p"
    assert copy.shorten("\x1b[1;1Hhello") == "\x1b[1;1Hhello"
    assert copy.shorten("\x1b[2;1Hhello") == ""


def whole_line(dice: random.Random) -> str:
    """Return a line of full width, in styled pieces."""
    parts, left = [], WIDTH
    while left:
        text = dice.choice(("▸ RUN ", "4:12", "a", "       ", "docs-review"))[:left]
        style = dice.choice(STYLES)
        parts.append(f"\x1b[{style}m{text}\x1b[0m" if style else text)
        left -= len(text)
    return "".join(parts)


@pytest.mark.parametrize("seed", range(8))
def test_lines_that_the_terminal_moves_are_those_that_would_be_sent(seed: int) -> None:
    dice = random.Random(seed)
    plain, spared = pyte.Screen(WIDTH, HEIGHT), pyte.Screen(WIDTH, HEIGHT)
    copy, lines = ScreenCopy(), [whole_line(dice) for _ in range(HEIGHT)]
    saved = 0
    for number in range(60):
        first, last = sorted(dice.sample(range(1, HEIGHT + 1), 2))
        by = dice.choice((-2, -1, 1, 2))
        inner = lines[first - 1 : last]
        fresh = [whole_line(dice) for _ in range(abs(by))]
        inner = (inner[by:] + fresh if by > 0 else fresh + inner[:by])[: last + 1 - first]
        lines[first - 1 : last] = inner
        if dice.random() < 0.3:
            lines[dice.randrange(HEIGHT)] = whole_line(dice)  # other things change as well
        painted = range(1, HEIGHT + 1) if dice.random() < 0.8 else range(first, last)
        text = "\n".join(f"\x1b[{y};1H{lines[y - 1]}" for y in painted) + "\x1b[1;1H"
        unmoved = ScreenCopy()
        unmoved._texts = {y: list(line) for y, line in copy._texts.items()}
        unmoved._styles = {y: list(line) for y, line in copy._styles.items()}
        copy.move_lines(first, last, by)
        sent = copy.shorten(text)
        saved += len(unmoved.shorten(text)) - len(sent)
        pyte.Stream(plain).feed(text)
        pyte.Stream(spared).feed(sent)
        assert shown(spared) == shown(plain), f"frame {number}"
    assert saved > 0


def test_lines_that_are_not_all_painted_are_not_moved() -> None:
    copy = ScreenCopy()
    copy.shorten("\n".join(f"\x1b[{y};1Hline {y}" for y in range(1, 9)) + "\x1b[1;1H")
    copy.move_lines(1, 8, 1)
    assert "r" not in copy.shorten("\x1b[2;1Hline 3\x1b[1;1H")
    # Nor does it hold for a later frame.
    assert "\x1b[8r" not in copy.shorten(
        "\n".join(f"\x1b[{y};1Hline {y + 1}" for y in range(1, 9)) + "\x1b[1;1H"
    )
