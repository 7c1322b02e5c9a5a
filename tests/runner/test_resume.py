"""A run goes on: what runs again, what is refused, and that only one runner ever has it."""

from __future__ import annotations

import errno
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from orchestrator_tui.primitives.life_lock import LifeLock
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.manifest import Manifest
from orchestrator_tui.records.times import format_time
from orchestrator_tui.runner.execution import RunOutcome
from orchestrator_tui.runner.resume import ResumeRefused
from tests.runner.repository import Repository, child, command, eventually, lines_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("scope")]

COUNTING = "echo {0} >> told; {1}"


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def told(repo: Repository) -> list[str]:
    """Return the stages that have run, in order."""
    return (repo.folder / "told").read_text().split()


def statuses(manifest: Manifest) -> list[str]:
    return [entry.status for entry in manifest.commands]


async def half_done(repo: Repository) -> RunOutcome:
    """Run a pipeline whose third stage fails until the file `ok` is there."""
    repo.configure(
        main=[
            command("one", COUNTING.format("one", "true")),
            command("two", COUNTING.format("two", "false"), allowFailure=True),
            command("three", COUNTING.format("three", "test -e ok")),
            command("four", COUNTING.format("four", "true")),
        ]
    )
    outcome = await repo.start("main")
    assert statuses(outcome.manifest) == ["succeeded", "skipped", "failed", "pending"]
    return outcome


def rewrite(repo: Repository, key: RunKey, **changes: Any) -> bytes:
    """Change fields of a manifest on disk and return it; None removes a field."""
    document = {**repo.document(key), **changes}
    document = {name: value for name, value in document.items() if value is not None}
    content = json.dumps(document).encode()
    repo.paths(key).manifest.write_bytes(content)
    return content


@pytest.mark.acceptance(80, 86)
async def test_open_stages_run_again_and_done_ones_do_not(repo: Repository) -> None:
    first = await half_done(repo)
    assert first.manifest.commands[2].error_file is not None
    assert first.manifest.summary == "Stage 'Three' failed with exit code 1."
    (repo.folder / "ok").touch()
    again = (await repo.resume(first.key)).manifest
    assert told(repo) == ["one", "two", "three", "three", "four"]
    assert (again.status, again.summary) == ("succeeded", None)
    assert statuses(again) == ["succeeded", "skipped", "succeeded", "succeeded"]
    assert again.commands[2].error_file is None
    assert again.started_at == first.manifest.started_at
    assert (again.completed_at or "") > (first.manifest.completed_at or "")
    (event,) = again.resume_events
    assert set(event) == {"timestamp", "actor", "reason", "outcome"}
    assert event["outcome"] == "accepted"
    log = lines_of(repo.paths(first.key).stage_log(3, "three"))
    assert [record["type"] for record in log].count("command:start") == 2
    seqs = [event["seq"] for event in repo.events(first.key)]
    assert seqs == list(range(1, len(seqs) + 1))
    metrics = lines_of(repo.roots.runs / first.key.task_id / "metrics.json")
    assert [line["status"] for line in metrics] == ["failed", "succeeded"]


@pytest.mark.acceptance(89)
async def test_a_resumed_run_that_fails_again_has_exit_status_1(repo: Repository) -> None:
    first = await half_done(repo)
    again = await repo.resume(first.key)
    assert (again.manifest.status, again.exit_status) == ("failed", 1)
    assert again.manifest.summary == "Stage 'Three' failed with exit code 1."


async def test_from_a_stage_all_after_it_run_again(repo: Repository) -> None:
    first = await half_done(repo)
    (repo.folder / "ok").touch()
    await repo.resume(first.key, from_stage="two")
    assert told(repo)[3:] == ["two", "three", "four"]


async def test_one_stage_alone_leaves_the_run_as_unfinished_as_it_is(repo: Repository) -> None:
    first = await half_done(repo)
    (repo.folder / "ok").touch()
    again = (await repo.resume(first.key, only_stage="three")).manifest
    assert told(repo)[3:] == ["three"]
    assert (again.status, again.status_detail) == ("failed", "pipeline-failed")
    assert again.summary == "Not all stages have run: four."
    done = (await repo.resume(first.key, only_stage="four")).manifest
    assert (done.status, done.summary) == ("succeeded", None)


async def test_a_failed_child_starts_anew_and_the_old_record_stays(repo: Repository) -> None:
    repo.configure(inner=[command("it", "test -e ok")], outer=[child("sub", "inner")])
    first = await repo.start("outer")
    (repo.folder / "ok").touch()
    again = (await repo.resume(first.key)).manifest
    assert [run.status for run in again.child_runs] == ["failed", "succeeded"]
    assert (again.status, again.summary) == ("succeeded", None)


@pytest.mark.acceptance(81, 83, 84)
@pytest.mark.parametrize(
    ("changes", "more", "reason"),
    [
        ({}, {"token": "wrong"}, "Resume token mismatch."),
        ({"resume_token": ""}, {}, "Resume token missing for run"),
        ({"commands": None}, {}, "lists no stages"),
        ({"pipeline_id": None}, {}, "names no pipeline"),
        ({"pipeline_id": "gone"}, {}, "Pipeline 'gone' not found."),
        ({}, {"only_stage": "nine"}, "No stage 'nine'"),
    ],
)
async def test_a_refused_resume_changes_nothing(
    repo: Repository, changes: dict[str, Any], more: dict[str, Any], reason: str
) -> None:
    key = (await half_done(repo)).key
    if "resume_token" in changes:
        repo.paths(key).resume_token.unlink()
    content = rewrite(repo, key, **changes)
    with pytest.raises(ResumeRefused, match=reason):
        await repo.resume(key, **more)
    assert repo.paths(key).manifest.read_bytes() == content
    assert LifeLock.is_held(repo.paths(key).runner_lock) is False


@pytest.mark.acceptance(83)
async def test_a_pipeline_that_changed_since_is_refused(repo: Repository) -> None:
    key = (await half_done(repo)).key
    repo.configure(main=[command("one", "true"), command("2", "true"), command("three", "true")])
    with pytest.raises(ResumeRefused, match="stage 2 was 'two' and is '2'; gone: four"):
        await repo.resume(key)


@pytest.mark.acceptance(84)
async def test_missing_folders_are_made(repo: Repository) -> None:
    key = (await half_done(repo)).key
    (repo.folder / "ok").touch()
    for entry in repo.paths(key).commands_dir.iterdir():
        entry.unlink()
    repo.paths(key).commands_dir.rmdir()
    assert (await repo.resume(key)).manifest.status == "succeeded"


@pytest.mark.acceptance(50)
@pytest.mark.parametrize("interval", [None, 0, -3, "5", 4.5, [], True])
async def test_a_heartbeat_interval_that_makes_no_sense_is_the_usual_one(
    repo: Repository, interval: object
) -> None:
    key = (await half_done(repo)).key
    (repo.folder / "ok").touch()
    rewrite(repo, key, heartbeat_interval_seconds=interval)
    assert (await repo.resume(key)).manifest.heartbeat_interval_seconds == 5


@pytest.mark.acceptance(82)
async def test_a_run_of_another_runner_that_beats_is_refused(repo: Repository) -> None:
    key = (await half_done(repo)).key
    (repo.folder / "ok").touch()
    repo.paths(key).runner_json.unlink()
    beat = format_time(datetime.now(UTC))
    rewrite(repo, key, status="in_progress", heartbeat_at=beat)
    with pytest.raises(ResumeRefused, match="seems to be running"):
        await repo.resume(key)
    assert (await repo.resume(key, force=True)).manifest.status == "succeeded"


@pytest.mark.acceptance(82)
async def test_a_run_of_another_runner_that_is_stale_is_accepted(repo: Repository) -> None:
    key = (await half_done(repo)).key
    (repo.folder / "ok").touch()
    paths = repo.paths(key)
    paths.runner_json.unlink()
    old = format_time(datetime.now(UTC) - timedelta(seconds=32))
    paths.heartbeat.write_text(f"{old}\n")
    for log in (paths.runner_log, *paths.commands_dir.iterdir()):
        log.unlink()
    rewrite(repo, key, status="in_progress", heartbeat_at=old)
    assert (await repo.resume(key)).manifest.status == "succeeded"


@pytest.mark.acceptance(85)
async def test_an_old_request_to_cancel_is_spent_and_a_new_one_is_obeyed(repo: Repository) -> None:
    repo.configure(main=[command("one", "test -e ok || sleep 60")])
    outcomes: list[RunOutcome] = []

    async def start() -> None:
        outcomes.append(await repo.start("main"))

    async def resume(key: RunKey) -> None:
        outcomes.append(await repo.resume(key))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(start)
        key = await repo.only_run()
        repo.write_control(key, 1, "cancel")
    assert outcomes[0].manifest.status == "cancelled"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(resume, key)
        await eventually(lambda: repo.manifest(key).commands[0].status == "running")
        repo.write_control(key, 2, "cancel")
    assert outcomes[1].manifest.status == "cancelled"
    (repo.folder / "ok").touch()
    assert (await repo.resume(key)).manifest.status == "succeeded"


async def test_of_many_resumes_at_once_exactly_one_wins(repo: Repository) -> None:
    repo.configure(main=[command("one", COUNTING.format("one", "test -e ok && sleep 0.3"))])
    key = (await repo.start("main")).key
    (repo.folder / "ok").touch()
    results: list[str | None] = []

    async def resume() -> None:
        try:
            results.append((await repo.resume(key)).manifest.status)
        except ResumeRefused as error:
            assert "is being run by process" in str(error)
            results.append(None)

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(resume)
    assert sorted(results, key=str) == [None] * 4 + ["succeeded"]
    assert told(repo) == ["one", "one"]


async def test_a_run_in_a_folder_that_cannot_be_written_to_is_refused(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await half_done(repo)

    def refuse(path: Path) -> LifeLock:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(LifeLock, "hold", refuse)
    with pytest.raises(ResumeRefused, match=r"[Rr]ead-only.* Make it a folder that you may write"):
        await repo.resume(first.key)


async def test_a_run_that_is_not_there_is_refused(repo: Repository) -> None:
    repo.configure(main=[command("one", "true")])
    with pytest.raises(ResumeRefused, match="There is no run"):
        await repo.resume(RunKey("0202-runner", "2026-11-22T12-00-00-000Z-00000000"))
