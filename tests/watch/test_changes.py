"""Paths that changed become what is worth looking at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.watch.changes import Change, ChangeKind, classify

ROOT = "/repo/.runs"
KEY = RunKey("t", "r")


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("", Change(ChangeKind.TASKS)),
        ("/t", Change(ChangeKind.RUNS, "t")),
        ("/t/cli", Change(ChangeKind.RUNS, "t")),
        ("/t/mcp", Change(ChangeKind.RUNS, "t")),
        ("/t/cli/r", Change(ChangeKind.RUN, "t", KEY)),
        ("/t/r", Change(ChangeKind.RUN, "t", KEY)),
        ("/t/r/manifest.json", Change(ChangeKind.MANIFEST, "t", KEY)),
        ("/t/cli/r/manifest.json", Change(ChangeKind.MANIFEST, "t", KEY)),
        ("/t/mcp/r/manifest.json", Change(ChangeKind.MANIFEST, "t", KEY)),
        ("/t/cli/r/.heartbeat", Change(ChangeKind.LIFE, "t", KEY)),
        ("/t/cli/r/runner.json", Change(ChangeKind.LIFE, "t", KEY)),
        ("/t/cli/r/control.json", Change(ChangeKind.WAITING, "t", KEY)),
        ("/t/cli/r/events.jsonl", Change(ChangeKind.WAITING, "t", KEY)),
        ("/t/cli/r/runner.ndjson", Change(ChangeKind.LOG, "t", KEY)),
        ("/t/cli/r/commands/01-build.ndjson", Change(ChangeKind.LOG, "t", KEY)),
        ("/t/cli/r/errors/01-build.json", Change(ChangeKind.ERRORS, "t", KEY)),
        ("/t/cli/r/errors", Change(ChangeKind.ERRORS, "t", KEY)),
        ("/t/cli/r/manifest.json.tmp-77-1-1", None),
        ("/t/cli/r/.manifest.json.77.0a1b.tmp", None),
        ("/t/cli/r/.resume-token", None),
        ("/t/cli/r/memory/source-0/index.json", None),
        ("/t/metrics.json", None),
        ("/t/metrics/baseline.json", None),
        ("/t.lock", None),
        ("/t.lock.acquire", None),
        ("/local-mcp/r/manifest.json", None),
        ("/.hidden/cli/r/manifest.json", None),
        ("/t/cli/CON/manifest.json", None),
        ("x/t/cli/r/manifest.json", None),
    ],
)
def test_a_path_has_one_meaning_or_none(path: str, change: Change | None) -> None:
    assert classify([ROOT + path], ROOT) == (frozenset([change]) if change else frozenset())


def test_many_paths_of_one_thing_are_one_change() -> None:
    paths = [f"{ROOT}/t/cli/r/commands/0{n}-x.ndjson" for n in range(9)]
    assert classify([*paths, "/elsewhere"], ROOT + "/") == {Change(ChangeKind.LOG, "t", KEY)}


@given(st.lists(st.text(st.sampled_from("/.tcliru \0\ud800é"), max_size=20), max_size=5))
def test_no_path_makes_it_raise(paths: list[str]) -> None:
    classify([f"{ROOT}/{path}" for path in paths], ROOT)
