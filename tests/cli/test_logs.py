"""logs: what the stages of a run have written."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.cli.conftest import OrchTuiCommand

RUN = "4b6631bc"


def test_all_stages_are_printed_in_order_under_their_names(
    orch_tui: OrchTuiCommand, peer_repo: Path
) -> None:
    lines = orch_tui("logs", RUN).out.splitlines()
    assert [line for line in lines if line.startswith("==>")] == [
        "==> 1 advice <==",
        "==> 2 compile <==",
    ]
    assert "warning: 3 advisories" in lines
    assert sum("error: unknown type name" in line for line in lines) == 401  # and the command


def test_one_stage_and_one_stream_are_printed_alone(
    orch_tui: OrchTuiCommand, peer_repo: Path
) -> None:
    lines = orch_tui("logs", RUN, "--stage", "compile", "--errors").out.splitlines()
    assert len(lines) == 400
    assert all(line.startswith("src/module_") for line in lines)
    assert orch_tui("logs", RUN, "--stage", "2", "--stream", "out").out == ""


@pytest.mark.parametrize("count", [0, 1, 7, 399, 400, 500])
def test_the_tail_is_the_last_lines_over_all_stages(
    orch_tui: OrchTuiCommand, peer_repo: Path, count: int
) -> None:
    every = orch_tui("logs", RUN, "--stream", "err", "--format", "jsonl").out.splitlines()
    tail = orch_tui(
        "logs", RUN, "--stream", "err", "--format", "jsonl", "--tail", str(count)
    ).out.splitlines()
    assert tail == (every[-count:] if count else [])


def test_json_lines_carry_stage_stream_and_time(orch_tui: OrchTuiCommand, peer_repo: Path) -> None:
    first, said, *_ = (
        orjson.loads(line)
        for line in orch_tui("logs", "--run", RUN, "--format=jsonl").out.splitlines()
    )
    assert first["stream"] == "note"
    assert said == {
        "stage": "advice",
        "index": 1,
        "attempt": 1,
        "stream": "stderr",
        "timestamp": "2026-11-22T07:27:21.110Z",
        "text": "warning: 3 advisories",
        "cut_bytes": 0,
    }


def test_output_in_colours_comes_out_plain(orch_tui: OrchTuiCommand, peer_repo: Path) -> None:
    assert "\x1b" not in orch_tui("logs", RUN).out


def test_following_a_run_that_is_no_longer_active_ends(
    orch_tui: OrchTuiCommand, peer_repo: Path
) -> None:
    ended = orch_tui("logs", "f44bdb2e", "--follow", "--tail", "2")
    assert ended.status == 0
    assert ended.out.endswith("soak 12\nslow request 12\n")


def test_a_stage_that_is_not_there_is_answered_with_those_that_are(
    orch_tui: OrchTuiCommand, peer_repo: Path
) -> None:
    ended = orch_tui("logs", RUN, "--stage", "link")
    assert (ended.status, ended.out) == (3, "")
    assert "advice, compile, package" in ended.err
