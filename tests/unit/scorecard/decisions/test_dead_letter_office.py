from collections import Counter

import numpy as np
import pytest

from schemas.applications import faults
from schemas.codec.application_decoder import ApplicationReader
from schemas.codec.record_limits import RecordLimits
from schemas.records import OutgoingRecord, RecordBatch
from scorecard.decisions.dead_letter_office import CONNECT, LEFT, OWN, DeadLetterOffice
from tests.builders import CONTRACT, WRITERS, a_batch, application_bytes

LIMITS = RecordLimits(value_bytes=1_024, header_bytes=256)
NONE = np.array([], dtype=np.int64)


def a_letter(batch: RecordBatch, office: DeadLetterOffice | None = None) -> OutgoingRecord:
    """The only letter that a batch leads to."""
    office = office or DeadLetterOffice("dlq", CONTRACT, limits=LIMITS)
    decoded = ApplicationReader(CONTRACT, LIMITS).read_batch(batch, WRITERS)
    [letter] = office.letters(batch, decoded, faults(CONTRACT, decoded.applications.values), NONE)
    return letter


def headers_of(letter: OutgoingRecord) -> dict[str, bytes | None]:
    assert max(Counter(name for name, _ in letter.headers).values()) == 1
    return dict(letter.headers)


@pytest.mark.parametrize(
    ("columns", "left"),
    [
        ({}, "value"),
        ({"headers": [(("reasonable", b"x" * 300),)]}, "headers"),
        ({"headers": [(("reason", b"x" * 300),)]}, ""),
        ({"headers": [(("traceparent", b"x" * 300),)]}, "headers"),
        ({"headers": [tuple((f"h{place}", b"x" * 20) for place in range(20))]}, "headers"),
        ({"keys": [b"k" * 257]}, "key"),
    ],
)
def test_an_oversized_record_is_a_letter_that_says_where_it_lies_and_what_it_left_there(columns, left):
    value = b"x" * 1_025 if left == "value" else application_bytes()

    letter = a_letter(a_batch(value, first_offset=41, **columns))

    facts = headers_of(letter)
    assert facts["reason"] == b"oversized"
    assert (facts[CONNECT + "topic"], facts[CONNECT + "partition"]) == (b"loan.applications.v1", b"0")
    assert facts[CONNECT + "offset"] == b"41"
    assert {part for part, name in LEFT.items() if name in facts} == ({left} if left else set())
    assert letter.value == (None if left == "value" else value)
    assert sum(len(name) + len(value or b"") for name, value in letter.headers) < 1_024


def test_a_record_at_the_limits_is_read():
    value = application_bytes()
    limits = RecordLimits(value_bytes=len(value), header_bytes=8)

    decoded = ApplicationReader(CONTRACT, limits).read_batch(
        a_batch(value, keys=[b"k" * 8], headers=[(("name", b"four"),)]), WRITERS
    )

    assert decoded.applications.ids == ["a-1"]


def test_headers_of_ours_stand_once_and_the_producers_of_the_same_names_are_dropped():
    forged = tuple((name, b"forged") for name in sorted(OWN))
    batch = a_batch(b"rubbish", headers=[(*forged[:12], ("traceparent", b"as it came"))])

    letter = a_letter(batch, DeadLetterOffice("dlq", CONTRACT))

    assert b"forged" not in headers_of(letter).values()
    assert headers_of(letter)["traceparent"] == b"as it came"
    assert headers_of(letter).keys() - {"traceparent"} <= OWN


def test_a_bare_letter_carries_nothing_of_the_record():
    batch = a_batch(b"rubbish", headers=[(("theirs", b"x"),)])

    letter = a_letter(batch, DeadLetterOffice("dlq", CONTRACT).bare())

    assert (letter.key, letter.value) == (None, None)
    assert headers_of(letter).keys() == {name for name in OWN if name != "field"}


def test_a_small_record_goes_to_its_letter_as_it_came():
    letter = a_letter(a_batch(b"rubbish", headers=[(("theirs", None),)]))

    assert (letter.key, letter.value) == (b"k-0", b"rubbish")
    assert letter.headers[0] == ("theirs", None)
