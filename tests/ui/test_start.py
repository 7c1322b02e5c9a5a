"""The form that starts a run, and plans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input
from textual.widgets._toast import Toast

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.requests import LaunchRun, RunInputs, StartConditions
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.reducer import observe
from orchestrator_tui.ui.asking import start_view
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.planning import PlanView, resume_plan
from orchestrator_tui.ui.recent import keep_recent, recall_recent
from orchestrator_tui.ui.screens.plan import PlanDialog
from orchestrator_tui.ui.screens.start import (
    InvalidInput,
    StartDialog,
    StartView,
    read_variables,
    written_variables,
)
from orchestrator_tui.ui.widgets.plan_preview import PlanPreview
from tests.fakes import NOON, HandClock, ScriptedMemory
from tests.ui.fleets import BUSY, FAILED, HOSTILE, RUNNING, fleet
from tests.ui.run_apps import DialogApp, drawn, until

Compare: TypeAlias = Callable[..., bool]
SEEN = observe(Fleet(), fleet(*BUSY))
RECENT = LaunchRun("docs-review", "0952-docs", "never", RunInputs((("FOO", "a b"),), "again"))
DIRTY = StartConditions(dirty=3, free_bytes=1_200_000_000, tasks=frozenset(["0952-docs"]))


def view(**changes: object) -> StartView:
    given = start_view(SEEN, RUNNING.key, ScreenOptions(), NOON, recent=(RECENT,))
    return replace(given, **changes)  # type: ignore[arg-type]


def start_app(given: StartView | None = None) -> tuple[DialogApp, StartDialog, HandClock]:
    clock = HandClock()
    dialog = StartDialog(given or view(), clock=clock)
    return DialogApp(dialog), dialog, clock


def told(dialog: StartDialog, name: str) -> str:
    return " ".join("\n".join(drawn(dialog.query_one(f"#{name}"))).split())


@pytest.mark.anyio
async def test_all_fields_go_into_the_request_and_its_command() -> None:
    app, dialog, clock = start_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("tab", "tab", *"never", "tab", *"FOO=1", "tab", *"hi")
        await until(pilot, lambda: "--note hi" in told(dialog, "start-command"))
        assert "--approval-policy never --env FOO=1" in told(dialog, "start-command")
        await pilot.press("enter")
        clock.advance(1)
        await pilot.press("enter")
        inputs = RunInputs((("FOO", "1"),), "hi")
        request = LaunchRun("diagnostics", RUNNING.task, "never", inputs)
        await until(pilot, lambda: app.results == [request])


@pytest.mark.anyio
async def test_a_secret_is_not_shown_in_the_command() -> None:
    given = LaunchRun("diagnostics", "t", None, RunInputs((("API_TOKEN", "s3cret"),)))
    app, dialog, _ = start_app(view(begin=given))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: 'API_TOKEN="$API_TOKEN"' in told(dialog, "start-command"))
        assert "s3cret" not in told(dialog, "start-command")


@pytest.mark.anyio
async def test_a_held_enter_chooses_and_does_not_start() -> None:
    app, dialog, clock = start_app()
    async with app.run_test(size=(100, 30)) as pilot:
        clock.advance(1)
        await pilot.press("enter", "enter", "enter")
        assert app.results == []
        go = dialog.query_one("#go")
        await until(pilot, lambda: not go.has_class("-active"))  # it shows that it was pressed
        clock.advance(1)
        await pilot.press("enter")
        await until(pilot, lambda: len(app.results) == 1)


@pytest.mark.anyio
async def test_a_recent_start_fills_the_form_and_letters_in_fields_are_letters() -> None:
    app, dialog, _ = start_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("1")
        await pilot.pause()
        assert dialog.query_one("#task", Input).value == "0952-docs"
        assert dialog.query_one("#env", Input).value == "FOO='a b'"
        await until(pilot, lambda: "start docs-review" in told(dialog, "start-command"))
        await pilot.press("tab", "end", *"Py1")
        assert dialog.query_one("#task", Input).value == "0952-docsPy1"


@pytest.mark.anyio
async def test_what_should_be_known_before_the_start_is_said() -> None:
    app, dialog, _ = start_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "looking at git" in told(dialog, "start-notes"))
        dialog.learn(DIRTY)
        await until(pilot, lambda: "! git tree is dirty (3 files)" in told(dialog, "start-notes"))
        notes = told(dialog, "start-notes")
        assert "! the disk has 1.1 GiB left" in notes
        assert "! task is not in tasks/index.json" in notes
        assert "on this task" in notes


@pytest.mark.anyio
async def test_wrong_variables_are_told_and_start_nothing() -> None:
    app, dialog, clock = start_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("tab", "tab", "tab", *"FOO")
        await until(pilot, lambda: "FOO is not of the form" in told(dialog, "start-notes"))
        clock.advance(1)
        await pilot.press("enter", "enter")
        assert app.results == []


@pytest.mark.anyio
async def test_every_button_is_in_sight_in_the_smallest_terminal() -> None:
    app, dialog, _ = start_app()
    async with app.run_test(size=(60, 15)) as pilot:
        dialog.learn(DIRTY)
        await pilot.pause()
        button = dialog.query_one("#go").region
        assert app.screen.region.contains_region(button)
        assert dialog.query_one("#pipelines").size.height >= 1


@pytest.mark.anyio
async def test_what_is_told_meanwhile_lies_over_no_button() -> None:
    app, dialog, _ = start_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.notify("one\ntwo")
        app.notify("three\nfour\nfive")
        await until(pilot, lambda: len(dialog.query(Toast)) == 2)
        await pilot.pause()
        told_over = [toast.region for toast in dialog.query(Toast)]
        buttons = [button.region for button in dialog.query(Button)]
        assert len(buttons) == 3 and all(told_over)
        assert not any(one.overlaps(other) for one in buttons for other in told_over)


@pytest.mark.parametrize("env", [(), (("A", "1"),), (("A", "a b"), ("B", 'it\'s "x" $HOME'))])
def test_variables_are_read_as_they_were_written(env: tuple[tuple[str, str], ...]) -> None:
    assert read_variables(written_variables(env)) == env


@pytest.mark.parametrize("line", ["FOO", "=1", "A='", "1A=2"])
def test_what_is_no_variable_is_refused(line: str) -> None:
    with pytest.raises(InvalidInput):
        read_variables(line)


@pytest.mark.anyio
async def test_starts_are_remembered_newest_first_and_without_secrets() -> None:
    memory = ScriptedMemory()
    for number in range(7):
        await keep_recent(memory, LaunchRun("p", f"t{number}"))
    secret = LaunchRun("p", "t3", None, RunInputs((("API_TOKEN", "x"), ("B", "2")), "n"))
    await keep_recent(memory, secret)
    recent = await recall_recent(memory)
    assert [request.task_id for request in recent] == ["t3", "t6", "t5", "t4", "t3"]
    assert recent[0].inputs == RunInputs((("B", "2"),), "n")


# --- plans --------------------------------------------------------------------------------------


def test_the_plan_of_a_resume_says_what_stays_and_what_runs() -> None:
    seen = observe(Fleet(), fleet(FAILED))
    plan = resume_plan(seen, FAILED.key, NOON)
    assert plan.problem is None
    assert "orch-tui resume" in plan.command
    gone = resume_plan(seen, RunKey("t", "2026-01-01T00-00-00-000Z-00000000"), NOON)
    assert gone.problem is not None


@pytest.mark.anyio
async def test_hostile_plans_are_text() -> None:
    plan = PlanView(HOSTILE, HOSTILE, HOSTILE, HOSTILE, (), HOSTILE, HOSTILE)
    app = DialogApp(PlanDialog(plan))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert any("[/] [bold]x" in row for row in drawn(app.screen.query_one(PlanPreview)))


# --- how they look ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (140, 40)])
def test_start_form(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, dialog, _ = start_app()

    async def learn(pilot: Pilot[None]) -> None:
        dialog.learn(DIRTY)
        await pilot.pause()

    assert snap_compare(app, run_before=learn, terminal_size=size)


def test_plan_dialog(snap_compare: Compare) -> None:
    plan = view().offers[0].plan
    assert snap_compare(DialogApp(PlanDialog(plan)), terminal_size=(80, 24))
