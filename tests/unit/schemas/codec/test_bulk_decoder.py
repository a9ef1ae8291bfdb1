import copy
import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import fastavro
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.applications import Applications
from schemas.codec import bulk_decoder
from schemas.codec.application_decoder import ApplicationReader
from schemas.codec.application_plan import plan_of
from schemas.codec.wire_format import frame
from tests.builders import APPLICATION_SCHEMA_ID, CONTRACT, PARSED, WRITERS, OneByOne, an_application, application_bytes

PROGRAM = plan_of(CONTRACT, PARSED).program


def texts() -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(["RENT", "OWN", "MEDICAL", "Y", "N"]), st.text(max_size=8))


def optional(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(st.none(), strategy)


records = st.fixed_dictionaries(
    {
        "application_id": st.text(max_size=12),
        "applied_at": st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)).map(  # noqa: DTZ001 - made aware here
            lambda at: at.replace(microsecond=0, tzinfo=UTC)
        ),
        "person_age": optional(st.integers(-(2**31), 2**31 - 1)),
        "person_income": st.decimals(-(10**9), 10**9, places=2),
        "person_home_ownership": texts(),
        "person_emp_length": optional(st.floats()),
        "loan_intent": texts(),
        "loan_grade": optional(texts()),
        "loan_amnt": st.decimals(-(10**9), 10**9, places=2),
        "loan_int_rate": optional(st.floats()),
        "loan_percent_income": optional(st.floats()),
        "cb_person_default_on_file": texts(),
        "cb_person_cred_hist_length": st.integers(-(2**31), 2**31 - 1),
    }
)


def both(values: list[bytes | None]) -> None:
    """The bulk reader and the other must agree on all there is."""
    bulk, single = (kind(CONTRACT).read(values, WRITERS) for kind in (ApplicationReader, OneByOne))
    same(bulk.applications, single.applications)
    assert bulk.places.tolist() == single.places.tolist()
    assert bulk.schema_ids.tolist() == single.schema_ids.tolist()
    faults = [[(item.place, item.error.reason) for item in read.unreadable] for read in (bulk, single)]
    assert faults[0] == faults[1]


def same(one: Applications, other: Applications) -> None:
    assert list(one.ids) == list(other.ids)
    assert one.applied_at.tolist() == other.applied_at.tolist()
    np.testing.assert_array_equal(one.values, other.values)


def test_a_usual_application_is_read_in_bulk():
    flat_rows = bulk_decoder.decode(PROGRAM, [application_bytes(), application_bytes(loan_grade="C")])

    assert flat_rows.done.all()
    assert list(flat_rows.ids) == ["a-1", "a-1"]


@settings(max_examples=60, deadline=None)
@given(st.lists(records, min_size=1, max_size=4))
def test_any_application_is_read_the_same_in_bulk_and_one_by_one(some):
    both([frame(APPLICATION_SCHEMA_ID, PARSED, record) for record in some])


@settings(max_examples=150, deadline=None)
@given(records, st.data())
def test_damaged_bytes_are_judged_the_same_in_bulk_and_one_by_one(record, data):
    value = bytearray(frame(APPLICATION_SCHEMA_ID, PARSED, record))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(5, len(value) - 1))
        value[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(5, len(value)))

    both([bytes(value), bytes(value[:cut]), bytes(value) + b"\x00"])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_rubbish_is_judged_the_same_in_bulk_and_one_by_one(body):
    both([b"\x00\x00\x00\x00\x07" + body])


def test_fields_of_the_writer_in_another_order_are_found_by_name():
    schema = copy.deepcopy(json.loads(json.dumps(CONTRACT.schema)))
    schema["fields"].reverse()
    writer = fastavro.parse_schema(schema)
    program = plan_of(CONTRACT, writer).program
    out = io.BytesIO()
    fastavro.schemaless_writer(out, writer, an_application(loan_amnt=Decimal("777.00")))

    rows = bulk_decoder.decode(program, [b"\x00\x00\x00\x00\x08" + out.getvalue()])

    assert rows.done.all()
    assert rows.values[0, CONTRACT.position["loan_amnt"]] == 777.0


@pytest.mark.parametrize("amount", [Decimal("0.01"), Decimal("9999999999.99"), Decimal("-1.10"), Decimal("0.07")])
def test_money_is_the_nearest_double(amount):
    rows = bulk_decoder.decode(PROGRAM, [application_bytes(loan_amnt=amount)])

    assert rows.values[0, CONTRACT.position["loan_amnt"]] == float(amount)
