"""Times: what files hold, and what is nobody's time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator_tui.records.times import FIRST_YEAR, LAST_YEAR, format_time, parse_time

MOMENT = datetime(2025, 10, 18, 16, 21, 54, 804_000, tzinfo=UTC)


@pytest.mark.acceptance(112)
@pytest.mark.parametrize(
    "text",
    [
        "2025-10-18T16:21:54.804Z",
        "2025-10-18T16-21-54-804Z",
        "2025-10-18T18:21:54.804+02:00",
        " 2025-10-18T16:21:54.804Z\n",
        "2025-10-18T16:21:54.804",
    ],
)
def test_every_spelling_of_a_time_means_the_same(text: str) -> None:
    assert parse_time(text) == MOMENT


def test_times_without_milliseconds_are_read_too() -> None:
    assert parse_time("2025-10-18T13-37-27Z") == datetime(2025, 10, 18, 13, 37, 27, tzinfo=UTC)
    assert parse_time("20251125T220723Z") == datetime(2025, 11, 25, 22, 7, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        None,
        0,
        True,
        "",
        "now",
        "2025-10-18T16:21:60Z",
        "2025-02-30T00:00:00Z",
        "2025-10-18T16:21:54+99:00",
        "0001-01-01T00:00:00+23:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999Z",
        "99999-01-01T00:00:00Z",
        "2025-10-18T16:21:54.804Z" * 9,
        "٢٠٢٥-10-18T13-38-00Z",
        "\ud800" * 10,
    ],
)
def test_what_is_no_time_is_none(value: object) -> None:
    assert parse_time(value) is None


@given(st.text(max_size=50) | st.from_regex(r"[0-9TZ:+.-]{8,40}", fullmatch=True))
def test_parsing_never_raises(text: str) -> None:
    moment = parse_time(text)
    assert moment is None or moment.tzinfo is UTC


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda at: FIRST_YEAR <= at.year <= LAST_YEAR))
def test_a_written_time_is_read_back_to_the_millisecond(moment: datetime) -> None:
    text = format_time(moment)
    assert len(text) == len("2025-10-18T16:21:54.804Z")
    assert parse_time(text) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@pytest.mark.parametrize("zone", [timedelta(hours=-23), timedelta(hours=23)])
@given(st.text(max_size=3) | st.from_regex(r"(000[1-3]|999[7-9])-(01-01|12-31)", fullmatch=True))
def test_what_is_a_time_is_one_in_every_zone_and_has_room_around_it(
    zone: timedelta, day: str
) -> None:
    moment = parse_time(f"{day}T12:00:00Z")
    if moment is not None:
        assert moment.astimezone(timezone(zone)) - timedelta(days=1) < moment
        assert moment + timedelta(days=1) > moment


def test_times_of_other_zones_are_written_in_utc() -> None:
    east = MOMENT.astimezone(timezone(timedelta(hours=9)))
    assert format_time(east) == "2025-10-18T16:21:54.804Z"
