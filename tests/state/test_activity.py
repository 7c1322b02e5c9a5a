"""What is kept of actions, toasts and trouble, and in which order."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from orchestrator_tui.state.activity import (
    KEPT_ACTIONS,
    KEPT_TOLD,
    Entry,
    Kind,
    Result,
    from_document,
    matching,
    merged,
    to_document,
    watch_trouble,
)
from orchestrator_tui.state.observations import Freshness, FreshnessSeen, RunSeen, Unreadable
from tests.state.values import KEY, ago, facts

START = Entry("a-1", ago(hours=2), Kind.ACTION, Result.DONE, "Started.", "orch-tui start x", KEY)
ASKED = Entry("a-2", ago(hours=1), Kind.ACTION, Result.PENDING, "", "orch-tui cancel y")
TOAST = Entry("a-3", ago(minutes=1), Kind.TOLD, Result.TOLD, "Copied\nthe line")


def test_the_newest_comes_first_and_the_last_word_holds() -> None:
    ended = replace(ASKED, result=Result.REFUSED, words="It has ended.")
    assert merged((START, TOAST), (ASKED,), (ended,)) == (TOAST, ended, START)


def test_toasts_push_no_action_out() -> None:
    toasts = [replace(TOAST, name=f"t-{n}", at=ago(seconds=n)) for n in range(KEPT_TOLD + 50)]
    actions = [replace(START, name=f"s-{n}", at=ago(days=n)) for n in range(KEPT_ACTIONS + 50)]
    kept = merged(toasts, actions)
    assert sum(entry.kind is Kind.ACTION for entry in kept) == KEPT_ACTIONS
    assert sum(entry.kind is Kind.TOLD for entry in kept) == KEPT_TOLD
    assert kept[0].name == "t-0"
    assert kept[-1].name == f"s-{KEPT_ACTIONS - 1}"


def test_actions_are_remembered_and_nothing_else() -> None:
    document = json.loads(json.dumps(to_document((START, TOAST, ASKED))))
    assert from_document(document, "a-") == (ASKED, START)


def test_what_an_earlier_session_left_pending_has_an_unknown_end() -> None:
    (asked,) = from_document(to_document((ASKED,)), "b-")
    assert asked.result is Result.UNKNOWN


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"version": 2, "actions": [{}]},
        {"version": 1, "actions": {"a": 1}},
        {"version": 1, "actions": [None, 7, {}, {"name": "x", "at": "noon", "result": "done"}]},
        {"version": 1, "actions": [{"name": "x", "at": "2026-01-01T12:00:00Z", "result": "odd"}]},
    ],
)
def test_what_is_no_action_is_left_out(document: dict[str, object]) -> None:
    assert from_document(document, "a") == ()


def test_a_filter_looks_at_command_words_result_and_run() -> None:
    entries = (TOAST, ASKED, START)
    assert matching(entries, "START x") == (START,)
    assert matching(entries, "pending") == (ASKED,)
    assert matching(entries, KEY.run_id) == (START,)
    assert matching(entries, "nothing") == ()
    assert TOAST.line == "Copied the line"


def test_trouble_is_told_when_it_begins_and_when_it_is_over() -> None:
    torn = Unreadable(KEY, ".runs/a/manifest.json", "empty")
    full = FreshnessSeen(Freshness("polling", problem="inotify limit: polling"))
    known, news = watch_trouble({}, (torn, full, torn))
    assert [(each.key, each.is_over) for each in news] == [(KEY, False), (None, False)]
    assert news[0].words == ".runs/a/manifest.json cannot be read: empty"
    assert watch_trouble(known, (torn, full)) == (known, ())
    known, news = watch_trouble(known, (RunSeen(facts()), FreshnessSeen(Freshness("watching"))))
    assert [each.is_over for each in news] == [True, True]
    assert news[1].words == "over: inotify limit: polling"
    assert dict(known) == {}
