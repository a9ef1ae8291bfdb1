"""A letter read again says what its office wrote, and nothing that a stranger wrote in its place."""

import inspect

import numpy as np
import pytest

from schemas.applications import Fault, faults
from schemas.codec import record_limits, wire_format
from schemas.codec.application_decoder import ApplicationReader
from schemas.errors import RecordError
from schemas.records import OutgoingRecord, RecordBatch
from scorecard.decisions.dead_letter_office import DeadLetterOffice
from scorecard.decisions.dead_letter_parser import Letter, OriginalRecord, letter_of
from scorecard.decisions.dead_letter_reasons import REASON_TEXTS, UNKNOWN
from tests.builders import CONTRACT, WRITERS, a_batch, application_bytes

OFFICE = DeadLetterOffice("loan.applications.v1.dlq", CONTRACT)
TOPIC = "loan.applications.v1"


def reread(letters: list[OutgoingRecord]) -> list[Letter]:
    """As they lie on the dead-letter topic."""
    batch = a_batch(
        *(letter.value for letter in letters),
        first_offset=100,
        topic=OFFICE.topic,
        keys=[letter.key for letter in letters],
        headers=[letter.headers for letter in letters],
    )
    return [letter_of(batch, place, TOPIC) for place in range(len(batch))]


def letters_on(batch: RecordBatch, office: DeadLetterOffice = OFFICE) -> list[Letter]:
    decoded = ApplicationReader(CONTRACT).read_batch(batch, WRITERS)
    found = faults(CONTRACT, decoded.applications.values)
    return reread(list(office.letters(batch, decoded, found, np.flatnonzero(found.codes != Fault.NONE))))


def test_a_letter_gives_its_record_back_as_it_came() -> None:
    headers = (("a", b"1"), ("a", b"2"), ("traceparent", b"00-1-2-01"), ("none", None))
    batch = a_batch(
        b"rubbish", application_bytes(cb_person_cred_hist_length=200), first_offset=41, headers=[headers, headers]
    )

    unread, unscorable = letters_on(batch)

    assert (unread.reason, unread.source, unread.place) == ("not_framed", (0, 41), (0, 100))
    assert unread.carried == OriginalRecord(b"k-0", b"rubbish", headers)
    assert (unscorable.reason, unscorable.field, unscorable.source) == (
        "out_of_range",
        "cb_person_cred_hist_length",
        (0, 42),
    )
    assert unscorable.carried == OriginalRecord(b"k-1", batch.values[1], headers)
    assert unread.left | unscorable.left == frozenset()


def test_a_letter_without_its_bytes_says_so_and_a_tombstone_has_none_to_miss() -> None:
    batch = a_batch(b"rubbish", None)

    without, tombstone = letters_on(batch, DeadLetterOffice(OFFICE.topic, CONTRACT, keep_bytes=False))
    bare, _ = letters_on(batch, OFFICE.bare())

    assert without.left == {"value"}
    assert (tombstone.reason, tombstone.left) == ("tombstone", frozenset())
    assert bare.left == {"key", "value"}


def test_another_record_at_the_same_place_is_told_apart() -> None:
    [letter] = letters_on(a_batch(b"rubbish"), DeadLetterOffice(OFFICE.topic, CONTRACT, keep_bytes=False))
    [bare] = letters_on(a_batch(b"rubbish"), OFFICE.bare())

    assert letter.is_of(OriginalRecord(b"k-0", b"anything"), letter.timestamp)
    assert not letter.is_of(OriginalRecord(b"k-1", b"anything"), letter.timestamp)
    assert bare.is_of(OriginalRecord(b"k-1", b"anything"), bare.timestamp)
    assert not bare.is_of(OriginalRecord(b"k-0", b"anything"), bare.timestamp + 1)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("reason", b"Jane Doe, 41"), ("__connect.errors.topic", TOPIC.encode()), ("__connect.errors.offset", b"1")),
        (("reason", b"undecodable"), ("__connect.errors.topic", b"elsewhere")),
        (("reason", b"undecodable"), ("__connect.errors.topic", TOPIC.encode()), ("__connect.errors.offset", b"-1")),
    ],
)
def test_a_letter_of_a_strangers_names_no_record_of_ours(headers: tuple[tuple[str, bytes], ...]) -> None:
    [letter] = reread([OutgoingRecord(OFFICE.topic, b"k", b"v", headers)])

    assert letter.source is None
    assert letter.reason in {UNKNOWN, "undecodable"}


def test_every_reason_of_an_applications_letter_has_its_text() -> None:
    errors = [
        each
        for module in (wire_format, record_limits)
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, RecordError) and each is not RecordError
    ]
    words = {each.reason for each in errors} | {fault.reason for fault in Fault if fault is not Fault.NONE}

    assert words | {UNKNOWN} == set(REASON_TEXTS)
    assert all(text.meaning and text.remedy for text in REASON_TEXTS.values())
