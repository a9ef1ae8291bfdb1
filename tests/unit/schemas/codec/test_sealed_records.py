"""Applications sealed under a key of their own: read with it, and by nobody without it."""

from decimal import Decimal

import pytest

from schemas.codec.application_decoder import ApplicationReader
from schemas.codec.sealed_records import KEY_BYTES, is_sealed, open_values, seal
from schemas.codec.wire_format import NotFramedError, SealedError, UndecodableError, schema_ids
from schemas.errors import RecordError
from scorecard.decisions.reproduction import own_decision, recomputation_from_values, withholds_values
from scorecard.decisions.scoring import score_batch
from tests.builders import (
    APPLICATION_SCHEMA_ID,
    CONTRACT,
    WRITERS,
    a_batch,
    a_champion,
    a_wire,
    application_bytes,
)

KEY = bytes(range(KEY_BYTES))
PLAIN = application_bytes(application_id="a-1", person_income=Decimal("73913.37"))
SEALED_VALUE = seal(PLAIN, KEY, "a-1")


def keys(ids):
    return {"a-1": KEY} if "a-1" in ids else {}


def reasons(values, lookup=keys):
    return [each.reason if isinstance(each, RecordError) else each for each in open_values(values, lookup)]


def test_a_sealed_application_is_read_with_its_key_and_names_its_schema_without_it():
    assert open_values([SEALED_VALUE, PLAIN, None], keys) == [PLAIN, PLAIN, None]
    assert schema_ids([SEALED_VALUE]) == {APPLICATION_SCHEMA_ID}
    assert is_sealed(SEALED_VALUE)
    assert not is_sealed(PLAIN)


def test_equal_applications_are_sealed_to_other_bytes_none_of_which_is_the_plain_ones():
    other = seal(PLAIN, KEY, "a-1")

    assert other != SEALED_VALUE
    assert PLAIN[5:] not in SEALED_VALUE


def test_without_its_key_it_is_sealed_and_with_another_s_undecodable():
    assert reasons([SEALED_VALUE], lambda _: {}) == [SealedError.reason]
    assert reasons([SEALED_VALUE], lambda _: {"a-1": bytes(KEY_BYTES)}) == [UndecodableError.reason]


@pytest.mark.parametrize("place", range(len(SEALED_VALUE)))
def test_a_changed_byte_is_found_wherever_it_stands(place):
    changed = bytearray(SEALED_VALUE)
    changed[place] ^= 1

    [found] = open_values([bytes(changed)], keys)

    assert isinstance(found, RecordError) or found == bytes(changed)
    assert place == 0 or isinstance(found, RecordError), "but for the first byte it claims to be sealed"


@pytest.mark.parametrize("length", range(1, len(SEALED_VALUE)))
def test_what_is_cut_off_is_a_record_s_fault(length):
    [found] = open_values([SEALED_VALUE[:length]], keys)

    assert isinstance(found, RecordError)


def test_only_framed_bytes_can_be_sealed():
    with pytest.raises(NotFramedError):
        seal(b"{}", KEY, "a-1")


def test_a_batch_reads_sealed_and_plain_ones_and_names_the_rest():
    reader = ApplicationReader(CONTRACT, keys=keys)
    strange = seal(application_bytes(application_id="a-2"), KEY, "a-2")

    found = reader.read_batch(a_batch(SEALED_VALUE, PLAIN, strange, None), WRITERS)

    assert found.applications.ids == ["a-1", "a-1"]
    assert [(each.place, each.error.reason) for each in found.unreadable] == [(2, "sealed"), (3, "tombstone")]


def decisions(*values):
    wire = a_wire()
    reader = ApplicationReader(CONTRACT, keys=keys)
    champion = a_champion()
    codec = type(wire)(CONTRACT, reader, wire.writer, wire.dead_letters)
    scored = score_batch(a_batch(*values), WRITERS, champion, champion.scorecard.policy, codec)
    return [own_decision(each.value) for each in scored.decisions], champion, codec


def test_the_decision_on_a_sealed_application_has_all_but_its_values_and_no_flag_for_that():
    (hidden, shown), champion, codec = decisions(SEALED_VALUE, PLAIN)

    assert {item["value"] for item in hidden["contributions"]} == {None}
    assert 73913.37 in [item["value"] for item in shown["contributions"]]
    assert [item["contribution"] for item in hidden["contributions"]] == [
        item["contribution"] for item in shown["contributions"]
    ]
    assert [hidden[name] for name in ("probability", "outcome", "flags", "reasons")] == [
        shown[name] for name in ("probability", "outcome", "flags", "reasons")
    ]
    assert withholds_values(hidden)
    assert not withholds_values(shown)
    assert recomputation_from_values(hidden, champion, champion.scorecard.policy, codec) is None


def test_a_decision_s_id_is_of_the_sealed_bytes_so_nobody_can_guess_values_by_it():
    (first,), _, _ = decisions(SEALED_VALUE)
    (again,), _, _ = decisions(SEALED_VALUE)
    (other,), _, _ = decisions(seal(PLAIN, KEY, "a-1"))

    assert first["decision_id"] == again["decision_id"] != other["decision_id"]
