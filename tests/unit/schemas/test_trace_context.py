"""Which trace a record belongs to, as W3C Trace Context has it."""

import pytest

from schemas.trace_context import is_sampled, sampled_places, trace_id, traceparent_of

SAMPLED = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = SAMPLED[:-2] + b"00"


def test_a_well_formed_parent_is_the_trace() -> None:
    assert traceparent_of((("a", b"1"), ("traceparent", SAMPLED))) == SAMPLED
    assert trace_id(SAMPLED) == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("traceparent", None),),
        (("traceparent", b"ff" + SAMPLED[2:]),),
        (("traceparent", SAMPLED + b"-x"),),
        (("traceparent", b"00-" + b"0" * 32 + SAMPLED[35:]),),
        (("traceparent", SAMPLED), ("traceparent", UNSAMPLED)),
    ],
    ids=["none", "null", "version", "longer", "zero", "two"],
)
def test_anything_else_is_none(headers: tuple[tuple[str, bytes | None], ...]) -> None:
    assert traceparent_of(headers) is None


def test_the_last_bit_of_the_flags_says_sampled() -> None:
    assert [is_sampled(SAMPLED[:-2] + flags) for flags in (b"00", b"01", b"02", b"03")] == [False, True, False, True]


def test_sampled_records_are_found_in_order_up_to_a_bound() -> None:
    headers = [(("traceparent", each),) for each in (SAMPLED, UNSAMPLED, SAMPLED, SAMPLED)]

    assert sampled_places([(), *headers], most=2) == [(1, SAMPLED), (3, SAMPLED)]
