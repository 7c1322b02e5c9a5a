"""Every claim of reliability, tried a few times; `./scripts/prove` tries it more often."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from prove.__main__ import Row, table
from prove.claims import CLAIMS
from prove.harness import Found
from prove.soak import Sample, slope_of

ROOT = Path(__file__).parent.parent
PROVE = ROOT / "scripts" / "prove"
SHOWS = {"writers": (28,), "ladder": (62, 102), "kills": (30,)}


def prove(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the script with this interpreter's packages."""
    return subprocess.run(
        [PROVE, *words],
        env={**os.environ, "ORCH_TUI_VENV": sys.prefix},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.acceptance(*SHOWS.get(name, ()))) for name in CLAIMS],
)
def test_a_claim_holds_and_its_control_is_caught(name: str) -> None:
    ended = prove(name, "--few", "--seed", "7")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Every claim held." in ended.stdout
    assert "| caught" in ended.stdout


def test_the_page_tells_of_every_claim() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(CLAIMS)
    assert set(re.findall(r"^\| (\w+): ", page, re.MULTILINE)) == set(CLAIMS)


def test_an_unknown_claim_is_told_with_those_there_are() -> None:
    ended = prove("nothing")
    assert ended.returncode == 2
    assert "no claim nothing; there are: kills" in ended.stderr


@pytest.mark.parametrize(
    ("found", "holds"),
    [
        (Found(trials=3, is_caught=True), True),
        (Found(trials=3, is_caught=False), False),
        (Found(trials=3, is_caught=True, failures=["lost"]), False),
        (Found(trials=0, is_caught=True), False),
    ],
)
def test_a_claim_holds_only_with_trials_that_can_see(found: Found, holds: bool) -> None:
    assert found.holds is holds


def test_the_table_tells_a_control_that_saw_nothing() -> None:
    drawn = table([Row("kills", 7, 1.0, Found(trials=1000))])
    assert "NOT CAUGHT" in drawn
    assert "1,000" in drawn


def test_a_leak_is_a_slope() -> None:
    def samples(step: int) -> list[Sample]:
        return [Sample(10.0 * n, 20 + n * step, 1000, 5, 30, 0.0) for n in range(60)]

    assert slope_of(samples(0), "descriptors") == 0
    assert slope_of(samples(1), "descriptors") > 100
    assert slope_of(samples(1), "rss_kib") == 0
