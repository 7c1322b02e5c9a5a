"""The screen of one run: what it opens with, what it keeps still, what its keys do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias

import pytest
from textual.pilot import Pilot
from textual.widget import Widget

from orchestrator_tui.primitives.safe_text import BACKSTOP
from orchestrator_tui.records.facts import RunShape, run_facts
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.logs import ALL_STAGES, LogLine, Stream
from orchestrator_tui.records.manifest import CommandStatus, Manifest
from orchestrator_tui.records.pipeline import CommandStage, OrchestratorConfig, Pipeline
from orchestrator_tui.records.times import format_time
from orchestrator_tui.state.event_words import RunEvent
from orchestrator_tui.state.observations import (
    Artifact,
    Artifacts,
    ConfigSeen,
    DetailSeen,
    EarlierRun,
    Freshness,
    FreshnessSeen,
    Observation,
    RunDetail,
    RunSeen,
    RunVanished,
    SinceGreen,
    Unreadable,
)
from orchestrator_tui.ui.app import OrchTui
from orchestrator_tui.ui.failure_text import first_error, named_place
from orchestrator_tui.ui.keymap import Named, named_keys
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.screens.run import RunProblems, RunScreen
from orchestrator_tui.ui.widgets.artifacts_pane import ArtifactsPane
from orchestrator_tui.ui.widgets.bars import FooterBar
from orchestrator_tui.ui.widgets.events_pane import EventsPane
from orchestrator_tui.ui.widgets.failure_card import FailureCard
from orchestrator_tui.ui.widgets.lines import LineBlock
from orchestrator_tui.ui.widgets.log_view import LogView
from orchestrator_tui.ui.widgets.manifest_text import ManifestText
from orchestrator_tui.ui.widgets.pane_foot import PaneFoot
from orchestrator_tui.ui.widgets.plan_pane import PlanPane
from orchestrator_tui.ui.widgets.relatives_pane import RelativesPane
from orchestrator_tui.ui.widgets.run_header import RunPulse, TabStrip, badge_words
from orchestrator_tui.ui.widgets.stage_list import StageList
from tests.fakes import NOON, HandClock, ScriptedFeed, ScriptedLauncher, ScriptedLogs
from tests.ui.fleets import (
    CONFIG,
    FAILED,
    GREEN,
    HOSTILE,
    LOST,
    RUNNING,
    YOUNGER,
    Sample,
    compile_error,
    fleet,
    output_of_tests,
)
from tests.ui.run_apps import RunApp, drawn, until

Compare: TypeAlias = Callable[..., bool]
WIDE, NARROW, LARGE = (80, 24), (60, 15), (140, 40)


def app_of(sample: Sample, *more: Observation, named: Named | None = None) -> RunApp:
    logs = ScriptedLogs()
    logs.add(sample.key, sample.done + 1, *output_of_tests())
    logs.add(sample.key, 1, LogLine(Stream.STDOUT, "guarded", NOON))
    fresh = FreshnessSeen(Freshness("watching"))
    return RunApp(sample.key, logs, fresh, *sample.seen(), *more, named=named)


def seen(sample: Sample, manifest: Manifest) -> tuple[Observation, ...]:
    facts = run_facts(sample.key, RunShape.CLI, f".runs/{sample.task}/cli", manifest)
    return RunSeen(facts), DetailSeen(sample.key, RunDetail(manifest))


def next_stage_begins(sample: Sample) -> tuple[Observation, ...]:
    at = sample.done + 1
    manifest = sample.manifest().with_command(
        at, status=CommandStatus.SUCCEEDED.value, completed_at=format_time(NOON), exit_code=0
    )
    manifest = manifest.with_command(
        at + 1, status=CommandStatus.RUNNING.value, started_at=format_time(NOON)
    )
    return seen(sample, manifest)


def stages(app: RunApp) -> StageList:
    return app.run_screen.query_one(StageList)


def chosen(app: RunApp) -> str | None:
    stage = stages(app).chosen
    return stage.id if stage else None


def focused(app: RunApp) -> Widget | None:
    return app.focused


def log_rows(app: RunApp) -> list[str]:
    return drawn(app.run_screen.query_one(LogView).lines)


def hints(app: RunApp) -> tuple[tuple[str, str], ...]:
    return app.run_screen.query_one(FooterBar).view.keys


def edge(app: RunApp) -> str:
    return drawn(app.run_screen.query_one(PaneFoot))[0]


def tabs(app: RunApp) -> str:
    return drawn(app.run_screen.query_one(TabStrip))[0]


# --- what it opens with -------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_running_run_opens_at_the_end_of_its_running_stage() -> None:
    app = app_of(RUNNING)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "FOLLOW" in edge(app))
        await until(pilot, lambda: any("evil" in row for row in log_rows(app)))
        assert chosen(app) == "test"
        assert tabs(app) == " [Log]  Timeline   Plan   Manifest"


@pytest.mark.anyio
async def test_a_failed_run_opens_with_why() -> None:
    app = app_of(FAILED)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "[Errors 1]" in tabs(app))
        card = drawn(app.run_screen.query_one(FailureCard))
        assert "stage 2 Build   exit 2   1:06 into the run" in card[0]
        assert "unknown type name 'frob_t'" in card[2]
        assert "src/module_1.c:12:8" in card[3]
        assert focused(app) is app.run_screen.query_one(FailureCard)


def told_on_stdout(*texts: str) -> RunDetail:
    """Return what is known of a run whose stage told on stdout alone why it failed."""
    tail = tuple(LogLine(Stream.STDOUT, text, NOON) for text in texts)
    error = replace(compile_error(2), stderr="", stderr_bytes=0, truncated=False)
    return RunDetail(FAILED.manifest(), (error,), tail, 2)


@pytest.mark.anyio
async def test_a_failure_without_error_output_shows_the_end_of_the_standard_output() -> None:
    before = [f"warned.py:{n}:1 is old" for n in range(60)]
    after = [f"{HOSTILE} {n}" for n in range(60)]
    named = "a.py:7: error: it is not so"
    detail = told_on_stdout(*before, named, *after, "done")
    app = app_of(FAILED, DetailSeen(FAILED.key, detail))
    async with app.run_test(size=(160, 120)) as pilot:
        await until(pilot, lambda: "[Errors 1]" in tabs(app))
        card = app.run_screen.query_one(FailureCard)
        rows = drawn(card)
        assert f" error    {named}" in rows
        assert card.place == "a.py:7"
        assert " stdout   its end: 47 of 122 lines" in rows
        assert any(".. 57 lines left out here .." in row for row in rows)
        assert f"   {named}" in rows
        assert "   done" in rows
        assert not any(BACKSTOP.search(row) for row in rows)
        assert app.run_screen.log_to_read() == (2, named)


@pytest.mark.anyio
async def test_the_last_line_of_a_standard_output_is_not_taken_for_an_error() -> None:
    app = app_of(FAILED, DetailSeen(FAILED.key, told_on_stdout("see a.py:1", "all is well")))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "[Errors 1]" in tabs(app))
        card = app.run_screen.query_one(FailureCard)
        assert not any(row.startswith((" error", " at")) for row in drawn(card))
        assert "   all is well" in drawn(card)
        assert card.place is None


@pytest.mark.anyio
async def test_a_failure_says_whether_it_is_the_one_of_last_time() -> None:
    manifest, error = FAILED.manifest(), compile_error(2)
    before = [RunKey(FAILED.task, f"2025-12-31T11-00-00-000Z-0000000{n}") for n in (1, 2)]
    again = EarlierRun(before[0], has_failed=True, errors=(error,))
    green = EarlierRun(before[1], has_failed=False)
    for earlier, words in (
        ((again, green), "before   same failure as last time: 1 of the 2 runs before"),
        ((green, again), "before   first failure since run 00000002"),
    ):
        detail = RunDetail(manifest, (error,), earlier=earlier)
        app = app_of(FAILED, DetailSeen(FAILED.key, detail))
        async with app.run_test(size=WIDE) as pilot:
            await until(pilot, lambda app=app: "[Errors 1]" in tabs(app))  # type: ignore[misc]
            assert words in "\n".join(drawn(app.run_screen.query_one(FailureCard)))


@pytest.mark.anyio
async def test_a_failure_says_what_changed_where_it_is_and_how_to_go_on() -> None:
    since = SinceGreen(RunKey("x", "2025-12-31T11-00-00-000Z-0000beef"), "1" * 40, (HOSTILE,), 4)
    detail = RunDetail(FAILED.manifest(), (compile_error(2),), since_green=since)
    app = app_of(FAILED, DetailSeen(FAILED.key, detail))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "[Errors 1]" in tabs(app))
        card = app.run_screen.query_one(FailureCard)
        text = " ".join(" ".join(drawn(card)).split())
        assert "4 files since green run 0000beef: " in text
        assert "+3 more" in text
        assert "r f resume from stage 2 (keeps 1)" in text
        assert " of 120 lines; " in text
        assert not any(BACKSTOP.search(row) for row in drawn(card))
        await pilot.press("e")
        await until(pilot, lambda: bool(app.asked))
        assert app.asked == ["edit src/module_1.c:12:8"]
        await pilot.press("full_stop")  # there is no other failure to go to
        assert card.scroll_offset.y == 0


@pytest.mark.anyio
async def test_of_several_failures_the_marked_one_is_spoken_of() -> None:
    manifest = FAILED.manifest().with_command(3, status="skipped", error_file="errors/03.json")
    soft = replace(compile_error(3), reason="command-allow-failure", stderr="b.py:7: error: soft")
    detail = RunDetail(manifest, (compile_error(2), soft))
    app = app_of(FAILED, DetailSeen(FAILED.key, detail))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "[Errors 2]" in tabs(app))
        assert app.run_screen.log_to_read()[0] == 2
        await pilot.press("full_stop", "e")
        await until(pilot, lambda: bool(app.asked))
        assert app.asked == ["edit b.py:7"]
        assert app.run_screen.log_to_read() == (3, "b.py:7: error: soft")


@pytest.mark.anyio
async def test_a_run_whose_stages_are_not_read_yet_waits_for_them() -> None:
    sample = RUNNING
    app = RunApp(sample.key, ScriptedLogs(), sample.seen()[0])
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert stages(app).chosen is None
        app.see(*sample.seen())
        await until(pilot, lambda: stages(app).chosen is not None)
        assert chosen(app) == "test"


@pytest.mark.anyio
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["80x24", "60x15"])
async def test_events_are_there_when_there_are_some(size: tuple[int, int]) -> None:
    events = (RunEvent(NOON, "step_started", f"build {HOSTILE}"), RunEvent(None, "odd", ""))
    detail = RunDetail(FAILED.manifest(), (compile_error(2),), events=events)
    app = app_of(FAILED, DetailSeen(FAILED.key, detail))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "[Errors 1]" in tabs(app))
        assert tabs(app) == "  Log  [Errors 1]  Timeline   Plan   Manifest   Events"
        await pilot.press("i", "right_square_bracket")
        assert "[Events]" in tabs(app)
        pane = app.run_screen.query_one(EventsPane)
        await until(pilot, lambda: "step started" in "".join(drawn(pane)))
        first, second = drawn(pane)[:2]
        assert first.startswith(f" {NOON.astimezone():%H:%M:%S} step started      build [/]")
        assert second.strip() == "odd"
        assert not any(BACKSTOP.search(line) for line in drawn(pane))


# --- what it keeps still ------------------------------------------------------------------------


@pytest.mark.anyio
async def test_who_follows_a_log_goes_along_with_the_run() -> None:
    app = app_of(RUNNING)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "FOLLOW" in edge(app))
        app.see(*next_stage_begins(RUNNING))
        await until(pilot, lambda: chosen(app) == "spec-guard")


@pytest.mark.anyio
async def test_the_cursor_stays_with_who_reads_further_up_until_f_goes_along() -> None:
    app = app_of(RUNNING)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "FOLLOW" in edge(app))
        await pilot.press("tab", "k")
        await until(pilot, lambda: "FOLLOW" not in edge(app))
        app.see(*next_stage_begins(RUNNING))
        await until(pilot, lambda: "Spec-Guard runs, f follows it" in edge(app))
        assert chosen(app) == "test"
        await pilot.press("f")
        await until(pilot, lambda: chosen(app) == "spec-guard")


@pytest.mark.anyio
async def test_all_stages_are_one_log_until_one_is_chosen_with_enter() -> None:
    app = app_of(RUNNING)
    logs = app.run_screen._logs
    assert isinstance(logs, ScriptedLogs)
    logs.add(RUNNING.key, ALL_STAGES, *(LogLine(Stream.STDOUT, f"joined {n}") for n in range(3)))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "FOLLOW" in edge(app))
        log = app.run_screen.query_one(LogView)
        await pilot.press("asterisk")
        await until(pilot, lambda: any("joined 2" in row for row in drawn(log.lines)))
        app.see(*next_stage_begins(RUNNING))
        await pilot.press("k")  # another stage under the cursor changes nothing
        await pilot.pause()
        assert log.subject is not None
        assert log.subject.stage_index == ALL_STAGES
        assert app.run_screen.log_to_read() == (ALL_STAGES, "")
        await pilot.press("enter")
        await until(pilot, lambda: bool(log.subject and log.subject.stage_index > 0))


@pytest.mark.anyio
async def test_a_second_repaints_the_time_and_the_running_stage_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = app_of(RUNNING)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "FOLLOW" in edge(app))
        painted: list[tuple[str, int]] = []
        for kind in (StageList, LineBlock, FooterBar):
            paint = kind.render_line

            def watched(widget: object, y: int, paint: object = paint) -> object:
                painted.append((type(widget).__name__, y))
                return paint(widget, y)  # type: ignore[operator]

            monkeypatch.setattr(kind, "render_line", watched)
        app.see(now=NOON + timedelta(seconds=1))
        await until(pilot, lambda: "4:13" in drawn(app.run_screen.query_one(RunPulse))[0])
        rows = {row for row in painted if row != ("RunPulse", 0)}
        assert rows == {("StageList", 3), ("RunReason", 0), ("RunFactsPanel", 2)}


@pytest.mark.anyio
async def test_a_run_that_is_gone_stays_as_it_was_seen_last() -> None:
    app = app_of(RUNNING)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "FOLLOW" in edge(app))
        app.see(RunVanished(RUNNING.key))
        await until(pilot, lambda: "folder is gone" in _screen_text(app))
        assert len(stages(app).view) == 5


@pytest.mark.anyio
async def test_a_torn_manifest_is_told_above_what_was_good() -> None:
    app = app_of(RUNNING)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "FOLLOW" in edge(app))
        app.see(Unreadable(RUNNING.key, ".runs/x/manifest.json", "not JSON: line 1 [/]"))
        await until(pilot, lambda: "cannot be read: not JSON: line 1 [/]" in _screen_text(app))
        assert "FOLLOW" in edge(app)


def _screen_text(app: RunApp) -> str:
    problems = app.run_screen.query_one(RunProblems)
    return "\n".join(drawn(problems))


# --- what keys do -------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_moving_over_the_stages_shows_their_logs() -> None:
    app = app_of(RUNNING)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "FOLLOW" in edge(app))
        await pilot.press("g")
        await until(pilot, lambda: "guarded" in log_rows(app)[0])
        assert "END" in edge(app)
        await pilot.press("G")
        await until(pilot, lambda: "has not started" in log_rows(app)[1])


@pytest.mark.anyio
async def test_tab_goes_round_the_panes_and_brackets_round_the_tabs() -> None:
    app = app_of(FAILED)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "[Errors 1]" in tabs(app))
        await pilot.press("right_square_bracket")
        assert "[Timeline]" in tabs(app)
        await pilot.press("right_square_bracket")
        assert "[Plan]" in tabs(app)
        await pilot.press("i", "right_square_bracket")
        assert "[Log]" in tabs(app)
        assert focused(app) is stages(app)
        await pilot.press("tab")
        assert focused(app) is app.run_screen.query_one(LogView).lines
        await pilot.press("shift+tab")
        assert focused(app) is stages(app)
        await pilot.press("left_square_bracket")
        assert "[Manifest]" in tabs(app)


@pytest.mark.anyio
@pytest.mark.parametrize("key", ["escape", "q", "h"])
async def test_back_is_back(key: str) -> None:
    app = app_of(RUNNING)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "FOLLOW" in edge(app))
        await pilot.press(key)
        await until(pilot, lambda: app.screen is not app.run_screen)


@pytest.mark.anyio
async def test_actions_are_asked_of_the_app() -> None:
    app = app_of(RUNNING)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "FOLLOW" in edge(app))
        await pilot.press("r", "x")
        await until(pilot, lambda: len(app.asked) == 2)
        assert app.asked == [f"again {RUNNING.key.short}", f"cancel {RUNNING.key.short}"]


@pytest.mark.anyio
async def test_enter_on_a_sub_pipeline_opens_the_run_it_started() -> None:
    manifest = RUNNING.manifest().with_command(
        4, kind="subpipeline", sub_run_id="2026-01-01T11-58-00-000Z-0000beef"
    )
    app = app_of(RUNNING, *seen(RUNNING, manifest))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: stages(app).chosen is not None)
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.asked))
        assert app.asked == ["child 2026-01-01T11-58-00-000Z-0000beef"]


@pytest.mark.anyio
async def test_without_room_for_two_panes_tab_changes_them() -> None:
    app = app_of(RUNNING)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "FOLLOW" in edge(app))
        left = app.run_screen.query_one("#stages")
        assert not left.display
        await pilot.press("tab")
        assert left.display
        assert not app.run_screen.query_one(LogView).display
        await pilot.press("enter")
        assert not left.display
        await pilot.resize_terminal(*WIDE)
        await until(pilot, lambda: left.display)


@pytest.mark.anyio
async def test_zoom_gives_the_log_the_whole_width() -> None:
    app = app_of(RUNNING)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "FOLLOW" in edge(app))
        await pilot.press("z")
        await until(pilot, lambda: app.run_screen.query_one(LogView).size.width == WIDE[0])
        await pilot.press("z")
        await until(pilot, lambda: app.run_screen.query_one(LogView).size.width < WIDE[0])


# --- failures and the manifest ------------------------------------------------------------------


def test_the_line_that_tells_most_is_found() -> None:
    vitest = [
        "> vitest run",
        " FAIL  a.test.ts > x",
        "AssertionError: held is not free",
        "1 failed",
    ]
    assert first_error(vitest) == "AssertionError: held is not free"
    python = ["Traceback (most recent call last):", '  File "a.py", line 3', "ValueError: no"]
    assert first_error(python) == "ValueError: no"
    assert first_error(["Compiling", "error[E0308]: mismatched types", "--> src/m.rs:1:2"]) == (
        "error[E0308]: mismatched types"
    )
    assert first_error(["0 errors", "make: *** [all] Error 2"]) == "make: *** [all] Error 2"
    assert first_error(["all", "is", "lost", ""]) == "lost"
    assert first_error([]) is None


def test_the_place_in_the_project_is_found() -> None:
    node = [
        "    at Object.x (node_modules/vitest/dist/run.js:1:1)",
        "    at releases (src/runner/lock.test.ts:88:23)",
    ]
    assert named_place(node) == "src/runner/lock.test.ts:88:23"
    assert named_place(['  File "a.py", line 3', '  File "b.py", line 9, in x']) == "b.py:9"
    assert named_place(["src/a.c:12:8: error: no"]) == "src/a.c:12:8"
    assert named_place(["listening on http://localhost:8080", "at 12:30:01"]) is None


@pytest.mark.anyio
async def test_a_resumed_success_leaves_no_errors_in_the_way() -> None:
    app = app_of(GREEN)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "[Log]" in tabs(app))
        assert "Errors" not in tabs(app)


@pytest.mark.anyio
async def test_the_manifest_is_shown_without_its_token() -> None:
    manifest = replace(RUNNING.manifest(), resume_token="5ec2e7", summary=HOSTILE)
    app = app_of(RUNNING, *seen(RUNNING, manifest))
    async with app.run_test(size=(100, 120)) as pilot:
        await until(pilot, lambda: stages(app).chosen is not None)
        await pilot.press("i")
        text = app.run_screen.query_one(ManifestText)
        await until(pilot, lambda: any('"resume_token": "(hidden)"' in r for r in drawn(text)))
        assert not any("5ec2e7" in row for row in drawn(text))
        assert not any(BACKSTOP.search(row) for row in drawn(text))


@pytest.mark.anyio
async def test_hostile_names_are_drawn_as_text() -> None:
    manifest = replace(RUNNING.manifest(), pipeline_id=HOSTILE, status_detail=HOSTILE)
    manifest = manifest.with_command(4, title=HOSTILE, id=HOSTILE)
    app = app_of(RUNNING, *seen(RUNNING, manifest))
    async with app.run_test(size=LARGE) as pilot:
        await until(pilot, lambda: stages(app).chosen is not None)
        for widget in app.run_screen.query("*").results():
            if not widget.children and widget.display and widget.size:
                assert not any(BACKSTOP.search(row) for row in drawn(widget)), widget
        assert any("[/] [bold]x" in row for row in drawn(stages(app)))


# --- plan, relatives, artifacts -----------------------------------------------------------------


def artifacts_of(sample: Sample, *names: str) -> Artifacts:
    folder = f".runs/{sample.task}/cli/{sample.key.run_id}"
    return Artifacts(tuple(Artifact(f"{folder}/{name}", 2_048, NOON) for name in names))


FAMILY = Sample("0951-tui-log-view", "release", 600, "succeeded", 5, ended_s=20)


OTHER_CHILD = Sample("0951-tui-log-view", "lint", 150, "failed", 1, "failed", of=2, ended_s=60)


def with_parent(sample: Sample, parent: RunKey) -> tuple[Observation, ...]:
    return seen(sample, replace(sample.manifest(), parent_run_id=parent.run_id))


@pytest.mark.anyio
async def test_the_plan_says_what_a_resume_keeps_and_runs_again() -> None:
    app = app_of(FAILED, ConfigSeen(CONFIG))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "[Errors 1]" in tabs(app))
        await pilot.press("P")
        await until(pilot, lambda: "[Plan]" in tabs(app))
        rows = drawn(app.run_screen.query_one(PlanPane))
        assert "5 stages   a resume runs 2-5, keeps 1" in rows[0]
        assert rows[2].split()[-1] == "kept"
        assert rows[5].split()[-1] == "again"
        assert any("$ make lint" in row for row in rows)
        assert any("may fail" in row for row in rows)


@pytest.mark.anyio
async def test_the_plan_tells_of_a_pipeline_that_is_another_now() -> None:
    other = Pipeline("diagnostics", "Other", (CommandStage("build", "Build", "ninja"),))
    for config, words in (
        (OrchestratorConfig(), "has this pipeline no more"),
        (OrchestratorConfig((other,)), "now: ninja"),
    ):
        app = app_of(FAILED, ConfigSeen(config))
        async with app.run_test(size=LARGE) as pilot:
            await until(pilot, lambda app=app: "[Errors 1]" in tabs(app))  # type: ignore[misc]
            await pilot.press("P")
            assert any(words in row for row in drawn(app.run_screen.query_one(PlanPane)))


@pytest.mark.anyio
async def test_parent_and_children_can_be_opened() -> None:
    child = with_parent(YOUNGER, RUNNING.key)
    app = app_of(RUNNING, *with_parent(RUNNING, FAMILY.key), *FAMILY.seen(), *child)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "Children 1" in tabs(app))
        await pilot.press("i", "right_square_bracket")
        await until(pilot, lambda: "[Children 1]" in tabs(app))
        rows = drawn(app.run_screen.query_one(RelativesPane))
        assert "started by" in rows[0]
        assert "SUCCEEDED" in rows[1]
        assert "RUNNING" in rows[4]
        await pilot.press("enter", "j", "enter")
        await until(pilot, lambda: len(app.asked) == 2)
        assert app.asked == [f"child {FAMILY.key.run_id}", f"child {YOUNGER.key.run_id}"]


@pytest.mark.anyio
async def test_a_child_that_nobody_saw_is_named_and_not_opened() -> None:
    manifest = RUNNING.manifest().with_command(
        4, kind="subpipeline", sub_run_id="2026-01-01T11-58-00-000Z-0000beef"
    )
    app = app_of(RUNNING, *seen(RUNNING, manifest))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "Children 1" in tabs(app))
        await pilot.press("left_square_bracket")
        rows = drawn(app.run_screen.query_one(RelativesPane))
        assert "no manifest was seen" in rows[1]
        await pilot.press("enter")
        assert app.asked == []


@pytest.mark.anyio
async def test_artifacts_can_be_opened_and_their_paths_copied() -> None:
    names = ("events.jsonl", f"odd {HOSTILE}")
    detail = RunDetail(FAILED.manifest(), artifacts=artifacts_of(FAILED, *names))
    app = app_of(FAILED, DetailSeen(FAILED.key, detail))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "Artifacts 2" in tabs(app))
        await pilot.press("left_square_bracket", "left_square_bracket")
        await until(pilot, lambda: "[Artifacts 2]" in tabs(app))
        pane = app.run_screen.query_one(ArtifactsPane)
        assert not any(BACKSTOP.search(row) for row in drawn(pane))
        await pilot.press("y", "j", "enter")
        await until(pilot, lambda: len(app.asked) == 2)
        first, second = (file.path for file in detail.artifacts.files)
        assert app.asked == [f"path {first}", f"file {second}"]


@pytest.mark.anyio
async def test_failures_of_an_earlier_attempt_stand_last_and_open_nothing() -> None:
    manifest = replace(
        GREEN.manifest(),
        resume_events=({"timestamp": "2026-01-01T11:40:00.000Z", "outcome": "accepted"},),
    )
    detail = RunDetail(manifest, (compile_error(2),))
    facts = run_facts(GREEN.key, RunShape.CLI, f".runs/{GREEN.task}/cli", manifest)
    app = app_of(GREEN, RunSeen(facts), DetailSeen(GREEN.key, detail))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "[Log]" in tabs(app))
        assert tabs(app) == " [Log]  Timeline   Plan   Manifest   Past errors 1"
        await pilot.press("left_square_bracket")
        card = drawn(app.run_screen.query_one(FailureCard))
        assert "before the present attempt" in card[0]
        assert not any("r f" in row for row in card)


@pytest.mark.anyio
async def test_tabs_that_have_no_room_give_way_to_the_open_one() -> None:
    events = (RunEvent(NOON, "step_started", "build"),)
    detail = RunDetail(
        FAILED.manifest(), (compile_error(2),), events=events, artifacts=artifacts_of(FAILED, "a")
    )
    app = app_of(FAILED, DetailSeen(FAILED.key, detail))
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: "[Errors 1]" in tabs(app))
        assert tabs(app).endswith(">")
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert tabs(app).startswith("<")
        assert "[Artifacts 1]" in tabs(app)
        await pilot.click(TabStrip, offset=(3, 0))
        assert "[Artifacts 1]" not in tabs(app)


# --- how it looks -------------------------------------------------------------------------------


async def _settled(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, RunApp)
    await until(pilot, lambda: stages(app).chosen is not None)
    await until(pilot, lambda: "line" in edge(app))


def test_a_running_run(snap_compare: Compare) -> None:
    assert snap_compare(app_of(RUNNING), run_before=_settled, terminal_size=WIDE)


def test_a_running_run_on_a_large_terminal(snap_compare: Compare) -> None:
    assert snap_compare(app_of(RUNNING), run_before=_settled, terminal_size=LARGE)


def test_a_running_run_on_a_narrow_terminal(snap_compare: Compare) -> None:
    assert snap_compare(app_of(RUNNING), run_before=_settled, terminal_size=NARROW)


def test_the_plan_of_a_run(snap_compare: Compare) -> None:
    async def opened(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, RunApp)
        await until(pilot, lambda: "[Errors 1]" in tabs(app))
        await pilot.press("P")

    app = app_of(FAILED, ConfigSeen(CONFIG))
    assert snap_compare(app, run_before=opened, terminal_size=WIDE)


def test_the_children_of_a_run(snap_compare: Compare) -> None:
    async def opened(pilot: Pilot[None]) -> None:
        await _settled(pilot)
        await pilot.press("i", "right_square_bracket")

    children = (*with_parent(YOUNGER, RUNNING.key), *with_parent(OTHER_CHILD, RUNNING.key))
    app = app_of(RUNNING, *with_parent(RUNNING, FAMILY.key), *FAMILY.seen(), *children)
    assert snap_compare(app, run_before=opened, terminal_size=WIDE)


def test_the_artifacts_of_a_run(snap_compare: Compare) -> None:
    async def opened(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, RunApp)
        await until(pilot, lambda: "Artifacts 4" in tabs(app))
        await pilot.press("left_square_bracket", "left_square_bracket")

    names = ("manifest.json", "runner.ndjson", "commands/01-guard.ndjson", "errors/02-build.json")
    detail = RunDetail(
        FAILED.manifest(), (compile_error(2),), artifacts=artifacts_of(FAILED, *names)
    )
    app = app_of(FAILED, DetailSeen(FAILED.key, detail))
    assert snap_compare(app, run_before=opened, terminal_size=WIDE)


def test_a_failed_run(snap_compare: Compare) -> None:
    async def opened(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, RunApp)
        await until(pilot, lambda: "[Errors 1]" in tabs(app))

    assert snap_compare(app_of(FAILED), run_before=opened, terminal_size=WIDE)


def test_a_lost_run(snap_compare: Compare) -> None:
    assert snap_compare(app_of(LOST), run_before=_settled, terminal_size=WIDE)


def test_the_manifest_of_a_run(snap_compare: Compare) -> None:
    async def opened(pilot: Pilot[None]) -> None:
        await _settled(pilot)
        await pilot.press("i")

    assert snap_compare(app_of(RUNNING), run_before=opened, terminal_size=WIDE)


@pytest.mark.anyio
async def test_ascii_only_means_ascii_only() -> None:
    logs = ScriptedLogs()
    lines = [LogLine(Stream.STDOUT, "x" * 200, NOON), LogLine(Stream.STDERR, "e", NOON, attempt=2)]
    logs.add(RUNNING.key, 4, *lines)
    feed = ScriptedFeed(fleet(RUNNING))
    app = OrchTui(
        feed=feed,
        logs=logs,
        launcher=ScriptedLauncher(),
        clock=HandClock(),
        options=ScreenOptions(ascii_only=True),
    )
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: bool(app.fleet.runs))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        log = app.screen.query_one(LogView)
        await until(pilot, lambda: "x" in drawn(log.lines)[0])
        painted = [strip.text for strip in app.screen._compositor.render_strips()]
        assert any("attempt 2 ---" in row for row in painted)
        assert all(row.isascii() for row in painted)


@pytest.mark.anyio
async def test_the_first_frame_is_made_for_the_size_that_there_is() -> None:
    app = app_of(RUNNING)
    async with app.run_test(size=LARGE):
        pulse = app.run_screen.query_one(RunPulse)
        assert app.run_screen.has_class("-wide", "-tall")
        pulse._built_for = None  # as if no size had been told yet
        pulse._lines = ()
        assert pulse.render_line(0).text.rstrip().endswith("RUNNING  4:12")


def test_badges_beside_the_tabs_are_shown_whole_or_left_out() -> None:
    badges = ("RESUMED x2", "NO LOCK")
    assert badge_words(badges, 40) == "[RESUMED x2] [NO LOCK] "
    assert badge_words(badges, 20) == "[RESUMED x2] "
    assert badge_words(badges, 10) == "RESUMED x2"
    assert badge_words(badges, 9) == "RESUMED ›"
    assert badge_words((), 9) == ""


@pytest.mark.anyio
async def test_a_narrow_failure_card_breaks_its_first_line_between_words() -> None:
    app = app_of(FAILED)
    async with app.run_test(size=(44, 24)) as pilot:
        await until(pilot, lambda: "[Errors 1]" in tabs(app))
        card = drawn(app.run_screen.query_one(FailureCard))
        assert card[0].rstrip().endswith("1:06 into the")
        assert card[1].strip() == "run"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("options", "first", "edge_of_card"),
    [
        (ScreenOptions(), "r f  resume from", "r run again"),
        (
            ScreenOptions(keymap={"run.again": "f3"}),
            "f3 f  resume from",
            "f3 run again",
        ),
        (ScreenOptions(read_only=True), "L    full log", "L full log"),
    ],
)
async def test_a_failure_names_the_keys_that_there_are(
    options: ScreenOptions, first: str, edge_of_card: str
) -> None:
    app = app_of(FAILED, named=named_keys(options.keys))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "[Errors 1]" in tabs(app))
        card = app.run_screen.query_one(FailureCard)
        ways = [line.strip() for line in drawn(card) if "resume from" in line or "full log" in line]
        assert ways[0].startswith(first)
        assert str(card.border_subtitle).endswith(edge_of_card)


@pytest.mark.anyio
async def test_the_footer_offers_pages_only_where_there_is_more_than_one() -> None:
    app = app_of(RUNNING)
    async with app.run_test(size=LARGE) as pilot:
        await until(pilot, lambda: "FOLLOW" in edge(app))
        await pilot.press("i")
        manifest = app.run_screen.query_one(ManifestText)
        await until(pilot, lambda: manifest.has_focus and manifest.max_scroll_y > 0)
        await until(pilot, lambda: ("pgdn", "page") in hints(app))
        await pilot.resize_terminal(140, 400)
        await until(pilot, lambda: ("pgdn", "page") not in hints(app))
