"""What is told of runs that go on while the screen is open."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual import events

from orchestrator_tui.state.liveness import State
from orchestrator_tui.state.notices import AGAIN_AFTER_S, Notice
from orchestrator_tui.state.observations import Observation
from orchestrator_tui.state.ordering import FleetCounts
from orchestrator_tui.ui.announcing import (
    Announcer,
    Desktop,
    Notify,
    desktop_of,
    notice_sequence,
    title_words,
)
from orchestrator_tui.ui.app import OrchTui
from orchestrator_tui.ui.clipboard import Between
from orchestrator_tui.ui.options import ScreenOptions
from tests.fakes import HandClock, ScriptedFeed, ScriptedLauncher, ScriptedLogs, ToldHook
from tests.ui.fleets import FAILED, LOST, RUNNING, fleet
from tests.ui.run_apps import until


def app_of(
    *seen: Observation, notify: Notify = Notify.AUTO, hook: ToldHook | None = None
) -> tuple[OrchTui, ScriptedFeed]:
    feed = ScriptedFeed(seen)
    app = OrchTui(
        feed=feed,
        logs=ScriptedLogs(),
        launcher=ScriptedLauncher(),
        clock=HandClock(),
        options=ScreenOptions(place="~/src/app", notify=notify),
        hook=hook,
    )
    return app, feed


def told(app: OrchTui) -> list[str]:
    return [notification.message for notification in app._notifications]


@pytest.mark.anyio
async def test_a_run_that_fails_while_the_screen_is_open_is_told() -> None:
    app, feed = app_of(*fleet(RUNNING, FAILED, LOST))
    ended = replace(RUNNING, status="failed", now="failed", ended_s=0)
    async with app.run_test() as pilot:
        await until(pilot, lambda: RUNNING.key in app.fleet.runs)
        app._tick()
        assert told(app) == []  # what failed or was lost before is in the list
        feed.put(*ended.seen())
        await until(pilot, lambda: bool(told(app)))
        (words,) = told(app)
        assert words.startswith("0951-tui-log-view / diagnostics / 000000fc\nFAILED: stage test")
        app._tick()
        assert len(told(app)) == 1


ENDED = replace(RUNNING, status="failed", now="failed", ended_s=0)
NOTICE = Notice(RUNNING.key, State.FAILED, "a / b / c", "FAILED", "b", "stage test failed, exit 2")
BELL = "\x07"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("notify", "has_focus", "rings"),
    [
        (Notify.AUTO, True, False),
        (Notify.AUTO, False, True),
        (Notify.ALWAYS, True, True),
        (Notify.OFF, False, False),
    ],
)
async def test_the_bell_rings_while_nobody_looks_or_always(
    notify: Notify, has_focus: bool, rings: bool
) -> None:
    hook = ToldHook()
    app, feed = app_of(*fleet(RUNNING), notify=notify, hook=hook)
    written: list[str] = []
    async with app.run_test() as pilot:
        app._announcer._write = written.append  # a headless driver writes nowhere
        await until(pilot, lambda: RUNNING.key in app.fleet.runs)
        app.post_message(events.AppFocus() if has_focus else events.AppBlur())
        await pilot.pause()
        app._tick()
        feed.put(*ENDED.seen())
        await until(pilot, lambda: app.fleet.runs[RUNNING.key].facts.status == "failed")  # type: ignore[union-attr]
        app._tick()
        await pilot.pause()
        assert any(sequence.startswith(BELL) for sequence in written) is rings
        assert bool(told(app))
        states = [] if notify is Notify.OFF else ["failed"]
        assert [facts["ORCH_TUI_STATE"] for facts in hook.told] == states


@pytest.mark.anyio
async def test_a_hook_that_fails_is_told_once() -> None:
    hook = ToldHook("it ended with 127")
    app, feed = app_of(*fleet(RUNNING), hook=hook)
    async with app.run_test() as pilot:
        await until(pilot, lambda: RUNNING.key in app.fleet.runs)
        app._tick()
        feed.put(*ENDED.seen())
        await until(pilot, lambda: RUNNING.key in app.fleet.runs)
        await until(pilot, lambda: app.fleet.runs[RUNNING.key].facts.status == "failed")  # type: ignore[union-attr]
        app._tick()
        await until(pilot, lambda: len(told(app)) > 1)
        assert told(app)[-1] == "notify_command failed: it ended with 127"


@pytest.mark.anyio
async def test_a_hook_gets_no_sequence_that_a_terminal_would_obey() -> None:
    hook = ToldHook()
    hostile = replace(RUNNING, pipeline="\x1b]52;c;cHduZWQ=\x07diag\x1b[2J\u202enostics")
    app, feed = app_of(*fleet(hostile), hook=hook)
    async with app.run_test() as pilot:
        await until(pilot, lambda: hostile.key in app.fleet.runs)
        app._tick()
        feed.put(*replace(hostile, status="failed", now="failed", ended_s=0).seen())
        await until(pilot, lambda: app.fleet.runs[hostile.key].facts.status == "failed")  # type: ignore[union-attr]
        app._tick()
        await until(pilot, lambda: bool(hook.told))
    assert hook.told[0]["ORCH_TUI_PIPELINE"] == "diag⟨202E⟩nostics"


def announcer(clock: HandClock) -> tuple[Announcer, list[str]]:
    written: list[str] = []
    environ = {"TERM": "xterm-256color"}
    return Announcer(written.append, clock, environ, Between.NOTHING, Notify.AUTO), written


def test_a_terminal_that_never_tells_its_focus_is_looked_at_while_keys_come() -> None:
    clock = HandClock()
    told_by, written = announcer(clock)
    told_by.announce([NOTICE])
    clock.advance(110)
    told_by.touched()
    clock.advance(110)
    told_by.announce([NOTICE])
    assert written == []
    clock.advance(20)
    told_by.announce([NOTICE])
    assert len(written) == 1


def test_a_run_that_stalls_again_and_again_is_told_once_in_a_while() -> None:
    clock = HandClock()
    told_by, _ = announcer(clock)
    assert told_by.new([NOTICE]) == (NOTICE,)
    assert told_by.new([NOTICE]) == ()
    clock.advance(AGAIN_AFTER_S + 1)
    assert told_by.new([NOTICE]) == (NOTICE,)


def test_many_runs_that_end_at_once_ring_once() -> None:
    clock = HandClock()
    told_by, written = announcer(clock)
    told_by.focus(False)
    told_by.announce([NOTICE] * 12)
    text = "".join(written)
    assert text.count("\x1b]9;") == 4
    assert "and 9 more" in text


def test_the_title_tells_counts_and_is_given_back() -> None:
    told_by, written = announcer(HandClock())
    told_by.show_title(FleetCounts(attention=2, running=3), "~/src/app")
    told_by.show_title(FleetCounts(attention=2, running=3), "~/src/app")
    told_by.close()
    assert written == [
        "\x1b[22;2t\x1b]2;orch-tui ! 2 > 3 app\x07",
        "\x1b]2;\x07\x1b[23;2t",
    ]


def test_nothing_from_a_file_can_end_a_sequence_or_begin_one() -> None:
    evil = replace(NOTICE, name="x\x07\x1b]52;c;eA==\x07;\x9c", reason="a\x1b\\b;c\nd\u202e")
    for desktop in Desktop:
        text = notice_sequence(evil, desktop, Between.NOTHING)
        assert "\x1b]52" not in text
        assert "\u202e" not in text
        assert "\x9c" not in text
        assert text.count("\x07") == 1 + text.count("\x1b]")
    title = title_words(FleetCounts(), "/tmp/\x1b]0;evil\x07;rm\n")
    assert "\x1b" not in title
    assert title.isprintable()


def test_what_stands_between_hands_the_notice_on() -> None:
    bare = "\x1b]9;FAILED a / b / c: stage test failed, exit 2\x07"
    assert notice_sequence(NOTICE, Desktop.OSC_9, Between.NOTHING) == BELL + bare
    through_tmux = notice_sequence(NOTICE, Desktop.OSC_9, Between.TMUX)
    assert through_tmux == BELL + "\x1bPtmux;\x1b" + bare + "\x1b\\"
    assert notice_sequence(NOTICE, Desktop.OSC_9, Between.SCREEN) == f"{BELL}\x1bP{bare}\x1b\\"
    assert notice_sequence(NOTICE, Desktop.NONE, Between.TMUX) == BELL


@pytest.mark.parametrize(
    ("environ", "desktop"),
    [
        ({"TERM": "xterm-256color"}, Desktop.EITHER),
        ({"TERM": "xterm-kitty"}, Desktop.OSC_9),
        ({"TERM": "foot"}, Desktop.OSC_777),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, Desktop.OSC_9),
        ({"TERM": "linux"}, Desktop.NONE),
    ],
)
def test_a_terminal_gets_the_notice_that_it_knows(
    environ: dict[str, str], desktop: Desktop
) -> None:
    assert desktop_of(environ) is desktop
