"""list: all runs, newest first."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import orjson
import pytest
from rich.cells import cell_len

from orchestrator_tui.cli.looking import LookedAt, look_at, look_at_all
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.store.discovery import locate_run
from tests.cli.conftest import FIXTURES, OrchTuiCommand

T = TypeVar("T")
MAKE_RUNS = Path(__file__).parent.parent.parent / "scripts" / "make_runs"
STATES = [
    "lost",
    "failed",
    "failed",
    "succeeded",
    "succeeded",
    "succeeded",
    "failed",
    "succeeded",
]


def on_terminal(*arguments: str, columns: int, cwd: Path, **environ: str) -> str:
    """Return what the program writes to a terminal of that width."""
    ours, theirs = pty.openpty()
    variables = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")}
    with subprocess.Popen(
        [sys.executable, "-m", "orchestrator_tui", *arguments],
        cwd=cwd,
        env={**variables, "TERM": "xterm", "COLUMNS": str(columns), **environ},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
    ) as program:
        os.close(theirs)
        written = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # the terminal's other end is closed
                break
            written += chunk
    os.close(ours)
    assert program.returncode == 0
    return written.decode().replace("\r\n", "\n")


def test_json_has_all_runs_newest_first(orch_tui: OrchTuiCommand, peer_repo: Path) -> None:
    document = orch_tui("list", "--format", "json").document
    assert document["schema"] == "orch-tui/list/1"
    runs = document["runs"]
    assert [run["state"] for run in runs] == STATES
    assert [run["run_id"] for run in runs] == sorted((r["run_id"] for r in runs), reverse=True)
    failed = runs[6]
    assert failed == {
        "run_id": "2026-11-22T07-27-21-083Z-4b6631bc",
        "task_id": "0202-orchestrator-hardening",
        "pipeline_id": "flaky",
        "pipeline_title": "Flaky lint",
        "status": "failed",
        "state": "failed",
        "state_reason": "stage compile failed, exit 2",
        "badges": [],
        "started_at": "2026-11-22T07:27:21.084Z",
        "completed_at": "2026-11-22T07:27:21.138Z",
        "parent_run_id": None,
        "stage": {"index": 2, "of": 3, "id": "compile"},
        "manifest": ".runs/0202-orchestrator-hardening/cli/2026-11-22T07-27-21-083Z-4b6631bc"
        "/manifest.json",
        "problems": [],
    }


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (("--state", "failed"), 3),
        (("--state", "failed", "--state", "lost"), 4),
        (("--state", "active"), 0),
        (("--state", "problem"), 4),
        (("--task", "0202"), 4),
        (("--pipeline", "diagnostics"), 3),
        (("--filter", "flaky -task:0911"), 1),
        (("--since", "30m"), 1),  # a run that has not ended always counts
        (("--limit", "2"), 2),
        (("--sort", "attention"), 8),
    ],
)
def test_the_list_can_be_narrowed(
    orch_tui: OrchTuiCommand, peer_repo: Path, arguments: tuple[str, ...], count: int
) -> None:
    assert len(orch_tui("list", "--format", "json", *arguments).document["runs"]) == count
    lines = orch_tui("list", "--format", "jsonl", *arguments).out.splitlines()
    assert len([orjson.loads(line) for line in lines]) == count


@pytest.mark.parametrize(
    "arguments",
    [("--state", "nope"), ("--since", "soon"), ("--filter", "nope:1"), ("--limit", "0")],
)
def test_what_cannot_be_understood_is_wrong_usage(
    orch_tui: OrchTuiCommand, peer_repo: Path, arguments: tuple[str, ...]
) -> None:
    ended = orch_tui("list", *arguments)
    assert (ended.status, ended.out) == (2, "")


def test_the_table_is_aligned_and_whole_where_there_is_no_terminal(
    orch_tui: OrchTuiCommand, peer_repo: Path
) -> None:
    head, *lines = orch_tui("list").out.splitlines()
    assert head.split() == "STATE RUN TASK PIPELINE STAGE TIME AGE REASON".split()
    assert len(lines) == 8
    for line in lines:
        assert line[head.index("TASK") - 2 :].startswith("  0")
        assert "\x1b" not in line
    assert "0909-orchestrator-run-reporting-consistency" in lines[0]


@pytest.mark.parametrize("columns", [60, 80, 100, 140, 200])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    out = on_terminal("list", columns=columns, cwd=FIXTURES / "node-peer", NO_COLOR="1")
    assert "\x1b" not in out
    assert max(map(cell_len, out.splitlines())) <= columns
    assert "✗ FAILED     4b6631bc" in out


def test_states_are_coloured_on_a_terminal_and_the_words_stay() -> None:
    out = on_terminal("list", columns=120, cwd=FIXTURES / "node-peer")
    assert "\x1b[1;31m✗ FAILED" in out
    assert out.count("\x1b[0m") == 8
    assert "\x1b" not in on_terminal("list", columns=120, cwd=FIXTURES / "node-peer", TERM="dumb")


def test_ascii_is_enough_where_it_is_wanted(orch_tui: OrchTuiCommand, peer_repo: Path) -> None:
    assert orch_tui("--ascii", "list").out.isascii()
    assert not orch_tui("list").out.isascii()


def test_no_runs_are_no_error(orch_tui: OrchTuiCommand, repo: Path) -> None:
    ended = orch_tui("list")
    assert (ended.status, ended.out) == (0, "")
    assert ended.err == f"no runs in {repo / '.runs'}; --repo names another repository\n"
    assert orch_tui("list", "--format", "json").document["runs"] == []


def test_runs_of_the_generator_are_believed(orch_tui: OrchTuiCommand, repo: Path) -> None:
    made = [sys.executable, MAKE_RUNS, "40", "--root", repo, "--logs", "--pointers"]
    subprocess.run(
        [*map(str, made), "--live", "2", "--seconds", "0"], check=True, capture_output=True
    )
    runs = orch_tui("list", "--format", "json").document["runs"]
    assert len(runs) == 42
    assert {run["state"] for run in runs} == {"succeeded", "failed", "cancelled", "running"}
    assert [run["problems"] for run in runs if run["problems"]] == []
    failed = next(run["run_id"] for run in runs if run["state"] == "failed")
    assert orch_tui("logs", failed, "--errors", "--format", "jsonl").out.count("\n") == 1
    assert "logs:" in orch_tui("status", failed).out


@pytest.mark.acceptance(78)
def test_a_run_that_goes_on_is_shown_whatever_the_history_says(
    orch_tui: OrchTuiCommand, peer_repo: Path
) -> None:
    task = "0202-orchestrator-hardening"
    history = orjson.loads((peer_repo / "out" / task / "runs.json").read_bytes())
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    folder = peer_repo / ".runs" / task / "cli" / "2026-11-22T09-00-00-000Z-00000001"
    folder.mkdir(parents=True)
    manifest = {
        "run_id": folder.name,
        "status": "in_progress",
        "started_at": "2026-11-22T09:00:00.000Z",
        "heartbeat_at": now,
        "commands": [{"index": 1, "id": "x", "status": "running", "started_at": now}],
    }
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest))
    newest, *others = orch_tui("list", "--task", task, "--format", "json").document["runs"]
    assert (newest["run_id"], newest["status"], newest["state"]) == (
        folder.name,
        "in_progress",
        "running",
    )
    assert {run["run_id"] for run in others} == {run["runId"] for run in history["runs"]}
    (active,) = orch_tui("list", "--state", "active", "--format", "json").document["runs"]
    assert active["run_id"] == folder.name
    assert orch_tui("status", "@latest", "--format", "json").document["run_id"] == folder.name


@pytest.mark.acceptance(79)
def test_a_run_that_succeeded_without_a_guardrail_is_shown_so(
    orch_tui: OrchTuiCommand, peer_repo: Path
) -> None:
    histories = [orjson.loads(path.read_bytes()) for path in peer_repo.glob("out/*/runs.json")]
    unguarded = {
        run["runId"]
        for history in histories
        for run in history["runs"]
        if run["build"]["success"] and not run["test"]["success"]
    }
    assert unguarded
    listed = orch_tui("list", "--format", "json").document["runs"]
    assert {run["state"] for run in listed if run["run_id"] in unguarded} == {"succeeded"}


@pytest.mark.acceptance(118)
def test_five_thousand_tasks_are_listed_and_looked_up_quickly(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    roots = Roots.of(tmp_path)
    model = orjson.loads(next(FIXTURES.glob("minimal/recommended/.runs/*/cli/*/manifest.json"))
                         .read_bytes())  # fmt: skip
    model |= {"status": "succeeded", "completed_at": "2026-01-02T03:05:00.000Z"}
    run_ids = [f"2026-01-02T03-04-05-678Z-{number:08x}" for number in range(5000)]
    for number, run_id in enumerate(run_ids):
        folder = roots.runs / f"task-{number:04d}" / "cli" / run_id
        folder.mkdir(parents=True)
        names = {"run_id": run_id, "task_id": f"task-{number:04d}"}
        (folder / "manifest.json").write_bytes(orjson.dumps(model | names))
    _, walk_s = timed(lambda: walked(roots.runs))
    fleet, listed_s = timed(lambda: look_at_all(roots))

    def look_up(run_id: str) -> LookedAt | None:
        ref = locate_run(roots, run_id)
        return look_at(roots, ref) if ref else None

    look_up(run_ids[0])
    taken_s = []
    for run_id in run_ids[::500]:
        found, spent_s = timed(partial(look_up, run_id))
        assert found is not None
        taken_s.append(spent_s)
    typical_s = sorted(taken_s)[len(taken_s) // 2]
    told = f"5000 runs listed in {listed_s:.2f} s, one found and read in {typical_s * 1000:.0f} ms"
    record_property("figures", f"{told}, ten in {sum(taken_s):.2f} s (of processor time)")
    assert len(fleet.runs) == 5000
    # The bounds hold on a quiet machine; on another one no more is asked than its disk allows.
    assert listed_s < max(2, 45 * walk_s)
    assert typical_s < max(0.05, 2.5 * walk_s)
    assert sum(taken_s) < max(0.5, 25 * walk_s)


def walked(runs: Path) -> int:
    """Look at each manifest's size, as quickly as can be."""
    folders = [run.path for task in os.scandir(runs) for run in os.scandir(f"{task.path}/cli")]
    return sum(Path(folder, "manifest.json").stat().st_size for folder in folders)


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """Return what `work` does and the processor time that it takes, whoever else is busy."""
    begun = time.process_time()
    result = work()
    return result, time.process_time() - begun
