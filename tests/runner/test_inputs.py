"""What a run is given is there for its commands, is kept, and holds again when it runs again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator_tui.records.requests import Done, LaunchRun, RunInputs, command_line
from orchestrator_tui.records.secrets import secrets_in
from orchestrator_tui.runner.actions import RunActions, restart_job
from orchestrator_tui.runner.launch import LaunchRefused
from orchestrator_tui.runner.resume import ResumeRefused
from orchestrator_tui.store.life import read_runner
from tests.runner.repository import TASK, Repository, child, command, eventually, lines_of

GIVEN = RunInputs((("FOO", "1"), ("API_TOKEN", "s3cret")), "try it")


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repo = Repository(tmp_path)
    repo.configure(
        main=[command("one", 'echo "$FOO $API_TOKEN" > seen; test -e ok'), child("sub", "inner")],
        inner=[command("two", 'echo "$FOO" > below')],
    )
    return repo


@pytest.mark.anyio
async def test_variables_reach_every_command_and_secrets_stay_off_the_disk(
    repo: Repository,
) -> None:
    (repo.folder / "ok").touch()
    request = LaunchRun("main", TASK, inputs=GIVEN)
    result = await RunActions(repo.roots, repo.environ).perform(request)
    assert isinstance(result, Done), result
    assert result.key is not None
    key = result.key
    await eventually(lambda: repo.manifest(key).status == "succeeded")
    assert (repo.folder / "seen").read_text() == "1 s3cret\n"
    assert (repo.folder / "below").read_text() == "1\n"
    record = read_runner(repo.paths(key))
    assert record is not None
    assert (record.note, record.env) == ("try it", (("FOO", "1"), ("API_TOKEN", None)))
    assert "s3cret" not in repo.paths(key).runner_json.read_text()


@pytest.mark.anyio
async def test_what_a_command_prints_holds_no_secret_that_it_was_given(repo: Repository) -> None:
    say = 'printf "%s" "${API_TOKEN%cret-one}"; sleep 0.2; echo "cret-one said"; '
    repo.configure(main=[command("one", say + 'echo "$API_TOKEN $PLAIN $KEY_FILE" >&2; exit 3')])
    (repo.folder / "key").touch()
    repo.environ |= {"API_TOKEN": "s3cret-one", "PLAIN": "s3en as it is"}
    repo.environ |= {"KEY_FILE": str(repo.folder / "key"), "PRIVATE_KEY": str(repo.folder / "key")}
    told: list[str] = []
    outcome = await repo.start("main", on_output=lambda _id, _stream, text: told.append(text))
    texts = [path.read_text() for path in repo.folder.rglob("*") if path.is_file()]
    assert not [text for text in [*texts, *told] if "s3cret-one" in text]
    assert "[redacted] said\n" in "".join(told)
    paths = repo.paths(outcome.key)
    error = json.loads(paths.stage_error(1, "one").read_text())
    # The place of a secret is none, and an ordinary variable is told.
    assert error["details"]["stderr"] == f"[redacted] s3en as it is {repo.folder / 'key'}"
    records = lines_of(paths.stage_log(1, "one"))
    (note,) = [each["message"] for each in records if each["type"] == "command:warning"]
    assert note.startswith("secrets that the command was given were taken out of its output")


@pytest.mark.anyio
async def test_a_repository_may_keep_what_its_commands_print(repo: Repository) -> None:
    repo.configure(settings={"logs": {"maskSecrets": False}}, main=[command("one", "printenv")])
    outcome = await repo.start("main", environ={**repo.environ, "API_TOKEN": "s3cret-one"})
    assert "s3cret-one" in repo.paths(outcome.key).stage_log(1, "one").read_text()


@pytest.mark.parametrize(
    ("name", "value", "secrets"),
    [
        ("API_TOKEN", "s3cret-one", {"s3cret-one"}),
        ("API_TOKEN", "short", set()),
        ("TLS_PRIVATE_KEY", "--BEGIN--\n  abcdefgh12\nshort", {"--BEGIN--", "abcdefgh12"}),
        ("DATABASE_URL", "postgres://me:p4ssword@db/x", {"p4ssword"}),
        ("HEADER", "bearer\t abcdefgh12", {"abcdefgh12"}),
        ("EDITOR", "vim -u NONE", set()),
        ("GIT_COMMIT", "c5b86c0" * 10, set()),
    ],
)
def test_which_part_of_a_variable_is_secret(name: str, value: str, secrets: set[str]) -> None:
    assert secrets_in(name, value) == secrets


@pytest.mark.anyio
async def test_a_run_that_goes_on_or_is_started_again_has_its_variables(repo: Repository) -> None:
    key = (await repo.start("main", inputs=GIVEN)).key
    (repo.folder / "ok").touch()
    (repo.folder / "seen").unlink()
    with pytest.raises(ResumeRefused, match="API_TOKEN, which is not kept"):
        await repo.resume(key)
    environ = {**repo.environ, "API_TOKEN": "again"}
    assert (await repo.resume(key, environ=environ)).manifest.status == "succeeded"
    assert (repo.folder / "seen").read_text() == "1 again\n"
    job = restart_job(repo.roots, key, environ, RunInputs((("FOO", "2"),)))
    assert job.inputs == RunInputs((("FOO", "2"), ("API_TOKEN", "again")), "try it")
    with pytest.raises(LaunchRefused, match="API_TOKEN, which is not kept"):
        restart_job(repo.roots, key, repo.environ)


def test_a_command_line_shows_no_secret_and_can_be_run() -> None:
    line = command_line([LaunchRun("main", TASK, "on-request", GIVEN)])
    assert line == (
        f"orch-tui start main --task {TASK} --approval-policy on-request "
        "--env FOO=1 --env API_TOKEN=\"$API_TOKEN\" --note 'try it' --detach"
    )
