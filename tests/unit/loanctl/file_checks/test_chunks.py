"""How a file is cut into parts."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.windows.window_grid import Calendar
from loanctl.file_checks.chunks import ChunkError, ChunkRule, chunks
from schemas.tables.times import NO_TIME
from schemas.timestamps import millis_of, time_of

NOON = datetime(2026, 2, 27, 12, tzinfo=UTC)
UNTIMED = np.full(10, NO_TIME)


def hours(*after_noon: float) -> np.ndarray:
    return np.array([millis_of(NOON + timedelta(hours=each)) for each in after_noon])


@pytest.mark.parametrize(
    ("rule", "sizes"),
    [
        (ChunkRule(), [10]),
        (ChunkRule(chunks=3), [4, 3, 3]),
        (ChunkRule(rows=4), [4, 4, 2]),
        (ChunkRule(chunks=12), [1] * 10),
    ],
)
def test_a_file_is_cut_by_number_or_by_rows_in_its_order(rule, sizes):
    found = chunks(UNTIMED, rule)

    assert [len(each.rows) for each in found] == sizes
    assert np.concatenate([each.rows for each in found]).tolist() == list(range(10))
    assert (found[0].start, found[-1].end) == (0, 10)


def test_rows_with_times_are_cut_in_their_order():
    found = chunks(hours(3, 1, 2, 0), ChunkRule(chunks=2))

    assert [each.rows.tolist() for each in found] == [[3, 1], [2, 0]]
    assert time_of(found[1].start) == NOON + timedelta(hours=2)


@pytest.mark.parametrize(
    ("unit", "zone", "rows"),
    [
        (Calendar.DAY, "UTC", [[0, 1], [2], [3]]),
        (Calendar.DAY, "Asia/Tokyo", [[0], [1, 2], [3]]),
        (Calendar.WEEK, "UTC", [[0, 1, 2, 3]]),
        (Calendar.MONTH, "UTC", [[0, 1, 2], [3]]),
    ],
)
def test_a_file_is_cut_by_the_calendar_of_a_time_zone(unit, zone, rows):
    # Friday, Friday evening, Saturday and Sunday, the first of March.
    found = chunks(hours(0, 6, 20, 40), ChunkRule(calendar=unit, time_zone=zone))

    assert [each.rows.tolist() for each in found] == rows


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=50), st.sampled_from([*Calendar]), st.integers(0, 9))
def test_each_row_is_in_one_part(times, unit, rows):
    rule = ChunkRule(calendar=unit) if unit else ChunkRule(rows=rows)

    found = chunks(np.array(times), rule)

    assert sorted(np.concatenate([each.rows for each in found]).tolist()) == list(range(len(times)))
    assert all(each.start <= times[row] < each.end for each in found for row in each.rows.tolist())


def test_what_cannot_be_cut_is_refused():
    with pytest.raises(ChunkError, match="--time-column"):
        chunks(UNTIMED, ChunkRule(calendar=Calendar.DAY))
    with pytest.raises(ChunkError, match="name one of them"):
        ChunkRule(chunks=2, rows=3)
