"""Control: requests are numbered, kept apart, validated, and encoded as the Node original does."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator_tui.records.paths import RunPaths
from orchestrator_tui.store.control import (
    MAX_SEQ,
    ActionKind,
    ControlRequest,
    encode_trace_id,
    read_control,
    request_action,
)
from orchestrator_tui.store.reading import BadContent
from tests.fakes import NOON
from tests.store.conftest import RUN, got, put


def ask(paths: RunPaths, action: ActionKind = ActionKind.CANCEL, last_seen: int = 0) -> int:
    return request_action(
        paths, action, reason="wrong branch", requested_by="a@b", now=NOON, last_seen=last_seen
    )


def accepted(paths: RunPaths, document: Any) -> ControlRequest:
    put(paths.control, document)
    found = read_control(paths)
    assert isinstance(found, ControlRequest)
    return found


def refused(paths: RunPaths, document: Any) -> str:
    put(paths.control, document)
    found = read_control(paths)
    assert isinstance(found, BadContent)
    return found.reason


def test_a_request_is_written_as_the_node_original_reads_it(paths: RunPaths) -> None:
    assert ask(paths) == 1
    document = got(paths.control)
    action = document["latest_action"]
    assert (document["run_id"], document["control_seq"]) == (RUN, 1)
    assert action == {
        "request_id": action["request_id"],
        "intent_id": None,
        "requested_by": "a@b",
        "requested_at": "2026-01-01T12:00:00.000Z",
        "action": "cancel",
        "reason": "wrong branch",
    }
    assert re.fullmatch(r"[0-9a-f-]{36}", action["request_id"])


def test_numbers_rise_and_what_else_the_file_holds_is_kept(paths: RunPaths) -> None:
    put(
        paths.control,
        {
            "control_seq": 4,
            "feature_toggles": {"a": True},
            "transport_mutation": None,
            "latest_action": {"action": "pause", "confirm_nonce": "secret"},
        },
    )
    assert ask(paths) == 5
    document = got(paths.control)
    assert document["feature_toggles"] == {"a": True}
    assert "confirm_nonce" not in paths.control.read_text()
    assert ask(paths, last_seen=9) == 10


@pytest.mark.parametrize(
    "seq", ["1e308", "-1", "true", '"7"', "null", "1.5", str(2**53 - 1), str(2**70), "[]", "1e18"]
)
def test_a_number_that_makes_no_sense_is_not_counted_on(paths: RunPaths, seq: str) -> None:
    put(paths.control, f'{{"control_seq": {seq}}}')
    assert ask(paths) == 1


def test_an_unreadable_file_is_replaced(paths: RunPaths) -> None:
    for content in (b"{", b"[]", b"\xff", b'{"control_seq": 1, "control_seq": 9}'):
        put(paths.control, content)
        assert ask(paths) == 1


def test_the_last_number_of_all_is_refused_with_the_cure(paths: RunPaths) -> None:
    put(paths.control, {"control_seq": MAX_SEQ})
    with pytest.raises(ValueError, match="remove the file"):
        ask(paths)


def test_requests_at_the_same_time_get_numbers_of_their_own(paths: RunPaths) -> None:
    with ThreadPoolExecutor(4) as pool:
        numbers = sorted(pool.map(lambda _: ask(paths), range(4)))
    assert numbers == [1, 2, 3, 4]


def test_a_request_is_read_back(paths: RunPaths) -> None:
    ask(paths, ActionKind.PAUSE)
    found = read_control(paths)
    assert isinstance(found, ControlRequest)
    assert (found.seq, found.action, found.reason) == (1, ActionKind.PAUSE, "wrong branch")
    assert found.trace == f" (request_id={found.request_id})"
    assert not found.has_nonce


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_request_of_a_stranger_is_told_and_passed_over(paths: RunPaths) -> None:
    ask(paths)
    os.chown(paths.control, 65534, 65534)
    found = read_control(paths)
    assert isinstance(found, BadContent)
    assert "belongs to another user" in found.reason
    os.chown(paths.run_dir, 65534, 65534)
    assert isinstance(read_control(paths), ControlRequest)


def test_no_file_is_no_request(paths: RunPaths) -> None:
    assert read_control(paths) is None


@pytest.mark.acceptance(106)
@pytest.mark.parametrize("name", ["confirm_nonce", "confirmNonce"])
def test_an_action_with_a_nonce_is_marked_even_if_it_is_empty(paths: RunPaths, name: str) -> None:
    found = accepted(paths, {"control_seq": 1, "latest_action": {"action": "cancel", name: None}})
    assert found.has_nonce


@pytest.mark.acceptance(106)
@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"{", "not JSON"),
        (b"[]", "not an object"),
        (b'{"control_seq": 1e308}', "control_seq"),
        (b'{"control_seq": -1}', "control_seq"),
        (b'{"control_seq": "1"}', "control_seq"),
        (b'{"control_seq": true}', "control_seq"),
        (b'{"control_seq": 1, "control_seq": 2}', "a name comes twice"),
        (b'{"control_seq": NaN}', "NaN"),
        (b" " * 70_000, "limit"),
    ],
)
def test_a_file_that_makes_no_sense_is_told(paths: RunPaths, document: bytes, words: str) -> None:
    assert words in refused(paths, document)


@pytest.mark.parametrize("latest", [None, [], "cancel", {}, {"action": "explode"}, {"action": 3}])
def test_a_file_without_a_known_action_asks_for_nothing(paths: RunPaths, latest: object) -> None:
    assert accepted(paths, {"control_seq": 3, "latest_action": latest}).action is None
    assert accepted(paths, {"latest_action": latest}).seq == 0


@pytest.mark.acceptance(107)
def test_ids_that_are_not_texts_are_passed_over(paths: RunPaths) -> None:
    action = {"action": "cancel", "request_id": 7, "intent_id": {"a": 1}, "reason": ["x"]}
    found = accepted(paths, {"control_seq": 1, "latest_action": action})
    assert found.request_id is found.intent_id is found.reason is None
    assert found.trace == ""


@pytest.mark.acceptance(101)
def test_a_trace_names_the_intent_before_the_request() -> None:
    request = ControlRequest(1, request_id="r 1", intent_id=" i&2 ")
    assert request.trace == " (intent_id=i%262, request_id=r%201)"


@pytest.mark.acceptance(107)
@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("😀&" * 250, "%F0%9F%98%80%26" * 80),
        ("a-b_c.d!e~f*g'h(i)j", "a-b_c.d!e~f*g'h(i)j"),
        ("  spaced out ", "spaced%20out"),
        ("cut \ud83d here", "cut%20%EF%BF%BD%20here"),
        ("line\nbreak/ü", "line%0Abreak%2F%C3%BC"),
        ("", ""),
        (None, ""),
        (7, ""),
        (["x"], ""),
    ],
)
def test_ids_are_cut_and_percent_encoded(value: object, encoded: str) -> None:
    assert encode_trace_id(value) == encoded


@given(st.text())
def test_an_encoded_id_is_plain_and_bounded(value: str) -> None:
    encoded = encode_trace_id(value)
    assert encoded.isascii()
    assert not set(encoded) & set(' \n\x1b"<>&')
    assert len(encoded) <= 160 * 12
