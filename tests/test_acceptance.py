"""The summary of the acceptance checks tells the truth, in one process and in several."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.acceptance import LAST, SECTIONS, label

pytest_plugins = ["pytester"]
PAGE = Path(__file__).parent.parent / "docs" / "acceptance.md"
CONFTEST = """
from tests.acceptance import AcceptanceSummary

def pytest_configure(config):
    config.addinivalue_line("markers", "acceptance(*numbers): shows these")
    config.pluginmanager.register(AcceptanceSummary(config), "acceptance-summary")
"""
TESTS = """
import pytest

@pytest.mark.acceptance(1, 2)
@pytest.mark.parametrize("case", [1, 2])
def test_good(case, record_property):
    record_property("figures", f"{case} of 2")

@pytest.mark.acceptance(2, 14)
def test_bad():
    assert False

@pytest.fixture
def torn():
    yield
    raise OSError("gone")

@pytest.mark.acceptance(15)
def test_bad_end(torn):
    pass

@pytest.mark.acceptance(109)
def test_left_out():
    pytest.skip("npm is not installed")

@pytest.mark.acceptance(1)
@pytest.mark.skip("not here")
def test_never():
    pass
"""


def test_the_sections_are_those_of_the_page() -> None:
    found: dict[str, int] = {}
    title = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
        elif (number := re.match(r"(\d+)\. ", line)) and title not in found:
            found[title] = int(number[1])
    assert found == {title: first for first, title in SECTIONS.values()}
    assert [label(number) for number in (1, 13, 14, 109, LAST)] == [
        "A1",
        "A13",
        "B14",
        "J109",
        "K121",
    ]


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "at-once"])
def test_every_number_is_told_once_with_its_outcome(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: list[str]
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(PAGE.parent.parent))
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TESTS)
    ended = pytester.runpytest_subprocess("-k", "acceptance", "-p", "no:cacheprovider", *workers)
    told = [line for line in ended.outlines if re.match(r"  [A-K]\d+ ", line)]
    assert len(told) == LAST
    found = {line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1] for line in told}
    assert found["A1"] == "passed (2 tests), skipped (1 test: not here)"
    assert found["A2"] == "failed (1 test), passed (2 tests)"
    assert found["B14"] == found["B15"] == "failed (1 test)"
    assert found["J109"] == "skipped (1 test: npm is not installed)"
    assert found["K121"] == "no test: none was run"
    assert "  test_good[1]: 1 of 2" in ended.outlines
    counts = "121 checks: 1 passed, 3 failed, 1 skipped, 116 without a test"
    assert f"{counts} (failed: A2, B14, B15)" in ended.outlines


def test_nothing_is_told_where_nobody_asked(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(PAGE.parent.parent))
    monkeypatch.delenv("ORCH_TUI_ACCEPTANCE", raising=False)
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TESTS)
    assert "without a test" not in pytester.runpytest_subprocess().stdout.str()
