"""All runs by key: a frozen map, and another one for each change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.state.fleet import RunState
from orchestrator_tui.state.run_map import RunMap, RunMapDraft

KEYS = [RunKey(f"task-{n % 3}", f"run-{n}") for n in range(8)]
STEPS = st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(["put", "drop"])), max_size=30)


def changed(
    runs: RunMap[RunState], steps: list[tuple[RunKey, str]], known: dict[RunKey, RunState]
) -> RunMap[RunState]:
    """Return the map after these steps, which `known` takes, too."""
    draft = RunMapDraft(runs)
    for key, what in steps:
        if what == "put":
            known[key] = RunState(key, gone_probes=len(known))
            draft.put(key, known[key])
        elif known.pop(key, None):
            draft.drop(key)
    return draft.finished()


@given(first=STEPS, second=STEPS)
def test_it_holds_what_a_dict_would_and_never_changes(
    first: list[tuple[RunKey, str]], second: list[tuple[RunKey, str]]
) -> None:
    known: dict[RunKey, RunState] = {}
    before = changed(RunMap(), first, known)
    kept = dict(known)
    after = changed(before, second, known)
    for runs, expected in ((before, kept), (after, known)):
        assert dict(runs) == dict(runs.items()) == expected
        assert len(runs) == len(list(runs.values())) == len(expected)
        assert all((key in runs) == (key in expected) for key in KEYS)
        assert all(runs.get(key) is expected.get(key) for key in KEYS)
    news, gone = after.changes_since(before)
    assert {run.key for run in news} == {k for k in known if known[k] is not kept.get(k)}
    assert set(gone) == kept.keys() - known.keys()


def test_no_change_is_the_very_same_map() -> None:
    runs = changed(RunMap(), [(KEYS[0], "put")], {})
    assert RunMapDraft(runs).finished() is runs
