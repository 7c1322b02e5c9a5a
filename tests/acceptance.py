"""The checks of docs/acceptance.md, number by number, at the end of a run of the tests.

Told when `-k` names acceptance, or with ORCH_TUI_ACCEPTANCE set; a pytest plugin of tests/conftest.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

VARIABLE = "ORCH_TUI_ACCEPTANCE"
MARK = "acceptance"
FIGURES = "figures"  # what a test measured: `record_property("figures", "400 of 400, …")`
# The first number of each section; the last section ends with LAST.
SECTIONS = {
    "A": (1, "Identifiers"),
    "B": (14, "Locks and history"),
    "C": (31, "The end of a run on disk"),
    "D": (38, "Heartbeat and manifest"),
    "E": (53, "Output"),
    "F": (65, "Manifest and stages"),
    "G": (80, "Resume"),
    "H": (90, "Metrics"),
    "I": (96, "Sub-pipelines"),
    "J": (101, "Requests to a run"),
    "K": (110, "Side by side"),
}
LAST = 121
# Why a number cannot be shown by a test; none is at present.
WITHOUT_TEST: dict[int, str] = {}


def label(number: int) -> str:
    """Return a number with the letter of its section: `J109`."""
    letter = max(letter for letter, (first, _) in SECTIONS.items() if first <= number)
    return f"{letter}{number}"


@dataclass(slots=True)
class Shown:
    """How the tests of one number went; a test is counted once."""

    passed: int = 0
    failed: int = 0
    skipped: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        reasons = "; ".join(sorted(set(self.skipped)))
        parts = [
            f"failed ({_tests(self.failed)})" if self.failed else "",
            f"passed ({_tests(self.passed)})" if self.passed else "",
            f"skipped ({_tests(len(self.skipped))}: {reasons})" if self.skipped else "",
        ]
        return ", ".join(part for part in parts if part)


def _tests(count: int) -> str:
    return f"{count} test" if count == 1 else f"{count} tests"


def outcomes(reports: list[pytest.TestReport]) -> dict[int, Shown]:
    """Return how each number went that some report carries.

    A test fails if any of its phases does, is skipped if one is, and passes otherwise.
    """
    phases: dict[str, list[pytest.TestReport]] = defaultdict(list)
    for report in reports:
        phases[report.nodeid].append(report)
    shown: dict[int, Shown] = defaultdict(Shown)
    for told in phases.values():
        for number in sorted(set(_numbers(told))):
            if any(report.failed for report in told):
                shown[number].failed += 1
            elif skipped := [report for report in told if report.skipped]:
                shown[number].skipped.append(_reason(skipped[0]))
            else:
                shown[number].passed += 1
    return dict(shown)


def _numbers(reports: list[pytest.TestReport]) -> Iterator[int]:
    for report in reports:
        for name, value in report.user_properties:
            if name == MARK:
                yield int(str(value))


def _reason(report: pytest.TestReport) -> str:
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return told.removeprefix("Skipped: ")


def figures(reports: list[pytest.TestReport]) -> list[str]:
    """Return what tests measured, each line once, named by its test."""
    told = {
        f"  {report.nodeid.rpartition('::')[2]}: {value}": None
        for report in reports
        for name, value in report.user_properties
        if name == FIGURES
    }
    return ["Figures", *told] if told else []


def table(shown: dict[int, Shown]) -> list[str]:
    """Return the lines of the summary: every number under its section."""
    lines = []
    titles = dict(SECTIONS.values())
    for number in range(1, LAST + 1):
        if number in titles:
            lines.append(f"{label(number)[0]}. {titles[number]}")
        without = f"no test: {WITHOUT_TEST.get(number, 'none was run')}"
        lines.append(f"  {label(number):<5} {shown.get(number) or without}")
    lines.append(_counts(shown))
    return lines


def _counts(shown: dict[int, Shown]) -> str:
    failed = [label(number) for number, how in sorted(shown.items()) if how.failed]
    passed = sum(1 for how in shown.values() if how.passed and not how.failed)
    skipped = sum(1 for how in shown.values() if not how.passed and not how.failed)
    without = LAST - len(shown)
    told = f"{LAST} checks: {passed} passed, {len(failed)} failed"
    return f"{told}, {skipped} skipped, {without} without a test" + (
        f" (failed: {', '.join(failed)})" if failed else ""
    )


class AcceptanceSummary:
    """Carries the numbers of each test in its reports, which reach the one process that tells."""

    def __init__(self, config: pytest.Config) -> None:
        self._wanted = MARK in config.option.keyword or VARIABLE in os.environ

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for mark in item.iter_markers(MARK):
                item.user_properties.extend((MARK, number) for number in mark.args)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._wanted:
            return
        reports = [
            report
            for kind in ("passed", "failed", "error", "skipped", "")
            for report in terminalreporter.getreports(kind)
            if isinstance(report, pytest.TestReport)
        ]
        terminalreporter.section("acceptance")
        for line in (*figures(reports), *table(outcomes(reports))):
            terminalreporter.write_line(line)
