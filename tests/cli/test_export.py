"""export: what is in the archive, and what must never be."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestrator_tui.cli.redacting import Redactor
from orchestrator_tui.records.secrets import REDACTED
from tests.cli.conftest import OrchTuiCommand
from tests.cli.processes import Project, project_in

SECRET = "hunter2hunter2"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\ndef\n-----END RSA PRIVATE KEY-----"


@pytest.fixture
def project(repo: Path) -> Project:
    """Return a repository whose pipeline says secrets, and what is none."""
    project = project_in(repo)
    command = (
        f"echo API_TOKEN={SECRET}; printf 'PASSWORD=\\033[31m{SECRET}\\033[0m\\n';"
        " cat .runs/*/cli/*/.resume-token; seq 1 500;"
        f" echo plain; sleep 0.2; echo 'Authorization: Bearer {SECRET}' >&2; exit 3"
    )
    stage = {"kind": "command", "id": "say", "title": "Say", "command": command}
    pipeline = {"id": "leaky", "title": "Leaky", "stages": [stage]}
    (repo / "codex.orchestrator.json").write_bytes(orjson.dumps({"pipelines": [pipeline]}))
    return project


def test_an_archive_holds_what_explains_a_run_and_no_secret(
    project: Project, orch_tui: OrchTuiCommand
) -> None:
    run_id = project("start", "leaky", "--format", "json").document["run_id"]
    run_dir = project.repo / ".runs" / "0101" / "cli" / run_id
    token = (run_dir / ".resume-token").read_text().strip()
    document = orch_tui("export", run_id, "--logs", "1000", "--format", "json").document
    path = Path(document["path"])
    assert path == project.repo / f"orch-tui-{run_id}.zip"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with zipfile.ZipFile(path) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(texts) == {
        "manifest.json",
        "errors/01-say.json",
        "logs/01-say.txt",
        "doctor.json",
    }
    assert sorted(texts) == document["files"]
    assert token
    for name, text in texts.items():
        assert SECRET not in text, name
        assert token not in text, name
        assert "\x1b" not in text, name
    assert document["redacted"] > 0
    manifest = orjson.loads(texts["manifest.json"])
    assert "resume_token" not in manifest
    assert (manifest["run_id"], manifest["status"]) == (run_id, "failed")
    assert "\n500\n" in texts["logs/01-say.txt"]
    assert "plain" in texts["logs/01-say.txt"]


def test_only_the_last_lines_are_taken_along(project: Project, orch_tui: OrchTuiCommand) -> None:
    project("start", "leaky")
    path = project.repo / "x.zip"
    ended = orch_tui("export", "@latest", "--logs", "3", "--output", "x.zip")
    assert (ended.status, ended.out) == (0, f"{path}\n")
    assert "look it through" in ended.err
    with zipfile.ZipFile(path) as archive:
        assert archive.read("logs/01-say.txt").decode().splitlines() == [
            "plain",
            f"Authorization: {REDACTED}",
            "exit 3 after 0:00",
        ]
    before = path.read_bytes()
    assert orch_tui("export", "@latest", "--output", "x.zip").status == 4
    assert path.read_bytes() == before
    orch_tui("export", "@latest", "--logs", "0", "--output", "y.zip")
    with zipfile.ZipFile(project.repo / "y.zip") as archive:
        assert not [name for name in archive.namelist() if name.startswith("logs/")]


def test_as_many_lines_as_asked_for_come_from_several_pages(
    project: Project, orch_tui: OrchTuiCommand
) -> None:
    stage = {"kind": "command", "id": "count", "title": "Count", "command": "seq 1 9000"}
    pipeline = {"id": "many", "title": "Many", "stages": [stage]}
    (project.repo / "codex.orchestrator.json").write_bytes(orjson.dumps({"pipelines": [pipeline]}))
    project("start", "many")
    orch_tui("export", "@latest", "--logs", "5001", "--output", "x.zip")
    with zipfile.ZipFile(project.repo / "x.zip") as archive:
        lines = archive.read("logs/01-count.txt").decode().splitlines()
    assert lines[:-1] == [str(number) for number in range(4001, 9001)]


def test_what_cannot_be_exported_is_told(repo: Path, orch_tui: OrchTuiCommand) -> None:
    assert orch_tui("export").status == 2
    assert orch_tui("export", "nope").status == 3
    assert not list(repo.glob("*.zip"))


@pytest.mark.parametrize(
    "text",
    [
        f"API_KEY={SECRET}",
        f"export aws_secret_access_key='{SECRET}'",
        f'{{"password": "{SECRET}"}}',
        f'{{\\"password\\": \\"{SECRET}\\"}}',
        f'password = "a\\"{SECRET}"',
        f"PASSWORD=a,b;{SECRET}",
        f"login --token {SECRET} --user me",
        f"Authorization: Bearer {SECRET}",
        f"https://me:{SECRET}@example.org/x",
        f"https://example.org/?access_token={SECRET}&page=1",
        f"https://example.org/ Cookie: {SECRET}",
    ],
)
def test_a_named_secret_goes_and_its_name_stays(text: str) -> None:
    redactor = Redactor()
    assert SECRET not in redactor.text(text)
    assert REDACTED in redactor.text(text)
    assert redactor.count > 0


@pytest.mark.parametrize(
    "secret",
    [
        "ghp_" + "a1B2" * 9,
        "sk-" + "a1B2" * 6,
        "AKIA" + "A1B2" * 4,
        "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSM",
        "0123456789abcdef" * 4,
        "aB3" * 20,
    ],
)
def test_a_secret_of_a_known_form_goes_without_a_name(secret: str) -> None:
    assert secret not in Redactor().text(f"before {secret} after")


def test_a_private_key_goes_with_all_its_lines() -> None:
    told = Redactor().lines(["a", *PEM.split("\n"), "b"])
    assert told == f"a\n{REDACTED}\nb\n"
    assert "MIIabc" not in Redactor().lines(PEM.split("\n")[:2])


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T14-27-55-120Z-c2d9e410",
        "9372ae3f0c1b2a3d4e5f60718293a4b5c6d7e8f9",
        "SyntaxError: unexpected token } in JSON at position 4",
        ".runs/0101/cli/2026-11-22T14-27-55-120Z-c2d9e410/manifest.json",
        "tests/test_tokens.py::test_a_token_is_refused FAILED",
    ],
)
def test_what_explains_a_failure_stays(text: str) -> None:
    assert Redactor().text(text) == text


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=8))
def test_a_known_secret_is_nowhere(secret: str) -> None:
    assume(secret not in REDACTED)  # a word of the mark is all that may be left of it
    redactor = Redactor((secret,))
    value = {"a": [secret, {"b": f"x {secret} y"}], "n": 1}
    left = redactor.value(value)
    assert all(secret not in text for text in (left["a"][0], left["a"][1]["b"]))
    assert left["n"] == 1
