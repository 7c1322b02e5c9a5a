"""The benchmarks: each subject measures and prints its tables; how long it took is never judged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent.parent / "scripts" / "bench"
SMALL = {
    "runner": (["--stages", "1", "2"], {"1 stages, orch-tui", "posix_spawn of a shell"}),
    "output": (["--mib", "1"], {"orch-tui, whole log", "on disk per byte, whole log"}),
    "locks": (["--processes", "2", "--records", "2"], {"not recorded, of 4", "time-outs in 2"}),
    "start": (["--runs", "3"], {"orch-tui version", "orch-tui list", "orch-tui, 3 runs"}),
    "scan": (["--runs", "3"], {"again", "first time", "walk and stat"}),
    "watch": (
        ["--runs", "3", "--changes", "2", "--many", "20"],
        {"lone, 3 runs", "missed of 20, 10 s later"},
    ),
    "screens": (
        ["--runs", "3", "--ordered", "30", "--keys", "4", "--log-mib", "1", "--seconds", "1"],
        {
            "bytes a key",
            "order: duration",
            "filter: since:30d",
            "written, 50 rows tick",
            "Textual's Log, text without JSON",
        },
    ),
    "memory": (["--runs", "3,30", "--rest", "0.2"], {"each further run", "blank Textual app"}),
    "history": (["--entries", "3"], {"runs.json, 3 entries", "metrics.json, 3 entries"}),
}


def bench(*words: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the benchmarks with this interpreter's packages."""
    return subprocess.run(
        [BENCH, *words],
        env={**os.environ, "ORCH_TUI_VENV": sys.prefix, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def table(printed: str) -> dict[str, list[str]]:
    """Return the lines of all printed tables by their first cell."""
    rows = [line.strip("|").split("|") for line in printed.splitlines() if line.startswith("|")]
    return {row[0].strip(): [cell.strip() for cell in row] for row in rows}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("subject", SMALL)
def test_a_subject_prints_its_tables_and_leaves_nothing_behind(
    subject: str, tmp_path: Path
) -> None:
    sizes, expected = SMALL[subject]
    places = {"TMPDIR": str(tmp_path), "ORCH_TUI_NODE_PEER": str(tmp_path)}
    ended = bench(subject, "--rounds", "1", *sizes, environ=places)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Not measured" not in ended.stdout
    lines = table(ended.stdout)
    assert expected <= set(lines)
    assert {len(cells) for cells in lines.values()} == {len(lines["what"])}
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_measured_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "node_modules" / ".bin" / "codex-orchestrator"
    broken.parent.mkdir(parents=True)
    broken.write_text("#!/bin/sh\nexit 9\n")
    broken.chmod(0o755)
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho v0\n")
    node.chmod(0o755)
    environ = {"ORCH_TUI_NODE_PEER": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    ended = bench("start", "--rounds", "1", "--runs", "3", environ=environ)
    assert ended.returncode == 0
    assert "Not measured: " in ended.stdout
    assert "ended with 9" in ended.stdout
