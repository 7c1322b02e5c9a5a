"""Where the screens tell how long something usually takes, and what is left of a run."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from orchestrator_tui.records.facts import RunShape, run_facts
from orchestrator_tui.records.stage_lengths import stage_lengths
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.observations import Observation, RunSeen
from orchestrator_tui.state.reducer import observe
from orchestrator_tui.ui.app import OrchTui
from orchestrator_tui.ui.asking import start_view
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.widgets.run_header import RunPulse
from orchestrator_tui.ui.widgets.run_preview import OutputBrief
from orchestrator_tui.ui.widgets.stage_list import StageHeads, StageList
from orchestrator_tui.ui.widgets.timeline_pane import TimelinePane
from tests.fakes import NOON, HandClock, ScriptedFeed, ScriptedLauncher, ScriptedLogs
from tests.ui.fleets import LENGTHS_S, RUNNING, Sample, fleet, output_of_tests
from tests.ui.run_apps import RunApp, drawn, until

WIDE, LARGE = (80, 24), (140, 40)


def history(count: int) -> tuple[Observation, ...]:
    """Return runs of diagnostics that all took as long as `LENGTHS_S` says."""
    seen: list[Observation] = []
    for number in range(count):
        started_s = 100_000 + 1000 * number
        sample = Sample(
            "0940-past",
            "diagnostics",
            started_s,
            "succeeded",
            5,
            ended_s=started_s - sum(LENGTHS_S),
        )
        facts = run_facts(sample.key, RunShape.CLI, "m", sample.manifest())
        seen.append(RunSeen(facts, partial(stage_lengths, sample.manifest())))
    return tuple(seen)


def run_app(*seen: Observation) -> RunApp:
    logs = ScriptedLogs()
    logs.add(RUNNING.key, 4, *output_of_tests())
    return RunApp(RUNNING.key, logs, *fleet(RUNNING), *seen)


@pytest.mark.anyio
async def test_the_header_and_the_stages_tell_what_is_left_and_what_is_usual() -> None:
    app = run_app(*history(12))
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        (pulse,) = drawn(app.run_screen.query_one(RunPulse))
        assert pulse.endswith("RUNNING  4:12  ~0:44 left (p50 of 12 runs)")
        stages = drawn(app.run_screen.query_one(StageList))
        assert [line.split()[-1] for line in stages[:6]] == [
            "~0:04",
            "~1:02",
            "~0:21",
            "~3:20",
            "82%",
            "~0:09",
        ]
        assert drawn(app.run_screen.query_one(StageHeads))[0].endswith("TIME   USUAL")
        strip = "".join(drawn(app.run_screen.query_one("#strip", TimelinePane)))
        assert "▒" in strip and "░" in strip


@pytest.mark.anyio
async def test_the_bar_below_the_running_stage_is_none_of_its_rows() -> None:
    app = run_app(*history(12))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        stages = app.run_screen.query_one(StageList)
        rows = drawn(stages)
        assert rows[4].lstrip().startswith("█") and rows[4].endswith("~3:20")
        await pilot.press("j")
        assert stages.chosen is not None and stages.chosen.id == "spec-guard"
        assert drawn(stages)[5].startswith(">")
        await pilot.click(StageList, offset=(4, 4))
        assert stages.chosen.id == "test"
        await pilot.click(StageList, offset=(4, 5))
        assert stages.chosen.id == "spec-guard"


@pytest.mark.anyio
async def test_eighty_columns_tell_what_is_left_and_no_more() -> None:
    app = run_app(*history(3))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        (pulse,) = drawn(app.run_screen.query_one(RunPulse))
        assert pulse.strip().endswith("RUN  4:12  ~0:44 left")
        rows = drawn(app.run_screen.query_one(StageList))
        assert "~" not in "".join(rows[:4] + rows[5:])  # the bar alone tells what is usual


@pytest.mark.anyio
async def test_nothing_is_estimated_from_two_runs() -> None:
    app = run_app(*history(2))
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        (pulse,) = drawn(app.run_screen.query_one(RunPulse))
        assert pulse.endswith("RUNNING  4:12")
        assert "~" not in "".join(drawn(app.run_screen.query_one(StageList)))


def test_the_start_form_tells_what_a_pipeline_usually_takes() -> None:
    seen = observe(Fleet(), (*fleet(RUNNING), *history(12)))
    view = start_view(seen, None, ScreenOptions(), NOON)
    lengths = {offer.id: offer.plan.length for offer in view.offers}
    assert "~4:56 (p50 of 12 runs)" in lengths["diagnostics"]
    assert "~" not in lengths["release"]


@pytest.mark.anyio
@pytest.mark.parametrize("size", [WIDE, LARGE], ids=["80x24", "140x40"])
async def test_the_preview_draws_what_is_done_and_tells_what_is_left(size: tuple[int, int]) -> None:
    app = OrchTui(
        feed=ScriptedFeed((*fleet(RUNNING), *history(12))),
        logs=ScriptedLogs(),
        launcher=ScriptedLauncher(),
        clock=HandClock(),
        options=ScreenOptions(place="~/src/app"),
    )
    async with app.run_test(size=size) as pilot:
        brief = app.runs_screen.query_one(OutputBrief)
        await until(pilot, lambda: "85%" in "".join(drawn(brief)))
        lines = drawn(brief)
        assert lines[0] == " ▸ RUNNING  4:12  heartbeat 1.0 s ago"
        (bar,) = [line for line in lines if "█" in line]
        assert bar.endswith("░   85%  ~0:44 left (p50 of 12 runs)")
        assert len(bar) <= brief.size.width


@pytest.mark.anyio
@pytest.mark.parametrize("size", [WIDE, LARGE], ids=["80x24", "140x40"])
async def test_the_timeline_has_a_bar_for_what_is_done_running_and_expected(
    size: tuple[int, int],
) -> None:
    app = run_app(*history(12))
    async with app.run_test(size=size) as pilot:
        await pilot.press("right_square_bracket")
        pane = app.run_screen.query_one("#tab-timeline", TimelinePane)
        await until(pilot, lambda: "█" in "".join(drawn(pane)))
        guard, build, _, test, spec, scale = [line for line in drawn(pane) if line.strip()]
        assert build.startswith(" ✓ Build") and build.endswith("1:02")
        assert 1 <= guard.count("█") <= 2  # four seconds are seen, too
        assert "▒" in test and "░" in test and test.endswith("2:45")
        assert test.index("▒") > build.rindex("█")
        assert spec.strip().startswith("◌ Spec-Guard") and spec.endswith("~0:09")
        assert scale.split()[0] == "0:00"
        assert pane.border_title == "Timeline   ~4:56 expected"


@pytest.mark.anyio
async def test_the_timeline_of_a_run_without_a_past_expects_nothing() -> None:
    app = run_app()
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("right_square_bracket")
        pane = app.run_screen.query_one("#tab-timeline", TimelinePane)
        await until(pilot, lambda: "█" in "".join(drawn(pane)))
        assert "░" not in "".join(drawn(pane))
        assert pane.border_title == "Timeline"


@pytest.mark.anyio
async def test_a_second_later_only_the_line_of_the_running_stage_is_drawn_anew() -> None:
    app = run_app(*history(12))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("right_square_bracket")
        pane = app.run_screen.query_one("#tab-timeline", TimelinePane)
        await until(pilot, lambda: "█" in "".join(drawn(pane)))
        before = drawn(pane)
        app.see(now=NOON + timedelta(seconds=1))
        await pilot.pause()
        changed = [y for y, line in enumerate(drawn(pane)) if line != before[y]]
        assert changed == [3]
