"""The log of a stage: what is read of it, what is drawn of it, and what keys do to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual import events
from textual.pilot import Pilot
from textual.strip import Strip

from orchestrator_tui.primitives.safe_text import BACKSTOP
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.line_looks import LineLook
from orchestrator_tui.records.logs import LogLine, LogPage, Stream, Whence
from orchestrator_tui.ui.ansi import styled_text
from orchestrator_tui.ui.widgets import log_window
from orchestrator_tui.ui.widgets.log_lines import LogLines
from orchestrator_tui.ui.widgets.log_search import LogSearch, look_for
from orchestrator_tui.ui.widgets.log_window import (
    CHUNK_LINES,
    MAX_LINES,
    LogWindow,
    Streams,
)
from orchestrator_tui.ui.widgets.pane_foot import PaneFoot
from tests.fakes import LINE_BYTES, NOON, ScriptedLogs
from tests.ui.fleets import HOSTILE
from tests.ui.run_apps import LogApp, drawn, until

Compare: TypeAlias = Callable[..., bool]
KEY = RunKey("0951", "2026-01-01T11-55-00-000Z-c2d9e410")


def out(text: str, n: int = 0) -> LogLine:
    return LogLine(Stream.STDOUT, text, NOON + timedelta(seconds=n))


def err(text: str, n: int = 0) -> LogLine:
    return LogLine(Stream.STDERR, text, NOON + timedelta(seconds=n))


def numbered(count: int, begin: int = 0) -> list[LogLine]:
    return [out(f"line {n}", n) for n in range(begin, begin + count)]


def logs_of(*lines: LogLine) -> ScriptedLogs:
    logs = ScriptedLogs()
    logs.add(KEY, 1, *lines)
    return logs


def has_read(app: LogApp, begin: int) -> bool:
    return app.log_view.lines.window.start <= begin * LINE_BYTES


def foot(app: LogApp) -> str:
    return drawn(app.query_one(PaneFoot))[0]


def looking(words: str) -> LineLook:
    look = look_for(words)
    assert isinstance(look, LineLook)
    return look


def shown(app: LogApp) -> list[str]:
    """Return the visible lines without their times."""
    return [row[10:].strip() for row in drawn(app.log_view.lines) if row.strip()]


# --- the window ---------------------------------------------------------------------------------


def page_of(begin: int, end: int, of: int) -> LogPage:
    lines = tuple(out(f"line {n}") for n in range(begin, end))
    return LogPage(
        lines,
        begin * LINE_BYTES,
        end * LINE_BYTES,
        of * LINE_BYTES,
        at_start=begin == 0,
        at_end=end == of,
    )


@settings(max_examples=40)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 3_000)), max_size=30))
def test_a_window_is_always_one_whole_piece_of_the_file(moves: list[tuple[bool, int]]) -> None:
    of = 60_000
    window = LogWindow()
    window.reset(page_of(30_000, 30_500, of))
    for forward, count in moves:
        if forward:
            at = window.end // LINE_BYTES
            window.append(page_of(at, min(of, at + count), of))
        else:
            at = window.start // LINE_BYTES
            window.prepend(page_of(max(0, at - count), at, of))
        begin, end = window.start // LINE_BYTES, window.end // LINE_BYTES
        texts = [window.line(ordinal).text for ordinal in window.shown]
        assert texts == [f"line {n}" for n in range(begin, end)]
        # An ordinal stays with its line, whatever came or went.
        assert all(window.line(o).text == f"line {30_000 + o}" for o in list(window.shown)[::997])
        assert len(texts) <= MAX_LINES + max(CHUNK_LINES, 3_000)


def test_a_window_finds_its_way_where_lines_are_left_out() -> None:
    window = LogWindow()
    lines = tuple(err(f"e{n}") if n % 3 == 0 else out(f"o{n}") for n in range(9))
    window.reset(LogPage(lines, 0, 900, 900))
    window.choose(Streams.ERR)
    assert list(window.shown) == [0, 3, 6]
    assert window.neighbour(3, 1) == 6
    assert window.neighbour(4, 1) == 6
    assert window.neighbour(4, -1) == 3
    assert window.neighbour(6, 1) is None
    assert window.nearest(4) == 6
    assert (window.shown_before(4), window.shown_after(4)) == (2, 1)


def test_a_search_keeps_its_hits_while_the_window_moves() -> None:
    window, search = LogWindow(), LogSearch()
    window.reset(page_of(30_000, 31_000, 60_000))
    search.begin("", looking("LINE 30999"), window)
    assert search.hits == []  # a capital letter makes case count
    search.begin("", looking("999"), window)
    assert [window.line(o).text for o in search.hits] == ["line 30999"]
    window.prepend(page_of(29_000, 30_000, 60_000))
    search.scan(window)
    found = [window.line(o).text for o in search.hits]
    assert found == [*(f"line {n}" for n in range(29_990, 30_000)), "line 30999"]
    assert search.step(search.hits[-1], 1)  # past the end, so round
    assert search.place() == 1


# --- text ---------------------------------------------------------------------------------------


@given(
    st.lists(
        st.one_of(
            st.text(max_size=8),
            st.sampled_from(
                ["\x1b[31m", "\x1b[0m", "\x1b]8;;x\x07", "\x1b[2J", "\x9b1m", "\u0301"]
            ),
        )
    ).map("".join)
)
def test_no_line_draws_what_may_not_reach_a_terminal(raw: str) -> None:
    text = styled_text(raw)
    assert not BACKSTOP.search(text.plain)
    assert all(0 <= start < end <= len(text.plain) for start, end, _ in text.spans)


def test_colours_are_kept_and_everything_else_of_a_sequence_is_not() -> None:
    raw = "\x1b]8;;http://x\x07a\x1b[1;31mbc\x1b[39md\x1b[0m\x1b[2Je\x1b[38;5;4mf\x1b[48;2;1;2;3mg"
    text = styled_text(raw)
    assert text.plain == "abcdefg"
    found = {text.plain[s:e]: style for s, e, style in text.spans}
    assert found["bc"].bold
    assert found["bc"].color is not None
    assert found["bc"].color.number == 1
    assert found["d"].color is None
    assert found["d"].bold
    assert found["f"].color is not None
    assert found["g"].bgcolor is not None
    assert "e" not in found


def test_tabs_stand_where_they_stand_without_colours() -> None:
    assert styled_text("a\x1b[1m\tb").plain == styled_text("a\tb").plain == "a   b"


# --- reading ------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_log_of_any_length_opens_at_its_end_with_one_page() -> None:
    app = LogApp(logs := logs_of(*numbered(100_000)))
    async with app.run_test(size=(60, 12)) as pilot:
        app.log_view.show(KEY, 1, live=False)
        await until(pilot, lambda: "line 99999" in shown(app))
        assert [request.whence for request in logs.asked] == [Whence.END]
        await until(pilot, lambda: foot(app).startswith("╰─ END  100,000 lines"))
        assert "line 99999" in shown(app)


@pytest.mark.anyio
async def test_a_live_log_is_followed() -> None:
    app = LogApp(logs := logs_of(*numbered(50)))
    async with app.run_test(size=(60, 12)) as pilot:
        app.log_view.show(KEY, 1, live=True)
        await until(pilot, lambda: "line 49" in shown(app))
        logs.add(KEY, 1, *numbered(3, 50))
        await until(pilot, lambda: "line 52" in shown(app))
        assert "FOLLOW  53 lines" in foot(app)


@pytest.mark.anyio
async def test_moving_up_stops_following_and_counts_what_comes() -> None:
    app = LogApp(logs := logs_of(*numbered(50)))
    async with app.run_test(size=(60, 12)) as pilot:
        app.log_view.show(KEY, 1, live=True)
        await until(pilot, lambda: "line 49" in shown(app))
        app.log_view.lines.focus()
        await pilot.press("k")
        before = shown(app)
        assert "PAUSED" in foot(app)
        logs.add(KEY, 1, *numbered(38, 50))
        await until(pilot, lambda: "+38 new" in foot(app))
        assert shown(app) == before
        await pilot.press("G")
        await until(pilot, lambda: "line 87" in shown(app))
        assert "FOLLOW" in foot(app)


@pytest.mark.anyio
async def test_lines_below_a_paused_view_paint_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    app = LogApp(logs := logs_of(*numbered(500)))
    async with app.run_test(size=(60, 12)) as pilot:
        app.log_view.show(KEY, 1, live=True)
        await until(pilot, lambda: "line 499" in shown(app))
        app.log_view.lines.focus()
        await pilot.press("k")
        await pilot.pause()
        painted: list[int] = []
        paint = LogLines.render_line

        def watched(lines: LogLines, y: int) -> Strip:
            painted.append(y)
            return paint(lines, y)

        monkeypatch.setattr(LogLines, "render_line", watched)
        logs.add(KEY, 1, out("more", 500))
        await until(pilot, lambda: "+1 new" in foot(app))
        assert len(painted) <= 2  # the place in the file may move by a row


@pytest.mark.anyio
async def test_the_view_stays_where_it_is_when_lines_come_before_it() -> None:
    app = LogApp(logs := logs_of(*numbered(5_000)))
    async with app.run_test(size=(60, 12)) as pilot:
        app.log_view.show(KEY, 1, live=False)
        await until(pilot, lambda: "line 4999" in shown(app))
        app.log_view.lines.focus()
        app.log_view.lines.action_move(-700)
        assert not logs.asked[1:]
        app.log_view.lines.action_move(-10)
        top = shown(app)[0]
        await until(pilot, lambda: app.log_view.lines.window.start == 3_000 * LINE_BYTES)
        assert shown(app)[0] == top
        await pilot.press("k")
        assert shown(app)[1] == top


@pytest.mark.anyio
async def test_a_walk_through_a_long_log_keeps_little_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_window, "MAX_LINES", 3_000)
    app = LogApp(logs_of(*numbered(9_000)))
    async with app.run_test(size=(60, 12)) as pilot:
        app.log_view.show(KEY, 1, live=False)
        lines = app.log_view.lines
        await until(pilot, lambda: bool(shown(app)))
        for read in range(1, 7):
            assert lines.first_visible is not None
            lines.action_move(-lines.window.shown_before(lines.first_visible))
            await until(pilot, partial(has_read, app, 8_000 - 1_000 * read))
        assert len(lines.window.whole) <= 3_000
        assert not lines.window.at_end
        lines.focus()
        await pilot.press("G")
        await until(pilot, lambda: "line 8999" in shown(app))
        await pilot.press("g")
        await until(pilot, lambda: shown(app)[0] == "line 0")
        assert "0%" in foot(app)


@pytest.mark.anyio
async def test_a_log_that_ends_is_read_to_its_end() -> None:
    app = LogApp(logs := logs_of(*numbered(10)))
    async with app.run_test(size=(60, 12)) as pilot:
        app.log_view.show(KEY, 1, live=True)
        await until(pilot, lambda: "line 9" in shown(app))
        logs.add(KEY, 1, *numbered(2_500, 10))
        app.log_view.show(KEY, 1, live=False)
        await until(pilot, lambda: "line 2509" in shown(app))
        assert "END  2,510 lines" in foot(app)


@pytest.mark.anyio
async def test_a_line_without_its_newline_is_shown_and_then_replaced() -> None:
    app = LogApp(logs := logs_of(out("one")))
    logs.partial[KEY, 1] = out("compiling 3/")
    async with app.run_test(size=(60, 12)) as pilot:
        app.log_view.show(KEY, 1, live=True)
        await until(pilot, lambda: shown(app) == ["one", "compiling 3/"])
        del logs.partial[KEY, 1]
        logs.add(KEY, 1, out("compiling 3/9"))
        await until(pilot, lambda: shown(app) == ["one", "compiling 3/9"])


@pytest.mark.anyio
async def test_another_file_in_the_same_place_begins_anew() -> None:
    app = LogApp(logs := logs_of(*numbered(20)))
    async with app.run_test(size=(60, 12)) as pilot:
        app.log_view.show(KEY, 1, live=True)
        await until(pilot, lambda: "line 19" in shown(app))
        logs.stages[KEY, 1] = [out("fresh")]
        logs.replaced = True
        await until(pilot, lambda: shown(app) == ["fresh"])


@pytest.mark.anyio
async def test_what_cannot_be_read_is_said_in_the_pane_and_its_edge() -> None:
    app = LogApp(logs := ScriptedLogs())
    logs.problem = "commands/01-x.ndjson: permission denied"
    async with app.run_test(size=(70, 12)) as pilot:
        app.log_view.show(KEY, 1, live=False)
        await until(pilot, lambda: "permission denied" in drawn(app.log_view.lines)[1])
        assert "! commands/01-x.ndjson: permission denied" in foot(app)


@pytest.mark.anyio
async def test_an_empty_log_says_why() -> None:
    app = LogApp(ScriptedLogs())
    async with app.run_test(size=(60, 12)) as pilot:
        app.log_view.show(KEY, 1, live=False, empty="This stage has not started.")
        await until(pilot, lambda: "has not started" in drawn(app.log_view.lines)[1])


# --- keys ---------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_search_counts_goes_through_and_is_forgotten() -> None:
    texts = ["a needle", "hay", "Needle two", "hay", "needle three", *["hay"] * 40]
    app = LogApp(logs_of(*(out(text, n) for n, text in enumerate(texts))))
    async with app.run_test(size=(70, 12)) as pilot:
        app.log_view.show(KEY, 1, live=False)
        await until(pilot, lambda: bool(shown(app)))
        app.log_view.lines.focus()
        await pilot.press("slash", *"ne")
        await until(pilot, lambda: '"ne" 3 hits' in foot(app))
        await pilot.press("enter")
        assert '"ne" 3 of 3 hits' in foot(app)
        assert "needle three" in shown(app)
        await pilot.press("N", "N")
        assert '"ne" 1 of 3 hits' in foot(app)
        await pilot.press("N")
        assert '"ne" 3 of 3 hits (went round)' in foot(app)
        await pilot.press("escape")
        assert "hit" not in foot(app)


@pytest.mark.anyio
async def test_dot_and_comma_go_to_what_looks_like_a_problem() -> None:
    texts = ["test_errors.py ....", "src/a.c:1:2: error: no", "0 errors", "E  ValueError: x", "end"]
    app = LogApp(logs_of(*(out(text, n) for n, text in enumerate(texts))))
    async with app.run_test(size=(70, 12)) as pilot:
        app.log_view.show(KEY, 1, live=False)
        await until(pilot, lambda: bool(shown(app)))
        app.log_view.lines.focus()
        await until(pilot, lambda: "2 problems" in foot(app))
        await pilot.press("full_stop")
        assert "problem 1/2" in foot(app)
        assert app.log_view.lines.cursor == 1
        await pilot.press("full_stop")
        assert app.log_view.lines.cursor == 3
        await pilot.press("comma", "comma")
        assert "problem 2/2 (went round)" in foot(app)


@pytest.mark.anyio
async def test_letters_of_a_search_are_no_commands() -> None:
    app = LogApp(logs_of(*numbered(5)))
    async with app.run_test(size=(70, 12)) as pilot:
        app.log_view.show(KEY, 1, live=False)
        await until(pilot, lambda: bool(shown(app)))
        app.log_view.lines.focus()
        await pilot.press("slash", *"nwq")
        await until(pilot, lambda: '"nwq" no hit' in foot(app))
        assert not app.log_view.lines.wrap


@pytest.mark.anyio
async def test_streams_are_told_apart_and_shown_apart() -> None:
    app = LogApp(logs_of(out("fine"), err("broken"), LogLine(Stream.NOTE, "cut here")))
    async with app.run_test(size=(60, 12)) as pilot:
        app.log_view.show(KEY, 1, live=False)
        await until(pilot, lambda: shown(app) == ["fine", "E broken", "cut here"])
        app.log_view.lines.focus()
        await pilot.press("backslash")
        assert shown(app) == ["fine", "cut here"]
        assert "stdout only" in foot(app)
        await pilot.press("backslash")
        assert shown(app) == ["E broken", "cut here"]
        await pilot.press("backslash")
        assert len(shown(app)) == 3


@pytest.mark.anyio
async def test_long_lines_are_cut_moved_over_or_folded() -> None:
    text = "".join(chr(ord("a") + n % 26) for n in range(100))
    app = LogApp(logs_of(LogLine(Stream.STDOUT, text, cut_bytes=12_345), out("日本" * 22)))
    async with app.run_test(size=(60, 12)) as pilot:
        app.log_view.show(KEY, 1, live=False)
        lines = app.log_view.lines
        await until(pilot, lambda: bool(shown(app)))
        assert shown(app)[0].endswith("›")
        lines.focus()
        await pilot.press("dollar_sign")
        assert shown(app)[0].endswith("xyzabcdefghijklmnopqrstuv › +12,345 bytes")
        await pilot.press("0", "w")
        rows = drawn(lines)
        assert "".join(row.strip() for row in rows[:3]).startswith(text)
        assert all(lines.render_line(y).cell_length == lines.size.width for y in range(8))
        await pilot.press("t")
        assert not any("12:00" in row for row in drawn(lines))


@pytest.mark.anyio
async def test_the_wheel_moves_over_the_log_and_stops_following() -> None:
    app = LogApp(logs_of(*numbered(100)))
    async with app.run_test(size=(60, 12)) as pilot:
        app.log_view.show(KEY, 1, live=True)
        await until(pilot, lambda: "line 99" in shown(app))
        lines = app.log_view.lines
        wheel = partial(
            events.MouseScrollUp,
            widget=lines,
            x=5,
            y=5,
            delta_x=0,
            delta_y=-1,
            button=0,
            meta=False,
            ctrl=False,
        )
        lines.post_message(wheel(shift=False))
        await until(pilot, lambda: shown(app)[-1] == "line 96")
        assert "PAUSED" in foot(app)


@pytest.mark.anyio
async def test_attempts_are_set_apart_by_a_rule() -> None:
    app = LogApp(logs_of(out("first"), LogLine(Stream.STDOUT, "second", attempt=2)))
    async with app.run_test(size=(60, 12)) as pilot:
        app.log_view.show(KEY, 1, live=False)
        await until(pilot, lambda: bool(shown(app)))
        rows = drawn(app.log_view.lines)
        assert rows[1].startswith(" ── attempt 2 ───")


@pytest.mark.anyio
async def test_following_where_nothing_grows_asks_for_where_it_does() -> None:
    asked: list[object] = []

    class Asking(LogApp):
        def on_log_pane_follow_asked(self, event: object) -> None:
            asked.append(event)

    app = Asking(logs_of(*numbered(5)))
    async with app.run_test(size=(60, 12)) as pilot:
        app.log_view.show(KEY, 1, live=False)
        await until(pilot, lambda: bool(shown(app)))
        app.log_view.lines.focus()
        await pilot.press("f")
        await pilot.pause()
        assert len(asked) == 1


@pytest.mark.anyio
async def test_hostile_output_is_drawn_as_text() -> None:
    app = LogApp(logs_of(out(HOSTILE), err(HOSTILE), LogLine(Stream.NOTE, HOSTILE)))
    async with app.run_test(size=(90, 12)) as pilot:
        app.log_view.show(KEY, 1, live=False, title=HOSTILE, empty=HOSTILE, remark=HOSTILE)
        await until(pilot, lambda: bool(shown(app)))
        rows = [*drawn(app.log_view.lines), foot(app)]
        assert not any(BACKSTOP.search(row) for row in rows)
        assert any("[/] [bold]x[/bold]" in row for row in rows)


def test_a_log_in_the_whole_screen(snap_compare: Compare) -> None:
    lines = [
        out("\x1b[1m===== test session starts =====\x1b[0m", 0),
        *(
            out(f"tests/test_{n:02}.py \x1b[32m{'.' * 12}\x1b[0m  [{n * 4:3}%]", n)
            for n in range(9)
        ),
        err("FAILED test_follow.py::test_anchor_keeps_view - assert 41 == 57", 9),
        LogLine(Stream.NOTE, "12 chunks were not recorded", NOON),
        LogLine(Stream.STDOUT, "collected 412 items, of which " + "x" * 80, NOON, attempt=2),
    ]
    app = LogApp(logs_of(*lines))

    async def search(pilot: Pilot[None]) -> None:
        app.log_view.show(KEY, 1, live=False, title="4 test")
        await until(pilot, lambda: bool(shown(app)))
        app.log_view.lines.focus()
        await pilot.press("slash", *"es", "enter")

    assert snap_compare(app, run_before=search, terminal_size=(80, 24))
