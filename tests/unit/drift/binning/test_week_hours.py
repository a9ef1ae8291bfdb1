"""Hours of the week, as people write them and as windows touch them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.binning.week_hours import HOUR_MS, HOURS_A_WEEK, hour_shares, hours_between, parse
from schemas.timestamps import millis_of

MONDAY = datetime(2026, 3, 2)  # noqa: DTZ001 - of a zone in each test


def clock(hours: float, zone: str) -> int:
    return millis_of((MONDAY + timedelta(hours=hours)).replace(tzinfo=ZoneInfo(zone)))


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("", set()),
        ("Sun", set(range(144, 168))),
        ("Mon 0-2, Tue 23:00-24:00", {0, 1, 47}),
        ("Sun 22-2", {166, 167, 0, 1}),
        ("Sat-Mon 8-9", {128, 152, 8}),
        ("22-6", {day * 24 + hour for day in range(7) for hour in (22, 23, 0, 1, 2, 3, 4, 5)}),
    ],
)
def test_hours_are_read_as_people_write_them(text, hours):
    assert parse(text) == hours


@pytest.mark.parametrize("text", ["nights", "25-3", "-Tue", "Mon-", "22"])
def test_what_names_no_hours_is_refused(text):
    with pytest.raises(ValueError, match="names no hours of the week"):
        parse(text)


def test_a_window_touches_each_hour_that_it_has_a_part_of():
    assert hours_between(clock(9.5, "Europe/Berlin"), clock(11, "Europe/Berlin"), "Europe/Berlin") == {9, 10}
    # India is half an hour off the grid of the hours of UTC.
    assert hours_between(clock(9, "UTC"), clock(10, "UTC"), "Asia/Kolkata") == {14, 15}


@pytest.mark.parametrize("zone", ["Australia/Lord_Howe", "Europe/Berlin", "Asia/Kolkata"])
def test_hours_are_those_of_the_shares_where_a_clock_moves_too(zone):
    """Lord Howe Island moves its clocks by half an hour: on 2026-04-05 at 2 o'clock, to half past one."""
    moved = int(datetime(2026, 4, 4, 15, tzinfo=UTC).timestamp() * 1_000)

    for begin in range(moved - 6 * HOUR_MS, moved + 6 * HOUR_MS, HOUR_MS // 4):
        for length in (HOUR_MS // 4, HOUR_MS, 5 * HOUR_MS // 2):
            shares = list(hour_shares(begin, begin + length, zone))
            assert {hour for hour, _ in shares} == hours_between(begin, begin + length, zone)
            assert sum(share for _, share in shares) == pytest.approx(length / HOUR_MS)


def test_an_hour_that_a_clock_passes_in_half_is_touched():
    """On 2026-10-04 Lord Howe's clock goes from 2 to half past two: one from 1:45 has a part of it."""
    quarter_to_two = int(datetime(2026, 10, 3, 15, 15, tzinfo=UTC).timestamp() * 1_000)

    hours = hours_between(quarter_to_two, quarter_to_two + HOUR_MS, "Australia/Lord_Howe")

    assert hours == parse("Sun 1-4")


@given(st.integers(0, 10**12), st.integers(1, 20 * HOUR_MS))
def test_a_window_touches_as_many_hours_as_it_is_long_and_two_more_at_most(start, length):
    hours = len(hours_between(start, start + length, "UTC"))

    assert length / HOUR_MS <= hours <= length // HOUR_MS + 2


def test_a_week_touches_all():
    assert hours_between(0, HOURS_A_WEEK * HOUR_MS, "UTC") == set(range(HOURS_A_WEEK))
