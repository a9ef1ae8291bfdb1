"""The room Overrides, over a ledger of reviews counted by hand."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.query.override_breakdown import ALONE, PAIR, OverrideCount, override_breakdown
from schemas.events.decisions import Outcome
from tests.decisions import a_decision
from tests.doubles.gateway import a_gateway
from tests.ledger_records import a_review, decide, review
from tests.unit.gateway.calls import client_of
from tests.unit.gateway.ledgers import CaseLedger

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> CaseLedger:
    return CaseLedger(tmp_path)


def add_reviews(ledger: CaseLedger, *reviews: tuple[str, float, Outcome, dict[str, Any]]) -> None:
    """Each application with its probability, and its review; cut-offs are .2 and .6, in the middle .4."""
    decide(ledger.database, *(a_decision(name, probability) for name, probability, *_ in reviews))
    review(
        ledger.database,
        *(a_review(name, outcome, **{"reviewed_at": MONDAY, **more}) for name, _, outcome, more in reviews),
    )


def test_overrides_are_counted_by_week_reason_officer_and_number_of_officers(ledger: CaseLedger) -> None:
    add_reviews(
        ledger,
        ("with-score", 0.3, Outcome.APPROVE, {"reviewer": "ann", "reason_codes": ("R1",)}),
        ("against-score", 0.3, Outcome.DECLINE, {"reviewer": "ann", "reason_codes": ("R1", "R2")}),
        ("against-decline", 0.9, Outcome.APPROVE, {"reviewer": "bob", "second_reviewer": "ann"}),
        ("sunday-before", 0.5, Outcome.DECLINE, {"reviewer": "bob", "reviewed_at": MONDAY - timedelta(days=1)}),
        ("long-ago", 0.9, Outcome.APPROVE, {"reviewed_at": MONDAY - timedelta(days=60)}),
    )

    with ledger.database.read_transaction() as connection:
        found = override_breakdown(connection, MONDAY - timedelta(days=30))

    assert found.total == OverrideCount("all", 4, 2)
    assert found.weeks == [OverrideCount("2026-03-02", 3, 2), OverrideCount("2026-02-23", 1, 0)]
    assert found.reasons == [OverrideCount("R1", 2, 1), OverrideCount("R2", 1, 1)]
    assert found.officers == [OverrideCount("ann", 2, 1), OverrideCount("bob", 2, 1)]
    assert found.pairs == [OverrideCount(ALONE, 3, 1), OverrideCount(PAIR, 1, 1)]


@pytest.mark.parametrize(("reviews", "rate"), [(9, None), (10, 0.1)])
def test_of_fewer_than_ten_reviews_no_rate_is_given(reviews: int, rate: float | None) -> None:
    assert OverrideCount("ann", reviews, 1).rate == rate


async def test_the_room_shows_the_counts_and_a_ledger_without_reviews_says_so(ledger: CaseLedger) -> None:
    double = a_gateway(ledger=ledger.lookup)
    async with client_of(double.app) as client:
        empty = await client.get("/desk/overrides")
        now = {"reviewed_at": datetime.now(UTC), "reviewer": "<b>ann"}
        add_reviews(ledger, *((f"a-{place}", 0.3, Outcome.DECLINE, now) for place in range(10)))
        full = await client.get("/desk/overrides?weeks=4")

    assert "No case was reviewed in these weeks." in empty.text
    assert "10</data> of" in full.text
    assert "&lt;b&gt;ann" in full.text
    assert "<b>ann" not in full.text


async def test_the_room_needs_a_ledger() -> None:
    async with client_of(a_gateway().app) as client:
        assert (await client.get("/desk/overrides")).status_code == 503
