"""The documents are true: commands run, links lead somewhere, tables equal the code."""

from __future__ import annotations

import fnmatch
import importlib.util
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from orchestrator_tui.cli.exits import Exit
from orchestrator_tui.cli.program import VERBS, program
from orchestrator_tui.records.manifest import CommandRecord, Manifest, manifest_to_document
from orchestrator_tui.store.configuration_shapes import LimitsShape
from tests.test_rooms import EVERY, ROOMS, imports_of

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(orch-tui [^`]+)`")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
# What a command may end with when it finds nothing to do; wrong usage is 2, a failed run 1.
NO_COMPLAINT = {0, 3, 4}
# Stands for a tool that README's pipelines call and this machine may lack.
FAKE_MAKE = '#!/bin/sh\necho made "$@"\n'


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return [body for name, body in BLOCK.findall(page.read_text()) if name == language]


def commands(page: Path) -> list[list[str]]:
    """Return the words of every command in the sh blocks of a page."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


SHELL = [(page, words) for page in PAGES for words in commands(page)]
OURS = [words[1:] for _, words in SHELL if words[0] == "orch-tui"]


def label(value: object) -> str:
    """Return a readable test id."""
    return " ".join(value) if isinstance(value, list) else Path(str(value)).name


@pytest.mark.parametrize(("page", "words"), SHELL, ids=label)
def test_every_command_of_a_page_is_one_that_is_there(page: Path, words: list[str]) -> None:
    if words[0].startswith("./"):
        script = ROOT / words[0]
        assert os.access(script, os.X_OK)
        if script.read_text().startswith("#!/bin/sh"):
            subprocess.run(["sh", "-n", script], check=True)
        return
    assert words[0] in ("orch-tui", "pip"), f"{page.name} names a command that nothing checks"


@pytest.mark.parametrize("words", [w for _, w in SHELL if w[0] == "./scripts/make_runs"], ids=label)
def test_believable_runs_are_made_as_the_page_says(words: list[str], tmp_path: Path) -> None:
    arguments = [str(tmp_path) if before == "--root" else word for before, word in _pairs(words)]
    subprocess.run([sys.executable, ROOT / words[0], *arguments], check=True, capture_output=True)
    assert len(list(tmp_path.glob(".runs/*/cli/*/manifest.json"))) == int(words[1])


def _pairs(words: list[str]) -> list[tuple[str, str]]:
    return list(itertools.pairwise(words))


@pytest.mark.timeout(120)
def test_the_commands_of_the_readme_run_one_after_the_other(tmp_path: Path) -> None:
    (config,) = blocks(ROOT / "README.md", "json")
    (tmp_path / "codex.orchestrator.json").write_text(config)
    make = tmp_path / "bin" / "make"
    make.parent.mkdir()
    make.write_text(FAKE_MAKE)
    make.chmod(0o755)
    environ = {**os.environ, "PATH": f"{make.parent}:{os.environ['PATH']}"}
    for words in OURS:
        ended = subprocess.run(
            [sys.executable, "-m", "orchestrator_tui", *words],
            cwd=tmp_path,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode in NO_COMPLAINT, (words, ended.stderr)


@pytest.mark.parametrize(
    "text", sorted({text for page in PAGES for text in INLINE.findall(page.read_text())})
)
def test_every_command_within_a_sentence_is_understood(text: str) -> None:
    words = shlex.split(text)[1:]
    if words[0].startswith("-"):
        return
    verb = program.get_command(click.Context(program), words[0])
    assert verb is not None, f"no verb {words[0]}; there are {list(VERBS)}"
    verb.make_context(words[0], words[1:])


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [
        link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()
    ] == []


def _rows(page: Path) -> list[list[str]]:
    """Return the cells of every table row of a page."""
    lines = [line for line in page.read_text().splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_floor_plan_in_the_document_is_the_one_that_is_checked() -> None:
    told = {
        row[0].strip("`"): set(re.findall(r"`(\w+)`", row[2]))
        for row in _rows(ROOT / "docs" / "architecture.md")
        if len(row) == 3 and row[0].strip("`") in ROOMS
    }
    assert told == ROOMS


def test_every_name_in_the_plan_of_the_house_is_one_in_the_code() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    rooms = "|".join(ROOMS)
    for name in re.findall(rf"`((?:{rooms})\.(?!json)[\w.]+\*?)`", page):
        parent, _, last = f"orchestrator_tui.{name}".rpartition(".")
        found = importlib.import_module(parent)
        if hasattr(found, "__path__") and importlib.util.find_spec(f"{parent}.{last}"):
            continue
        assert any(fnmatch.fnmatchcase(each, last) for each in vars(found)), name


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=]", line)[0] for line in project["dependencies"]}
    told = {
        row[0].strip("`")
        for row in _rows(ROOT / "docs" / "architecture.md")
        if len(row) == 2 and row[0].startswith("`")
    }
    assert told == names
    imported = {module.partition(".")[0] for path in EVERY for module in imports_of(path)}
    assert names == imported - sys.stdlib_module_names - {"orchestrator_tui"}


def _sections(page: Path) -> set[str]:
    """Return the headings of a page, lower-case."""
    return {heading.lower() for heading in re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)}


def test_every_page_and_section_that_the_code_names_is_there() -> None:
    """Constants that came from somewhere say where: `# docs/formats.md, heartbeat`."""
    named = re.compile(r"docs/(\w+\.md)(?:, ([\w ]+))?")
    missing = []
    for path in EVERY:
        for page, section in named.findall(path.read_text()):
            titles = _sections(ROOT / "docs" / page) if (ROOT / "docs" / page).exists() else set()
            if not any(title.startswith(section.strip()) for title in titles):
                missing.append(f"{path.name}: {page}, {section}")
    assert missing == []


def test_every_limit_of_the_configuration_is_in_the_document_with_its_default() -> None:
    defaults = LimitsShape().model_dump(by_alias=True)
    logs = defaults.pop("logs")
    defaults |= {f"logs.{name}": value for name, value in logs.items()}
    told = {
        row[0].strip("`"): row[1] for row in _rows(ROOT / "docs" / "formats.md") if len(row) == 3
    }
    assert {key: told.get(key) for key in defaults} == {
        k: f"{v:g}" if isinstance(v, float) else json.dumps(v) for k, v in defaults.items()
    }


def test_every_field_of_a_manifest_is_in_the_document() -> None:
    text = (ROOT / "docs" / "formats.md").read_text()
    written = manifest_to_document(Manifest(commands=(CommandRecord(1, "x", "X"),)))
    fields = [*written, *written["commands"][0]]
    assert [name for name in fields if f"`{name}`" not in text] == []


def test_every_check_is_shown_by_a_test_and_every_test_names_a_check() -> None:
    page = (ROOT / "docs" / "acceptance.md").read_text()
    told = [int(number) for number in re.findall(r"^(\d+)\. ", page, re.MULTILINE)]
    sources = [path.read_text() for path in (ROOT / "tests").rglob("*.py")]
    marks = [mark for text in sources for mark in re.findall(r"\.acceptance\(([\d, ]+)\)", text)]
    shown = {int(number) for mark in marks for number in re.findall(r"\d+", mark)}
    assert told == list(range(1, len(told) + 1))
    assert set(told) == shown


def test_the_statuses_in_the_document_are_those_of_the_program() -> None:
    told = {row[0] for row in _rows(ROOT / "docs" / "interop.md") if row[0][:1].isdigit()}
    numbers = {number for cell in told for number in re.findall(r"\d+", cell)}
    assert numbers == {str(status.value) for status in Exit if status != Exit.BROKEN_PIPE}


def test_every_verb_is_shown_in_the_readme() -> None:
    assert {words[0] for words in OURS if words} == set(VERBS)


def test_every_complaint_is_answered_by_a_test_or_put_off_with_a_reason() -> None:
    rows = [row for row in _rows(ROOT / "docs" / "complaints.md") if row[0].isdigit()]
    assert [int(row[0]) for row in rows] == list(range(1, 58))
    for number, _, _, answer, shown in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", shown)
        assert named or "later" in answer, number
        for path, test in named:
            assert f"def {test}(" in (ROOT / path).read_text(), f"{number}: {path}::{test}"
