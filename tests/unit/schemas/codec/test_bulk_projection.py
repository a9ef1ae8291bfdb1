"""Events read in bulk and one by one come to the same, whatever the bytes and the writer."""

from dataclasses import replace
from typing import Any, Final

import fastavro
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec.bulk_projection import BulkProjection, EventColumns
from schemas.codec.event_codec import as_record, avro_schema
from schemas.codec.projection import Projection, millis
from schemas.codec.wire_format import frame
from schemas.events.decisions import Contribution, DataFlag, FlagKind, LoanDecision, LoanOutcome, Outcome, Reason
from tests.decisions import APPLIED_AT, a_decision

OURS, MORE, OTHER, OUTCOMES = 7, 8, 9, 10
DECISION: Final = avro_schema(LoanDecision)
EXTRA: Final = {"name": "extra", "type": {"type": "map", "values": {"type": "array", "items": ["null", "float"]}}}
AS_FLOAT: Final = [
    {**field, "type": ["null", "float"]} if field["name"] == "probability" else field for field in DECISION["fields"]
]
WRITERS: Final[dict[int, Any]] = {
    OURS: fastavro.parse_schema(dict(DECISION)),
    MORE: fastavro.parse_schema({**DECISION, "fields": [EXTRA, *reversed(DECISION["fields"])]}),
    OTHER: fastavro.parse_schema({**DECISION, "fields": AS_FLOAT}),
    OUTCOMES: fastavro.parse_schema(dict(avro_schema(LoanOutcome))),
}
FIELDS: Final = (
    "application_id",
    "applied_at",
    "outcome",
    "probability",
    "scorecard_version",
    "source_offset",
    "fault",
)
BULK: Final = BulkProjection(LoanDecision, FIELDS)
ONE_BY_ONE: Final = Projection(LoanDecision, FIELDS)

texts = st.text(max_size=5)
numbers = st.floats(allow_nan=False, width=32)
decisions = st.builds(
    lambda decision, **fields: replace(decision, **fields),
    st.builds(a_decision, texts, st.one_of(st.none(), numbers)),
    contributions=st.lists(
        st.builds(Contribution, feature=texts, value=st.none() | numbers | texts, contribution=numbers)
    ),
    reasons=st.lists(st.builds(Reason, code=texts, text=texts, features=st.lists(texts, max_size=3)), max_size=4),
    flags=st.lists(st.builds(DataFlag, feature=texts, kind=st.sampled_from(FlagKind)), max_size=3),
    outcome=st.sampled_from(Outcome),
    fault=st.none() | texts,
    source_offset=st.integers(-(2**63), 2**63 - 1),
)
extras = st.dictionaries(texts, st.lists(st.none() | numbers, max_size=3), max_size=2)


def rows(columns: EventColumns) -> list[dict[str, Any] | None]:
    symbols = [each.value for each in Outcome]
    return [
        {
            **{name: whole[row].item() for name, whole in columns.wholes.items()},
            **{name: repr(real[row].item()) for name, real in columns.reals.items()},
            **{name: text[row] for name, text in columns.texts.items()},
            "outcome": symbols[columns.wholes["outcome"][row]],
        }
        if readable
        else None
        for row, readable in enumerate(columns.readable.tolist())
    ]


def one_by_one(value: bytes | None) -> dict[str, Any] | None:
    record = ONE_BY_ONE.read(value, WRITERS)
    if record is None:
        return None
    probability = np.nan if record["probability"] is None else record["probability"]
    applied_at = millis(record["applied_at"])
    return {**record, "applied_at": applied_at, "probability": repr(probability), "fault": record["fault"] or ""}


def read_both(values: list[bytes | None]) -> list[dict[str, Any] | None]:
    found = rows(BULK.read(values, WRITERS))
    assert found == [one_by_one(value) for value in values]
    return found


@given(st.lists(decisions, max_size=3), extras)
@settings(deadline=None, max_examples=60)
def test_every_writer_is_read_as_one_by_one(made: list[LoanDecision], extra: dict[str, Any]) -> None:
    values: list[bytes | None] = [
        frame(schema_id, WRITERS[schema_id], {**as_record(each), "extra": extra})
        for each in made
        for schema_id in (OURS, MORE, OTHER)
    ]

    assert None not in read_both(values)


@given(decisions, extras, st.data())
@settings(deadline=None, max_examples=60)
def test_damaged_bytes_are_read_as_one_by_one(made: LoanDecision, extra: dict[str, Any], data: st.DataObject) -> None:
    whole = frame(MORE, WRITERS[MORE], {**as_record(made), "extra": extra})
    cut = data.draw(st.integers(0, len(whole)))
    place = data.draw(st.integers(5, len(whole) - 1))
    flipped = whole[:place] + bytes([data.draw(st.integers(0, 255))]) + whole[place + 1 :]

    read_both([whole[:cut], flipped, whole, whole + b"\0", None, b"", b"\0\0\0\0\x63x"])


def test_the_usual_bytes_need_no_second_reader() -> None:
    projection = BulkProjection(LoanOutcome, ("application_id", "defaulted", "observed_at"))
    ended = [LoanOutcome(application_id=f"a-{nth}", defaulted=nth == 1, observed_at=APPLIED_AT) for nth in range(3)]
    values = [frame(OUTCOMES, WRITERS[OUTCOMES], as_record(each)) for each in ended]
    projection._projection.read = None  # type: ignore[assignment, method-assign]  # calling it would raise

    found = projection.read(values, WRITERS)

    assert found.readable.all()
    assert found.texts["application_id"] == ["a-0", "a-1", "a-2"]
    assert found.wholes["defaulted"].tolist() == [0, 1, 0]
    assert found.wholes["observed_at"].tolist() == [millis(APPLIED_AT)] * 3
