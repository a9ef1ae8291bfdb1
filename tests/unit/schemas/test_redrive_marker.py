"""The marker of a redriven record names its letter, stands once, and makes no record too large."""

import pytest

from schemas.codec.record_limits import RecordLimits
from schemas.redrive_marker import MOST_BYTES, REDRIVEN_FROM, marker_place, with_marker
from tests.builders import a_batch

TOPIC = "loan.applications.v1.dlq"


def test_a_marker_names_the_letter_and_replaces_the_one_before() -> None:
    theirs = (("a", b"1"), ("a", None), ("traceparent", b"00-1"))

    once = with_marker(theirs, TOPIC, (3, 41))
    twice = with_marker(once, TOPIC, (0, 7))

    assert once[:3] == theirs
    assert (marker_place(once, TOPIC), marker_place(twice, TOPIC)) == ((3, 41), (0, 7))
    assert [name for name, _ in twice].count(REDRIVEN_FROM) == 1


@pytest.mark.parametrize(
    "value", [b"", None, b"other-0-1", f"{TOPIC}-0-".encode(), b"\xff-0-1", f"{TOPIC}-a-1".encode()]
)
def test_what_names_no_letter_of_the_topic_is_no_marker(value: bytes | None) -> None:
    assert marker_place(((REDRIVEN_FROM, value),), TOPIC) is None


def test_a_record_at_the_bound_fits_again_with_its_marker() -> None:
    limits = RecordLimits(value_bytes=1_024, header_bytes=256)
    full = (("name", b"x" * 252),)
    longest = with_marker(full, "t" * 249, (2**31, 2**63 - 1))

    assert limits.oversized_rows(a_batch(b"", headers=[longest])) == []


def test_a_forged_marker_hides_no_more_than_a_true_one_takes() -> None:
    limits = RecordLimits(value_bytes=1_024, header_bytes=256)
    allowed = (REDRIVEN_FROM, b"x" * (256 + MOST_BYTES - len(REDRIVEN_FROM)))
    forged = (REDRIVEN_FROM, b"x" * (257 + MOST_BYTES - len(REDRIVEN_FROM)))

    assert limits.oversized_rows(a_batch(b"", b"", headers=[(allowed,), (forged,)])) == [1]
