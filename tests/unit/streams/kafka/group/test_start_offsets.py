"""Where reading begins, and in which order batches may be committed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from streams.kafka.group.offset_metrics import OffsetMetrics
from streams.kafka.group.start_offsets import CommitOrder, Extent, OffsetLoss, start_of

PLACE = ("in", 0)


@pytest.mark.parametrize(
    ("committed", "low", "high", "worked_before", "offset", "loss", "records"),
    [
        (7, 0, 9, False, 7, None, 0),
        (9, 0, 9, False, 9, None, 0),
        (0, 0, 0, False, 0, None, 0),
        (None, 0, 9, False, 0, None, 0),
        (None, 4, 9, False, 4, None, 0),
        (10, 50, 60, False, 50, OffsetLoss.RETENTION, 40),
        (60, 0, 40, False, 0, OffsetLoss.TRUNCATION, 40),
        (None, 2, 9, True, 2, OffsetLoss.EXPIRY, 7),
    ],
)
def test_reading_begins_where_no_record_that_still_exists_is_passed_over(
    committed, low, high, worked_before, offset, loss, records
):
    start = start_of(PLACE, Extent(committed=committed, low=low, high=high), worked_before=worked_before)

    assert (start.offset, start.loss, start.records) == (offset, loss, records)


def test_a_new_group_may_begin_at_the_end():
    extent = Extent(committed=None, low=2, high=9)

    assert start_of(PLACE, extent, worked_before=False, from_beginning=False).offset == 9


def test_metadata_stands_only_where_reading_begins_at_its_offset():
    kept = Extent(committed=7, low=0, high=9, metadata="m")
    lost = Extent(committed=7, low=8, high=9, metadata="m")

    assert start_of(PLACE, kept, worked_before=False).metadata == "m"
    assert start_of(PLACE, lost, worked_before=False).metadata == ""


@given(st.none() | st.integers(0, 100), st.integers(0, 100), st.integers(0, 100), st.booleans())
def test_reading_begins_inside_the_log_and_never_behind_what_was_committed(committed, low, length, worked):
    extent = Extent(committed=committed, low=low, high=low + length)
    start = start_of(PLACE, extent, worked_before=worked)

    assert low <= start.offset <= low + length
    assert committed is None or start.offset <= max(committed, low)
    assert (start.loss is None) == (start.offset == committed or (committed is None and not worked))


def test_losses_are_counted_by_cause_from_nought():
    registry = CollectorRegistry()
    metrics = OffsetMetrics(registry)
    before = [registry.get_sample_value("loan_offset_losses_total", {"cause": cause}) for cause in OffsetLoss]

    metrics.count(start_of(PLACE, Extent(committed=10, low=50, high=60), worked_before=False))
    metrics.count(start_of(PLACE, Extent(committed=55, low=50, high=60), worked_before=False))

    assert before == [0, 0, 0]
    assert registry.get_sample_value("loan_offset_losses_total", {"cause": "retention"}) == 1
    assert registry.get_sample_value("loan_offset_loss_records_total", {"cause": "retention"}) == 40


def test_a_commit_must_begin_where_the_one_before_it_ended():
    order = CommitOrder()
    order.begin({("in", 0): 5, ("in", 1): 0})

    assert order.follows("in", {0: 5})
    assert not order.follows("in", {0: 9})
    order.advance("in", {0: 9})
    # Offset 9 is the marker of a transaction: the next batch was read from there, and its first record is at 10.
    assert order.follows("in", {0: 9, 1: 0})
    assert not order.follows("in", {0: 10})
    assert not order.follows("in", {2: 0}), "a partition that is not ours"
