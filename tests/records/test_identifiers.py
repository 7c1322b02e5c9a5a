"""Identifiers: what may become part of a path, in the Node original's words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator_tui.records.identifiers import (
    MAX_ID_BYTES,
    InvalidIdentifier,
    RunKey,
    new_run_id,
    newest_first,
    run_id_time,
    sanitize_run_id,
    sanitize_task_id,
    slugify,
    stage_file_stem,
)

Sanitize = Callable[[str], str]
KINDS = [
    pytest.param(sanitize_task_id, "task", id="task"),
    pytest.param(sanitize_run_id, "run", id="run"),
]
both_kinds = pytest.mark.parametrize(("sanitize", "kind"), KINDS)


def complaint(sanitize: Sanitize, value: str) -> str:
    with pytest.raises(InvalidIdentifier) as caught:
        sanitize(value)
    return str(caught.value)


@pytest.mark.acceptance(1)
@both_kinds
def test_valid_identifiers_are_returned_unchanged(sanitize: Sanitize, kind: str) -> None:
    for value in (f"{kind}-001", "0202-orchestrator-hardening", "Ünïcode", " x", "a b", "\x80"):
        assert sanitize(value) == value


@pytest.mark.acceptance(2)
@both_kinds
def test_an_empty_identifier_is_told_apart(sanitize: Sanitize, kind: str) -> None:
    assert complaint(sanitize, "") == f"Invalid {kind} ID: value must be a non-empty string."


@pytest.mark.acceptance(3)
@both_kinds
@pytest.mark.parametrize("code", [*range(32), 127])
def test_every_control_character_is_refused(sanitize: Sanitize, kind: str, code: int) -> None:
    value = f"task{chr(code)}"
    expected = f'Invalid {kind} ID "{value}": control characters are not allowed.'
    assert complaint(sanitize, value) == expected


@pytest.mark.acceptance(4)
@both_kinds
@pytest.mark.parametrize("char", '<>:"|?*')
def test_characters_that_windows_forbids_are_named(
    sanitize: Sanitize, kind: str, char: str
) -> None:
    value = f"a{char}b"
    assert complaint(sanitize, value).endswith(f'": character "{char}" is not allowed.')


@pytest.mark.acceptance(4)
def test_of_two_bad_characters_the_first_is_told() -> None:
    assert 'character ":"' in complaint(sanitize_task_id, "a:\x01")
    assert "control characters" in complaint(sanitize_task_id, "\x01:")


@pytest.mark.acceptance(5, 6, 7, 8)
@both_kinds
@pytest.mark.parametrize(
    ("value", "rule"),
    [
        *((value, "leading dots are not allowed.") for value in (".", "..", ".git", "../x")),
        *((value, "slashes are not allowed.") for value in ("a/b", "a\\b", "/", "a/../b")),
        *((value, "trailing dots or spaces are not allowed.") for value in ("x.", "x ", " ")),
        *(
            (value, "Windows reserved device names are not allowed.")
            for value in ("con", "NUL.txt", "lpt1.log", "CONOUT$", "CON .txt", "com9")
        ),
    ],
)
def test_names_that_leave_their_folder_or_the_file_system_are_refused(
    sanitize: Sanitize, kind: str, value: str, rule: str
) -> None:
    assert complaint(sanitize, value) == f'Invalid {kind} ID "{value}": {rule}'


@pytest.mark.acceptance(8)
@pytest.mark.parametrize("value", ["COM10", "console", "com", "nul-1"])
def test_names_that_only_resemble_devices_are_accepted(value: str) -> None:
    assert sanitize_task_id(value) == value


def test_names_that_no_lock_file_could_carry_are_refused() -> None:
    assert sanitize_task_id("x" * MAX_ID_BYTES)
    assert "more than 200 bytes" in complaint(sanitize_task_id, "x" * (MAX_ID_BYTES + 1))
    assert "more than 200 bytes" in complaint(sanitize_task_id, "é" * (MAX_ID_BYTES // 2 + 1))


def test_bytes_that_are_no_text_are_refused() -> None:
    assert "not UTF-8" in complaint(sanitize_run_id, "run\udcff")


@given(st.text(min_size=1, max_size=40))
def test_what_is_accepted_is_one_part_of_a_path(value: str) -> None:
    try:
        accepted = sanitize_run_id(value)
    except InvalidIdentifier as error:
        assert str(error).startswith("Invalid run ID")
        return
    assert accepted == value
    assert not set(accepted) & set('/\\\0<>:"|?*')
    assert not accepted.startswith(".")


@pytest.mark.acceptance(11)
@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 2**32 - 1))
def test_a_new_run_id_tells_its_time(moment: datetime, number: int) -> None:
    run_id = new_run_id(moment, f"{number:08x}")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z-[0-9a-f]{8}", run_id)
    assert run_id_time(run_id) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@pytest.mark.parametrize(
    "run_id",
    [
        "2025-10-18T13-38-00Z",
        "demo-legacy",
        "2025-13-01T00-00-00-000Z-x",
        "",
        "٢٠٢٥-10-18T13-38-00-000Z",
    ],
)
def test_an_id_without_a_whole_time_has_none(run_id: str) -> None:
    assert run_id_time(run_id) is None


@pytest.mark.acceptance(12)
def test_runs_are_sorted_newest_first_and_the_timeless_by_text() -> None:
    older, newer = "2026-01-01T00-00-00-000Z-b", "2026-01-02T00-00-00-000Z-a"
    timeless = ["2025-10-18T13-38-00Z", "demo-legacy"]
    assert newest_first([older, *timeless, newer]) == [
        "demo-legacy",
        newer,
        older,
        "2025-10-18T13-38-00Z",
    ]


@pytest.mark.acceptance(13)
@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("  Ünï codé/../x  ", "n-cod-x"),
        ("***", "command"),
        ("x" * 120, "x" * 80),
        ("npm run lint", "npm-run-lint"),
        ("", "command"),
    ],
)
def test_slugs_are_those_of_the_node_original(text: str, slug: str) -> None:
    assert slugify(text) == slug


@pytest.mark.acceptance(13)
def test_stage_files_are_numbered_from_one_with_two_digits() -> None:
    assert stage_file_stem(1, "build") == "01-build"
    assert stage_file_stem(100, "lint it") == "100-lint-it"


def test_a_run_key_reads_as_task_and_run() -> None:
    key = RunKey("0202-x", "2026-11-22T07-27-21-083Z-4b6631bc")
    assert str(key) == "0202-x/2026-11-22T07-27-21-083Z-4b6631bc"
    assert key.short == "4b6631bc"
    assert RunKey("0202-x", "run-").short == "run-"
